//! The result step: from an assembly to a directory in the store, and the link `./result` to it.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use kiln_assembly::{Assembly, Content};
use kiln_diag::ErrorKind;
use kiln_exec::Interrupt;
use kiln_plan::Key;
use kiln_plan::step::result_key;

use kiln_store::{LinkError, Progress, Store, StoreError};

/// Distinguishes a link from a file whose content is the link's text.
const LINK: [u8; 32] = *b"a symbolic link of a kiln result";

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Something other than a link of kiln's is at its path.
    #[error("{} exists and is not a link that kiln made: move it away, or name another with --out", path.display())]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl ResultError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ResultError::InTheWay { .. } => ErrorKind::Input,
            ResultError::Store(_) | ResultError::Io { .. } | ResultError::Interrupted(_) => ErrorKind::Host,
        }
    }
}

/// Returns the result's directory and its key, written when the store has none of its key.
///
/// # Errors
/// See [`ResultError`].
pub fn result(
    store: &Store,
    kernel_key: &Key,
    kernel_dir: &Path,
    assembly: &Assembly,
    progress: &dyn Progress,
) -> Result<(PathBuf, Key), ResultError> {
    let mut digests = Vec::new();
    for (path, content) in &assembly.files {
        let digest = match content {
            Content::Bytes { bytes, mode } => {
                let mut hasher = blake3::Hasher::new();
                hasher.update(&mode.to_le_bytes()).update(bytes);
                *hasher.finalize().as_bytes()
            }
            // The kernel's key covers its files; the path tells which of them are here.
            Content::Kernel(_) => [0; 32],
            Content::File(file) => *blake3::hash(&read(file)?).as_bytes(),
            Content::Link(target) => *blake3::keyed_hash(&LINK, target.as_bytes()).as_bytes(),
        };
        digests.push((path.as_str(), digest));
    }
    let manifest = assembly.manifest.to_json();
    let key = result_key(kernel_key, &manifest, digests.iter().map(|(path, digest)| (*path, digest.as_slice())));
    let dir = store.realize(&key, "result", progress, |out| write_all(kernel_dir, assembly, out))?;
    Ok((dir, key))
}

/// Makes `link` point at `target`; an existing link to a result, of any store, is replaced in one step.
///
/// # Errors
/// [`ResultError::InTheWay`] when something else is there.
pub fn link(target: &Path, link: &Path) -> Result<(), ResultError> {
    kiln_store::link(target, link, is_result).map_err(|error| match error {
        LinkError::InTheWay { path } => ResultError::InTheWay { path },
        LinkError::Io { path, source } => ResultError::Io { path, source },
    })
}

/// Whether a link's target has the form `STORE/results/KEY-result/out`; that store may be gone.
fn is_result(target: &Path) -> bool {
    let parts: Vec<_> = target.iter().rev().take(3).map(|part| part.to_string_lossy()).collect();
    let [out, name, results] = parts.as_slice() else { return false };
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = name.strip_suffix("-result").unwrap_or_default();
    target.is_absolute() && out == "out" && results == "results" && key.len() == 32 && is_hex(key)
}

/// Writes all files of the assembly into the empty directory `out`.
///
/// # Errors
/// See [`ResultError`].
pub(crate) fn write_all(kernel_dir: &Path, assembly: &Assembly, out: &Path) -> Result<(), ResultError> {
    for (path, content) in &assembly.files {
        kiln_exec::interrupted()?;
        let to = out.join(path);
        let done = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| match content {
            Content::Bytes { bytes, mode } => {
                fs::write(&to, bytes).and_then(|()| fs::set_permissions(&to, fs::Permissions::from_mode(*mode)))
            }
            Content::Kernel(from) => kiln_file::copy(kernel_dir.join(from), &to).map(|_| ()),
            Content::File(from) => {
                kiln_file::copy(from, &to).and_then(|_| fs::set_permissions(&to, fs::Permissions::from_mode(0o644)))
            }
            Content::Link(target) => symlink(target, &to),
        });
        done.map_err(|source| ResultError::Io { path: to, source })?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, ResultError> {
    kiln_file::read(path).map_err(|source| ResultError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_kilns_is_replaced_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("result");
        let result = |store: &str, digit: &str| format!("/{store}/results/{}-result/out", digit.repeat(32));
        link(Path::new(&result("one", "1")), &place).unwrap();
        // That of another store, which need not exist.
        link(Path::new(&result("two", "2")), &place).unwrap();
        assert_eq!(fs::read_link(&place).unwrap(), Path::new(&result("two", "2")));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let refused = |place: &Path| {
            let error = link(Path::new(&result("three", "3")), place).unwrap_err();
            assert!(matches!(error, ResultError::InTheWay { .. }), "{error}");
        };
        for target in ["/home/me/www", "elsewhere", "/s/results/1-result/out", "/s/results/result/out", "results/x"] {
            fs::remove_file(&place).unwrap();
            symlink(target, &place).unwrap();
            refused(&place);
            assert_eq!(fs::read_link(&place).unwrap(), Path::new(target));
        }
        fs::remove_file(&place).unwrap();
        fs::write(&place, "mine").unwrap();
        refused(&place);
        assert_eq!(fs::read_to_string(&place).unwrap(), "mine");
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        refused(&place);
    }
}
