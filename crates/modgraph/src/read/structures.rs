//! The layouts of structures and unions, as an object's debug information has them (DWARF 2 to 5).
//!
//! Debug information has a structure as a graph of entries; [`structures`] reads it once and returns each structure
//! with its members flat: those of nameless structures inside it count as its own.
//! What it does not do: follow pointers, read split or compressed debug information, or distinguish two equal layouts.

mod entries;
mod flatten;

use gimli::{EndianSlice, RelocateReader, RunTimeEndian};
use object::read::Object as _;

use entries::{path, section, types};
use flatten::Reading;

/// A structure or union with its layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Its kind.
    pub kind: StructureKind,
    /// Its tag; for one without a tag, its name in a `typedef`.
    pub name: String,
    /// Whether [`Structure::name`] is a `typedef`'s.
    pub is_typedef: bool,
    /// Its size in bytes.
    pub size: u64,
    /// Its members in the order of their declaration.
    pub members: Vec<Member>,
    /// The file that declares it, as the compiler was given it; empty when unknown.
    pub file: String,
    /// The line there, from 1; 0 when unknown.
    pub line: u64,
}

/// The kind of a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StructureKind {
    /// `struct`
    Struct,
    /// `union`
    Union,
}

/// A member of a structure, or of a nameless structure inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name; `a.b` for `b` of the member `a` whose structure has no name, `a[].b` when `a` is an array of these.
    pub name: String,
    /// Where it starts, in bits from the start of the structure.
    pub offset: u64,
    /// Its size in bits.
    pub size: u64,
    /// Whether it is a bit field.
    pub is_bit_field: bool,
    /// The structure that it is, or is an array of, as [`Structure::title`] has it.
    pub of: Option<String>,
}

/// Why an object's structures cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StructuresError {
    /// The bytes are not an object.
    #[error("it is not an object file")]
    Object(#[from] object::read::Error),
    /// Its debug information is damaged, or of an unsupported kind.
    #[error("its debug information cannot be read")]
    Dwarf(#[from] gimli::Error),
    /// Structures contain each other, which no compiler writes.
    #[error("its debug information is damaged: structures contain each other")]
    Circular,
}

impl Structure {
    /// Returns its name in C: `struct net`, `union thread_union`, `spinlock_t`.
    pub fn title(&self) -> String {
        title(self.kind, &self.name, self.is_typedef)
    }
}

fn title(kind: StructureKind, name: &str, is_typedef: bool) -> String {
    match (is_typedef, kind) {
        (true, _) => name.to_owned(),
        (false, StructureKind::Struct) => format!("struct {name}"),
        (false, StructureKind::Union) => format!("union {name}"),
    }
}

/// Reads the structures in an object's debug information, in their order there.
///
/// `bytes` is an object or executable with its sections uncompressed; an object without debug information has none.
/// # Errors
/// See [`StructuresError`].
/// # Source
/// The DWARF standard, versions 2 to 5: sections "Structure, Union, Class and Interface Type Entries" and "Data Member Entries".
pub fn structures(bytes: &[u8]) -> Result<Vec<Structure>, StructuresError> {
    let file = object::File::parse(bytes)?;
    let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let sections = gimli::DwarfSections::load(|id| section(&file, id))?;
    let dwarf =
        sections.borrow(|section| RelocateReader::new(EndianSlice::new(section.data, endian), &section.relocations));
    let mut found = Vec::new();
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        let unit = dwarf.unit(header)?;
        let types = types(&dwarf, &unit)?;
        let is_little = endian == RunTimeEndian::Little;
        let paths = |index| path(&dwarf, &unit, index).unwrap_or_default();
        found.extend(Reading::new(types, is_little, unit.encoding().address_size.into()).all(&paths)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Objects of real compilers are read in `crates/kbuild/src/kernel/layouts`: this crate runs no compiler.

    #[test]
    fn what_has_no_debug_information_has_no_structures() {
        assert_eq!(structures(&kiln_testkit::Ko::new().build()).unwrap(), []);
        assert!(matches!(structures(b"no ELF"), Err(StructuresError::Object(_))));
    }
}
