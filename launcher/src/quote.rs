//! Quoting for the shell.

use std::ffi::OsStr;

/// Quotes `word` for a POSIX shell: unchanged if that is safe, else in single quotes.
///
/// ```
/// use parhelion_launcher::quoted;
///
/// assert_eq!(quoted("--procs=2x1"), "--procs=2x1");
/// assert_eq!(quoted("it's $1"), r"'it'\''s $1'");
/// assert_eq!(quoted(""), "''");
/// ```
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
