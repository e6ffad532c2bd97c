//! The text files, and their readers.

use rayon::prelude::*;

use crate::graph::{Graph, ModuleId, Reach};

const ALIAS_HEADER: &str = "# Aliases extracted from modules themselves.\n";
const SOFTDEP_HEADER: &str = "# Soft dependencies extracted from modules themselves.\n";
const WEAKDEP_HEADER: &str = "# Weak dependencies extracted from modules themselves.\n";
const SYMBOL_HEADER: &str = "# Aliases for symbols, used by symbol_request().\n";
const DEVNAME_HEADER: &str = "# Device nodes to trigger on-demand module loading.\n";

/// Modules per piece of work: enough that joining the pieces costs nothing.
const PIECE: usize = 512;

/// A text with the places where its lines end; a newline in a name does not make a new line.
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    /// Where each line begins; the header is not among them.
    starts: Vec<usize>,
}

impl Lines {
    /// Returns the lines, each without its newline.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.bytes.len()]);
        self.starts.iter().zip(ends).map(|(&start, end)| &self.bytes[start..end - 1])
    }
}

pub(super) fn dependencies(graph: &Graph) -> Lines {
    let ids: Vec<ModuleId> = graph.ids().collect();
    let piece = |ids: &[ModuleId]| {
        let mut reach = Reach::new(graph);
        let mut lines = Lines { bytes: Vec::new(), starts: Vec::with_capacity(ids.len()) };
        for &id in ids {
            lines.starts.push(lines.bytes.len());
            lines.bytes.extend_from_slice(graph.module(id).path.as_bytes());
            lines.bytes.push(b':');
            for &needed in reach.all(id) {
                lines.bytes.push(b' ');
                lines.bytes.extend_from_slice(graph.module(needed).path.as_bytes());
            }
            lines.bytes.push(b'\n');
        }
        lines
    };
    let pieces: Vec<Lines> = ids.par_chunks(PIECE).map(piece).collect();
    let mut all = Lines { bytes: Vec::new(), starts: Vec::with_capacity(ids.len()) };
    for piece in pieces {
        all.starts.extend(piece.starts.iter().map(|start| all.bytes.len() + start));
        all.bytes.extend_from_slice(&piece.bytes);
    }
    all
}

pub(super) fn aliases(graph: &Graph) -> Vec<u8> {
    let mut out = ALIAS_HEADER.as_bytes().to_vec();
    for (_, info) in graph.modules() {
        for alias in info.modinfo.values("alias") {
            put_line(&mut out, &[b"alias", alias, info.name.as_bytes()]);
        }
    }
    out
}

pub(super) fn softdeps(graph: &Graph) -> Vec<u8> {
    extracted(graph, SOFTDEP_HEADER, "softdep")
}

pub(super) fn weakdeps(graph: &Graph) -> Vec<u8> {
    extracted(graph, WEAKDEP_HEADER, "weakdep")
}

fn extracted(graph: &Graph, header: &str, key: &str) -> Vec<u8> {
    let mut out = header.as_bytes().to_vec();
    for (_, info) in graph.modules() {
        for value in info.modinfo.values(key) {
            put_line(&mut out, &[key.as_bytes(), info.name.as_bytes(), value]);
        }
    }
    out
}

pub(super) fn symbols(graph: &Graph) -> Lines {
    let mut lines = Lines { bytes: SYMBOL_HEADER.as_bytes().to_vec(), starts: Vec::new() };
    for (symbol, owner) in graph.owners_in_table_order() {
        let info = graph.module(owner.module);
        lines.starts.push(lines.bytes.len());
        lines.bytes.extend_from_slice(b"alias symbol:");
        put_line(&mut lines.bytes, &[symbol.as_bytes(), info.name.as_bytes()]);
    }
    lines
}

/// Returns the device nodes, and the modules that name one without numbers: module and node.
pub(super) fn devnames(graph: &Graph) -> (Vec<u8>, Vec<(String, String)>) {
    let (mut out, mut without_numbers) = (Vec::new(), Vec::new());
    for (_, info) in graph.modules() {
        let (mut node, mut number) = (None, None);
        for alias in info.modinfo.values("alias") {
            if let Some(name) = alias.strip_prefix(b"devname:") {
                node = Some(name);
            } else if let Some(found) = device_number(alias) {
                number = Some(found);
            }
            if node.is_some() && number.is_some() {
                break;
            }
        }
        match (node, number) {
            (Some(node), Some((kind, major, minor))) => {
                if out.is_empty() {
                    out.extend(DEVNAME_HEADER.as_bytes());
                }
                put_line(&mut out, &[info.name.as_bytes(), node, format!("{kind}{major}:{minor}").as_bytes()]);
            }
            (Some(node), None) => {
                without_numbers.push((info.name.clone(), String::from_utf8_lossy(node).into_owned()));
            }
            (None, _) => {}
        }
    }
    (out, without_numbers)
}

/// Reads `char-major-A-B` and `block-major-A-B`, as `sscanf` does: what follows the numbers does not matter.
fn device_number(alias: &[u8]) -> Option<(char, u32, u32)> {
    let (kind, rest) = match alias {
        [b'c', b'h', b'a', b'r', rest @ ..] => ('c', rest),
        [b'b', b'l', b'o', b'c', b'k', rest @ ..] => ('b', rest),
        _ => return None,
    };
    let rest = rest.strip_prefix(b"-major-")?;
    let (major, rest) = leading_number(rest)?;
    let (minor, _) = leading_number(rest.strip_prefix(b"-")?)?;
    Some((kind, major, minor))
}

fn leading_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((number, &text[digits..]))
}

fn put_line(out: &mut Vec<u8>, words: &[&[u8]]) {
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out.push(b'\n');
}

/// Reads `modules.dep`: each module's path with the paths of all modules that it needs, the deepest last.
///
/// Lines without a colon are skipped.
pub fn read_modules_dep(text: &str) -> Vec<(&str, Vec<&str>)> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(path, rest)| (path, rest.split_ascii_whitespace().collect())).collect()
}

/// Reads `modules.softdep` or `modules.weakdep`: module and value.
pub fn read_softdeps(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')?.1.split_once(' ')).collect()
}

/// Reads `modules.alias` or `modules.symbols`: alias and module; an alias may have blanks, a module has none.
pub fn read_aliases(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("alias "));
    lines.filter_map(|line| line.rsplit_once(' ')).collect()
}

/// Reads `modules.devname`: module, node, and `cMAJOR:MINOR` or `bMAJOR:MINOR`.
pub fn read_devnames(text: &str) -> Vec<(&str, &str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let fields = |line| {
        let (module, rest) = str::split_once(line, ' ')?;
        let (node, number) = rest.rsplit_once(' ')?;
        Some((module, node, number))
    };
    lines.filter_map(fields).collect()
}
