//! Kconfig fragments as recipes: `CONFIG_X=y` is a request.

use std::cell::Cell;

use kiln_diag::{Diagnostics, FileId, Span};
use kiln_kconfig::fragment::{self, AfterUnset, Assignment};
use kiln_recipe::{Data, Entry, Foreign, Value};

use crate::version::{KernelVersion, VersionRange};

/// Reads fragments for the recipe's loader.
#[derive(Debug)]
pub struct Fragments {
    rule: AfterUnset,
    /// Whether a line that was read depends on the kernel's version, which is not known.
    needs_version: Cell<bool>,
}

impl Fragments {
    /// Reads as the `conf` of a kernel does; `None` when its version is not known yet.
    pub fn of(version: Option<&KernelVersion>) -> Fragments {
        Fragments { rule: after_unset(version), needs_version: Cell::new(false) }
    }

    pub(super) fn needs_version(&self) -> bool {
        self.needs_version.get()
    }
}

impl Foreign for Fragments {
    /// A fragment is recognised by its name, or by its first meaningful line.
    fn claims(&self, name: &str, text: &str) -> bool {
        let base = name.rsplit('/').next().unwrap_or(name);
        if base.ends_with(".config") || base.ends_with("defconfig") {
            return true;
        }
        let says = |line: &&str| !line.is_empty() && (!line.starts_with('#') || line.ends_with(" is not set"));
        let first = text.trim_start_matches('\u{feff}').lines().map(str::trim).find(says);
        first.is_some_and(|line| line.trim_start_matches(['#', ' ']).starts_with("CONFIG_"))
    }

    fn read(&self, file: FileId, text: &str) -> (Value, Diagnostics) {
        let fragment = fragment::parse(file, text, self.rule);
        self.needs_version.set(self.needs_version.get() || fragment.needs_rule);
        let whole = Span::new(file, 0..text.len());
        let start = Span::new(file, 0..0);
        let table = |key: &str, entries| {
            let value = Value { data: Data::Table(entries), span: whole };
            vec![Entry { key: key.to_owned(), key_span: start, value }]
        };
        let requests = fragment.assignments.into_iter().map(|assignment| request(assignment, text)).collect();
        let data = Data::Table(table("kernel", table("config", requests)));
        (Value { data, span: whole }, fragment.diagnostics)
    }
}

/// Returns the rule of a kernel version for text after `is not set`; `None` when the version is not known yet.
pub fn after_unset(version: Option<&KernelVersion>) -> AfterUnset {
    let lenient = VersionRange::parse("<6.8").expect("a range");
    match version.map(|version| lenient.contains(version)) {
        Some(true) => AfterUnset::Ignored,
        Some(false) => AfterUnset::MakesComment,
        None => AfterUnset::Unknown,
    }
}

/// A quoted value keeps its quotes: an empty string can be requested, an empty value cannot.
fn request(assignment: Assignment, text: &str) -> Entry {
    let Assignment { symbol, symbol_span, value, quoted, value_span } = assignment;
    let value = match text.get(value_span.range()) {
        Some(written) if quoted => written.to_owned(),
        _ => value,
    };
    Entry { key: symbol, key_span: symbol_span, value: Value { data: Data::Text(value), span: value_span } }
}
