//! The symbols that a module takes from others: tens of them in each of thousands of modules, so all names of a
//! module are stored in one allocation.

/// One symbol that a module takes from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want<'a> {
    /// The symbol.
    pub name: &'a str,
    /// The version it was compiled against, when recorded.
    pub crc: Option<u32>,
    /// Whether the module also loads without it.
    pub weak: bool,
}

/// The symbols that a module takes from others, in an order of their own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Wants {
    names: Box<str>,
    packed: Box<[Packed]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed {
    /// Where the name ends in the text of all names; it starts where the one before ends.
    end: u32,
    crc: u32,
    has_crc: bool,
    weak: bool,
}

impl Wants {
    /// Returns the number of symbols.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Returns the symbol at that position.
    pub fn get(&self, index: usize) -> Option<Want<'_>> {
        let packed = self.packed.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.packed[before].end);
        let name = &self.names[start as usize..packed.end as usize];
        Some(Want { name, crc: packed.has_crc.then_some(packed.crc), weak: packed.weak })
    }

    /// Returns all symbols in order.
    pub fn iter(&self) -> impl Iterator<Item = Want<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl From<&[Want<'_>]> for Wants {
    /// # Panics
    /// When all names together have 4 GiB; the reader of modules stops long before that.
    fn from(wants: &[Want<'_>]) -> Wants {
        let mut names = String::with_capacity(wants.iter().map(|want| want.name.len()).sum());
        let mut packed = Vec::with_capacity(wants.len());
        for want in wants {
            names.push_str(want.name);
            let end = u32::try_from(names.len()).expect("the reader limits the names of a module");
            packed.push(Packed { end, crc: want.crc.unwrap_or(0), has_crc: want.crc.is_some(), weak: want.weak });
        }
        Wants { names: names.into(), packed: packed.into() }
    }
}

impl std::fmt::Debug for Wants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
