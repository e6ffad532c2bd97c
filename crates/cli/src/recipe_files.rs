//! The files of a recipe, read for `recipe`.

use std::path::{Component, Path, PathBuf};

use kiln_recipe::{Fault, Found, Reader};

/// Reads recipes from the file system.
#[derive(Debug, Clone)]
pub(crate) struct RecipeFiles {
    /// The folder that the recipe's own name is relative to.
    pub(crate) current_dir: PathBuf,
}

impl Reader for RecipeFiles {
    /// Messages show the path as it was written, joined to its importer's; the identity is the file's real path.
    fn find(&self, dir: &str, name: &str) -> Result<Found, Fault> {
        let shown = tidy(&Path::new(dir).join(name));
        let full = self.current_dir.join(&shown);
        let identity = full.canonicalize().map_err(|error| fault(&shown, &error))?;
        let folder = shown.parent().unwrap_or(Path::new("")).to_string_lossy().into_owned();
        let identity = identity.to_string_lossy().into_owned();
        Ok(Found { identity, name: shown.to_string_lossy().into_owned(), dir: folder })
    }

    fn read(&self, found: &Found) -> Result<Vec<u8>, Fault> {
        let path = Path::new(&found.name);
        let full = self.current_dir.join(path);
        // A device or a pipe would never end.
        if full.metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(Fault { message: format!("{} is not a file", path.display()), help: None });
        }
        std::fs::read(&full).map_err(|error| fault(path, &error))
    }
}

/// Drops `.` and what `..` takes back; a `..` behind nothing stays.
///
/// `a/../b` is `b` only where `a` is no link; that is how people read an import, and the identity is by the real file.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if tidied.file_name().is_some() => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}

fn fault(path: &Path, error: &std::io::Error) -> Fault {
    let message = match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no file {}", path.display()),
        _ => format!("cannot read {}: {error}", path.display()),
    };
    Fault { message, help: None }
}
