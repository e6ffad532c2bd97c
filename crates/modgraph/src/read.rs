//! Reads the facts of one module file: plain, or compressed with gzip, xz or zstd; 32 or 64 bits; either byte order.
//!
//! Only the parts that hold facts are read: the headers, the symbol table, and some small sections.
//! A hostile file results in a [`ReadError`]; what is held in memory at a time stays within twice the size of the
//! (decompressed) file and within [`MAX_READ`], and decompression within [`MAX_RATIO`] times the compressed size.

mod compression;
mod elf;
mod facts;
mod memory;
mod structures;
mod versions;

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use crate::depmod::Layout;
use crate::module::ModuleInfo;

pub use compression::{MAX_DECOMPRESSED, MAX_RATIO};
pub use elf::MAX_READ;
pub use memory::{archive_members, memory_digest};
pub use structures::{Member, Structure, StructureKind, StructuresError, structures};

/// A file that can be read in pieces.
pub trait ReadAt {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Returns the bytes of `range`, which lies within the size.
    ///
    /// # Errors
    /// Any error of the file below; a file that became shorter meanwhile is an error too.
    fn read_at(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>>;

    /// Receives the parts that will be read next, so that it can read them in fewer calls.
    ///
    /// They may overlap, and are not checked against the size.
    fn expect(&self, _parts: &[Range<u64>]) {}
}

impl ReadAt for [u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let piece = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let bytes = piece.and_then(|(start, end)| self.get(start..end));
        bytes.map(Cow::Borrowed).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// A module file without usable facts.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the module {path}")]
pub struct ReadError {
    /// The file.
    pub path: String,
    /// The problem.
    #[source]
    pub fault: Fault,
}

/// The problem with a module file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file below returned an error.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// It starts like neither an ELF file nor a compressed one.
    #[error("not an ELF file")]
    NotElf,
    /// It is an ELF file, but not a relocatable one for a kernel.
    #[error("an ELF file of type {0}, not a relocatable one")]
    NotRelocatable(u16),
    /// The named part lies outside the file, or its size does not fit its contents.
    #[error("{0} is cut off or out of range")]
    Truncated(&'static str),
    /// The file, or the part of it that would have to be held in memory, is larger than any module's.
    #[error("larger than a module can be ({limit} bytes)")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Sections overlap so much that reading them would take more memory than the file.
    #[error("its sections overlap")]
    Overlap,
    /// A symbol's name is not text.
    #[error("a symbol's name is not UTF-8")]
    SymbolName,
    /// The compressed data is broken.
    #[error("broken {codec} data: {source}")]
    Compression {
        /// Which codec.
        codec: &'static str,
        /// The error of the codec's library.
        source: io::Error,
    },
    /// The first frame of zstd data does not state the size of all data.
    #[error("the first zstd frame does not state the size of the whole module, without which kmod 34 cannot read it")]
    FrameSize,
    /// The compressed data is a decompression bomb.
    #[error("{codec} data that would grow beyond {limit} bytes")]
    Bomb {
        /// Which codec.
        codec: &'static str,
        /// Where reading stopped.
        limit: u64,
    },
}

/// Reads the module that the release's directory has at `path`.
///
/// The path only names the module; its compression is recognised from its first bytes.
///
/// # Errors
/// [`ReadError`] with the path and the problem.
pub fn module<S: ReadAt + ?Sized>(path: &str, source: &S) -> Result<ModuleInfo, ReadError> {
    module_as(path, source, Layout::V30)
}

/// The same, but refuses a compressed file that kmod of this layout cannot read.
///
/// # Errors
/// As [`module`], and [`Fault::FrameSize`].
pub fn module_as<S: ReadAt + ?Sized>(path: &str, source: &S, layout: Layout) -> Result<ModuleInfo, ReadError> {
    read(path, source, layout).map_err(|fault| ReadError { path: path.to_owned(), fault })
}

fn read<S: ReadAt + ?Sized>(path: &str, source: &S, layout: Layout) -> Result<ModuleInfo, Fault> {
    let size = source.size();
    if size == 0 {
        return Err(Fault::Empty);
    }
    let head = source.read_at(0..size.min(64))?;
    let mut info = match compression::codec(&head) {
        Some(_) if size > MAX_DECOMPRESSED => return Err(Fault::TooLarge { limit: MAX_DECOMPRESSED }),
        Some(codec) => {
            let packed = source.read_at(0..size)?;
            let unpacked = codec.decompress_as(&packed, layout)?;
            facts::collect(path, &unpacked[..unpacked.len().min(64)], unpacked.as_slice())?
        }
        None => facts::collect(path, &head, source)?,
    };
    info.file_size = size;
    Ok(info)
}

#[cfg(test)]
mod tests;
