//! The state of a store.

use std::fs;
use std::path::Path;

/// Whether nothing half-made is in the store `dir`.
///
/// # Panics
/// The store cannot be read.
pub fn is_clean(dir: &Path) -> bool {
    fs::read_dir(dir.join("making")).expect("a store").count() == 0
}
