//! Files of a recipe, replaced as a whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A file to replace.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    /// The file; a link is followed.
    pub(crate) path: PathBuf,
    /// Its contents when it was read.
    pub(crate) old: String,
    /// Its new contents.
    pub(crate) new: String,
}

/// Why nothing was replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// The file must not be written.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Another program wrote to it.
    #[error("{} was changed while kiln looked for a fix", .0.display())]
    Changed(PathBuf),
    /// The system refused.
    #[error("cannot write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Replaces all of the files, or none when one of them cannot be replaced.
pub(crate) fn replace(files: &[Replacement]) -> Result<(), ReplaceError> {
    let mut ready = Vec::new();
    for file in files {
        ready.push(prepare(file)?);
    }
    // All are written; what is left is to rename them, when nothing has changed until now.
    for (file, (_, path)) in files.iter().zip(&ready) {
        unchanged(file, path)?;
    }
    for (new, path) in ready {
        new.persist(&path).map_err(|error| ReplaceError::Io { path, source: error.error })?;
    }
    Ok(())
}

/// Writes the new text next to the file.
fn prepare(file: &Replacement) -> Result<(tempfile::NamedTempFile, PathBuf), ReplaceError> {
    let io = |source| ReplaceError::Io { path: file.path.clone(), source };
    let path = fs::canonicalize(&file.path).map_err(io)?;
    let permissions = fs::metadata(&path).map_err(io)?.permissions();
    if permissions.readonly() {
        return Err(ReplaceError::ReadOnly(file.path.clone()));
    }
    unchanged(file, &path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new().prefix(".kiln-").tempfile_in(folder).map_err(io)?;
    new.write_all(file.new.as_bytes()).map_err(io)?;
    new.as_file().set_permissions(permissions).map_err(io)?;
    new.as_file().sync_all().map_err(io)?;
    Ok((new, path))
}

fn unchanged(file: &Replacement, path: &Path) -> Result<(), ReplaceError> {
    let now = kiln_file::read(path).map_err(|source| ReplaceError::Io { path: file.path.clone(), source })?;
    if now == file.old.as_bytes() { Ok(()) } else { Err(ReplaceError::Changed(file.path.clone())) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{ReplaceError, Replacement, replace};

    #[test]
    fn all_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, old: &str| {
            let path = dir.path().join(name);
            fs::write(&path, "old").unwrap();
            Replacement { path, old: old.to_owned(), new: "new".to_owned() }
        };
        let (one, other) = (file("one", "old"), file("other", "older"));
        assert!(matches!(replace(&[one.clone(), other.clone()]), Err(ReplaceError::Changed(_))));
        assert_eq!(fs::read(&one.path).unwrap(), b"old");
        let mut locked = fs::metadata(&other.path).unwrap().permissions();
        locked.set_readonly(true);
        fs::set_permissions(&other.path, locked).unwrap();
        assert!(matches!(replace(&[one.clone(), other]), Err(ReplaceError::ReadOnly(_))));
        assert_eq!(fs::read(&one.path).unwrap(), b"old");
        replace(std::slice::from_ref(&one)).unwrap();
        assert_eq!(fs::read(&one.path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }
}
