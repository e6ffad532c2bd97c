//! The ELF container: headers, sections by name, strings.
//!
//! One path for both widths and both byte orders, over the layouts of the `object` crate; nothing is trusted: every
//! range is checked against the file's size before it is read.

use std::borrow::Cow;
use std::ops::Range;

use object::elf::{ELFCLASS64, ELFDATA2MSB, ELFMAG, ET_REL, SHT_NOBITS};
use object::pod;
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endian, Endianness};

use super::{Fault, ReadAt};
use crate::module::Machine;

/// The largest number of bytes that are read of a file; for the largest real modules with debug information, a tenth.
pub const MAX_READ: u64 = 512 << 20;

/// An opened ELF file of one width.
pub(super) struct Elf<'a, S: ?Sized, H: FileHeader> {
    source: &'a S,
    header: H,
    endian: Endianness,
    sections: Vec<H::SectionHeader>,
    section_names: Cow<'a, [u8]>,
    /// Bytes that may still be read: overlapping sections cannot take more than the size of the file, twice.
    budget: std::cell::Cell<u64>,
}

/// Returns the width by the identification bytes; `None` when it is not an ELF file.
pub(super) fn is_wide(head: &[u8]) -> Option<bool> {
    (head.len() >= 16 && head.starts_with(&ELFMAG)).then(|| head[4] == ELFCLASS64.0)
}

impl<'a, S: ReadAt + ?Sized, H: FileHeader<Endian = Endianness>> Elf<'a, S, H> {
    /// Opens the file whose first bytes are `head`: at least a header, unless the file is shorter.
    pub(super) fn open(head: &[u8], source: &'a S) -> Result<Self, Fault> {
        let size = source.size();
        let (&header, _) = pod::from_bytes::<H>(head).map_err(|()| Fault::Truncated("the ELF header"))?;
        let endian = if head[5] == ELFDATA2MSB.0 { Endianness::Big } else { Endianness::Little };
        if header.e_type(endian) != ET_REL {
            return Err(Fault::NotRelocatable(header.e_type(endian).0));
        }
        let budget = std::cell::Cell::new(size.saturating_mul(2).min(MAX_READ));
        let mut elf = Elf { source, header, endian, sections: Vec::new(), section_names: Cow::Borrowed(&[]), budget };
        elf.sections = elf.read_section_headers()?;
        let names = elf.section_names_index().and_then(|index| elf.sections.get(index));
        let names = names.ok_or(Fault::Truncated("the table of section names"))?;
        elf.section_names = elf.bytes_of(names, "the table of section names")?;
        Ok(elf)
    }

    pub(super) fn endian(&self) -> Endianness {
        self.endian
    }

    pub(super) fn machine(&self) -> Machine {
        Machine {
            code: self.header.e_machine(self.endian).0,
            wide: self.header.is_type_64(),
            big_endian: self.endian.is_big_endian(),
        }
    }

    pub(super) fn section_name(&self, index: usize) -> &[u8] {
        let at = self.sections.get(index).map(|section| section.sh_name(self.endian) as usize);
        at.map_or(&[], |at| string_at(&self.section_names, at))
    }

    /// Returns the contents of the section of that index; empty when it has none in the file.
    pub(super) fn contents(&self, index: usize, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        self.bytes_of(self.sections.get(index).ok_or(Fault::Truncated(what))?, what)
    }

    /// Returns where the contents of the section of that index are in the file, unchecked; `None` when there are none.
    pub(super) fn place(&self, index: usize) -> Option<Range<u64>> {
        let section = self.sections.get(index).filter(|section| section.sh_type(self.endian) != SHT_NOBITS)?;
        let start: u64 = section.sh_offset(self.endian).into();
        Some(start..start.saturating_add(section.sh_size(self.endian).into()))
    }

    pub(super) fn sections(&self) -> &[H::SectionHeader] {
        &self.sections
    }

    fn read_section_headers(&self) -> Result<Vec<H::SectionHeader>, Fault> {
        const WHAT: &str = "the table of sections";
        let entry = size_of::<H::SectionHeader>() as u64;
        let start: u64 = self.header.e_shoff(self.endian).into();
        let mut count = u64::from(self.header.e_shnum(self.endian));
        if start == 0 || u64::from(self.header.e_shentsize(self.endian)) != entry {
            return Err(Fault::Truncated(WHAT));
        }
        if count == 0 {
            // More sections than the header's field can hold: the first section's size has the number.
            let first = self.range(start, entry, WHAT)?;
            let (first, _) = pod::from_bytes::<H::SectionHeader>(&first).map_err(|()| Fault::Truncated(WHAT))?;
            count = first.sh_size(self.endian).into();
        }
        let size = count.checked_mul(entry).ok_or(Fault::Truncated(WHAT))?;
        let bytes = self.range(start, size, WHAT)?;
        let count = usize::try_from(count).map_err(|_| Fault::Truncated(WHAT))?;
        let (headers, _) = pod::slice_from_bytes(&bytes, count).map_err(|()| Fault::Truncated(WHAT))?;
        Ok(headers.to_vec())
    }

    fn section_names_index(&self) -> Option<usize> {
        match self.header.e_shstrndx(self.endian) {
            object::elf::SHN_XINDEX => Some(self.sections.first()?.sh_link(self.endian) as usize),
            index => Some(usize::from(index.0)),
        }
    }

    fn bytes_of(&self, section: &H::SectionHeader, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        if section.sh_type(self.endian) == SHT_NOBITS {
            return Ok(Cow::Borrowed(&[]));
        }
        self.range(section.sh_offset(self.endian).into(), section.sh_size(self.endian).into(), what)
    }

    fn range(&self, start: u64, size: u64, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        let end = start.checked_add(size).filter(|&end| end <= self.source.size()).ok_or(Fault::Truncated(what))?;
        let left = self.budget.get().checked_sub(size);
        let refused = if size > MAX_READ / 2 { Fault::TooLarge { limit: MAX_READ } } else { Fault::Overlap };
        self.budget.set(left.ok_or(refused)?);
        Ok(self.source.read_at(start..end)?)
    }
}

/// Returns the string that starts at `at`, without its NUL; empty when out of range, cut when the table ends first.
pub(super) fn string_at(table: &[u8], at: usize) -> &[u8] {
    let rest = table.get(at..).unwrap_or_default();
    memchr::memchr(0, rest).map_or(rest, |end| &rest[..end])
}
