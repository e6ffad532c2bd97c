//! Structures with their members flat, from the types of a compile unit.

use std::cell::Cell;

use gimli::constants as dw;

use super::entries::{RawMember, Type, Types, is_record, is_wrapper};
use super::{Member, Structure, StructureKind, StructuresError, title};

/// The limit on the nesting of types; a kernel's are not half as deep, and damaged bytes may form a circle.
const MAX_DEPTH: usize = 64;
/// The average number of visits of a member, at most. A compiler's are visited once or twice, as a nameless structure is
/// inside one other; in damaged bytes each may be inside the next twice.
const MAX_VISITS: usize = 16;

/// The types of a unit, and what their layout depends on.
pub(super) struct Reading {
    types: Types,
    is_little: bool,
    address_size: u64,
    /// The number of visits that are left; 0 when they were not enough.
    left: Cell<usize>,
}

/// A type without its wrappers and arrays.
struct Peeled<'a> {
    record: &'a Type,
    offset: usize,
    /// Its name: its tag, or the nearest `typedef`.
    title: Option<String>,
    is_array: bool,
}

impl Reading {
    pub(super) fn new(types: Types, is_little: bool, address_size: u64) -> Reading {
        let n_members: usize = types.values().map(|entry| entry.members.len()).sum();
        Reading { types, is_little, address_size, left: Cell::new(n_members * MAX_VISITS + 1) }
    }

    /// Returns every structure that has a name.
    ///
    /// # Errors
    /// [`StructuresError::Circular`].
    pub(super) fn all(&self, paths: &dyn Fn(u64) -> String) -> Result<Vec<Structure>, StructuresError> {
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
        if self.left.get() == 0 { Err(StructuresError::Circular) } else { Ok(found) }
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
            self.left.set(self.left.get().saturating_sub(1));
            if self.left.get() == 0 {
                return;
            }
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

    /// Returns where a member starts in its record, in bits.
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

    /// Returns the size of a type in bytes.
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

    /// A structure with two nameless members of the type at `of`, which makes two paths to all that is below.
    fn doubling(name: Option<&str>, of: usize) -> Type {
        let raw = |name: Option<&str>, of| RawMember { name: name.map(str::to_owned), of, location: 0, bits: None };
        Type {
            tag: dw::DW_TAG_structure_type,
            name: name.map(str::to_owned),
            size: Some(8),
            of: None,
            is_declaration: false,
            file: 0,
            line: 0,
            members: vec![raw(Some("a"), None), raw(None, Some(of)), raw(None, Some(of))],
            counts: Vec::new(),
        }
    }

    #[test]
    fn structures_that_contain_each_other_are_refused() {
        let circle = Types::from([(0, doubling(Some("s"), 1)), (1, doubling(None, 1))]);
        let found = Reading::new(circle, true, 8).all(&|_| String::new());
        assert!(matches!(found, Err(StructuresError::Circular)), "{found:?}");
    }
}
