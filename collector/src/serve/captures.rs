//! The captures of a flight recorder, as the page is told of them.
//!
//! It must never tell where a file is: only what it is called, and that it is where captures were asked for.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse as _};
use serde_json::{Value, json};

use super::{guard, queries::Answer, shared::Shared};
use crate::{
    model::{Condition, Fired},
    recording::{Capture, Flight, Flown},
};

/// Captures that are told, the latest.
const TOLD_MAX: usize = 100;

/// What there is by now. Clones are cheap.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Captures {
    told: Arc<Value>,
    heeds_page: bool,
}

impl Captures {
    /// Of what a flight recorder has done, and may be doing.
    pub(super) fn of(flight: &Flight) -> Self {
        let heeds_page = flight.heeds(&Condition::Page);
        Self {
            told: Arc::new(told(flight.flown(), flight.under_way(), heeds_page)),
            heeds_page,
        }
    }

    /// Of one that has ended.
    pub(super) fn ended(flown: &Flown) -> Self {
        Self {
            told: Arc::new(told(flown, None, false)),
            heeds_page: false,
        }
    }

    pub(super) fn json(&self) -> &Value {
        &self.told
    }

    /// Whether the page may ask for one.
    pub(super) fn heeds_page(&self) -> bool {
        self.heeds_page
    }
}

/// `POST /api/capture`
pub(super) async fn capture_now(State(shared): State<Arc<Shared>>) -> Answer {
    const NO: &str =
        "no flight recorder here heeds the page: start waitscope with --flight 30s --trigger page";
    Ok(match shared.wish() {
        true => StatusCode::ACCEPTED.into_response(),
        false => guard::said(StatusCode::CONFLICT, NO.to_owned()),
    })
}

fn told(flown: &Flown, under_way: Option<&Fired>, heeds_page: bool) -> Value {
    let more = flown.captures.len().saturating_sub(TOLD_MAX);
    let list: Vec<Value> = flown.captures.iter().skip(more).map(capture).collect();
    json!({
        "list": list,
        "more": more,
        "passed_over": flown.passed_over,
        "under_way": under_way.map(fired),
        "by_page": heeds_page,
    })
}

fn fired(fired: &Fired) -> Value {
    json!({ "trigger": fired.rule, "at_ns": fired.at_ns, "tid": fired.tid })
}

fn capture(capture: &Capture) -> Value {
    let (from_ns, to_ns) = capture.holds;
    let file = capture.path.file_name().unwrap_or_default();
    let mut told = fired(&capture.fired);
    told["file"] = file.to_string_lossy().into();
    told["bytes"] = capture.bytes.into();
    told["from_ns"] = from_ns.into();
    told["to_ns"] = to_ns.into();
    told["removed"] = capture.removed.into();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_told_by_name_and_how_many_there_are_before_them() {
        let one = |number: u64| Capture {
            path: format!("some/where/secret/a-{number}.waitscope").into(),
            fired: Fired {
                rule: "turn > 50ms".to_owned(),
                at_ns: number,
                tid: Some(7),
                number: Some(60_000_000),
            },
            bytes: 10,
            holds: (number / 2, number + 1),
            removed: number == 0,
        };
        let flown = Flown {
            captures: (0..TOLD_MAX as u64 + 2).map(one).collect(),
            passed_over: 4,
            shortest: None,
        };
        let told = told(&flown, None, false);
        assert_eq!(
            (&told["more"], &told["passed_over"], &told["under_way"]),
            (&2.into(), &4.into(), &Value::Null)
        );
        let list = told["list"].as_array().unwrap();
        assert_eq!(list.len(), TOLD_MAX);
        assert_eq!(
            list[0],
            json!({ "trigger": "turn > 50ms", "at_ns": 2, "tid": 7, "file": "a-2.waitscope", "bytes": 10,
                    "from_ns": 1, "to_ns": 3, "removed": false })
        );
        assert!(!told.to_string().contains("secret"), "{told}");
    }
}
