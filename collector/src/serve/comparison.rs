//! What changed from another recording to the one that is shown: what `waitscope diff --json` says.
//!
//! It must never be made but once, nor make anyone wait who asks for something else.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::{
    queries::{Answer, elsewhere, json_answer},
    reports::of_reading,
    shared::Shared,
};
use crate::{diff::Diff, reading::Reading};

/// A recording from before, beside the one that is shown. Clones are one.
#[derive(Clone)]
pub struct Comparison {
    /// What to call it, and the one that is shown.
    names: [String; 2],
    reading: Arc<Reading<Diff>>,
}

impl Comparison {
    /// Of two recordings that somebody reads: the one from before, and the one that is shown.
    pub fn new(before: &str, shown: &str, reading: Arc<Reading<Diff>>) -> Self {
        Self {
            names: [before, shown].map(str::to_owned),
            reading,
        }
    }
}

/// `GET /api/diff`
pub(super) async fn diff(State(shared): State<Arc<Shared>>) -> Answer {
    let comparison = shared.comparison.clone();
    let answer = elsewhere(&shared, move || told(comparison.as_ref())).await?;
    json_answer(&answer)
}

fn told(comparison: Option<&Comparison>) -> Value {
    let Some(Comparison { names, reading }) = comparison else {
        return json!({ "names": null, "diff": null, "reading": null, "failed": null });
    };
    let mut answer = of_reading(reading, "diff", |diff| {
        let diff = serde_json::to_value(diff).unwrap_or_default();
        json!({ "diff": diff, "reading": null, "failed": null })
    });
    answer["names"] = json!(names);
    answer
}
