//! How much there is to compile, before compiling.
//!
//! The kernel's makefiles are read for the objects that this configuration asks for ([`makefile`]); of those, an object
//! counts as done when it is there and no symbol that it was compiled with (Kbuild notes them beside it) has changed. This is
//! for a progress bar: what the reading does not see (boot code, vDSO, generated headers) is a few parts in a hundred,
//! and nothing depends on the number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kiln_plan::ConfigValues;

use super::Make;

mod makefile;

/// How many objects and modules a build of `config` still has to make.
pub(super) fn pending(make: &Make, config: &ConfigValues) -> u64 {
    let objects = makefile::objects(make.tree, make.target, config);
    let changed = changed_symbols(make.out, config);
    let stale: BTreeSet<&String> = objects.linked.iter().filter(|name| is_stale(make.out, name, &changed)).collect();
    let modules = objects.modules.iter().filter(|(name, members)| {
        !make.out.join(format!("{name}.ko")).is_file() || members.iter().any(|member| stale.contains(member))
    });
    // A module is more than its objects: a description is compiled (.mod.o) and all is linked (.ko).
    (stale.len() + 2 * modules.count()) as u64
}

/// Whether a line of the build tells of something that [`pending`] counts.
pub(super) fn counts(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let (verb, second, third) = (words.next(), words.next(), words.next());
    match verb {
        Some("CC" | "AS") => second.is_some_and(|word| word == "[M]" || word.ends_with(".o")),
        Some("LD") => second == Some("[M]") && third.is_some_and(|word| word.ends_with(".ko")),
        _ => false,
    }
}

/// Symbols whose value differs from that of the last build in `out`; all of them are new to a folder without one.
fn changed_symbols(out: &Path, config: &ConfigValues) -> BTreeSet<String> {
    let old = std::fs::read_to_string(out.join("include/config/auto.conf")).unwrap_or_default();
    let old = ConfigValues::parse(&old);
    let (old, new): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) = (old.iter().collect(), config.iter().collect());
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names.into_iter().filter(|name| old.get(name) != new.get(name)).map(str::to_owned).collect()
}

/// Whether `object` has to be compiled: it is not there, or Kbuild's note names a changed symbol.
fn is_stale(out: &Path, object: &str, changed: &BTreeSet<String>) -> bool {
    let path = out.join(object);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return true;
    };
    if !path.is_file() {
        return true;
    }
    match std::fs::read_to_string(folder.join(format!(".{name}.cmd"))) {
        Ok(note) => !changed.is_empty() && noted_symbols(&note).any(|symbol| changed.contains(symbol)),
        Err(_) => true,
    }
}

/// Symbols in Kbuild's note of an object: `$(wildcard include/config/NAME)`.
fn noted_symbols(note: &str) -> impl Iterator<Item = &str> {
    note.split("include/config/").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next())
}
