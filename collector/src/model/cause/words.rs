//! Why a wait ended, in words. Nothing here is escaped.

use super::{Cause, Why};
use crate::model::Descriptors;

impl Why {
    /// In words: `data on tcp 127.0.0.1:6379 ← 127.0.0.1:50312 (fd 8), from the network`. Unescaped.
    pub fn text(&self, known: &Descriptors) -> String {
        let on = self
            .descriptor
            .and_then(|id| known.label(id))
            .or_else(|| self.fd.map(|fd| format!("fd {fd}")));
        let (with, without) = match self.cause {
            Cause::NeverSlept => ("ready already:", "did not wait"),
            Cause::Data => ("data on", "data"),
            Cause::Accept => ("a connection to accept on", "a connection to accept"),
            Cause::Room => ("room to write on", "room to write"),
            Cause::Connected => ("an answer on", "an answer"),
            Cause::Eventfd => ("written:", "an eventfd was written"),
            Cause::Timer => ("expired:", "the time was over"),
            Cause::HangUp => ("a hang-up on", "a hang-up"),
            Cause::Completion => ("a finished operation of", "a finished operation"),
            Cause::Timeout => ("", "the longest time to wait was over"),
            Cause::Signal => ("", "a signal"),
            Cause::Child => ("", "a child"),
            Cause::Thread => ("", "another thread"),
            Cause::Interrupt => ("", "an interrupt"),
            Cause::Killed => ("", "the thread died"),
            Cause::Unknown => ("", "not known"),
        };
        let mut text = match on {
            Some(on) if !with.is_empty() => format!("{with} {on}"),
            _ => without.to_owned(),
        };
        if self.more > 0 && names_descriptor(self.cause) {
            text = format!("{text} and {} more", self.more);
        }
        match (self.by, self.cause) {
            (Some(by), Cause::Eventfd | Cause::Data | Cause::Child | Cause::Thread) => {
                text = format!("{text}, by thread {by}");
            }
            _ if self.network => text.push_str(", from the network"),
            _ => {}
        }
        text
    }

    /// The same in one or two words: `data, fd 8`, `thread 4712`.
    pub fn short(&self) -> String {
        let word = self.cause.word().replace('_', "-");
        match (self.cause, self.by, self.fd) {
            (Cause::Thread | Cause::Child | Cause::Eventfd, Some(by), _) => {
                format!("{word}, by {by}")
            }
            (cause, _, Some(fd)) if names_descriptor(cause) => format!("{word}, fd {fd}"),
            _ => word,
        }
    }
}

fn names_descriptor(cause: Cause) -> bool {
    !matches!(
        cause,
        Cause::Timeout
            | Cause::Signal
            | Cause::Child
            | Cause::Thread
            | Cause::Interrupt
            | Cause::Killed
            | Cause::Unknown
    )
}
