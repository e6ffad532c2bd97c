//! Make's language, as far as Kbuild's lists of objects need it.
//!
//! Assignments, references, conditionals, explicit rules, and the few functions that lists use. A variable that nothing
//! sets is empty, as in make; a function that is not known gives nothing. No recipe is run, no file is read.

use std::collections::BTreeMap;

/// How far variables may refer to one another; a makefile that goes deeper refers to itself.
const MAX_DEPTH: u32 = 20;

/// What every makefile of a build sees beside its own variables.
#[derive(Clone, Copy)]
pub struct BuildContext<'a> {
    /// `ARCH`.
    pub arch: &'a str,
    /// `SRCARCH`: the directory below `arch/`.
    pub srcarch: &'a str,
    /// The value of a symbol, without `CONFIG_`, as a `.config` has it; `None` when it is not set.
    pub config: &'a dyn Fn(&str) -> Option<&'a str>,
}

/// Variables of one makefile, and the rules that were met on the way.
#[derive(Clone)]
pub struct Variables<'a> {
    context: BuildContext<'a>,
    values: BTreeMap<String, String>,
    rules: Vec<ExplicitRule>,
}

/// An explicit rule, expanded where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitRule {
    /// What is made, as written.
    pub targets: Vec<String>,
    /// What it is made from, as written; what only has to be there first is among it.
    pub prerequisites: Vec<String>,
}

impl<'a> Variables<'a> {
    /// The variables that Kbuild's makefile in `folder` sees: the config, the architecture, where it is.
    ///
    /// Source and output are both `.`: paths are those inside of either.
    pub fn of_folder(folder: &str, context: BuildContext<'a>) -> Variables<'a> {
        let mut variables = Variables { context, values: BTreeMap::new(), rules: Vec::new() };
        let BuildContext { arch, srcarch, config } = context;
        for (name, value) in [("SRCARCH", srcarch), ("ARCH", arch), ("srctree", "."), ("objtree", ".")] {
            variables.set(name, value.to_owned());
        }
        for (name, value) in [("src", folder), ("obj", folder)] {
            variables.set(name, value.to_owned());
        }
        variables.set("BITS", if config("64BIT") == Some("y") { "64" } else { "32" }.to_owned());
        variables
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    /// The explicit rules of the makefiles that were evaluated, in their order.
    pub fn rules(&self) -> &[ExplicitRule] {
        &self.rules
    }

    /// A variable's value; empty when nothing has set it.
    pub fn value(&self, name: &str) -> String {
        self.raw(name).map(|text| self.expand(text, 0)).unwrap_or_default()
    }

    /// A variable's text as it was set, or a symbol's value.
    fn raw(&self, name: &str) -> Option<&str> {
        let symbol = || (self.context.config)(name.strip_prefix("CONFIG_")?).map(|value| value.trim_matches('"'));
        self.values.get(name).map(String::as_str).or_else(symbol)
    }

    /// Takes up the assignments and rules of a makefile's text, as far as its conditionals let them stand.
    pub fn evaluate(&mut self, text: &str) {
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
        let Some((left, value)) = statement.split_once('=') else { return self.rule(statement) };
        let name = self.expand(left.trim_end_matches(['+', ':', '?']).trim(), 0);
        if name.is_empty() || name.contains(char::is_whitespace) || name.contains(':') {
            return;
        }
        let value = value.trim();
        match left.as_bytes().last() {
            Some(b'+') => {
                // Expanded now: what follows in the file cannot matter to a list, and a list cannot contain itself.
                let more = self.expand(value, 0);
                let value = format!("{} {more}", self.raw(&name).unwrap_or_default());
                self.set(&name, value);
            }
            Some(b'?') if self.raw(&name).is_some() => {}
            _ => {
                let value = self.expand(value, 0);
                self.set(&name, value);
            }
        }
    }

    /// Takes up `targets: prerequisites`; a static pattern (`targets: pattern: prerequisites`) counts as what it lists.
    fn rule(&mut self, statement: &str) {
        let Some((targets, prerequisites)) = split_top(statement, ':') else { return };
        let prerequisites = prerequisites.trim_start_matches(':').split(';').next().unwrap_or_default();
        let words = |text: &str| -> Vec<String> {
            self.expand(&text.replace([':', '|'], " "), 0).split_ascii_whitespace().map(str::to_owned).collect()
        };
        let rule = ExplicitRule { targets: words(targets), prerequisites: words(prerequisites) };
        if !rule.targets.is_empty() && rule.targets[0] != ".PHONY" {
            self.rules.push(rule);
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
                    self.raw(&name).map(|text| self.expand(text, depth + 1)).unwrap_or_default()
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

/// Joins and resolves `.` and `..`; a leading slash counts for nothing, as all paths are inside the tree.
pub fn normal(folder: &str, word: &str) -> String {
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
