//! A file that is read in pieces.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use kiln_modgraph::read::ReadAt;
use rustix::fs::{CWD, Mode, OFlags};

/// A file up to this size is read whole: half of a kernel's modules, at the cost of one call each.
const WHOLE: u64 = 32 << 10;

/// How much of a longer file's end is read at once.
///
/// A module's tables (sections, symbols, names) are its last part: for most modules this contains the first of them,
/// for half of them all.
const TAIL: u64 = 12 << 10;

/// Expected parts this close to each other are read in one call: another page costs less than a call.
const NEAR: u64 = 4 << 10;

/// A file of which more than this is expected is no usual module: its parts are read when they are requested.
const AHEAD: u64 = 64 << 20;

/// An open file; what is not requested is not read, apart from its end.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
    /// The end of the file, in the first bytes of a buffer.
    tail: Vec<u8>,
    tail_length: usize,
    pieces: OnceCell<Pieces>,
    /// A buffer for the pieces.
    spare: RefCell<Vec<u8>>,
}

/// Parts of a file that were read because they were expected.
#[derive(Debug)]
struct Pieces {
    bytes: Vec<u8>,
    /// The offset of each in the file, and its range in `bytes`.
    places: Vec<(u64, Range<usize>)>,
}

/// Buffers that are passed from one file to the next.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    tail: Vec<u8>,
    pieces: Vec<u8>,
}

/// A directory whose files are opened one after another, without resolving its path for each.
#[derive(Debug)]
pub(super) struct Folder {
    folder: Option<OwnedFd>,
}

impl Folder {
    /// Opens a directory; if that fails, files are opened by their whole paths, which reports the error.
    pub(super) fn open(path: Option<&Path>) -> Folder {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Folder { folder: path.and_then(|path| rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()) }
    }

    /// Opens the file at `path`, which lies in this directory; `buffers` are reused.
    pub(super) fn file(&self, path: &Path, buffers: Buffers) -> io::Result<FileSource> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match (&self.folder, path.file_name()) {
            (Some(folder), Some(name)) => {
                FileSource::new(rustix::fs::openat(folder, name, flags, Mode::empty())?.into(), buffers)
            }
            _ => FileSource::new(kiln_file::open(path)?, buffers),
        }
    }
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// The system's error; anything other than a file is refused.
    pub fn open(path: &Path) -> io::Result<FileSource> {
        FileSource::new(kiln_file::open(path)?, Buffers::default())
    }

    fn new(file: File, buffers: Buffers) -> io::Result<FileSource> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        let size = metadata.len();
        let tail_length = if size <= WHOLE { size } else { TAIL } as usize;
        let mut tail = buffers.tail;
        file.read_exact_at(room(&mut tail, tail_length), size - tail_length as u64)?;
        let spare = RefCell::new(buffers.pieces);
        Ok(FileSource { file, size, tail, tail_length, pieces: OnceCell::new(), spare })
    }

    /// Returns the buffers, for the next file.
    pub(super) fn into_buffers(self) -> Buffers {
        let pieces = self.pieces.into_inner().map_or_else(|| self.spare.into_inner(), |pieces| pieces.bytes);
        Buffers { tail: self.tail, pieces }
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }

    fn tail_start(&self) -> u64 {
        self.size - self.tail_length as u64
    }

    /// Returns the ranges of `parts` to read, with near ones joined; parts within the tail are left out.
    fn to_read(&self, parts: &[Range<u64>]) -> Vec<Range<u64>> {
        let missing =
            |part: &&Range<u64>| part.start < part.end && part.end <= self.size && part.start < self.tail_start();
        let mut parts: Vec<Range<u64>> = parts.iter().filter(missing).cloned().collect();
        parts.sort_unstable_by_key(|part| (part.start, part.end));
        parts.dedup_by(|next, part| {
            let near = next.start <= part.end.saturating_add(NEAR);
            if near {
                part.end = part.end.max(next.end);
            }
            near
        });
        parts
    }
}

impl ReadAt for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        if let Some(bytes) = within(self.tail_start(), &self.tail[..self.tail_length], &range) {
            return Ok(Cow::Borrowed(bytes));
        }
        if let Some(pieces) = self.pieces.get() {
            let mut places = pieces.places.iter();
            let found = places.find_map(|(start, place)| within(*start, &pieces.bytes[place.clone()], &range));
            if let Some(bytes) = found {
                return Ok(Cow::Borrowed(bytes));
            }
        }
        self.read(range).map(Cow::Owned)
    }

    /// A part that cannot be read is left to [`ReadAt::read_at`], which returns the error.
    fn expect(&self, parts: &[Range<u64>]) {
        let parts = self.to_read(parts);
        let all = parts.iter().fold(0u64, |all, part| all.saturating_add(part.end - part.start));
        if parts.is_empty() || all > AHEAD || self.pieces.get().is_some() {
            return;
        }
        let mut pieces = Pieces { bytes: self.spare.take(), places: Vec::with_capacity(parts.len()) };
        let mut used = 0;
        for part in parts {
            let Ok(length) = usize::try_from(part.end - part.start) else { continue };
            let place = used..used + length;
            room(&mut pieces.bytes, place.end);
            if self.file.read_exact_at(&mut pieces.bytes[place.clone()], part.start).is_ok() {
                used = place.end;
                pieces.places.push((part.start, place));
            }
        }
        let _ = self.pieces.set(pieces);
    }
}

/// Returns the first `length` bytes of a buffer, which grows when it is too small.
fn room(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

/// Returns the bytes of `range`, when it lies in the piece of a file that begins at `start`.
fn within<'a>(start: u64, bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    let from = usize::try_from(range.start.checked_sub(start)?).ok()?;
    let to = usize::try_from(range.end.checked_sub(start)?).ok()?;
    bytes.get(from..to)
}
