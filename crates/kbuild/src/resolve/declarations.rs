//! A light reading of a tree's Kconfig files: which symbols they declare, with type, prompt and place.
//!
//! Follows `source` from the top file for the architecture being built, then looks through the other architectures'
//! folders, so that a symbol of another architecture can be told from one that does not exist. Macros are not evaluated,
//! and neither are conditions: this serves messages and the writing of values, never a decision about what is built.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use kiln_kconfig::{Declaration, Declarations, Type};

use super::ResolveError;
use crate::toolchain::Target;

/// Reads all that `tree` declares, seen from `target`.
///
/// # Errors
/// A Kconfig file is there but cannot be read. One that is named but not there is passed over.
pub fn scan(tree: &Path, target: &Target) -> Result<Declarations, ResolveError> {
    let mut declared = Declarations::new();
    let mut seen = BTreeSet::new();
    let mut queue = vec!["Kconfig".to_owned()];
    while let Some(name) = queue.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(text) = read(tree, &name)? else { continue };
        let file = parse(&name, &text);
        for (symbol, declaration) in file.entries {
            declared.add(&symbol, declaration);
        }
        // A stack, filled backwards, gives the order in which Kconfig itself reads: the first entry names the type.
        queue.extend(file.sources.iter().rev().map(|source| expand(source, target)));
    }
    for arch in folders(&tree.join("arch"))? {
        scan_elsewhere(tree, &arch, &format!("arch/{arch}"), &seen, &mut declared)?;
    }
    Ok(declared)
}

/// Adds what the Kconfig files below `folder` declare and the architecture being built does not see.
fn scan_elsewhere(
    tree: &Path,
    arch: &str,
    folder: &str,
    seen: &BTreeSet<String>,
    declared: &mut Declarations,
) -> Result<(), ResolveError> {
    let io = |source| ResolveError::Io { path: tree.join(folder), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(tree.join(folder)).map_err(io)? {
        let entry = entry.map_err(io)?;
        let kind = entry.file_type().map_err(io)?;
        entries.extend(entry.file_name().into_string().ok().map(|name| (name, kind.is_dir())));
    }
    entries.sort();
    for (name, is_dir) in entries {
        let path = format!("{folder}/{name}");
        // Device trees make up most of some architectures, and hold no Kconfig.
        if is_dir && name != "dts" {
            scan_elsewhere(tree, arch, &path, seen, declared)?;
        } else if !is_dir && name.starts_with("Kconfig") && !seen.contains(&path) {
            let Some(text) = read(tree, &path)? else { continue };
            for (symbol, declaration) in parse(&path, &text).entries {
                declared.add_elsewhere(&symbol, arch, declaration);
            }
        }
    }
    Ok(())
}

/// What one file says.
struct File {
    entries: Vec<(String, Declaration)>,
    /// As written between the quotes.
    sources: Vec<String>,
}

/// Reads one file, line by line.
fn parse(name: &str, text: &str) -> File {
    let mut file = File { entries: Vec::new(), sources: Vec::new() };
    // Indentation of the help text that we are in; `None` before its first line.
    let mut help: Option<Option<usize>> = None;
    let mut in_entry = false;
    for (line, raw) in logical_lines(text) {
        let indent = indentation(&raw);
        if let Some(fixed) = help {
            if raw.trim().is_empty() {
                continue;
            }
            if indent > 0 && fixed.is_none_or(|fixed| indent >= fixed) {
                help = Some(fixed.or(Some(indent)));
                continue;
            }
            help = None;
        }
        let (word, rest) = first_word(raw.trim());
        match word {
            "help" | "---help---" => help = Some(None),
            "config" | "menuconfig" if is_symbol(rest) => {
                in_entry = true;
                file.entries.push((rest.to_owned(), entry_at(name, line)));
            }
            _ if BLOCKS.contains(&word) => {
                in_entry = false;
                if word.ends_with("source") {
                    file.sources.push(rest.trim_matches(['"', '\'']).to_owned());
                }
            }
            _ => {
                if let Some((_, entry)) = file.entries.last_mut().filter(|_| in_entry) {
                    attribute(entry, word, rest);
                }
            }
        }
    }
    file
}

/// Words that end an entry.
const BLOCKS: &[&str] = &[
    "choice",
    "comment",
    "config",
    "endchoice",
    "endif",
    "endmenu",
    "if",
    "mainmenu",
    "menu",
    "menuconfig",
    "osource",
    "orsource",
    "rsource",
    "source",
];

fn first_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim())
}

/// An entry of which only the place is known.
fn entry_at(file: &str, line: u32) -> Declaration {
    let symbol_type = Type::Unknown;
    Declaration { symbol_type, prompt: None, depends: Vec::new(), file: file.to_owned(), line }
}

/// Takes an attribute's line into its entry.
fn attribute(entry: &mut Declaration, word: &str, rest: &str) {
    let symbol_type = match word {
        "bool" | "boolean" | "def_bool" => Some(Type::Bool),
        "tristate" | "def_tristate" => Some(Type::Tristate),
        "int" => Some(Type::Int),
        "hex" => Some(Type::Hex),
        "string" => Some(Type::String),
        _ => None,
    };
    if let Some(symbol_type) = symbol_type.filter(|_| entry.symbol_type == Type::Unknown) {
        entry.symbol_type = symbol_type;
    }
    match word {
        "depends" => entry.depends.extend(rest.strip_prefix("on").map(|text| text.trim().to_owned())),
        "prompt" | "bool" | "tristate" | "int" | "hex" | "string" if entry.prompt.is_none() => {
            entry.prompt = quoted(rest);
        }
        _ => {}
    }
}

/// The text in the quotes that `rest` begins with.
fn quoted(rest: &str) -> Option<String> {
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut text = String::new();
    let mut chars = rest[1..].chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            _ if c == quote => return Some(text),
            _ => text.push(c),
        }
    }
    None
}

fn is_symbol(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Lines joined over `\`, without comments, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut continues = false;
    for (index, raw) in text.lines().enumerate() {
        let body = if raw.trim_start().starts_with('#') { "" } else { raw };
        let stripped = body.strip_suffix('\\');
        match lines.last_mut().filter(|_| continues) {
            Some((_, joined)) => joined.push_str(stripped.unwrap_or(body)),
            None => lines.push((index as u32 + 1, stripped.unwrap_or(body).to_owned())),
        }
        continues = stripped.is_some();
    }
    lines
}

/// The column of the first character that is not blank, with tabs to multiples of 8, as Kconfig counts.
fn indentation(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace())
        .fold(0, |column, c| if c == '\t' { (column & !7) + 8 } else { column + 1 })
}

fn expand(source: &str, target: &Target) -> String {
    ["SRCARCH", "HEADER_ARCH"]
        .iter()
        .fold(source.to_owned(), |text, name| text.replace(&format!("$({name})"), &target.srcarch))
}

fn folders(path: &Path) -> Result<Vec<String>, ResolveError> {
    let io = |source| ResolveError::Io { path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_type().map_err(io)?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

/// The text of a file of the tree; `None` when there is none. Bytes that are not UTF-8 are replaced.
fn read(tree: &Path, name: &str) -> Result<Option<String>, ResolveError> {
    let path = tree.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ResolveError::Io { path, source }),
    }
}

#[cfg(test)]
mod tests;
