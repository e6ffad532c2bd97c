//! Text files.

use std::path::Path;

use crate::error::PipelineError;

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, PipelineError> {
    kiln_file::read_to_string(path).map_err(|source| PipelineError::Read { path: path.to_owned(), source })
}
