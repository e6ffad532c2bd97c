//! A file that is read in pieces.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use kiln_modgraph::read::ReadAt;
use rustix::fs::{CWD, Mode, OFlags};

/// A file up to this size is read whole: half of a kernel's modules, for the price of one call each.
const WHOLE: u64 = 32 << 10;

/// How much of a longer file's end is read at once.
///
/// A module's tables (sections, symbols, names) are its last part: for most modules this has all of them.
const TAIL: u64 = 16 << 10;

/// How much around the first other piece that is asked for is read at once: `.modinfo`, `__versions` and
/// `__ksymtab_strings` lie close to each other.
const WINDOW: Range<u64> = 4 << 10..12 << 10;

/// An open file; what is not asked for is not read, apart from its end.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
    tail: Vec<u8>,
    /// Where it begins, and its bytes.
    window: OnceCell<(u64, Vec<u8>)>,
}

/// A folder whose files are opened one after another, without a walk down to it for each.
#[derive(Debug)]
pub(super) struct Folder {
    folder: Option<OwnedFd>,
}

impl Folder {
    /// Opens a folder; should that fail, files are opened by their whole paths, and say what is wrong.
    pub(super) fn open(path: Option<&Path>) -> Folder {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Folder { folder: path.and_then(|path| rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()) }
    }

    /// Opens the file at `path`, which lies in this folder; `buffer` is memory to use again.
    pub(super) fn file(&self, path: &Path, buffer: Vec<u8>) -> io::Result<FileSource> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match (&self.folder, path.file_name()) {
            (Some(folder), Some(name)) => {
                FileSource::new(rustix::fs::openat(folder, name, flags, Mode::empty())?.into(), buffer)
            }
            _ => FileSource::new(File::open(path)?, buffer),
        }
    }
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system says; something other than a file is refused.
    pub fn open(path: &Path) -> io::Result<FileSource> {
        FileSource::new(File::open(path)?, Vec::new())
    }

    fn new(file: File, mut tail: Vec<u8>) -> io::Result<FileSource> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        let size = metadata.len();
        let length = if size <= WHOLE { size } else { TAIL };
        tail.resize(length as usize, 0);
        file.read_exact_at(&mut tail, size - length)?;
        Ok(FileSource { file, size, tail, window: OnceCell::new() })
    }

    /// Gives the memory back, for the next file.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.tail
    }

    fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }

    /// Reads around `start` when nothing was read so yet.
    fn window(&self, start: u64) -> io::Result<&(u64, Vec<u8>)> {
        if self.window.get().is_none() {
            let around = start.saturating_sub(WINDOW.start)..start.saturating_add(WINDOW.end).min(self.size);
            let _ = self.window.set((around.start, self.read(around)?));
        }
        self.window.get().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl ReadAt for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        if let Some(bytes) = within(self.size - self.tail.len() as u64, &self.tail, &range) {
            return Ok(Cow::Borrowed(bytes));
        }
        // The head is asked for first, and lies far from all else.
        if range.start > 0 && range.end <= self.size {
            let (start, bytes) = self.window(range.start)?;
            if let Some(bytes) = within(*start, bytes, &range) {
                return Ok(Cow::Borrowed(bytes));
            }
        }
        self.read(range).map(Cow::Owned)
    }
}

/// The bytes of `range`, when it lies in the piece of a file that begins at `start`.
fn within<'a>(start: u64, bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    let from = usize::try_from(range.start.checked_sub(start)?).ok()?;
    let to = usize::try_from(range.end.checked_sub(start)?).ok()?;
    bytes.get(from..to)
}
