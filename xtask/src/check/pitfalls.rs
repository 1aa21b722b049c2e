//! The table of pitfalls in the documentation: each row names a test that shows it, and each such test exists.
//!
//! It must never count a function that is no test.

use std::collections::BTreeSet;

/// Where the table is.
pub(super) const PATH: &str = "docs/pitfalls.md";

/// The tests of a file in Rust: what follows the attribute.
pub(super) fn tests(source: &str) -> impl Iterator<Item = &str> {
    source.split("#[test]\n").skip(1).filter_map(|after| {
        let (_, name) = after.split_once("fn ")?;
        name.split('(').next()
    })
}

/// What is wrong with the table, where these are all tests there are.
pub(super) fn faults(table: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let next = table.lines().skip(1).chain([""]);
    // Above a line of dashes stands a title.
    let rows: Vec<&str> = table
        .lines()
        .zip(next)
        .filter(|(line, next)| line.starts_with("| ") && !next.starts_with("|-"))
        .map(|(line, _)| line)
        .collect();
    for row in &rows {
        let cells = row.strip_suffix('|').unwrap_or(row);
        let shown = cells.rsplit('|').next().unwrap_or_default();
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !shown.trim_start().starts_with("none:") {
            faults.push(format!("names no test, nor says \"none:\" and why: {row}"));
        }
        for name in named.iter().filter(|name| !tests.contains(**name)) {
            faults.push(format!("there is no test {name}"));
        }
    }
    if rows.is_empty() {
        faults.push("has no rows".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_that_are_tests_are_found() {
        let source = "fn a() {}\n#[test]\nfn b() {}\n#[test]\n#[ignore]\nfn c() {}\nfn d() {}\n";
        assert_eq!(tests(source).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn a_row_without_a_test_or_with_one_that_is_not_there_is_a_fault() {
        let tests = BTreeSet::from(["a_b".to_owned()]);
        let faults =
            |row: &str| faults(&format!("| what | shown by |\n|---|---|\n{row}\n"), &tests);
        for right in [
            "| x | `a_b` |",
            "| x `y` | `a_b`, `a_b` |",
            "| x | none: why |",
        ] {
            assert_eq!(faults(right), Vec::<String>::new(), "{right}");
        }
        for wrong in [
            "",
            "| x | y |",
            "| x `a_b` | |",
            "| x | `a_c` |",
            "| x | `a_b`, `c` |",
        ] {
            assert_eq!(faults(wrong).len(), 1, "{wrong}");
        }
    }
}
