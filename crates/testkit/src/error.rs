//! Errors as they are shown.

use std::error::Error;

/// Formats an error with all its sources, as the command line shows it.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!("\n{error}");
        source = error.source();
    }
    text
}
