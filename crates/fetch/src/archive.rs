//! Unpacking untrusted archives.
//!
//! ```text
//! file ─▶ decompress (own thread) ─▶ check headers ─▶ tar entries ─▶ place in the tree
//! ```
//!
//! Guarantees: nothing was written outside of the directory, no link leads out of it, there are only files,
//! directories and symbolic links, files have mode 644 or 755, and the archive was read to its end, so that its
//! checksums were compared. Anything else is an error that names the archive and the entry. Hard links become copies.
//! Times are those of the archive, but never in the future. Owners and extended attributes are ignored. Names, depths,
//! sizes and numbers have limits, which `docs/reference/limits.md` lists.

mod chunks;
pub mod deb;
mod expansion;
mod format;
mod headers;
mod number;
mod pax;
mod place;

use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kiln_exec::{Interrupt, interrupted};
use kiln_store::Progress;

use self::chunks::{Chunks, channel, pump};
use self::expansion::Expansion;
use self::headers::{HeaderFault, Headers};
pub use self::place::Refusal;
use self::place::{Layout, Place};

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive could not be opened.
    #[error("cannot read {}", archive.display())]
    Open {
        /// The archive.
        archive: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is not in an archive format that kiln reads.
    #[error("{} is not a tar archive, plain or compressed with xz, gzip, bzip2 or zstd", archive.display())]
    Unknown {
        /// The archive.
        archive: PathBuf,
    },
    /// It is empty, or lacks an expected file.
    #[error("{} has no {what} in it", archive.display())]
    Lacks {
        /// The archive.
        archive: PathBuf,
        /// The name of what is missing.
        what: String,
    },
    /// It is cut off, or its bytes are damaged.
    #[error("{} is damaged or cut off{}", archive.display(), after(entry))]
    Broken {
        /// The archive.
        archive: PathBuf,
        /// The entry in which, or after which, it was noticed.
        entry: Option<String>,
        /// The decoder's error.
        source: io::Error,
    },
    /// An entry would do something that the unpacking of a kernel tree never needs.
    #[error("{} is refused: its entry `{entry}` {refusal}", archive.display())]
    Refused {
        /// The archive.
        archive: PathBuf,
        /// The entry, as it is written there.
        entry: String,
        /// The reason.
        refusal: Refusal,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl ArchiveError {
    /// The error of a read from a tar stream at `entry`: damage, or something that [`Headers`] refused.
    fn of_stream(archive: &Path, entry: Option<&str>, source: io::Error) -> ArchiveError {
        let archive = archive.to_owned();
        match source.get_ref().and_then(|error| error.downcast_ref::<HeaderFault>()) {
            Some(HeaderFault { entry, refusal }) => {
                ArchiveError::Refused { archive, entry: entry.clone(), refusal: refusal.clone() }
            }
            None => ArchiveError::Broken { archive, entry: entry.map(str::to_owned), source },
        }
    }
}

/// Unpacks a tarball into the empty directory `into`; a single directory that contains everything is left out.
///
/// The format is detected by the content, not the name.
/// # Errors
/// Any [`ArchiveError`]; `into` is half-filled then.
pub fn unpack(archive: &Path, into: &Path, progress: &dyn Progress) -> Result<(), ArchiveError> {
    let opened = kiln_file::open(archive).and_then(|file| file.metadata().map(|meta| (file, meta.len())));
    let (file, size) = opened.map_err(|source| ArchiveError::Open { archive: archive.to_owned(), source })?;
    let mut place = Place::new(into, Layout::Source);
    let watch = Watch::new(progress, archive, size);
    let added = add(&mut place, archive, watch.count(file), &watch);
    progress.end();
    added?;
    place.finish(archive)
}

/// Unpacks one tar stream, compressed or not, into `place`.
///
/// # Errors
/// Any [`ArchiveError`].
fn add<R: Read + Send>(place: &mut Place, archive: &Path, stream: R, watch: &Watch<'_>) -> Result<(), ArchiveError> {
    std::thread::scope(|scope| {
        let (sender, chunks) = channel();
        let name = archive.to_owned();
        let decoder = scope.spawn(move || {
            let decoded = format::decode(stream, &name)?;
            // When the receiver is gone, unpacking has failed and returns the error.
            let _ = pump(decoded, &sender);
            Ok(())
        });
        let unpacked = add_entries(place, archive, chunks, watch);
        // A panic there is a bug here: it is passed on.
        match decoder.join() {
            Ok(decoded) => decoded.and(unpacked),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Calls `visit` for every entry of a tar stream, and then verifies that the stream was complete.
///
/// `visit` stops by returning `false`; the rest is not read then.
/// # Errors
/// The errors of `visit`, or [`ArchiveError::Broken`].
fn each_entry<'a, R: Read>(
    archive: &Path,
    stream: R,
    expansion: Expansion<'a>,
    mut visit: impl FnMut(&str, &mut tar::Entry<'_, Headers<'a, Ending<'_, R>>>) -> Result<bool, ArchiveError>,
) -> Result<(), ArchiveError> {
    let reached_end = Cell::new(false);
    let mut last: Option<String> = None;
    let broken = |entry: &Option<String>, source| ArchiveError::of_stream(archive, entry.as_deref(), source);
    let stream = Ending { inner: stream, reached_end: &reached_end };
    let mut tar = tar::Archive::new(Headers::new(stream, expansion));
    for entry in tar.entries().map_err(|source| broken(&last, source))? {
        interrupted()?;
        let mut entry = entry.map_err(|source| broken(&last, source))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let go_on = visit(&name, &mut entry)?;
        last = Some(name);
        if !go_on {
            return Ok(());
        }
    }
    // The end of a tar is marked by blocks of zeros. A reader that reached the end of the file instead has a part only.
    if reached_end.get() {
        return Err(broken(&last, io::Error::new(io::ErrorKind::UnexpectedEof, "the end mark is missing")));
    }
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(|source| broken(&last, source))?;
    Ok(())
}

/// A stream that records whether it was read beyond its last byte.
struct Ending<'a, R> {
    inner: R,
    reached_end: &'a Cell<bool>,
}

impl<R: Read> Read for Ending<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        if n_read == 0 && !buffer.is_empty() {
            self.reached_end.set(true);
        }
        Ok(n_read)
    }
}

/// Shows the progress of an archive, by the bytes read of it.
struct Watch<'a> {
    progress: &'a dyn Progress,
    n_read: AtomicU64,
    shown: Cell<Instant>,
}

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);

impl<'a> Watch<'a> {
    /// Begins a task; the creator of the watch ends it.
    fn new(progress: &'a dyn Progress, archive: &Path, size: u64) -> Watch<'a> {
        let name = archive.file_name().unwrap_or(archive.as_os_str()).to_string_lossy().into_owned();
        progress.begin_bytes(&format!("unpack {name}"), Some(size));
        Watch { progress, n_read: AtomicU64::new(0), shown: Cell::new(Instant::now()) }
    }

    /// Returns a reader whose bytes are counted.
    fn count<R: Read>(&self, reader: R) -> Counted<'_, R> {
        Counted { reader, n_read: &self.n_read }
    }

    /// Returns the limit of one decompressed stream.
    fn expansion(&self) -> Expansion<'_> {
        Expansion::new(&self.n_read)
    }

    fn show(&self, item: &str) {
        if self.shown.get().elapsed() >= TICK {
            self.shown.set(Instant::now());
            self.progress.advance(self.n_read.load(Ordering::Relaxed), item);
        }
    }
}

/// A reader that counts its bytes.
struct Counted<'a, R> {
    reader: R,
    n_read: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.reader.read(buffer)?;
        self.n_read.fetch_add(n_read as u64, Ordering::Relaxed);
        Ok(n_read)
    }
}

fn add_entries(place: &mut Place, archive: &Path, chunks: Chunks, watch: &Watch<'_>) -> Result<(), ArchiveError> {
    each_entry(archive, chunks, watch.expansion(), |name, entry| {
        watch.show(name);
        place.put(archive, name, entry)?;
        Ok(true)
    })
}

fn after(entry: &Option<String>) -> String {
    entry.as_ref().map_or_else(String::new, |entry| format!(" (at `{entry}`)"))
}

#[cfg(test)]
mod tests;
