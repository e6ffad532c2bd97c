//! The state of a store.

use std::fs;
use std::path::Path;

/// Whether the store `dir` has no incomplete entries.
///
/// # Panics
/// The store cannot be read.
pub fn is_clean(dir: &Path) -> bool {
    fs::read_dir(dir.join("making")).expect("a store").count() == 0
}
