//! Make's language, as far as Kbuild's lists of objects need it.
//!
//! Assignments, references, conditionals, explicit rules, and the few functions that lists use. An unset variable is
//! empty, as in make; an unknown function expands to nothing. No recipe is run, no file is read.

use std::collections::BTreeMap;

use crate::reference::{find_outside, matching, split_top};
use crate::statement::{Assignment, Conditional, Operator, Statement, Test, lines};

/// The deepest nesting of references between variables; a makefile that goes deeper refers to itself.
const MAX_DEPTH: u32 = 20;

/// About the longest value in bytes, where it is cut off: one that is put twice into itself, again and again, would fill
/// the memory. A kernel's longest have some tens of thousands.
const MAX_VALUE: usize = 1 << 20;

/// The inputs of every makefile of a build, besides its own variables.
#[derive(Clone, Copy)]
pub struct BuildContext<'a> {
    /// `ARCH`.
    pub arch: &'a str,
    /// `SRCARCH`: the directory below `arch/`.
    pub srcarch: &'a str,
    /// Returns the value of a symbol, without `CONFIG_`, as a `.config` has it; `None` when it is not set.
    pub config: &'a dyn Fn(&str) -> Option<&'a str>,
}

/// Variables of one makefile, and its rules.
#[derive(Clone)]
pub struct Variables<'a> {
    context: BuildContext<'a>,
    values: BTreeMap<String, String>,
    rules: Vec<ExplicitRule>,
}

/// An explicit rule, expanded at its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitRule {
    /// The targets, as written.
    pub targets: Vec<String>,
    /// The prerequisites, as written, order-only ones included.
    pub prerequisites: Vec<String>,
}

impl<'a> Variables<'a> {
    /// Returns the variables of Kbuild's makefile in `folder`: the config, the architecture, its location.
    ///
    /// The source and output directories are both `.`: paths are relative to either.
    pub fn of_folder(folder: &str, context: BuildContext<'a>) -> Variables<'a> {
        let mut variables = Variables { context, values: BTreeMap::new(), rules: Vec::new() };
        let BuildContext { arch, srcarch, config } = context;
        for (name, value) in [("SRCARCH", srcarch), ("ARCH", arch), ("srctree", "."), ("objtree", ".")] {
            variables.set(name, value.to_owned());
        }
        for (name, value) in [("src", folder), ("obj", folder)] {
            variables.set(name, value.to_owned());
        }
        variables.set("pound", "#".to_owned());
        variables.set("BITS", if config("64BIT") == Some("y") { "64" } else { "32" }.to_owned());
        variables
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    /// Returns the explicit rules of the evaluated makefiles, in their order.
    pub fn rules(&self) -> &[ExplicitRule] {
        &self.rules
    }

    /// Returns a variable's value; empty when it is not set.
    pub fn value(&self, name: &str) -> String {
        self.raw(name).map(|text| self.expand(text, 0)).unwrap_or_default()
    }

    /// Returns a variable's text as it was set, or a symbol's value.
    fn raw(&self, name: &str) -> Option<&str> {
        let symbol = || (self.context.config)(name.strip_prefix("CONFIG_")?).map(|value| value.trim_matches('"'));
        self.values.get(name).map(String::as_str).or_else(symbol)
    }

    /// Applies the assignments and rules of a makefile's text whose conditionals are true.
    pub fn evaluate(&mut self, text: &str) {
        // Per open conditional: whether its branch is active, and whether one of its branches has been active.
        let mut open: Vec<(bool, bool)> = Vec::new();
        for line in lines(text) {
            match line.statement() {
                Statement::Conditional(Conditional::If(test)) => {
                    let holds = self.holds(test);
                    open.push((holds, holds));
                }
                Statement::Conditional(Conditional::Else(test)) => {
                    if let Some((stands, stood)) = open.pop() {
                        let holds = !stands && !stood && test.is_none_or(|test| self.holds(test));
                        open.push((holds, stood || holds));
                    }
                }
                Statement::Conditional(Conditional::EndIf) => drop(open.pop()),
                _ if open.iter().any(|(stands, _)| !stands) => {}
                Statement::Assignment(assignment) => self.assign(assignment),
                Statement::Rule { targets, prerequisites } => self.rule(targets, prerequisites),
                Statement::Include(_) | Statement::Recipe | Statement::Define | Statement::Other => {}
            }
        }
    }

    fn assign(&mut self, Assignment { name, operator, value }: Assignment<'_>) {
        let name = self.expand(name, 0);
        if name.is_empty() || name.contains(char::is_whitespace) || name.contains(':') {
            return;
        }
        match operator {
            Operator::Append => {
                // Expanded now: the rest of the file cannot matter to a list, and a list cannot contain itself.
                let mut grown = self.raw(&name).unwrap_or_default().to_owned();
                if grown.len() <= MAX_VALUE {
                    grown.push(' ');
                    grown.push_str(&self.expand(value, 0));
                }
                self.set(&name, grown);
            }
            Operator::SetIfUnset if self.raw(&name).is_some() => {}
            Operator::Shell => {}
            Operator::Set | Operator::SetIfUnset => {
                let value = self.expand(value, 0);
                self.set(&name, value);
            }
        }
    }

    /// Adds a rule; the pattern of a static pattern rule counts as a prerequisite, and so do order-only prerequisites.
    fn rule(&mut self, targets: &str, prerequisites: &str) {
        let mut rule = ExplicitRule { targets: self.words(targets), prerequisites: Vec::new() };
        let mut rest = prerequisites;
        while let Some(at) = find_outside(rest, |c| matches!(c, ':' | '|')) {
            rule.prerequisites.extend(self.words(&rest[..at]));
            rest = &rest[at + 1..];
        }
        rule.prerequisites.extend(self.words(rest));
        if rule.targets.first().is_some_and(|first| first != ".PHONY") {
            self.rules.push(rule);
        }
    }

    fn words(&self, text: &str) -> Vec<String> {
        self.expand(text, 0).split_ascii_whitespace().map(str::to_owned).collect()
    }

    fn holds(&self, test: Test<'_>) -> bool {
        match test {
            Test::Equal(is_equal, Some((left, right))) => {
                (self.expand(left, 0).trim() == self.expand(right, 0).trim()) == is_equal
            }
            Test::Equal(_, None) => false,
            Test::Defined(is_defined, name) => self.value(name).is_empty() != is_defined,
        }
    }

    fn expand(&self, text: &str, depth: u32) -> String {
        if depth > MAX_DEPTH {
            return String::new();
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            if out.len() > MAX_VALUE {
                return out;
            }
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

    /// Returns the value of the content of `$(…)`: a variable, or a function with its arguments.
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
        ("subst", [from, to, text]) => replaced(text, from, to),
        ("patsubst", [from, to, text]) => {
            let (front, back) = from.split_once('%').unwrap_or((from, ""));
            per_word(text, |word| {
                let stem = word.strip_prefix(front).and_then(|word| word.strip_suffix(back));
                stem.filter(|_| pattern(from, word)).map_or(word.to_owned(), |stem| replaced(to, "%", stem))
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

/// Puts `to` in place of each `from`; empty when that would be too long.
fn replaced(text: &str, from: &str, to: &str) -> String {
    let is_short = text.matches(from).count().saturating_mul(to.len()) <= MAX_VALUE;
    if is_short { text.replace(from, to) } else { String::new() }
}

fn per_word(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for word in text.split_ascii_whitespace() {
        if out.len() > MAX_VALUE {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&change(word));
    }
    out
}

fn select(text: &str, keep: impl Fn(&str) -> bool) -> String {
    text.split_ascii_whitespace().filter(|word| keep(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_grow_without_end() {
        let context = BuildContext { arch: "x86_64", srcarch: "x86", config: &|_| None };
        for (line, expected) in [
            ("A += $(A)\n", 2 * MAX_VALUE),
            ("A := $(A) $(A)\n", 2 * MAX_VALUE),
            ("A := $(subst x,xx,$(A))\n", 2 * MAX_VALUE),
            ("A := $(subst x,$(A) x,$(A))\n", MAX_VALUE),
            ("A := $(patsubst %,%%%,$(A))\n", 3 * MAX_VALUE),
            ("A := $(addprefix $(A),$(A))\n", 3 * MAX_VALUE),
        ] {
            let mut variables = Variables::of_folder("net", context);
            variables.evaluate(&format!("A := x x\n{}", line.repeat(60)));
            assert!(variables.value("A").len() <= expected + 2, "{line}");
        }
    }
}
