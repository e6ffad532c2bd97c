//! The symbols that a tree declares, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Model, SymbolId, Type};
use crate::{Dialect, Host};

/// The first entry of a symbol, completed from later ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The type of the first entry that has one.
    pub symbol_type: Type,
    /// The first prompt of any entry.
    pub prompt: Option<String>,
    /// The Kconfig file, from the tree's root.
    pub file: String,
    /// Line of `config NAME`, from 1.
    pub line: u32,
}

/// The symbols that a tree declares for one architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declarations {
    here: BTreeMap<String, Declaration>,
    elsewhere: BTreeMap<String, (BTreeSet<String>, Declaration)>,
    /// The other architectures with a `select` or `imply` line for each symbol.
    selected: BTreeMap<String, BTreeSet<String>>,
}

/// A Kconfig file that only another architecture reads.
#[derive(Debug, Clone, Copy)]
pub struct OtherFile<'a> {
    /// The architecture's directory below `arch/`.
    pub arch: &'a str,
    /// The file's path from the tree's root.
    pub path: &'a str,
    /// Its text.
    pub text: &'a [u8],
}

impl Declarations {
    /// Makes an empty set.
    pub fn new() -> Declarations {
        Declarations::default()
    }

    /// Returns all symbols that a parsed tree declares.
    pub fn of(model: &Model) -> Declarations {
        let mut here = BTreeMap::new();
        for symbol in model.declared() {
            here.extend(declaration(model, symbol).map(|found| (model.name(symbol).into_owned(), found)));
        }
        Declarations { here, ..Declarations::default() }
    }

    /// Returns the declarations of some symbols in a parsed tree.
    pub fn of_symbols<'s>(model: &Model, symbols: impl IntoIterator<Item = &'s str>) -> Declarations {
        let find = |symbol: &str| Some((symbol.to_owned(), declaration(model, model.find(symbol)?)?));
        Declarations { here: symbols.into_iter().filter_map(find).collect(), ..Declarations::default() }
    }

    /// Adds the symbols that a Kconfig file of another architecture declares.
    ///
    /// The file is read alone, without the files that it sources; one that cannot be parsed that way adds nothing.
    /// `macros` is the text that defines the tree's macros (`scripts/Kconfig.include`); every command that they would
    /// run answers `n`.
    pub fn add_elsewhere(&mut self, file: &OtherFile<'_>, macros: &[u8], dialect: Dialect) {
        let entry = format!("source \"{MACROS}\"\nsource \"{}\"\n", file.path);
        let texts = [(ENTRY, entry.as_bytes()), (MACROS, macros), (file.path, file.text)]
            .map(|(name, text)| (name, Arc::from(text)));
        // A sourced file declares other symbols; those of this file are the same without it.
        let files = |name: &str| {
            let found = texts.iter().find(|(known, _)| *known == name);
            Some(found.map_or_else(|| Arc::from([]), |(_, text): &(&str, Arc<[u8]>)| Arc::clone(text)))
        };
        let Some(model) = Model::parse(ENTRY, &files, &AnswersNo, dialect).0 else { return };
        for symbol in model.declared() {
            for line in model.selections(symbol) {
                let target = model.name(line.target).into_owned();
                self.selected.entry(target).or_default().insert(file.arch.to_owned());
            }
            let Some(found) = declaration(&model, symbol) else { continue };
            let name = model.name(symbol).into_owned();
            let (arches, _) = self.elsewhere.entry(name).or_insert_with(|| (BTreeSet::new(), found));
            arches.insert(file.arch.to_owned());
        }
    }

    /// Returns the declaration of `symbol` on the architecture being built.
    pub fn get(&self, symbol: &str) -> Option<&Declaration> {
        self.here.get(symbol)
    }

    /// Returns the declaration of `symbol` on another architecture.
    pub fn elsewhere(&self, symbol: &str) -> Option<&Declaration> {
        self.elsewhere.get(symbol).map(|(_, declaration)| declaration)
    }

    /// Returns the directories below `arch/`, other than the one being built, whose Kconfig declares `symbol`; sorted.
    pub fn arches(&self, symbol: &str) -> Vec<String> {
        self.elsewhere.get(symbol).map(|(arches, _)| arches.iter().cloned().collect()).unwrap_or_default()
    }

    /// Returns the directories below `arch/`, other than the one being built, whose Kconfig selects `symbol`; sorted.
    pub fn selecting_arches(&self, symbol: &str) -> Vec<String> {
        self.selected.get(symbol).map(|arches| arches.iter().cloned().collect()).unwrap_or_default()
    }

    /// Returns the type of `symbol`, if it is declared here.
    pub fn symbol_type(&self, symbol: &str) -> Type {
        self.here.get(symbol).map_or(Type::Unknown, |declaration| declaration.symbol_type)
    }

    /// Whether a declared name is one typing mistake away from `symbol`.
    pub fn has_alike(&self, symbol: &str) -> bool {
        let wanted = plain(symbol);
        self.here.keys().any(|name| is_alike(&wanted, &name.to_ascii_uppercase()))
    }

    /// Returns up to `limit` declared names that may have been meant by `symbol`, the most similar first.
    ///
    /// A leading `CONFIG_` and letter case are ignored.
    pub fn nearest(&self, symbol: &str, limit: usize) -> Vec<String> {
        let wanted = plain(symbol);
        let mut scored: Vec<(f64, &str)> = self
            .here
            .keys()
            .map(|name| (strsim::jaro_winkler(&wanted, &name.to_ascii_uppercase()), name.as_str()))
            .filter(|&(score, _)| score >= MIN_SIMILARITY)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        scored.into_iter().take(limit).map(|(_, name)| name.to_owned()).collect()
    }
}

/// Whether two names differ in at most one letter, or in two swapped ones.
fn is_alike(left: &str, right: &str) -> bool {
    left.len().abs_diff(right.len()) <= 1 && strsim::osa_distance(left, right) <= 1
}

/// A name in the form in which it is compared: without a leading `CONFIG_`, and in one letter case.
fn plain(symbol: &str) -> String {
    let upper = symbol.to_ascii_uppercase();
    upper.strip_prefix("CONFIG_").map(str::to_owned).unwrap_or(upper)
}

/// Less similar names are noise, not help.
const MIN_SIMILARITY: f64 = 0.88;

impl Declaration {
    /// Returns the position, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// The name of the text that sources a file to be read alone; no path in a tree looks like it.
const ENTRY: &str = "\u{1}entry";

/// The name of the text that defines macros for it.
const MACROS: &str = "\u{1}macros";

/// A host without variables, whose commands all answer `n`.
struct AnswersNo;

impl Host for AnswersNo {
    fn variable(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn shell(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Ok(b"n\n".to_vec())
    }
}

fn declaration(model: &Model, symbol: SymbolId) -> Option<Declaration> {
    let first = model.definitions(symbol).next()?;
    Some(Declaration {
        symbol_type: model.type_of(symbol),
        prompt: model.prompt(symbol).map(|prompt| prompt.into_owned()),
        file: first.place.file.to_string(),
        line: first.place.line,
    })
}
