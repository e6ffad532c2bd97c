//! The layouts of structures under two configs side by side, and the symbols that cause each difference.
//!
//! [`Layouts`] collects the structures of objects, the same object compiled under either config, and returns those that
//! differ. A difference is attributed to a symbol that the definition names, to a macro of the same file that depends
//! on one, or to a member whose own structure differs; where none of these applies, it has no cause.

mod macros;

use std::collections::{BTreeMap, BTreeSet};

use self::macros::Macros;
use kiln_modgraph::read::{Member, Structure, StructureKind};

/// Layouts that were read, by the structure's title and the file that defines it.
#[derive(Debug, Clone, Default)]
pub struct Layouts {
    sides: [BTreeMap<(String, String), Structure>; 2],
}

/// A structure whose layout differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureChange {
    /// Its title in C: `struct net`.
    pub title: String,
    /// Its name.
    pub name: String,
    /// Whether it is a structure or a union.
    pub kind: StructureKind,
    /// The file that defines it.
    pub file: String,
    /// The line there, from 1.
    pub line: u64,
    /// Its size under the first config, in bytes.
    pub old_size: u64,
    /// Its size under the second.
    pub new_size: u64,
    /// Members that are added, removed, moved or resized, in the order of their places.
    pub members: Vec<MemberChange>,
    /// The cause of the difference, where it is known.
    pub cause: Option<Cause>,
}

/// A member that is not the same or not in the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// Its name, see [`Member::name`].
    pub name: String,
    /// Its old place.
    pub old: Option<Slot>,
    /// Its new place.
    pub new: Option<Slot>,
    /// The structure that is its type.
    of: Option<String>,
}

/// The place of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Its offset from the start, in bits.
    pub offset: u64,
    /// Its size, in bits.
    pub size: u64,
    /// Whether it takes less than a whole type.
    pub is_bit_field: bool,
}

/// The cause of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The links to the cause: structures, each a member of the one before it, then macros that the last one's
    /// definition uses.
    pub through: Vec<String>,
    /// The file that names the symbols.
    pub file: String,
    /// Each changed symbol that is named there, with the first line that names it, by line.
    pub symbols: Named,
}

/// Symbols with the first line that names each, by line.
pub type Named = Vec<(u32, String)>;

impl Layouts {
    /// Adds the structures of one object under the first and the second config.
    pub fn add(&mut self, objects: [Vec<Structure>; 2]) {
        for (side, structures) in self.sides.iter_mut().zip(objects) {
            for structure in structures {
                side.entry((structure.title(), structure.file.clone())).or_insert(structure);
            }
        }
    }

    /// Returns the files that define structures which differ.
    pub fn files(&self) -> BTreeSet<&str> {
        self.pairs().filter(|(old, new)| differs(old, new)).map(|(_, new)| new.file.as_str()).collect()
    }

    /// Returns the structures that are on both sides and differ: those explained by a definition first, by name.
    ///
    /// `symbols` are the changed symbols, and `texts` holds the texts of [`Layouts::files`].
    pub fn changes(&self, symbols: &BTreeSet<&str>, texts: &BTreeMap<&str, String>) -> Vec<StructureChange> {
        let mut changes: Vec<StructureChange> =
            self.pairs().filter(|(old, new)| differs(old, new)).map(|(old, new)| change(old, new)).collect();
        let mut causes: BTreeMap<String, Cause> = BTreeMap::new();
        for change in &changes {
            let Some(text) = texts.get(change.file.as_str()) else { continue };
            let named = within(text, change.line, symbols);
            let found = match named.is_empty() {
                false => Some((Vec::new(), named)),
                true => Macros::read(text, symbols).behind(definition(text, change.line)),
            };
            if let Some((through, symbols)) = found {
                let cause = Cause { through, file: change.file.clone(), symbols };
                causes.entry(change.title.clone()).or_insert(cause);
            }
        }
        // Structures that contain one of these come next, then those that contain one of those.
        let mut news = true;
        while news {
            news = false;
            for change in &changes {
                if causes.contains_key(&change.title) {
                    continue;
                }
                let resized = change.members.iter().filter(|member| member.is_resized());
                let mut inner = resized.filter_map(|member| member.of.as_ref());
                if let Some((of, cause)) = inner.find_map(|of| Some((of, causes.get(of)?))) {
                    let through = std::iter::once(of.clone()).chain(cause.through.iter().cloned()).collect();
                    causes.insert(change.title.clone(), Cause { through, ..cause.clone() });
                    news = true;
                }
            }
        }
        for change in &mut changes {
            change.cause = causes.get(&change.title).cloned();
        }
        let rank = |change: &StructureChange| change.cause.as_ref().map_or(usize::MAX, |cause| cause.through.len());
        changes.sort_by(|one, two| (rank(one), &one.title, &one.file).cmp(&(rank(two), &two.title, &two.file)));
        changes
    }

    fn pairs(&self) -> impl Iterator<Item = (&Structure, &Structure)> {
        let [old, new] = &self.sides;
        old.iter().filter_map(|(key, structure)| Some((structure, new.get(key)?)))
    }
}

impl MemberChange {
    /// Whether it exists under both configs and its size differs.
    pub fn is_resized(&self) -> bool {
        matches!((self.old, self.new), (Some(old), Some(new)) if old.size != new.size)
    }

    /// Whether it exists under both configs with one size, at different places.
    pub fn is_moved(&self) -> bool {
        matches!((self.old, self.new), (Some(old), Some(new)) if old.size == new.size)
    }
}

fn differs(old: &Structure, new: &Structure) -> bool {
    let places = |structure: &Structure| -> BTreeMap<String, Slot> {
        structure.members.iter().map(|member| (member.name.clone(), slot(member))).collect()
    };
    old.size != new.size || places(old) != places(new)
}

fn slot(member: &Member) -> Slot {
    Slot { offset: member.offset, size: member.size, is_bit_field: member.is_bit_field }
}

fn change(old: &Structure, new: &Structure) -> StructureChange {
    fn by_name(structure: &Structure) -> BTreeMap<&str, &Member> {
        structure.members.iter().map(|member| (member.name.as_str(), member)).collect()
    }
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut members: Vec<MemberChange> = names
        .into_iter()
        .map(|name| {
            let (old, new) = (before.get(name).copied(), after.get(name).copied());
            let of = new.or(old).and_then(|member| member.of.clone());
            MemberChange { name: name.to_owned(), old: old.map(slot), new: new.map(slot), of }
        })
        .filter(|member| member.old != member.new)
        .collect();
    // A group of members that also has a name (`struct_group`) reports the same change twice.
    let all = members.clone();
    members.retain(|member| {
        let is_same = |other: &MemberChange| (other.old, other.new) == (member.old, member.new);
        let own = member.name.rsplit_once('.').map(|(_, own)| own);
        !all.iter().any(|other| Some(other.name.as_str()) == own && is_same(other))
    });
    members.sort_by_key(|member| member.new.or(member.old).map(|slot| slot.offset));
    StructureChange {
        title: new.title(),
        name: new.name.clone(),
        kind: new.kind,
        file: new.file.clone(),
        line: new.line,
        old_size: old.size,
        new_size: new.size,
        members,
        cause: None,
    }
}

/// Returns the symbols that the definition at `line` names, with the first line of each.
fn within(text: &str, line: u64, symbols: &BTreeSet<&str>) -> Named {
    let mut found: BTreeMap<&str, u32> = BTreeMap::new();
    for (text, number) in definition(text, line).lines().zip(line as u32..) {
        for symbol in namings(text).filter(|symbol| symbols.contains(symbol)) {
            found.entry(symbol).or_insert(number);
        }
    }
    let mut found: Named = found.into_iter().map(|(symbol, line)| (line, symbol.to_owned())).collect();
    found.sort();
    found
}

/// Returns the text of the definition that starts at `line`, up to the line with its last brace.
fn definition(text: &str, line: u64) -> &str {
    let Some(first) = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)) else { return "" };
    let start: usize = text.split_inclusive('\n').take(first).map(str::len).sum();
    let (mut depth, mut is_open, mut end) = (0_i64, false, start);
    for line in text[start..].split_inclusive('\n') {
        end += line.len();
        for c in line.chars() {
            depth += i64::from(c == '{') - i64::from(c == '}');
            is_open |= c == '{';
        }
        if (is_open && depth <= 0) || (!is_open && line.contains(';')) {
            break;
        }
    }
    &text[start..end]
}

/// Returns the symbols that a C text names, without `CONFIG_`, in its order; of `CONFIG_A_MODULE`, `A_MODULE` and `A`.
pub fn namings(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices("CONFIG_").filter(move |(at, _)| !text[..*at].ends_with(is_word));
    let whole = starts.map(move |(at, word)| {
        let rest = &text[at + word.len()..];
        &rest[..rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())]
    });
    whole.filter(|name| !name.is_empty()).flat_map(|name| [Some(name), name.strip_suffix("_MODULE")]).flatten()
}

#[cfg(test)]
mod tests;
