//! Errors before a program runs.

use std::error::Error;
use std::fmt;

/// An error that kept a program from starting: what was tried and what would work.
///
/// A program that starts and fails is not a `LaunchError`, see [`Outcome`](crate::Outcome).
#[derive(Debug)]
pub struct LaunchError {
    message: String,
    source: Option<std::io::Error>,
}

impl LaunchError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self { message: message.into(), source: Some(source) }
    }
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl Error for LaunchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
