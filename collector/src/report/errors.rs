//! How many failed, by the error's name: as many names as there can be, and no more than that.

use std::collections::BTreeMap;

use crate::text;

/// Different errors that are told apart.
const ERRORS_MAX: usize = 64;

#[derive(Clone, Default)]
pub(super) struct Errors(BTreeMap<String, u64>);

impl Errors {
    /// Counts what was returned, if it is an error.
    pub(super) fn push(&mut self, ret: i64) {
        let Some(error) = text::error_name(ret) else {
            return;
        };
        if let Some(times) = self.0.get_mut(error.as_ref()) {
            *times += 1;
        } else if self.0.len() < ERRORS_MAX {
            self.0.insert(error.into_owned(), 1);
        } else {
            *self.0.entry("others".to_owned()).or_insert(0) += 1;
        }
    }

    pub(super) fn finish(self) -> BTreeMap<String, u64> {
        self.0
    }
}
