//! Which symbols a tree declares, and where.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Type;

/// What the first entry of a symbol says; later ones fill in what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The type of the first entry that gives one.
    pub symbol_type: Type,
    /// The first prompt of any entry.
    pub prompt: Option<String>,
    /// The texts behind `depends on` of the first entry, one each; what surrounds the entry is not in it.
    pub depends: Vec<String>,
    /// The Kconfig file, from the tree's root.
    pub file: String,
    /// Line of `config NAME`, from 1.
    pub line: u32,
}

/// What a tree declares, seen from one architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declarations {
    here: BTreeMap<String, Declaration>,
    elsewhere: BTreeMap<String, (BTreeSet<String>, Declaration)>,
}

impl Declarations {
    /// Makes an empty set.
    pub fn new() -> Declarations {
        Declarations::default()
    }

    /// Adds an entry that the architecture being built can see.
    pub fn add(&mut self, symbol: &str, declaration: Declaration) {
        match self.here.get_mut(symbol) {
            None => {
                self.here.insert(symbol.to_owned(), declaration);
            }
            Some(first) => {
                if first.symbol_type == Type::Unknown {
                    first.symbol_type = declaration.symbol_type;
                }
                if first.prompt.is_none() {
                    first.prompt = declaration.prompt;
                }
            }
        }
    }

    /// Adds an entry that only another architecture (its folder below `arch/`) can see.
    pub fn add_elsewhere(&mut self, symbol: &str, arch: &str, declaration: Declaration) {
        let (arches, _) = self.elsewhere.entry(symbol.to_owned()).or_insert_with(|| (BTreeSet::new(), declaration));
        arches.insert(arch.to_owned());
    }

    /// What the architecture being built declares for `symbol`.
    pub fn get(&self, symbol: &str) -> Option<&Declaration> {
        self.here.get(symbol)
    }

    /// What another architecture declares for `symbol`.
    pub fn elsewhere(&self, symbol: &str) -> Option<&Declaration> {
        self.elsewhere.get(symbol).map(|(_, declaration)| declaration)
    }

    /// The folders below `arch/`, other than the one being built, whose Kconfig declares `symbol`; sorted.
    pub fn arches(&self, symbol: &str) -> Vec<String> {
        self.elsewhere.get(symbol).map(|(arches, _)| arches.iter().cloned().collect()).unwrap_or_default()
    }

    /// The type of `symbol`, when declared here.
    pub fn symbol_type(&self, symbol: &str) -> Type {
        self.here.get(symbol).map_or(Type::Unknown, |declaration| declaration.symbol_type)
    }

    /// How many symbols the architecture being built declares.
    pub fn len(&self) -> usize {
        self.here.len()
    }

    /// Whether the architecture being built declares nothing.
    pub fn is_empty(&self) -> bool {
        self.here.is_empty()
    }

    /// Whether a declared name is one slip of the keyboard away from `symbol`.
    pub fn has_alike(&self, symbol: &str) -> bool {
        let wanted = plain(symbol);
        self.here.keys().any(|name| is_alike(&wanted, &name.to_ascii_uppercase()))
    }

    /// Up to `limit` declared names that `symbol` may have been meant to be, the most similar first.
    ///
    /// A leading `CONFIG_` and letter case count for nothing.
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

/// Whether two names differ in one letter at most, or in two that changed places.
fn is_alike(left: &str, right: &str) -> bool {
    left.len().abs_diff(right.len()) <= 1 && strsim::osa_distance(left, right) <= 1
}

/// A name as it is compared: letter case and a leading `CONFIG_` count for nothing.
fn plain(symbol: &str) -> String {
    let upper = symbol.to_ascii_uppercase();
    upper.strip_prefix("CONFIG_").map(str::to_owned).unwrap_or(upper)
}

/// Names less similar than this are noise, not help.
const MIN_SIMILARITY: f64 = 0.88;

impl Declaration {
    /// Where it is, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}
