//! Conditions on which a flight recorder keeps what it has, and when one of them holds.
//!
//! Pure: it sees events and nothing else. Nothing grows with the trace but what [`Turns`] keeps, which are cut only if a
//! condition speaks of them.

use std::fmt;

use super::{CallKinds, Event, Turn, Turns};

const EAGAIN: i64 = -11;
const SECOND_NS: u64 = 1_000_000_000;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A turn of an event loop in which the work took longer.
    Turn(u64),
    /// A call that took longer, other than those that wait for readiness.
    Call(u64),
    /// A call of this name that took longer.
    Named(String, u64),
    /// What was read had been there for longer.
    ReadyDelay(u64),
    /// More calls in a second that found nothing (`EAGAIN`).
    Again(u64),
    /// A signal to waitscope itself, which whoever drains must tell of: `USR1` or `USR2`.
    Signal(u8),
    /// A wish that is made on the page, likewise.
    Page,
}

/// A condition, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What was written.
    pub text: String,
    /// What it means.
    pub condition: Condition,
}

/// How one is written.
const EXAMPLES: &str = "'turn > 50ms', 'call > 100ms', 'epoll_wait > 1s', 'ready_delay > 5ms', 'again > 1000/s', 'signal USR1' and 'page' are understood";

impl Rule {
    /// Understands what was written. `time` understands a time, in nanoseconds.
    ///
    /// # Errors
    /// Says what was not understood, and what would be.
    pub fn parse(text: &str, time: impl Fn(&str) -> Option<u64>) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("{what}: {EXAMPLES}"));
        let condition = if let Some(name) = text.trim().strip_prefix("signal ") {
            match name.trim() {
                "USR1" => Condition::Signal(1),
                "USR2" => Condition::Signal(2),
                other => {
                    return wrong(&format!(
                        "no signal {other:?} to waitscope can be a trigger"
                    ));
                }
            }
        } else if text.trim() == "page" {
            Condition::Page
        } else {
            let Some((what, limit)) = text.split_once('>') else {
                return wrong(&format!("there is no '>' in {text:?}"));
            };
            let (what, limit) = (what.trim(), limit.trim());
            if what == "again" {
                let count = limit
                    .strip_suffix("/s")
                    .and_then(|count| count.trim().parse().ok());
                match count {
                    Some(count) => Condition::Again(count),
                    None => return wrong(&format!("{limit:?} is not a number of calls a second")),
                }
            } else {
                let Some(nanos) = time(limit) else {
                    return wrong(&format!("{limit:?} is not a time"));
                };
                match what {
                    "turn" => Condition::Turn(nanos),
                    "call" => Condition::Call(nanos),
                    "ready_delay" => Condition::ReadyDelay(nanos),
                    name if is_call(name) => Condition::Named(name.to_owned(), nanos),
                    other => return wrong(&format!("{other:?} is no call")),
                }
            }
        };
        let text = text.trim().to_owned();
        Ok(Self { text, condition })
    }
}

/// Whether a call of any architecture has this name.
fn is_call(name: &str) -> bool {
    use super::{Arch, call_name};
    const NUMBERS: u32 = 1_024;
    [Arch::X86_64, Arch::Aarch64]
        .into_iter()
        .any(|arch| (0..NUMBERS).any(|nr| call_name(arch, nr) == name))
}

/// That a condition held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The condition, as it was written.
    pub rule: String,
    /// When what it speaks of was over.
    pub at_ns: u64,
    /// The thread, if it was one.
    pub tid: Option<u32>,
    /// The number that was too large: nanoseconds, or calls.
    pub number: Option<u64>,
}

impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = crate::text::nanos(self.at_ns);
        write!(f, "{} at {at}", self.rule)?;
        match self.number {
            Some(calls) if self.rule.starts_with("again") => write!(f, ": {calls} calls"),
            Some(nanos) => write!(f, ": {}", crate::text::nanos(nanos)),
            None => Ok(()),
        }
    }
}

/// Watches for conditions.
#[derive(Debug)]
pub struct Triggers {
    rules: Vec<Rule>,
    kinds: CallKinds,
    /// Only if a condition speaks of turns.
    turns: Option<Turns>,
    ended: Vec<Turn>,
    /// The second in which calls are counted that found nothing, and how many did.
    again: (u64, u64),
}

impl Triggers {
    /// For a trace with these calls.
    pub fn new(rules: Vec<Rule>, kinds: CallKinds) -> Self {
        let of_turns = |rule: &Rule| matches!(rule.condition, Condition::Turn(_));
        let turns = rules.iter().any(of_turns);
        Self {
            rules,
            turns: turns.then(|| Turns::new(kinds.clone())),
            kinds,
            ended: Vec::new(),
            again: (0, 0),
        }
    }

    /// Takes in what happened next, and says of the first condition that held by it.
    pub fn push(&mut self, event: &Event) -> Option<Fired> {
        if let Some(turns) = &mut self.turns {
            turns.push(event, &mut self.ended);
        }
        let turn = self.ended.drain(..).max_by_key(Turn::work_ns);
        let again = self.count(event);
        let rules = self.rules.iter();
        let mut fired = rules.filter_map(|rule| {
            let number = match (&rule.condition, event) {
                (Condition::Turn(limit), _) => {
                    let turn = turn.as_ref().filter(|turn| turn.ended)?;
                    above(turn.work_ns(), *limit)
                }
                (Condition::Call(limit), Event::Call(call)) => {
                    let waits = self.kinds.of(call.nr).is_readiness();
                    above(call.duration_ns(), *limit).filter(|_| !waits)
                }
                (Condition::Named(name, limit), Event::Call(call)) => {
                    above(call.duration_ns(), *limit).filter(|_| self.kinds.name(call.nr) == *name)
                }
                (Condition::ReadyDelay(limit), Event::Call(call)) => {
                    above(call.ready_delay_ns?, *limit)
                }
                (Condition::Again(limit), Event::Call(_)) => above(again?, *limit),
                _ => None,
            }?;
            let (tid, at_ns) = match event {
                Event::Call(call) => (Some(call.tid), call.end_ns),
                _ => (None, turn.as_ref()?.end_ns),
            };
            Some(Fired {
                rule: rule.text.clone(),
                at_ns,
                tid,
                number: Some(number),
            })
        });
        fired.next()
    }

    /// Somebody asks from outside of the trace, in this way.
    pub fn asked(&self, by: &Condition, at_ns: u64) -> Option<Fired> {
        let rule = self.rule(by)?;
        Some(Fired {
            rule: rule.text.clone(),
            at_ns,
            tid: None,
            number: None,
        })
    }

    /// The rule with this condition, if there is one.
    pub fn rule(&self, of: &Condition) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.condition == *of)
    }

    /// Calls that found nothing in this second so far, if this is one of them.
    fn count(&mut self, event: &Event) -> Option<u64> {
        let Event::Call(call) = event else {
            return None;
        };
        if call.ret != Some(EAGAIN) {
            return None;
        }
        let second = call.end_ns / SECOND_NS;
        if self.again.0 != second {
            self.again = (second, 0);
        }
        self.again.1 += 1;
        Some(self.again.1)
    }
}

fn above(number: u64, limit: u64) -> Option<u64> {
    (number > limit).then_some(number)
}
