//! Two finished builds side by side: the products whose contents differ, and the effect on modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::reach::{Verdict, is_copy};
use crate::record::{BuildRecord, ProductKind};

/// The differences between two builds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Objects of vmlinux that are in both builds and differ.
    pub changed: Vec<String>,
    /// Objects of vmlinux that only the second has.
    pub added: Vec<String>,
    /// Objects of vmlinux that only the first has.
    pub removed: Vec<String>,
    /// Copies of the config in the kernel that differ.
    pub copies: Vec<String>,
    /// Modules that are in both builds and differ.
    pub changed_modules: Vec<String>,
    /// Modules that only the second has.
    pub added_modules: Vec<String>,
    /// Modules that only the first has.
    pub removed_modules: Vec<String>,
    /// Whether vmlinux differs although its objects are the same.
    pub relinked: bool,
    /// The exports of vmlinux that differ.
    pub exports: Vec<ExportChange>,
}

/// An exported symbol of vmlinux that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExportChange {
    /// It is new.
    Added(String),
    /// It is gone.
    Removed(String),
    /// Its CRC or its kind of export differs.
    Changed(String),
}

impl Comparison {
    /// Whether every object of vmlinux and every module is on both sides, with the same contents.
    pub fn same_objects(&self) -> bool {
        let of_vmlinux = [&self.changed, &self.added, &self.removed];
        let modules = [&self.changed_modules, &self.added_modules, &self.removed_modules];
        of_vmlinux.into_iter().chain(modules).all(Vec::is_empty)
    }

    /// Returns the effect on the first kernel.
    pub fn verdict(&self) -> Verdict {
        let is_same = self.changed.is_empty() && self.added.is_empty() && self.removed.is_empty();
        let no_modules =
            self.changed_modules.is_empty() && self.added_modules.is_empty() && self.removed_modules.is_empty();
        match (is_same && !self.relinked && self.exports.is_empty(), no_modules && self.copies.is_empty()) {
            (false, _) => Verdict::NewKernel,
            (true, true) => Verdict::Nothing,
            (true, false) => Verdict::SameBytes,
        }
    }
}

/// Compares two builds by their records and the text of `Module.symvers` of each.
pub fn compare(one: &BuildRecord, two: &BuildRecord, symvers: [&str; 2]) -> Comparison {
    let mut comparison = Comparison::default();
    let paths = |record: &BuildRecord| -> BTreeSet<String> {
        (0..record.len()).map(|product| record.path(product).to_owned()).collect()
    };
    for path in paths(one).union(&paths(two)) {
        let kind =
            |record: &BuildRecord| record.find(path).map(|product| (record.kind(product), record.digest(product)));
        let (old, new) = (kind(one), kind(two));
        let is = |what: Option<(ProductKind, _)>, kind| what.is_some_and(|(found, _): (ProductKind, _)| found == kind);
        let object = path.ends_with(".o");
        if path.ends_with(".ko") {
            match (old, new) {
                (None, _) => comparison.added_modules.push(path.clone()),
                (_, None) => comparison.removed_modules.push(path.clone()),
                _ if old != new => comparison.changed_modules.push(path.clone()),
                _ => {}
            }
        } else if object {
            match (is(old, ProductKind::BuiltIn), is(new, ProductKind::BuiltIn)) {
                (false, false) => {}
                _ if is_copy(path) => comparison.copies.extend((old != new).then(|| path.clone())),
                (false, true) => comparison.added.push(path.clone()),
                (true, false) => comparison.removed.push(path.clone()),
                (true, true) if old != new => comparison.changed.push(path.clone()),
                (true, true) => {}
            }
        }
    }
    let vmlinux = |record: &BuildRecord| record.find("vmlinux").and_then(|product| record.digest(product));
    let same_objects = comparison.changed.is_empty() && comparison.added.is_empty() && comparison.removed.is_empty();
    comparison.relinked = same_objects && comparison.copies.is_empty() && vmlinux(one) != vmlinux(two);
    comparison.exports = exports(symvers[0], symvers[1]);
    comparison
}

/// Returns the exports of vmlinux that differ. Lines are `CRC name owner how namespace`, separated by tabs.
///
/// # Source
/// `Documentation/kbuild/modules.rst`, "Symbols and Module.symvers".
fn exports(one: &str, two: &str) -> Vec<ExportChange> {
    fn of(text: &str) -> BTreeMap<&str, (&str, &str)> {
        let fields = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let own = fields.filter(|fields| fields.len() > 3 && fields[2] == "vmlinux");
        own.map(|fields| (fields[1], (fields[0], fields[3]))).collect()
    }
    let (one, two) = (of(one), of(two));
    let names: BTreeSet<&str> = one.keys().chain(two.keys()).copied().collect();
    let change = |name: &str| match (one.get(name), two.get(name)) {
        (None, Some(_)) => Some(ExportChange::Added(name.to_owned())),
        (Some(_), None) => Some(ExportChange::Removed(name.to_owned())),
        (old, new) => (old != new).then(|| ExportChange::Changed(name.to_owned())),
    };
    names.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests;
