//! Estimates how much there is to compile, before compiling.
//!
//! The kernel's makefiles are read for the objects of this configuration ([`kiln_makefile::objects()`]); of those, an
//! object counts as done when it exists and no symbol that it was compiled with (Kbuild records them next to it) has
//! changed. Progress is counted in these objects only: those that are not found this way (boot code, vDSO, the kernel's
//! own tools; 7 in 100 for a small x86 kernel) count neither in the total nor as done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kiln_impact::Objects;
use kiln_kconfig::Config;
use kiln_makefile::BuildContext;

use super::environment::Make;
use crate::toolchain::Target;

/// The objects and modules that a build still has to make, by their path in the output directory.
#[derive(Debug)]
pub(super) struct Pending {
    names: BTreeSet<String>,
    total: u64,
}

/// Returns what a build of `config` still has to make.
pub(super) fn pending(make: &Make, config: &Config) -> Pending {
    let objects = listed(make.tree, make.target, config);
    let changed = changed_symbols(make.out, config);
    let mut names: BTreeSet<String> =
        objects.linked.iter().filter(|name| is_stale(make.out, name, &changed)).cloned().collect();
    for (name, members) in &objects.modules {
        let module = format!("{name}.ko");
        if !make.out.join(&module).is_file() || members.iter().any(|member| names.contains(member)) {
            // A module also has a description to compile, and is linked.
            names.extend([format!("{name}.mod.o"), module]);
        }
    }
    Pending { total: names.len() as u64, names }
}

/// Returns what the makefiles of `tree` list for `config`.
fn listed(tree: &Path, target: &Target, config: &Config) -> kiln_makefile::Objects {
    let read =
        |file: &str| kiln_file::read(tree.join(file)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let value = |symbol: &str| config.get(symbol);
    kiln_makefile::objects(BuildContext { arch: &target.arch, srcarch: &target.srcarch, config: &value }, &read)
}

/// Lists the objects of `config`, each with whether it is part of vmlinux, as far as the makefiles list them plainly.
pub fn expected(tree: &Path, target: &Target, config: &Config) -> Objects {
    let found = listed(tree, target, config);
    let wholes = found.modules.keys().map(|stem| format!("{stem}.o"));
    let of_modules: BTreeSet<String> = found.modules.values().flatten().cloned().chain(wholes).collect();
    let all: BTreeSet<String> = found.linked.into_iter().chain(of_modules.iter().cloned()).collect();
    all.into_iter().map(|path| (path.clone(), !of_modules.contains(&path))).collect()
}

impl Pending {
    /// Returns the initial number of objects and modules.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Removes an object that the build has made; returns how many have been made so far.
    pub(super) fn made(&mut self, object: &str) -> u64 {
        self.names.remove(object);
        self.total - self.names.len() as u64
    }
}

/// Returns the symbols whose value differs from that of the last build in `out`; without one, all symbols of `config`.
fn changed_symbols(out: &Path, config: &Config) -> BTreeSet<String> {
    let old = kiln_file::read_to_string(out.join("include/config/auto.conf")).unwrap_or_default();
    let old = Config::parse(&old);
    let (old, new): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) = (old.iter().collect(), config.iter().collect());
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    names.into_iter().filter(|name| old.get(name) != new.get(name)).map(str::to_owned).collect()
}

/// Whether `object` has to be compiled: it does not exist, or Kbuild's record of it names a changed symbol.
fn is_stale(out: &Path, object: &str, changed: &BTreeSet<String>) -> bool {
    let path = out.join(object);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return true;
    };
    if !path.is_file() {
        return true;
    }
    match kiln_file::read_to_string(folder.join(format!(".{name}.cmd"))) {
        Ok(note) => !changed.is_empty() && noted_symbols(&note).any(|symbol| changed.contains(symbol)),
        Err(_) => true,
    }
}

/// Returns the symbols in Kbuild's record of an object: `$(wildcard include/config/NAME)`.
fn noted_symbols(note: &str) -> impl Iterator<Item = &str> {
    note.split("include/config/").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next())
}

#[cfg(test)]
mod tests;
