//! Reads Kbuild makefiles for the objects that a configuration asks for.
//!
//! Just enough of make's language: assignments, references, conditionals and the few functions that object lists use. A
//! variable that nothing sets is empty, as in make; a function that is not known gives nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kiln_plan::ConfigValues;

use crate::toolchain::Target;

/// Objects by their path in the output folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// All that are compiled or assembled.
    pub(super) linked: BTreeSet<String>,
    /// Modules (path without `.ko`) with the objects of each.
    pub(super) modules: BTreeMap<String, Vec<String>>,
}

/// How far variables may refer to one another; a makefile that goes deeper refers to itself.
const MAX_DEPTH: u32 = 20;
/// How deep folders may be nested; beyond it a link leads in a circle.
const MAX_FOLDERS: usize = 16;

/// Lists what `config` builds of `tree`, as far as its makefiles say so plainly.
pub(super) fn objects(tree: &Path, target: &Target, config: &ConfigValues) -> Objects {
    let mut reading = Reading { tree, target, config, objects: Objects::default(), seen: BTreeSet::new() };
    let mut top = reading.variables("");
    // The top makefile calls itself once, and does its work in the second call.
    for (name, value) in [("sub_make_done", "1"), ("MAKEFLAGS", "--no-print-directory")] {
        top.set(name, value.to_owned());
    }
    for file in ["Makefile".to_owned(), format!("arch/{}/Makefile", target.srcarch)] {
        reading.evaluate(&file, &mut top);
    }
    // The top makefile exports these lists to Kbuild's, which begins the descent (from 6.1; before, it descends itself).
    for (name, list) in [("ARCH_CORE", "core-y"), ("ARCH_LIB", "libs-y"), ("ARCH_DRIVERS", "drivers-y")] {
        let value = top.value(list);
        top.set(name, value);
    }
    let lists: Vec<String> = ["init-y", "core-y", "libs-y", "drivers-y", "net-y", "virt-y", "head-y"]
        .iter()
        .map(|list| top.value(list))
        .collect();
    for word in lists.iter().flat_map(|list| list.split_ascii_whitespace()) {
        if let Some(folder) = word.strip_suffix('/') {
            reading.folder(&normal("", folder), true);
        }
    }
    let mut root = top;
    reading.evaluate("Kbuild", &mut root);
    reading.lists("", &root, true);
    reading.objects
}

struct Reading<'a> {
    tree: &'a Path,
    target: &'a Target,
    config: &'a ConfigValues,
    objects: Objects,
    /// Folders with whether they were built in.
    seen: BTreeSet<(String, bool)>,
}

impl Reading<'_> {
    /// The variables that every makefile sees.
    fn variables(&self, folder: &str) -> Variables {
        let mut variables = Variables::default();
        for (name, value) in self.config.iter() {
            variables.set(&format!("CONFIG_{name}"), value.trim_matches('"').to_owned());
        }
        for (name, value) in
            [("SRCARCH", self.target.srcarch.as_str()), ("ARCH", &self.target.arch), ("srctree", "."), ("objtree", ".")]
        {
            variables.set(name, value.to_owned());
        }
        for (name, value) in [("src", folder), ("obj", folder)] {
            variables.set(name, value.to_owned());
        }
        variables.set("BITS", if self.config.get("64BIT") == Some("y") { "64" } else { "32" }.to_owned());
        variables
    }

    fn folder(&mut self, folder: &str, built_in: bool) {
        if folder.split('/').count() > MAX_FOLDERS || !self.seen.insert((folder.to_owned(), built_in)) {
            return;
        }
        let mut variables = self.variables(folder);
        let file = ["Kbuild", "Makefile"].map(|name| format!("{folder}/{name}"));
        let Some(file) = file.into_iter().find(|file| self.tree.join(file).is_file()) else { return };
        self.evaluate(&file, &mut variables);
        self.lists(folder, &variables, built_in);
    }

    /// Takes up what the object lists of one makefile name.
    fn lists(&mut self, folder: &str, variables: &Variables, built_in: bool) {
        for (list, is_module) in [("obj-y", false), ("lib-y", false), ("obj-m", true), ("lib-m", false)] {
            for word in variables.value(list).split_ascii_whitespace() {
                let path = normal(folder, word);
                if word.ends_with('/') {
                    self.folder(&path, built_in && !is_module);
                } else if let Some(stem) = path.strip_suffix(".o").filter(|_| is_module || built_in) {
                    self.object(folder, word, stem, variables, is_module);
                }
            }
        }
    }

    /// Takes up one object, or those that it is composed of.
    fn object(&mut self, folder: &str, word: &str, stem: &str, variables: &Variables, is_module: bool) {
        let name = word.trim_end_matches(".o");
        let parts: Vec<String> = ["objs", "y", "m"]
            .iter()
            .filter(|&&kind| kind != "m" || is_module)
            .map(|kind| variables.value(&format!("{name}-{kind}")))
            .collect();
        let mut members: Vec<String> = Vec::new();
        for part in parts.iter().flat_map(|part| part.split_ascii_whitespace()).filter(|part| part.ends_with(".o")) {
            members.push(normal(folder, part));
        }
        if members.is_empty() {
            members.push(format!("{stem}.o"));
        }
        self.objects.linked.extend(members.iter().cloned());
        if is_module {
            self.objects.modules.insert(stem.to_owned(), members);
        }
    }

    fn evaluate(&self, file: &str, variables: &mut Variables) {
        let Ok(bytes) = std::fs::read(self.tree.join(file)) else { return };
        variables.evaluate(&String::from_utf8_lossy(&bytes));
    }
}

/// Joins and resolves `.` and `..`; a leading slash counts for nothing, as all paths are inside the tree.
fn normal(folder: &str, word: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(word.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Variables of one makefile, not expanded before they are asked for.
#[derive(Debug, Clone, Default)]
struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    fn value(&self, name: &str) -> String {
        self.values.get(name).map(|text| self.expand(text, 0)).unwrap_or_default()
    }

    /// Takes up the assignments of a makefile's text, as far as its conditionals let them stand.
    fn evaluate(&mut self, text: &str) {
        // Per open conditional: whether its branch stands, and whether one of its branches has stood.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut in_define = false;
        for statement in statements(text) {
            let trimmed = statement.trim();
            let (word, rest) = trimmed.split_once([' ', '\t', '(']).unwrap_or((trimmed, ""));
            let rest = if trimmed[word.len()..].starts_with('(') { &trimmed[word.len()..] } else { rest.trim() };
            match word {
                "define" => in_define = true,
                "endef" => in_define = false,
                _ if in_define => {}
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                    let holds = self.condition(word, rest);
                    open.push((holds, holds));
                }
                "else" => {
                    if let Some((stands, stood)) = open.pop() {
                        let (word, rest) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
                        let holds = !stands && !stood && (word.is_empty() || self.condition(word, rest.trim()));
                        open.push((holds, stood || holds));
                    }
                }
                "endif" => drop(open.pop()),
                _ if statement.starts_with('\t') && !trimmed.contains("+=") && !trimmed.contains(":=") => {}
                _ if open.iter().all(|(stands, _)| *stands) => self.assign(trimmed),
                _ => {}
            }
        }
    }

    fn assign(&mut self, statement: &str) {
        let statement =
            statement.strip_prefix("export ").or_else(|| statement.strip_prefix("override ")).unwrap_or(statement);
        let Some((left, value)) = statement.split_once('=') else { return };
        let name = self.expand(left.trim_end_matches(['+', ':', '?']).trim(), 0);
        if name.is_empty() || name.contains(char::is_whitespace) || name.contains(':') {
            return;
        }
        let value = value.trim();
        match left.as_bytes().last() {
            Some(b'+') => {
                // Expanded now: what follows in the file cannot matter to a list, and a list cannot contain itself.
                let more = self.expand(value, 0);
                let entry = self.values.entry(name).or_default();
                entry.push(' ');
                entry.push_str(&more);
            }
            Some(b'?') if self.values.contains_key(&name) => {}
            _ => {
                let value = self.expand(value, 0);
                self.set(&name, value);
            }
        }
    }

    fn condition(&self, word: &str, rest: &str) -> bool {
        match word {
            "ifdef" => !self.value(rest).is_empty(),
            "ifndef" => self.value(rest).is_empty(),
            _ => {
                let inner = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
                let Some((left, right)) = inner.and_then(|inner| split_top(inner, ',')) else { return false };
                let equal = self.expand(left.trim(), 0).trim() == self.expand(right.trim(), 0).trim();
                equal == (word == "ifeq")
            }
        }
    }

    fn expand(&self, text: &str, depth: u32) -> String {
        if depth > MAX_DEPTH {
            return String::new();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let close = match rest.as_bytes().first() {
                Some(b'(') => ')',
                Some(b'{') => '}',
                _ => {
                    // `$$` and one-letter variables: neither is ever in a list of objects.
                    let skip = rest.chars().next().map_or(0, char::len_utf8);
                    rest = &rest[skip..];
                    continue;
                }
            };
            let Some(end) = matching(rest, close) else { return out };
            out.push_str(&self.reference(&rest[1..end], depth));
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        out
    }

    /// The value of what stands in `$(…)`: a variable, or a function with its arguments.
    fn reference(&self, inner: &str, depth: u32) -> String {
        let Some((function, arguments)) = inner.split_once([' ', '\t']) else {
            return match inner.split_once(':') {
                Some((name, change)) => {
                    let value = self.reference(name, depth);
                    let (from, to) = change.split_once('=').unwrap_or((change, ""));
                    per_word(&value, |word| {
                        word.strip_suffix(from).map_or(word.to_owned(), |stem| format!("{stem}{to}"))
                    })
                }
                None => {
                    let name = self.expand(inner, depth + 1);
                    self.values.get(&name).map(|text| self.expand(text, depth + 1)).unwrap_or_default()
                }
            };
        };
        let mut pieces = Vec::new();
        let mut rest = arguments;
        while let Some((piece, behind)) = split_top(rest, ',').filter(|_| pieces.len() < 2) {
            pieces.push(self.expand(piece, depth + 1));
            rest = behind;
        }
        pieces.push(self.expand(rest, depth + 1));
        call(function, &pieces)
    }
}

/// The functions of make that lists of objects use.
fn call(function: &str, arguments: &[String]) -> String {
    let pattern = |pattern: &str, word: &str| match pattern.split_once('%') {
        None => pattern == word,
        Some((front, back)) => {
            word.len() >= front.len() + back.len() && word.starts_with(front) && word.ends_with(back)
        }
    };
    match (function, arguments) {
        ("subst", [from, to, text]) => text.replace(from.as_str(), to),
        ("patsubst", [from, to, text]) => {
            let (front, back) = from.split_once('%').unwrap_or((from, ""));
            per_word(text, |word| {
                let stem = word.strip_prefix(front).and_then(|word| word.strip_suffix(back));
                stem.filter(|_| pattern(from, word)).map_or(word.to_owned(), |stem| to.replace('%', stem))
            })
        }
        ("addprefix", [prefix, text]) => per_word(text, |word| format!("{prefix}{word}")),
        ("addsuffix", [suffix, text]) => per_word(text, |word| format!("{word}{suffix}")),
        ("filter", [wanted, text]) => {
            select(text, |word| wanted.split_ascii_whitespace().any(|one| pattern(one, word)))
        }
        ("filter-out", [wanted, text]) => {
            select(text, |word| !wanted.split_ascii_whitespace().any(|one| pattern(one, word)))
        }
        ("strip" | "sort", [text]) => per_word(text, str::to_owned),
        ("if", [test, yes]) => {
            if test.trim().is_empty() {
                String::new()
            } else {
                yes.clone()
            }
        }
        ("if", [test, yes, no]) => {
            if test.trim().is_empty() {
                no.clone()
            } else {
                yes.clone()
            }
        }
        ("or", all) => all.iter().find(|text| !text.trim().is_empty()).cloned().unwrap_or_default(),
        ("and", all) if all.iter().all(|text| !text.trim().is_empty()) => all.last().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn per_word(text: &str, change: impl Fn(&str) -> String) -> String {
    text.split_ascii_whitespace().map(change).collect::<Vec<_>>().join(" ")
}

fn select(text: &str, keep: impl Fn(&str) -> bool) -> String {
    text.split_ascii_whitespace().filter(|word| keep(word)).collect::<Vec<_>>().join(" ")
}

/// The index of `close` that belongs to the bracket at the start of `text`.
fn matching(text: &str, close: char) -> Option<usize> {
    let open = text.chars().next()?;
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

/// Splits at the first `at` that is in no brackets.
fn split_top(text: &str, at: char) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ if c == at && depth == 0 => return Some((&text[..index], &text[index + c.len_utf8()..])),
            _ => {}
        }
    }
    None
}

/// Lines joined over `\`, without comments.
fn statements(text: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut continues = false;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("");
        let body = line.strip_suffix('\\');
        match statements.last_mut().filter(|_| continues) {
            Some(joined) => {
                joined.push(' ');
                joined.push_str(body.unwrap_or(line));
            }
            None => statements.push(body.unwrap_or(line).to_owned()),
        }
        continues = body.is_some();
    }
    statements
}

#[cfg(test)]
mod tests;
