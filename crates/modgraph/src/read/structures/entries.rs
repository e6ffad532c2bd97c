//! The types of a compile unit, as entries that refer to each other.

use std::collections::BTreeMap;

use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, Reader as _, Relocate, RelocateReader,
    RunTimeEndian, SectionId, Unit, UnitOffset, constants as dw,
};
use object::read::{Object as _, ObjectSection as _, RelocationMap};

pub(super) type Reader<'a> = RelocateReader<EndianSlice<'a, RunTimeEndian>, &'a Relocations>;

/// A section's bytes, and the relocations that a linker would apply to them.
#[derive(Debug, Default)]
pub(super) struct Section<'a> {
    pub(super) data: &'a [u8],
    pub(super) relocations: Relocations,
}

#[derive(Debug, Default)]
pub(super) struct Relocations(RelocationMap);

impl Relocate for &Relocations {
    fn relocate_address(&self, offset: usize, value: u64) -> gimli::Result<u64> {
        Ok(self.0.relocate(offset as u64, value))
    }

    fn relocate_offset(&self, offset: usize, value: usize) -> gimli::Result<usize> {
        usize::try_from(self.0.relocate(offset as u64, value as u64)).map_err(|_| gimli::Error::UnsupportedOffset)
    }
}

pub(super) fn section<'a>(file: &object::File<'a>, id: SectionId) -> Result<Section<'a>, object::read::Error> {
    let Some(section) = file.section_by_name(id.name()) else { return Ok(Section::default()) };
    let mut relocations = RelocationMap::default();
    for (offset, relocation) in section.relocations() {
        // Differences of code addresses (RISC-V) are not needed here, only offsets into other sections.
        relocations.add(file, offset, relocation).unwrap_or_default();
    }
    Ok(Section { data: section.data()?, relocations: Relocations(relocations) })
}

/// An entry that is a type.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) tag: gimli::DwTag,
    pub(super) name: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) of: Option<usize>,
    pub(super) is_declaration: bool,
    pub(super) file: u64,
    pub(super) line: u64,
    pub(super) members: Vec<RawMember>,
    /// The length of an array in each dimension; 0 when that is open.
    pub(super) counts: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct RawMember {
    pub(super) name: Option<String>,
    pub(super) of: Option<usize>,
    /// In bytes.
    pub(super) location: u64,
    pub(super) bits: Option<Bits>,
}

/// Where a bit field is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    pub(super) size: u64,
    /// From the start of the structure; from DWARF 4 on.
    pub(super) from_start: Option<u64>,
    /// From the most significant bit of the storage unit, whose size in bytes follows; until DWARF 3.
    pub(super) from_top: Option<(u64, Option<u64>)>,
}

/// The types of a unit by the offset of their entries.
pub(super) type Types = BTreeMap<usize, Type>;

/// Reads the types of a unit.
pub(super) fn types(dwarf: &Dwarf<Reader<'_>>, unit: &Unit<Reader<'_>>) -> Result<Types, gimli::Error> {
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

fn is_type(tag: gimli::DwTag) -> bool {
    is_record(tag)
        || is_wrapper(tag)
        || matches!(
            tag,
            dw::DW_TAG_base_type | dw::DW_TAG_pointer_type | dw::DW_TAG_enumeration_type | dw::DW_TAG_array_type
        )
}

pub(super) fn is_record(tag: gimli::DwTag) -> bool {
    matches!(tag, dw::DW_TAG_structure_type | dw::DW_TAG_union_type)
}

/// Types with the layout of the type that they refer to.
pub(super) fn is_wrapper(tag: gimli::DwTag) -> bool {
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

/// Returns the path of a file of the unit's list.
pub(super) fn path(dwarf: &Dwarf<Reader<'_>>, unit: &Unit<Reader<'_>>, index: u64) -> Option<String> {
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
