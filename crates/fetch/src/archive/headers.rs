//! Checks the headers of a tar stream before anything is done with them.
//!
//! ```text
//! offset  0 name[100]  100 mode[8]  108 uid[8]  116 gid[8]  124 size[12]  136 mtime[12]  148 checksum[8]  156 type
//!       157 linkname[100]  257 magic[8]  345 prefix[155]                       (ustar, pax)
//!       386 four of { offset[12] length[12] }  482 more?  483 real size[12]    (GNU, type S)
//! then, of type S with `more?`: blocks of 21 of { offset[12] length[12] }, at 504 more?
//! then `size` bytes (or as many as a pax header before says), padded to whole blocks of 512
//! ```
//!
//! [`Headers`] passes on the bytes of the stream. It follows the same boundaries as the library that unpacks, which reads
//! headers of any size into memory and numbers modulo 2^64; so these are refused here, where GNU tar refuses them, and so
//! is a header that the two read in different ways. Source: POSIX `pax`, tar(5), GNU tar's `src/list.c`.

use std::io::{self, Read};

use super::expansion::Expansion;
use super::number::{self, MAX_SIZE};
use super::pax;
use super::place::Refusal;

const BLOCK: usize = 512;
/// Bytes of the longest name and of the longest target of a link: `PATH_MAX` of Linux.
pub(crate) const MAX_NAME: usize = 4096;
/// Bytes of the largest pax header; one with extended attributes has some KiB.
const MAX_PAX: u64 = 1 << 20;
/// Further blocks of one sparse file, with 21 of its parts each.
const MAX_SPARSE_BLOCKS: u32 = 4096;
/// Entries of one archive; a kernel's source has 90,000.
const MAX_ENTRIES: u64 = 2_000_000;

/// Something in a tar stream that is refused; the error of an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its entry `{entry}` {refusal}")]
pub(super) struct HeaderFault {
    /// The entry's name, as far as it is known and not too long.
    pub(super) entry: String,
    /// The reason.
    pub(super) refusal: Refusal,
}

/// A tar stream whose headers have been checked.
pub(super) struct Headers<'a, R> {
    inner: R,
    expansion: Expansion<'a>,
    /// Checked bytes that have not been read yet.
    ready: Vec<u8>,
    at: usize,
    next: Part,
    n_entries: u64,
    n_sparse_blocks: u32,
    /// Of the entry that comes next, by the headers before it.
    ahead: Ahead,
    /// The name of the current entry.
    entry: String,
}

/// The part of the stream that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A header.
    Header,
    /// The content of a header about the next entry, of this many bytes.
    Extension(u8, u64),
    /// More of a sparse file's map, before this many bytes.
    SparseMap(u64),
    /// This many bytes of a file, with the padding.
    Data(u64),
    /// Whatever follows the end mark, or the end of the stream.
    Rest,
}

/// What headers say about the entry after them.
#[derive(Debug, Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<'a, R: Read> Headers<'a, R> {
    /// Checks `inner`, whose bytes are counted in `expansion`.
    pub(super) fn new(inner: R, expansion: Expansion<'a>) -> Headers<'a, R> {
        Headers {
            inner,
            expansion,
            ready: Vec::new(),
            at: 0,
            next: Part::Header,
            n_entries: 0,
            n_sparse_blocks: 0,
            ahead: Ahead::default(),
            entry: String::new(),
        }
    }

    /// Reads up to `n_bytes` of the next part, and checks them when they are complete.
    fn fill(&mut self, n_bytes: u64) -> io::Result<()> {
        self.ready.clear();
        self.at = 0;
        self.inner.by_ref().take(n_bytes).read_to_end(&mut self.ready)?;
        self.spend(self.ready.len() as u64)?;
        if (self.ready.len() as u64) < n_bytes {
            // The library finds the end.
            self.next = Part::Rest;
            return Ok(());
        }
        let checked = match self.next {
            Part::Header => self.header(),
            Part::Extension(kind, size) => self.extension(kind, size),
            Part::SparseMap(size) => self.sparse_map(size),
            Part::Data(_) | Part::Rest => Ok(self.next),
        };
        self.next = checked.map_err(|refusal| self.fault(refusal))?;
        Ok(())
    }

    fn header(&mut self) -> Result<Part, Refusal> {
        let block = &self.ready;
        if block.iter().all(|&byte| byte == 0) {
            return Ok(Part::Rest);
        }
        let kind = block[156];
        let is_extension = matches!(kind, b'L' | b'K' | b'x' | b'g');
        let name = self.ahead.name.as_deref().filter(|_| !is_extension).map_or_else(|| name(block), <[u8]>::to_vec);
        self.entry = shown(&name);
        self.n_entries += 1;
        if self.n_entries > MAX_ENTRIES {
            return Err(Refusal::Entries(MAX_ENTRIES));
        }
        let size = number::unsigned(&block[124..136], MAX_SIZE).map_err(|_| Refusal::Number("size"))?;
        if is_extension {
            let max = if matches!(kind, b'L' | b'K') { MAX_NAME as u64 + 1 } else { MAX_PAX };
            if size > max {
                return Err(if max == MAX_PAX { Refusal::Header(MAX_PAX) } else { Refusal::LongName(MAX_NAME) });
            }
            return Ok(Part::Extension(kind, size));
        }
        check_numbers(block)?;
        let ahead = std::mem::take(&mut self.ahead);
        let size = ahead.size.unwrap_or(size);
        // GNU tar takes the size of a hard link for that of its target, and no bytes follow; nor do they a directory.
        let is_directory = kind == b'5' || (matches!(kind, b'0' | b'7' | 0) && name.ends_with(b"/"));
        if size > 0 && (kind == b'1' || is_directory) {
            return Err(Refusal::Bytes);
        }
        if kind == b'S' {
            self.n_sparse_blocks = 0;
            check_sparse(&block[386..482])?;
            number::unsigned(&block[483..495], MAX_SIZE).map_err(|_| Refusal::Number("real size"))?;
            if block[482] != 0 {
                return Ok(Part::SparseMap(size));
            }
        }
        Ok(data(size))
    }

    fn extension(&mut self, kind: u8, size: u64) -> Result<Part, Refusal> {
        let content = &self.ready[..usize::try_from(size).unwrap_or_default()];
        match kind {
            b'L' => self.ahead.name = Some(content.strip_suffix(b"\0").unwrap_or(content).to_vec()),
            b'K' => {}
            _ => {
                let facts = pax::check(content, kind == b'g')?;
                if kind == b'x' {
                    self.ahead.size = facts.size;
                    self.ahead.name = facts.path.or(self.ahead.name.take());
                }
            }
        }
        Ok(Part::Header)
    }

    fn sparse_map(&mut self, size: u64) -> Result<Part, Refusal> {
        self.n_sparse_blocks += 1;
        if self.n_sparse_blocks > MAX_SPARSE_BLOCKS {
            return Err(Refusal::SparseMap);
        }
        check_sparse(&self.ready[..504])?;
        Ok(if self.ready[504] != 0 { Part::SparseMap(size) } else { data(size) })
    }

    fn spend(&mut self, n_bytes: u64) -> io::Result<()> {
        self.expansion.spend(n_bytes).map_err(|refusal| self.fault(refusal))
    }

    fn fault(&self, refusal: Refusal) -> io::Error {
        io::Error::other(HeaderFault { entry: self.entry.clone(), refusal })
    }
}

impl<R: Read> Read for Headers<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            let left = match self.next {
                Part::Data(0) => {
                    self.next = Part::Header;
                    continue;
                }
                Part::Header | Part::SparseMap(_) => {
                    self.fill(BLOCK as u64)?;
                    continue;
                }
                Part::Extension(_, 0) => {
                    self.next = Part::Header;
                    continue;
                }
                Part::Extension(_, size) => {
                    self.fill(size.next_multiple_of(BLOCK as u64))?;
                    continue;
                }
                Part::Data(left) => left,
                Part::Rest => u64::MAX,
            };
            let n_wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let n_read = self.inner.read(&mut buffer[..n_wanted])?;
            self.spend(n_read as u64)?;
            if let Part::Data(left) = &mut self.next {
                *left -= n_read as u64;
            }
            return Ok(n_read);
        }
        let n_read = (&self.ready[self.at..]).read(buffer)?;
        self.at += n_read;
        Ok(n_read)
    }
}

/// Returns the part of a file's bytes.
fn data(size: u64) -> Part {
    // At most 2^63 - 1, so that this does not overflow.
    Part::Data(size.next_multiple_of(BLOCK as u64))
}

/// Checks the numbers that GNU tar reads of an entry.
fn check_numbers(block: &[u8]) -> Result<(), Refusal> {
    number::signed(&block[100..108]).map_err(|_| Refusal::Number("mode"))?;
    for (field, what) in [(108..116, "user"), (116..124, "group")] {
        number::unsigned(&block[field], u32::MAX.into()).map_err(|_| Refusal::Number(what))?;
    }
    let time = number::signed(&block[136..148]).map_err(|_| Refusal::Number("time"))?;
    i64::try_from(time).map(drop).map_err(|_| Refusal::Number("time"))
}

/// Checks pairs of offset and length. Their order and sums are checked by the library.
fn check_sparse(pairs: &[u8]) -> Result<(), Refusal> {
    // An entry that begins with a NUL ends the map.
    let numbers = pairs.chunks(24).take_while(|pair| pair[0] != 0).flat_map(|pair| pair.chunks(12));
    for number in numbers {
        number::unsigned(number, MAX_SIZE).map_err(|_| Refusal::Number("map of holes"))?;
    }
    Ok(())
}

/// Returns the name in a header itself.
fn name(block: &[u8]) -> Vec<u8> {
    let text = |field: &[u8]| field.split(|&byte| byte == 0).next().unwrap_or_default().to_vec();
    let name = text(&block[..100]);
    match text(&block[345..500]) {
        prefix if !prefix.is_empty() && &block[257..263] == b"ustar\0" => [prefix, name].join(&b'/'),
        _ => name,
    }
}

/// Returns a name for people, whose length is no fault of theirs.
fn shown(name: &[u8]) -> String {
    const MAX: usize = 120;
    let text = String::from_utf8_lossy(&name[..name.len().min(MAX)]).into_owned();
    if name.len() > MAX { text + "…" } else { text }
}

#[cfg(test)]
mod tests;
