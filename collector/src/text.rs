//! Text for the terminal: escaping what others wrote.
pub fn escape(text: &str) -> String { text.escape_debug().to_string() }
