//! Small files of the store that are believed only with the digest of their content.
//!
//! ```text
//! kiln entry 1 DIGEST LF
//! content
//! ```
//!
//! DIGEST is BLAKE3, in hexadecimal, over the length of the entry's name (8 bytes, little-endian), the name and the
//! content. The name is the entry's path in the store, so that a file that was copied over another one is noticed too.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::{NotPlain, read_plain, remove, write_whole};
use crate::report::Report;

const MAGIC: &[u8] = b"kiln entry 1 ";
/// The hexadecimal digits of a digest.
const DIGITS: usize = 2 * blake3::OUT_LEN;

/// One such file of a store; it need not exist.
#[derive(Debug, Clone)]
pub struct Sealed {
    path: PathBuf,
    name: String,
    report: Report,
}

/// Why an entry cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Something other than a file is at its path.
    #[error(transparent)]
    NotPlain(#[from] NotPlain),
    /// It cannot be read.
    #[error("it cannot be read ({0})")]
    Unreadable(io::Error),
    /// It has no digest in front.
    #[error("it does not begin with a digest")]
    NoDigest,
    /// Its bytes are not those that were written, or were written for another entry.
    #[error("its bytes are not those that were written")]
    Content,
}

impl Sealed {
    pub(crate) fn new(path: PathBuf, name: String, report: Report) -> Sealed {
        Sealed { path, name, report }
    }

    /// Returns the entry `name` of the store in the directory `store`, which need not be open: for reading only.
    pub fn in_store(store: &Path, name: &str) -> Sealed {
        Sealed::new(store.join(name), name.to_owned(), Report::default())
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its content; `None` when there is no such entry, or it was damaged.
    ///
    /// A damaged one is removed, and one line says that it is made again.
    pub fn read(&self) -> Option<Vec<u8>> {
        self.check().unwrap_or_else(|damage| {
            self.refuse(&damage.to_string());
            None
        })
    }

    /// Reports that its content has no meaning, and removes it.
    pub fn refuse(&self, why: &str) {
        self.report.mended(&self.path, &self.name, why, "it is made again");
        // One that cannot be removed is refused again the next time.
        let _ = remove(&self.path);
    }

    /// Returns its content; `None` when there is no such entry. Nothing is changed.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn check(&self) -> Result<Option<Vec<u8>>, SealError> {
        read_at(&self.path, &self.name)
    }

    /// Replaces its content in one step.
    ///
    /// # Errors
    /// The system's error; the entry is unchanged then.
    pub fn write(&self, content: &[u8]) -> io::Result<()> {
        write_whole(&self.path, &seal(&self.name, content))
    }

    /// Removes it.
    ///
    /// # Errors
    /// The system's error.
    pub fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// Returns the content of the entry `name` in the file `path`; `None` when there is no such file.
pub(crate) fn read_at(path: &Path, name: &str) -> Result<Option<Vec<u8>>, SealError> {
    let mut text = match read_plain(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(NotPlain::at(path).map_or(SealError::Unreadable(error), SealError::NotPlain)),
    };
    let n_head = text.len() - open(&text, name)?.len();
    text.drain(..n_head);
    Ok(Some(text))
}

/// Returns `content` with its digest in front, as the entry `name`.
pub(crate) fn seal(name: &str, content: &[u8]) -> Vec<u8> {
    [MAGIC, digest(name, content).to_hex().as_bytes(), b"\n", content].concat()
}

/// Returns the content of a text that [`seal`] returned for the entry `name`.
fn open<'a>(text: &'a [u8], name: &str) -> Result<&'a [u8], SealError> {
    let rest = text.strip_prefix(MAGIC).ok_or(SealError::NoDigest)?;
    let (noted, rest) = rest.split_at_checked(DIGITS).ok_or(SealError::NoDigest)?;
    let content = rest.strip_prefix(b"\n").ok_or(SealError::NoDigest)?;
    if digest(name, content).to_hex().as_bytes() == noted { Ok(content) } else { Err(SealError::Content) }
}

fn digest(name: &str, content: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(content);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let text = seal("cache/a", b"some content\n");
        assert_eq!(open(&text, "cache/a").unwrap(), b"some content\n");
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut other = text.clone();
                other[at] ^= 1 << bit;
                assert!(open(&other, "cache/a").is_err(), "bit {bit} of byte {at}");
            }
            assert!(open(&text[..at], "cache/a").is_err(), "cut at {at}");
        }
        assert!(open(&[&text[..], b"x"].concat(), "cache/a").is_err(), "a byte more");
        assert!(open(&text, "cache/b").is_err(), "copied over another entry");
    }

    #[test]
    fn what_is_no_file_is_refused_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (path, outside) = (dir.path().join("entry"), dir.path().join("outside"));
        let sealed = Sealed::new(path.clone(), "entry".to_owned(), Report::default());
        let fifo = |path: &Path| {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        };
        let in_the_way: [(&str, &dyn Fn()); 4] = [
            ("a directory", &|| fs::create_dir_all(path.join("with/more")).unwrap()),
            ("a link", &|| std::os::unix::fs::symlink(&outside, &path).unwrap()),
            ("a pipe", &|| fifo(&path)),
            ("nothing", &|| {}),
        ];
        fs::write(&outside, seal("entry", b"valid, but elsewhere")).unwrap();
        for (what, put) in in_the_way {
            put();
            assert_eq!(sealed.check().is_err(), what != "nothing", "{what}");
            sealed.write(b"new").unwrap();
            assert_eq!(sealed.read().unwrap(), b"new", "{what}");
            sealed.remove().unwrap();
            put();
            assert_eq!(sealed.read(), None, "{what}");
            assert!(!path.exists(), "{what} is removed");
        }
        assert_eq!(fs::read(&outside).unwrap(), seal("entry", b"valid, but elsewhere"));
    }
}
