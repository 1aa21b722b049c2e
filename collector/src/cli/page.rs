//! Telling where the page is.

/// Prints the address on standard output, alone on its line, so that programs can read it.
pub(super) fn announce(address: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    // Whoever does not want to know has closed it.
    let _ = writeln!(out, "{address}");
    let _ = out.flush();
}
