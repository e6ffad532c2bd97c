//! A file that is read in pieces.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use kiln_modgraph::read::ReadAt;

/// How much of a file's end is read at once.
///
/// A module's tables (sections, symbols, names) are its last part: for most modules this has all of them.
const TAIL: u64 = 16 << 10;

/// An open file; what is not asked for is not read, apart from its end.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
    tail: Vec<u8>,
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// What the system says; something other than a file is refused.
    pub fn open(path: &Path) -> io::Result<FileSource> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        let size = metadata.len();
        let mut tail = vec![0; size.min(TAIL) as usize];
        file.read_exact_at(&mut tail, size.saturating_sub(TAIL))?;
        Ok(FileSource { file, size, tail })
    }
}

impl ReadAt for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let tail_start = self.size - self.tail.len() as u64;
        if range.start >= tail_start && range.end <= self.size && range.start <= range.end {
            let within = (range.start - tail_start) as usize..(range.end - tail_start) as usize;
            return Ok(Cow::Borrowed(&self.tail[within]));
        }
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(Cow::Owned(bytes))
    }
}
