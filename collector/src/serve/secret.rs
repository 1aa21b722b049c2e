//! The secret that a browser must know to see the page.
//!
//! It must never be printed but in the address of the page, and never be compared in a time that says
//! how much of it was right.

use std::{fmt::Write as _, hint::black_box};

use anyhow::{Context as _, Result};

/// Too many to guess.
const SECRET_BYTES: usize = 32;

/// Random, new for each server. Has no `Debug`, so that it is in no log.
pub(super) struct Secret(String);

impl Secret {
    /// From the operating system.
    pub(super) fn new() -> Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)
            .context("get a secret for the page from the operating system")?;
        Ok(Self(bytes.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })))
    }

    /// In hexadecimal.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is `guess`. Takes the same time wherever the first difference is.
    pub(super) fn is(&self, guess: &[u8]) -> bool {
        let secret = self.0.as_bytes();
        let differences = secret
            .iter()
            .zip(guess)
            .fold(0, |differences, (one, other)| {
                black_box(differences | (one ^ other))
            });
        // The length is no secret.
        secret.len() == guess.len() && differences == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = Secret::new().unwrap();
        let right = secret.reveal().to_owned();
        assert_eq!(right.len(), 64);
        assert!(secret.is(right.as_bytes()));
        assert!(!secret.is(b""));
        assert!(!secret.is(&right.as_bytes()[..63]));
        assert!(!secret.is(format!("{right}0").as_bytes()));
        for at in 0..64 {
            let mut wrong = right.clone().into_bytes();
            wrong[at] ^= 1;
            assert!(!secret.is(&wrong), "a secret wrong at {at} was taken");
        }
    }

    #[test]
    fn two_secrets_differ() {
        assert_ne!(
            Secret::new().unwrap().reveal(),
            Secret::new().unwrap().reveal()
        );
    }
}
