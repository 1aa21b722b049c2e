//! Times and sizes as people type them.

use std::time::Duration;

/// `500ms`, `10s`, `5m`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let duration = humantime::parse_duration(text)
        .ok()
        .filter(|time| !time.is_zero());
    duration.ok_or("a time is written like 500ms, 10s or 5m")
}

/// Since the start of a trace, in nanoseconds: `0s`, `2s500ms`, `2500000001ns`.
pub(super) fn moment(text: &str) -> Result<u64, &'static str> {
    let since = humantime::parse_duration(text).ok();
    since
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .ok_or("a time since the start of the trace is written like 2s, 2s500ms or 2500000001ns")
}

/// `64KiB`, `500MiB`, `1GiB`, and `MB` where thousands are meant.
pub(super) fn size(text: &str) -> Result<u64, &'static str> {
    const UNITS: [(&str, u64); 6] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
    ];
    let size = UNITS.iter().find_map(|(unit, bytes)| {
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<u64>().ok()?.checked_mul(*bytes)
    });
    size.filter(|&size| size > 0)
        .ok_or("a size is written like 64KiB, 500MiB or 1GiB")
}

#[cfg(test)]
mod tests {
    use super::{moment, size};

    #[test]
    fn a_time_of_a_trace_is_told_to_the_nanosecond() {
        assert_eq!(moment("0s"), Ok(0));
        assert_eq!(moment("2s500ms"), Ok(2_500_000_000));
        assert_eq!(moment("2500000001ns"), Ok(2_500_000_001));
        for wrong in ["", "2", "2,5s", "-1s", "s", "99999999999h"] {
            assert!(moment(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_are_powers_of_two_or_of_ten_as_they_say() {
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1 GiB"), Ok(1_073_741_824));
        assert_eq!(size("5MB"), Ok(5_000_000));
        for wrong in [
            "",
            "1",
            "GiB",
            "0MiB",
            "-1MiB",
            "1.5GiB",
            "99999999999999GiB",
            "1gib",
        ] {
            assert!(size(wrong).is_err(), "{wrong:?}");
        }
    }
}
