//! The `.config` format: its values as data, reading as the C program reads, and writing.

mod minimal;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use read::{Read, Reading};
pub(crate) use write::quote;

/// A `.config`: its exact text, and the value of each symbol that is set.
///
/// Cheap to clone. Two configs are equal when their texts are; [`Config::has_values_of`] compares only the values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    text: Arc<str>,
    values: Arc<BTreeMap<String, String>>,
}

/// A symbol that two configs give different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The symbol, without `CONFIG_`.
    pub symbol: &'a str,
    /// The value in the first config, as written there; `None` when it is not set.
    pub before: Option<&'a str>,
    /// The value in the second config.
    pub after: Option<&'a str>,
}

impl Config {
    /// Reads the text of a `.config`; lines other than `CONFIG_NAME=value` set no symbol.
    pub fn parse(text: &str) -> Config {
        let assignment = |line: &str| {
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        let values = text.lines().filter_map(assignment).collect();
        Config { text: text.into(), values: Arc::new(values) }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value as written in the text, strings with their quotes; `None` when the symbol is not set.
    pub fn get(&self, symbol: &str) -> Option<&str> {
        self.values.get(symbol).map(String::as_str)
    }

    /// Whether the symbol is `y`.
    pub fn is_yes(&self, symbol: &str) -> bool {
        self.get(symbol) == Some("y")
    }

    /// All symbols that are set with their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether `other` sets the same symbols to the same values, regardless of the rest of its text.
    pub fn has_values_of(&self, other: &Config) -> bool {
        self.values == other.values
    }

    /// The symbols whose values differ between this config and `after`, by name.
    pub fn differences<'a>(&'a self, after: &'a Config) -> Vec<Difference<'a>> {
        let symbols: BTreeSet<&str> = self.iter().chain(after.iter()).map(|(symbol, _)| symbol).collect();
        let difference = |symbol| Difference { symbol, before: self.get(symbol), after: after.get(symbol) };
        symbols.into_iter().map(difference).filter(|difference| difference.before != difference.after).collect()
    }
}

/// Builds a config from symbols without `CONFIG_` and their values as a `.config` has them.
impl FromIterator<(String, String)> for Config {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Config {
        let values: BTreeMap<String, String> = values.into_iter().collect();
        let text: String = values.iter().map(|(name, value)| format!("CONFIG_{name}={value}\n")).collect();
        Config { text: text.into(), values: Arc::new(values) }
    }
}

#[cfg(test)]
mod tests;
