//! The chain of wake-ups that ended a wait, in words.
//!
//! Nothing is said where there is no more than the wait's own end, which its row tells. Nothing here is escaped.

use serde_json::Value;

use super::Report;

/// `↳ woken by worker 4712 in write on eventfd (fd 9), itself woken: data on tcp …, from the network`
pub(super) fn chain(report: &Report, call: &Value) -> Option<String> {
    let links = call.get("why")?.get("chain")?.as_array()?;
    let (last, wakers) = links.split_last()?;
    if wakers.is_empty() {
        return None;
    }
    let mut text = "↳ woken".to_owned();
    for link in wakers {
        text += &format!(" {}, itself", by(report, link));
    }
    text += &match last.get("by") {
        Some(_) => format!(" {}", by(report, last)),
        None => format!(" woken: {}", word(last, "text")),
    };
    Some(text)
}

/// Who made a wake-up, and in which call.
fn by(report: &Report, link: &Value) -> String {
    let tid = link.get("by").and_then(Value::as_u64).unwrap_or(0);
    let mut threads = report.threads.iter();
    let thread = threads.find(|thread| u64::from(thread.tid) == tid);
    let name = thread.and_then(|thread| thread.name.as_deref());
    let mut words = format!("by {} {tid}", name.unwrap_or("thread"));
    if let Some(at) = link.get("woken_in") {
        words += &format!(" in {}", word(at, "call"));
        if let Some(name) = at.get("name").and_then(Value::as_str) {
            words += &format!(" on {name}");
        }
    }
    words
}

fn word<'a>(of: &'a Value, field: &str) -> &'a str {
    of.get(field).and_then(Value::as_str).unwrap_or("?")
}
