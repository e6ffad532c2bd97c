//! Text files.

use std::fs;
use std::path::Path;

use crate::error::PipelineError;

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, PipelineError> {
    fs::read_to_string(path).map_err(|source| PipelineError::Read { path: path.to_owned(), source })
}
