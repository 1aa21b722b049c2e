//! How numbers and words are shown to people: on the terminal, and by name in exports.
//!
//! Text that came from the kernel or a file must pass [`escape`] on its way to a terminal.

use std::borrow::Cow;
use std::fmt::Write;

use nix::errno::Errno;

/// What a terminal could take for a command, or what a reader could not see, is written out.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            '\r' => safe.push_str("\\r"),
            letter if is_unsafe(letter) => {
                // Writing to a string can't fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

/// Controls, and what changes the direction of writing or takes no room.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// [`escape`]d and no longer than so many letters.
pub fn shorten(text: &str, letters: usize) -> String {
    let safe = escape(text);
    if safe.chars().count() <= letters {
        return safe.into_owned();
    }
    let mut short: String = safe.chars().take(letters.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A time with three digits and the unit that suits it: `203 µs`, `1.25 s`.
pub fn nanos(nanos: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    for (unit, name) in UNITS {
        if nanos >= unit {
            return format!("{} {name}", three_digits(nanos, unit));
        }
    }
    format!("{nanos} ns")
}

/// A size with three digits: `13.4 MB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            return format!("{} {name}", three_digits(bytes, unit));
        }
    }
    format!("{bytes} B")
}

/// Cut, not rounded: 999.9 of a unit never becomes 1000.
fn three_digits(value: u64, unit: u64) -> String {
    let whole = value / unit;
    let thousandths = value % unit / (unit / 1_000);
    match whole {
        0..10 => format!("{whole}.{:02}", thousandths / 10),
        10..100 => format!("{whole}.{}", thousandths / 100),
        _ => count(whole),
    }
}

/// A number with its thousands set apart: `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole in percent, `-` if there is no whole.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1}%", part as f64 * 100.0 / whole as f64)
}

/// Whether a call that returned this was interrupted, and goes on or begins again: the kernel's own
/// values, which no program ever sees.
pub fn restarts(ret: i64) -> bool {
    matches!(ret, -514..=-512 | -516)
}

/// The name of the error that a call returned, or of the kernel's own value for an interrupted one.
/// `None` if it did not fail.
pub fn error_name(ret: i64) -> Option<Cow<'static, str>> {
    // The kernel's errors are these and no other numbers below zero.
    if !(-4095..0).contains(&ret) {
        return None;
    }
    let name = match ret {
        -512 => "ERESTARTSYS",
        -513 => "ERESTARTNOINTR",
        -514 => "ERESTARTNOHAND",
        -515 => "ENOIOCTLCMD",
        -516 => "ERESTART_RESTARTBLOCK",
        _ => {
            let number = i32::try_from(-ret).ok()?;
            return Some(Cow::Owned(match Errno::from_raw(number) {
                Errno::UnknownErrno => format!("errno_{number}"),
                known => format!("{known:?}"),
            }));
        }
    };
    Some(Cow::Borrowed(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_terminal_obeys_gets_through() {
        for letter in ('\0'..=char::MAX).filter(|letter| letter.is_control()) {
            let text = format!("a{letter}b");
            assert!(!escape(&text).chars().any(char::is_control), "{letter:?}");
        }
        assert_eq!(escape("\u{1b}[31mred\n"), "\\u{1b}[31mred\\n");
        assert_eq!(escape("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(escape("größe 漢字"), "größe 漢字");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(shorten("redis-server", 12), "redis-server");
        assert_eq!(shorten("redis-server", 6), "redis…");
    }

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let check = |value, text: &str| assert_eq!(nanos(value), text);
        check(0, "0 ns");
        check(999, "999 ns");
        check(1_000, "1.00 µs");
        check(203_800, "203 µs");
        check(99_999, "99.9 µs");
        check(1_250_000_000, "1.25 s");
        check(3_600_000_000_000, "3,600 s");
        check(u64::MAX, "18,446,744,073 s");
    }

    #[test]
    fn counts_have_their_thousands_set_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(bytes(13_400_000), "13.4 MB");
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(0, 0), "-");
    }

    #[test]
    fn errors_have_their_names() {
        assert_eq!(error_name(-11).as_deref(), Some("EAGAIN"));
        assert_eq!(error_name(-4).as_deref(), Some("EINTR"));
        assert_eq!(error_name(-512).as_deref(), Some("ERESTARTSYS"));
        assert_eq!(error_name(-4000).as_deref(), Some("errno_4000"));
        assert_eq!(error_name(-4096), None);
        assert_eq!(error_name(0), None);
        assert!(restarts(-512) && restarts(-516) && !restarts(-515) && !restarts(-4));
    }
}
