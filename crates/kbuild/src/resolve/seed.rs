//! The text of assignments that Kconfig starts from.

use std::collections::BTreeMap;
use std::path::Path;

use kiln_kconfig::Type;

use super::ResolveError;

/// What Kconfig gives to symbols that no assignment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Their defaults.
    Alldefconfig,
    /// Off, wherever that is possible.
    Allnoconfig,
}

/// A mode and the assignments on top; a later assignment beats an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// For the rest.
    pub mode: Mode,
    /// Lines as in a `.config`.
    pub text: String,
}

impl Mode {
    /// The target of Kbuild's that does it.
    pub fn target(self) -> &'static str {
        match self {
            Mode::Alldefconfig => "alldefconfig",
            Mode::Allnoconfig => "allnoconfig",
        }
    }
}

impl Seed {
    /// Adds the requests, in name order, each written as the type that `type_of` gives for its symbol wants it.
    ///
    /// A request takes the place of what the text says of its symbol. Both lines would not come to the same: before 6.11
    /// `conf` remembers the member of a choice that an earlier line asked for when a later one turns it off.
    /// # Errors
    /// [`ResolveError::Unwritable`].
    pub fn append(
        &mut self,
        requests: &BTreeMap<String, String>,
        type_of: &dyn Fn(&str) -> Type,
    ) -> Result<(), ResolveError> {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        if !requests.is_empty() {
            let is_kept = |line: &&str| symbol_of(line).is_none_or(|symbol| !requests.contains_key(symbol));
            self.text = self.text.split_inclusive('\n').filter(is_kept).collect();
        }
        for (symbol, value) in requests {
            let line = assignment(symbol, value, type_of(symbol))
                .ok_or_else(|| ResolveError::Unwritable { symbol: symbol.clone() })?;
            self.text.push_str(&line);
        }
        Ok(())
    }
}

/// The symbol that a line of a `.config` sets.
fn symbol_of(line: &str) -> Option<&str> {
    let off = line.strip_prefix("# CONFIG_").and_then(|rest| rest.trim_end().strip_suffix(" is not set"));
    off.or_else(|| line.strip_prefix("CONFIG_")?.split_once('=').map(|(symbol, _)| symbol))
}

/// One line of a `.config` with its line end; `None` when the value would break out of its line.
///
/// A string is quoted and escaped, whether it was written bare or already in quotes.
fn assignment(symbol: &str, value: &str, symbol_type: Type) -> Option<String> {
    if value.contains(['\n', '\r', '\0']) || symbol.contains(|c: char| c.is_whitespace() || c == '=') {
        return None;
    }
    let quoted = match symbol_type {
        Type::String => true,
        Type::Unknown => !matches!(value, "y" | "m" | "n") && !is_number(value),
        Type::Bool | Type::Tristate | Type::Int | Type::Hex => false,
    };
    Some(match value {
        "n" => format!("# CONFIG_{symbol} is not set\n"),
        _ if quoted => format!("CONFIG_{symbol}={}\n", quote(value)),
        _ => format!("CONFIG_{symbol}={value}\n"),
    })
}

fn is_number(value: &str) -> bool {
    let hex = value.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || (!value.is_empty() && value.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()))
}

fn quote(value: &str) -> String {
    if value.len() > 1 && value.starts_with('"') && value.ends_with('"') {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What `conf` warned of, in its own words without the name of our file.
///
/// That a request overrides the base is what it is for, and is left out. A finding of several lines (an unmet dependency
/// of a selected symbol, with what selects it) stays together.
pub(super) fn warnings(lines: &[String], seed: &Path) -> Vec<String> {
    let name = seed.display().to_string();
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines {
        if open && line.starts_with("  ") {
            if let Some(last) = found.last_mut() {
                last.push('\n');
                last.push_str(line);
            }
            continue;
        }
        open = false;
        let Some((place, text)) = line.split_once("warning: ").or_else(|| line.split_once("WARNING: ")) else {
            continue;
        };
        if text.starts_with("override: ") {
            continue;
        }
        open = true;
        let place = if place.contains(&name) { "" } else { place.trim_end_matches([' ', ':']) };
        found.push(if place.is_empty() { text.to_owned() } else { format!("{place}: {text}") });
    }
    found
}

#[cfg(test)]
mod tests;
