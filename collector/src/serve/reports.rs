//! The report of the whole trace: what `waitscope report --json` says, of a live trace so far.
//!
//! It must never be made more often than the page shows it, nor make anyone wait who drains the ring or answers others.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::extract::State;
use serde_json::{Value, json};

use super::{
    queries::{Answer, elsewhere, json_answer},
    shared::Shared,
};
use crate::{
    reading::Reading,
    report::{Growing, Report},
};

/// A report of a live trace stands for so long, whoever asks.
const FRESH: Duration = Duration::from_secs(1);
/// Threads in an answer, the busiest. The report's other lists have bounds of their own.
const THREADS_MAX: usize = 2_000;

/// Where reports come from. Clones are one.
#[derive(Clone)]
pub struct Reports(Arc<Source>);

enum Source {
    Live(Growing, Mutex<Option<Made>>),
    Recording(Arc<Reading<Report>>),
}

/// A report and when it was made.
struct Made(Instant, Value);

impl Reports {
    /// Of a trace that goes on.
    pub fn of_live(growing: Growing) -> Self {
        Self(Arc::new(Source::Live(growing, Mutex::new(None))))
    }

    /// Of a recording that somebody reads.
    pub fn of_recording(reading: Arc<Reading<Report>>) -> Self {
        Self(Arc::new(Source::Recording(reading)))
    }

    fn answer(&self) -> Value {
        match &*self.0 {
            Source::Live(growing, made) => {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(Made(_, answer)) = made.as_ref().filter(|made| made.0.elapsed() < FRESH)
                {
                    return answer.clone();
                }
                let answer = of_report(&growing.report());
                // From its end on, so that reports that take long are not made all the time.
                *made = Some(Made(Instant::now(), answer.clone()));
                answer
            }
            Source::Recording(reading) => of_reading(reading, "report", of_report),
        }
    }
}

/// What came of a reading, or in place of `what` null, how far it is or why it failed.
pub(super) fn of_reading<T>(
    reading: &Reading<T>,
    what: &str,
    of: impl FnOnce(&T) -> Value,
) -> Value {
    match reading.done() {
        Some(Ok(done)) => of(done),
        Some(Err(error)) => json!({ what: null, "reading": null, "failed": error }),
        None => {
            let (read, all) = reading.progress();
            let far = json!({ "read_bytes": read, "all_bytes": all });
            json!({ what: null, "reading": far, "failed": null })
        }
    }
}

fn of_report(report: &Report) -> Value {
    let more = report.threads.len().saturating_sub(THREADS_MAX);
    let mut report = serde_json::to_value(report).unwrap_or_default();
    if let Some(threads) = report.get_mut("threads").and_then(Value::as_array_mut) {
        threads.truncate(THREADS_MAX);
    }
    json!({ "report": report, "threads_more": more, "reading": null, "failed": null })
}

/// `GET /api/report`
pub(super) async fn report(State(shared): State<Arc<Shared>>) -> Answer {
    let reports = shared.reports.clone();
    json_answer(&elsewhere(&shared, move || reports.answer()).await?)
}
