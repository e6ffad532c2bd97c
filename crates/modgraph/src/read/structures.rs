//! The layouts of structures and unions, as an object's debug information has them (DWARF 2 to 5).
//!
//! What a structure is made of stands there as a graph of entries; [`structures`] reads it once and gives each structure
//! with its members flat: those of nameless structures inside it count as its own.
//! What it does not do: follow pointers, read split or compressed debug information, or tell two types of one layout apart.

use std::collections::BTreeMap;

use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, Reader as _, Relocate, RelocateReader,
    RunTimeEndian, SectionId, Unit, UnitOffset, constants as dw,
};
use object::read::{Object as _, ObjectSection as _, RelocationMap};

/// A structure or union with its layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Which of the two.
    pub kind: StructureKind,
    /// Its tag; of one without a tag, what a `typedef` calls it.
    pub name: String,
    /// Whether [`Structure::name`] is a `typedef`'s.
    pub is_typedef: bool,
    /// Its size in bytes.
    pub size: u64,
    /// Its members in the order of their declaration.
    pub members: Vec<Member>,
    /// The file that declares it, as the compiler was told; empty when that is not said.
    pub file: String,
    /// The line there, from 1; 0 when that is not said.
    pub line: u64,
}

/// What kind of structure.
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
    /// Whether it has less than a whole type.
    pub is_bit_field: bool,
    /// The structure that it is, or is an array of, as [`Structure::title`] has it.
    pub of: Option<String>,
}

/// Why an object's structures cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StructuresError {
    /// The bytes are no object.
    #[error("it is no object file")]
    Object(#[from] object::read::Error),
    /// Its debug information is damaged, or of a kind that is not understood.
    #[error("its debug information cannot be read")]
    Dwarf(#[from] gimli::Error),
}

impl Structure {
    /// What C calls it: `struct net`, `union thread_union`, `spinlock_t`.
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

/// How deep types may be nested; a kernel's are not half as deep, and damaged bytes may go in circles.
const MAX_DEPTH: usize = 64;

/// Reads the structures that an object's debug information knows, in the order in which they stand there.
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
        let types = Types::read(&dwarf, &unit)?;
        let is_little = endian == RunTimeEndian::Little;
        let paths = |index| path(&dwarf, &unit, index).unwrap_or_default();
        found.extend(Reading { types, is_little, address_size: unit.encoding().address_size.into() }.all(&paths));
    }
    Ok(found)
}

type Reader<'a> = RelocateReader<EndianSlice<'a, RunTimeEndian>, &'a Relocations>;

/// A section's bytes, and what a linker would change in them.
#[derive(Debug, Default)]
struct Section<'a> {
    data: &'a [u8],
    relocations: Relocations,
}

#[derive(Debug, Default)]
struct Relocations(RelocationMap);

impl Relocate for &Relocations {
    fn relocate_address(&self, offset: usize, value: u64) -> gimli::Result<u64> {
        Ok(self.0.relocate(offset as u64, value))
    }

    fn relocate_offset(&self, offset: usize, value: usize) -> gimli::Result<usize> {
        usize::try_from(self.0.relocate(offset as u64, value as u64)).map_err(|_| gimli::Error::UnsupportedOffset)
    }
}

fn section<'a>(file: &object::File<'a>, id: SectionId) -> Result<Section<'a>, object::read::Error> {
    let Some(section) = file.section_by_name(id.name()) else { return Ok(Section::default()) };
    let mut relocations = RelocationMap::default();
    for (offset, relocation) in section.relocations() {
        // Differences of code addresses (RISC-V) are of no use here; what is needed are offsets into other sections.
        relocations.add(file, offset, relocation).unwrap_or_default();
    }
    Ok(Section { data: section.data()?, relocations: Relocations(relocations) })
}

/// An entry that is a type.
#[derive(Debug)]
struct Type {
    tag: gimli::DwTag,
    name: Option<String>,
    size: Option<u64>,
    of: Option<usize>,
    is_declaration: bool,
    file: u64,
    line: u64,
    members: Vec<RawMember>,
    /// Of an array: how many, for each dimension; 0 when that is open.
    counts: Vec<u64>,
}

#[derive(Debug)]
struct RawMember {
    name: Option<String>,
    of: Option<usize>,
    /// In bytes.
    location: u64,
    bits: Option<Bits>,
}

/// Where a bit field is.
#[derive(Debug, Clone, Copy)]
struct Bits {
    size: u64,
    /// From the start of the structure; from DWARF 4 on.
    from_start: Option<u64>,
    /// From the most significant bit of the storage unit, whose size in bytes follows; until DWARF 3.
    from_top: Option<(u64, Option<u64>)>,
}

/// The types of a unit by the offset of their entries.
type Types = BTreeMap<usize, Type>;

trait ReadTypes: Sized {
    fn read(dwarf: &Dwarf<Reader<'_>>, unit: &Unit<Reader<'_>>) -> Result<Self, gimli::Error>;
}

impl ReadTypes for Types {
    fn read(dwarf: &Dwarf<Reader<'_>>, unit: &Unit<Reader<'_>>) -> Result<Types, gimli::Error> {
        let mut types = Types::new();
        let mut parents: Vec<(isize, usize)> = Vec::new();
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            let (depth, UnitOffset(offset)) = (entry.depth(), entry.offset());
            while parents.last().is_some_and(|(above, _)| *above >= depth) {
                parents.pop();
            }
            let parent = parents.last().map(|(_, offset)| *offset);
            parents.push((depth, offset));
            let text = |name| text(dwarf, unit, entry, name);
            match entry.tag() {
                dw::DW_TAG_member => {
                    if let Some(parent) = parent.and_then(|parent| types.get_mut(&parent)) {
                        parent.members.push(member(entry, text(dw::DW_AT_name)));
                    }
                }
                dw::DW_TAG_subrange_type => {
                    if let Some(parent) = parent.and_then(|parent| types.get_mut(&parent)) {
                        parent.counts.push(count(entry));
                    }
                }
                tag if is_type(tag) => {
                    let number = |name| entry.attr_value(name).and_then(|value| value.udata_value());
                    let file = match entry.attr_value(dw::DW_AT_decl_file) {
                        Some(AttributeValue::FileIndex(index)) => index,
                        value => value.and_then(|value| value.udata_value()).unwrap_or_default(),
                    };
                    let found = Type {
                        tag,
                        name: text(dw::DW_AT_name),
                        size: number(dw::DW_AT_byte_size),
                        of: reference(entry),
                        is_declaration: entry.attr(dw::DW_AT_declaration).is_some(),
                        file,
                        line: number(dw::DW_AT_decl_line).unwrap_or_default(),
                        members: Vec::new(),
                        counts: Vec::new(),
                    };
                    types.insert(offset, found);
                }
                _ => {}
            }
        }
        Ok(types)
    }
}

fn is_type(tag: gimli::DwTag) -> bool {
    is_record(tag)
        || is_wrapper(tag)
        || matches!(
            tag,
            dw::DW_TAG_base_type | dw::DW_TAG_pointer_type | dw::DW_TAG_enumeration_type | dw::DW_TAG_array_type
        )
}

fn is_record(tag: gimli::DwTag) -> bool {
    matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_union_type)
}

/// Types that are laid out as what they are of.
fn is_wrapper(tag: gimli::DwTag) -> bool {
    matches!(
        tag,
        dw::DW_TAG_typedef
            | dw::DW_TAG_const_type
            | dw::DW_TAG_volatile_type
            | dw::DW_TAG_restrict_type
            | dw::DW_TAG_atomic_type
    )
}

fn text(
    dwarf: &Dwarf<Reader<'_>>,
    unit: &Unit<Reader<'_>>,
    entry: &DebuggingInformationEntry<Reader<'_>>,
    name: gimli::DwAt,
) -> Option<String> {
    let text = dwarf.attr_string(unit, entry.attr_value(name)?).ok()?;
    Some(text.to_string_lossy().ok()?.into_owned()).filter(|text| !text.is_empty())
}

fn reference(entry: &DebuggingInformationEntry<Reader<'_>>) -> Option<usize> {
    match entry.attr_value(dw::DW_AT_type)? {
        AttributeValue::UnitRef(UnitOffset(offset)) => Some(offset),
        _ => None,
    }
}

fn count(entry: &DebuggingInformationEntry<Reader<'_>>) -> u64 {
    let number = |name| {
        let value = entry.attr_value(name)?;
        value.udata_value().or_else(|| value.sdata_value().map(|value| value as u64))
    };
    // The upper bound of an array of none is the largest number of its form, or -1.
    let is_none = |bound: &u64| [u64::from(u32::MAX), u64::MAX].contains(bound);
    let from_bound = || number(dw::DW_AT_upper_bound).filter(|bound| !is_none(bound)).map(|bound| bound + 1);
    number(dw::DW_AT_count).or_else(from_bound).unwrap_or_default()
}

fn member(entry: &DebuggingInformationEntry<Reader<'_>>, name: Option<String>) -> RawMember {
    let number = |name| entry.attr_value(name).and_then(|value| value.udata_value());
    let bits = number(dw::DW_AT_bit_size).map(|size| Bits {
        size,
        from_start: number(dw::DW_AT_data_bit_offset),
        from_top: number(dw::DW_AT_bit_offset).map(|offset| (offset, number(dw::DW_AT_byte_size))),
    });
    let location = number(dw::DW_AT_data_member_location).unwrap_or_default();
    RawMember { name, of: reference(entry), location, bits }
}

/// The path of a file of the unit's list.
fn path(dwarf: &Dwarf<Reader<'_>>, unit: &Unit<Reader<'_>>, index: u64) -> Option<String> {
    let header = unit.line_program.as_ref()?.header();
    let file = header.file(index)?;
    let text = |value| Some(dwarf.attr_string(unit, value).ok()?.to_string_lossy().ok()?.into_owned());
    let name = text(file.path_name())?;
    let folder = file.directory(header).and_then(text).unwrap_or_default();
    let base =
        unit.comp_dir.as_ref().and_then(|dir| Some(dir.to_string_lossy().ok()?.into_owned())).unwrap_or_default();
    let join = |base: String, name: String| match name.starts_with('/') || base.is_empty() {
        true => name,
        false => format!("{}/{name}", base.trim_end_matches('/')),
    };
    Some(join(join(base, folder), name))
}

struct Reading {
    types: Types,
    is_little: bool,
    address_size: u64,
}

/// What a type is once wrappers and arrays are taken off.
struct Peeled<'a> {
    record: &'a Type,
    offset: usize,
    /// What it is called: its tag, or the nearest `typedef`.
    title: Option<String>,
    is_array: bool,
}

impl Reading {
    fn all(&self, paths: &dyn Fn(u64) -> String) -> Vec<Structure> {
        let mut found = Vec::new();
        for (offset, entry) in &self.types {
            if is_record(entry.tag) && entry.name.is_some() {
                found.extend(self.structure(*offset, entry, entry.name.clone(), false, paths));
            } else if entry.tag == dw::DW_TAG_typedef
                && let Some((offset, record)) = entry.of.and_then(|of| Some((of, self.types.get(&of)?)))
                && is_record(record.tag)
                && record.name.is_none()
            {
                found.extend(self.structure(offset, record, entry.name.clone(), true, paths));
            }
        }
        found
    }

    fn structure(
        &self,
        offset: usize,
        record: &Type,
        name: Option<String>,
        is_typedef: bool,
        paths: &dyn Fn(u64) -> String,
    ) -> Option<Structure> {
        let (name, size) = (name?, record.size.filter(|_| !record.is_declaration)?);
        let mut members = Vec::new();
        self.flatten(offset, 0, "", MAX_DEPTH, &mut members);
        let (file, line) = (paths(record.file), record.line);
        Some(Structure { kind: kind(record), name, is_typedef, size, members, file, line })
    }

    /// Adds the members of the record at `offset`, which starts `base` bits into the structure.
    fn flatten(&self, offset: usize, base: u64, prefix: &str, depth: usize, members: &mut Vec<Member>) {
        let Some(record) = self.types.get(&offset).filter(|_| depth > 0) else { return };
        for raw in &record.members {
            let peeled = raw.of.and_then(|of| self.peel(of));
            let start = base.wrapping_add(self.start(raw));
            let name = raw.name.as_deref().map(|name| format!("{prefix}{name}"));
            let nameless = peeled.as_ref().filter(|peeled| peeled.title.is_none());
            if let Some(inner) = nameless {
                let prefix = match &name {
                    None => prefix.to_owned(),
                    Some(name) if inner.is_array => format!("{name}[]."),
                    Some(name) => format!("{name}."),
                };
                if let Some(name) = name.filter(|_| inner.is_array) {
                    members.push(self.named(name, start, raw, None));
                }
                self.flatten(inner.offset, start, &prefix, depth - 1, members);
            } else if let Some(name) = name {
                members.push(self.named(name, start, raw, peeled.and_then(|peeled| peeled.title)));
            }
        }
    }

    fn named(&self, name: String, offset: u64, raw: &RawMember, of: Option<String>) -> Member {
        let whole = || raw.of.map_or(0, |of| self.size(of, MAX_DEPTH)).saturating_mul(8);
        let size = raw.bits.map_or_else(whole, |bits| bits.size);
        Member { name, offset, size, is_bit_field: raw.bits.is_some(), of }
    }

    /// Where a member starts in its record, in bits.
    fn start(&self, raw: &RawMember) -> u64 {
        let from_location = raw.location.saturating_mul(8);
        let Some(bits) = raw.bits else { return from_location };
        match (bits.from_start, bits.from_top) {
            (Some(start), _) => from_location.wrapping_add(start),
            (None, Some((from_top, storage))) if self.is_little => {
                let storage = storage.or_else(|| raw.of.map(|of| self.size(of, MAX_DEPTH))).unwrap_or_default();
                from_location.wrapping_add(storage.saturating_mul(8)).wrapping_sub(from_top).wrapping_sub(bits.size)
            }
            (None, Some((from_top, _))) => from_location.wrapping_add(from_top),
            (None, None) => from_location,
        }
    }

    fn peel(&self, offset: usize) -> Option<Peeled<'_>> {
        let (mut at, mut called, mut is_array) = (offset, None, false);
        for _ in 0..MAX_DEPTH {
            let entry = self.types.get(&at)?;
            match entry.tag {
                tag if is_record(tag) => {
                    let of_tag = entry.name.as_deref().map(|name| title(kind(entry), name, false));
                    return Some(Peeled { record: entry, offset: at, title: of_tag.or(called), is_array })
                        .filter(|peeled| !peeled.record.is_declaration);
                }
                dw::DW_TAG_array_type => (is_array, called) = (true, None),
                dw::DW_TAG_typedef => called = entry.name.clone(),
                tag if is_wrapper(tag) => {}
                _ => return None,
            }
            at = entry.of?;
        }
        None
    }

    /// The size of a type in bytes.
    fn size(&self, offset: usize, depth: usize) -> u64 {
        let Some(entry) = self.types.get(&offset).filter(|_| depth > 0) else { return 0 };
        let of = || entry.of.map_or(0, |of| self.size(of, depth - 1));
        match entry.tag {
            dw::DW_TAG_pointer_type => entry.size.unwrap_or(self.address_size),
            dw::DW_TAG_array_type => {
                entry.size.unwrap_or_else(|| entry.counts.iter().fold(of(), |size, count| size.saturating_mul(*count)))
            }
            tag if is_wrapper(tag) => of(),
            _ => entry.size.unwrap_or_default(),
        }
    }
}

fn kind(record: &Type) -> StructureKind {
    if record.tag == dw::DW_TAG_union_type { StructureKind::Union } else { StructureKind::Struct }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Objects of real compilers are read in `crates/build/src/kernel/layouts`: this crate starts none.

    #[test]
    fn what_has_no_debug_information_has_no_structures() {
        assert_eq!(structures(&kiln_testkit::Ko::new().build()).unwrap(), []);
        assert!(matches!(structures(b"no ELF"), Err(StructuresError::Object(_))));
    }
}
