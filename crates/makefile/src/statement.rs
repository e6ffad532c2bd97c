//! Statements of make text: the kind of each logical line.
//!
//! | line | statement |
//! |---|---|
//! | `NAME = VALUE`, also `:=`, `::=`, `:::=`, `+=`, `?=`, `!=`, after `export`, `override` or `private` | [`Assignment`] |
//! | `ifeq`, `ifneq`, `ifdef`, `ifndef`, `else`, `endif` | [`Conditional`] |
//! | `include`, `-include`, `sinclude` | [`Statement::Include`] |
//! | `TARGETS: PREREQUISITES`, also with `::`, a pattern between, or `; RECIPE` | [`Statement::Rule`] |
//! | a line that begins with a tab, after a rule | [`Statement::Recipe`] |
//! | `define` to `endef` | [`Statement::Define`] |
//!
//! Nothing is expanded, so a line that becomes one of these only after expansion is [`Statement::Other`].

use std::borrow::Cow;

use crate::logical::logical_lines;
use crate::reference::{find_outside, split_top};

/// A line that is not empty.
#[derive(Debug, Clone)]
pub(crate) struct Line<'a> {
    /// Its number, from 1; for joined lines that of the first.
    pub(crate) number: u32,
    /// The joined text without its comment; in a recipe or a definition the comment stays, as it is not make's there.
    pub(crate) text: Cow<'a, str>,
    place: Place,
}

/// The context of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere else.
    Makefile,
    /// Below a rule, after a tab.
    Recipe,
    /// Between `define` and `endef`.
    Define,
}

/// The kind of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement<'a> {
    /// Sets a variable.
    Assignment(Assignment<'a>),
    /// Begins, divides or ends a conditional part.
    Conditional(Conditional<'a>),
    /// Includes these files.
    Include(&'a str),
    /// An explicit rule.
    Rule {
        /// The targets.
        targets: &'a str,
        /// The prerequisites; for a static pattern rule preceded by the pattern and a `:`.
        prerequisites: &'a str,
    },
    /// A command of a rule.
    Recipe,
    /// A line of a `define`, including the first and the last one.
    Define,
    /// Anything else.
    Other,
}

/// A variable and the assigned value, neither expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment<'a> {
    /// The variable; may contain references.
    pub(crate) name: &'a str,
    /// The operator.
    pub(crate) operator: Operator,
    /// The value, without surrounding blanks.
    pub(crate) value: &'a str,
}

/// An assignment operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `=`, `:=`, `::=`, `:::=`.
    Set,
    /// `+=`.
    Append,
    /// `?=`.
    SetIfUnset,
    /// `!=`: the value is a shell command.
    Shell,
}

/// A line of a conditional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conditional<'a> {
    /// Begins one.
    If(Test<'a>),
    /// Begins its next branch, possibly with a test of its own.
    Else(Option<Test<'a>>),
    /// Ends it.
    EndIf,
}

/// A test of a conditional, not expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test<'a> {
    /// `ifeq` (`true`) or `ifneq`, with both sides; `None` when they cannot be separated.
    Equal(bool, Option<(&'a str, &'a str)>),
    /// `ifdef` (`true`) or `ifndef`, with the variable's name.
    Defined(bool, &'a str),
}

/// Reads make text; empty lines are left out.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut n_defines = 0_u32;
    let mut rule = OpenRule::default();
    for logical in logical_lines(text) {
        let number = logical.number;
        if n_defines > 0 {
            match logical.first.split_ascii_whitespace().next() {
                Some("define") => n_defines += 1,
                Some("endef") => n_defines -= 1,
                _ => {}
            }
            lines.push(Line { number, text: logical.joined(), place: Place::Define });
            continue;
        }
        if rule.is_open && logical.first.starts_with('\t') {
            lines.push(Line { number, text: logical.joined(), place: Place::Recipe });
            continue;
        }
        let text = logical.text();
        if text.trim().is_empty() {
            continue;
        }
        let statement = Statement::parse(&text);
        n_defines += u32::from(statement == Statement::Define);
        rule.pass(&statement);
        lines.push(Line { number, text, place: Place::Makefile });
    }
    lines
}

/// Whether lines after a tab belong to a rule; only another statement ends a rule.
#[derive(Debug, Default)]
struct OpenRule {
    is_open: bool,
    /// Of each open conditional: whether one was open before it, and whether one was at the end of an earlier branch.
    around: Vec<(bool, bool)>,
}

impl OpenRule {
    fn pass(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::Conditional(Conditional::If(_)) => self.around.push((self.is_open, false)),
            Statement::Conditional(Conditional::Else(_)) => {
                if let Some((before, at_end)) = self.around.last_mut() {
                    *at_end |= self.is_open;
                    self.is_open = *before;
                }
            }
            Statement::Conditional(Conditional::EndIf) => {
                let (before, at_end) = self.around.pop().unwrap_or_default();
                self.is_open |= before || at_end;
            }
            statement => self.is_open = matches!(statement, Statement::Rule { .. }),
        }
    }
}

impl Line<'_> {
    /// Returns the kind of the line.
    pub(crate) fn statement(&self) -> Statement<'_> {
        match self.place {
            Place::Makefile => Statement::parse(&self.text),
            Place::Recipe => Statement::Recipe,
            Place::Define => Statement::Define,
        }
    }
}

impl<'a> Statement<'a> {
    /// Parses a line without its comment that belongs neither to a recipe nor to a definition.
    ///
    /// # Source
    /// GNU make's `src/read.c`, `eval`: a variable may be called `ifdef` or `include`, so assignments come first.
    pub(crate) fn parse(text: &'a str) -> Statement<'a> {
        let text = text.trim();
        let bare = without_modifiers(text);
        let (word, rest) = first_word(bare);
        if let Some(assignment) = Assignment::parse(bare) {
            return Statement::Assignment(assignment);
        }
        match word {
            "define" => return Statement::Define,
            "include" | "-include" | "sinclude" => return Statement::Include(rest),
            _ => {}
        }
        if let Some(conditional) = Conditional::parse(word, rest) {
            return Statement::Conditional(conditional);
        }
        let Some(at) = find_outside(bare, |c| c == ':') else { return Statement::Other };
        let prerequisites = bare[at..].trim_start_matches(':');
        // A variable that is set for these targets only.
        if bare.len() != text.len() || Assignment::parse(without_modifiers(prerequisites.trim())).is_some() {
            return Statement::Other;
        }
        let end = find_outside(prerequisites, |c| c == ';').unwrap_or(prerequisites.len());
        Statement::Rule { targets: bare[..at].trim(), prerequisites: prerequisites[..end].trim() }
    }
}

impl<'a> Assignment<'a> {
    /// Splits `NAME = VALUE` and the other forms; `None` for a line that is not an assignment.
    ///
    /// # Source
    /// GNU make's `src/variable.c`, `parse_variable_definition`.
    pub(crate) fn parse(text: &'a str) -> Option<Assignment<'a>> {
        let is_sign = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | ':' | '+' | '?' | '!');
        let mut from = 0;
        loop {
            let at = from + find_outside(&text[from..], is_sign)?;
            let rest = text[at..].trim_ascii_start();
            if let Some((operator, value)) = Operator::parse(rest) {
                let name = &text[..at];
                return (!name.is_empty()).then_some(Assignment { name, operator, value: value.trim() });
            }
            // Two words, or a rule; an operator sign without a following `=` belongs to the name.
            if rest.len() != text.len() - at || rest.starts_with(':') {
                return None;
            }
            from = at + 1;
        }
    }
}

impl Operator {
    /// Splits the operator off a text that begins with one.
    fn parse(text: &str) -> Option<(Operator, &str)> {
        let signs = [
            ("=", Operator::Set),
            (":=", Operator::Set),
            ("::=", Operator::Set),
            (":::=", Operator::Set),
            ("+=", Operator::Append),
            ("?=", Operator::SetIfUnset),
            ("!=", Operator::Shell),
        ];
        signs.iter().find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
    }
}

impl<'a> Conditional<'a> {
    fn parse(word: &str, rest: &'a str) -> Option<Conditional<'a>> {
        match word {
            "else" => {
                let (word, rest) = first_word(rest);
                Some(Conditional::Else(Test::parse(word, rest)))
            }
            "endif" => Some(Conditional::EndIf),
            _ => Test::parse(word, rest).map(Conditional::If),
        }
    }
}

impl<'a> Test<'a> {
    fn parse(word: &str, rest: &'a str) -> Option<Test<'a>> {
        Some(match word {
            "ifeq" | "ifneq" => Test::Equal(word == "ifeq", sides(rest)),
            "ifdef" | "ifndef" => Test::Defined(word == "ifdef", rest),
            _ => return None,
        })
    }
}

/// Splits `(LEFT,RIGHT)`, `"LEFT" "RIGHT"` and `'LEFT' 'RIGHT'`.
fn sides(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('(') {
        let (left, right) = split_top(inner.strip_suffix(')')?, ',')?;
        return Some((left.trim(), right.trim()));
    }
    let quoted = |text: &'_ str| -> Option<(usize, usize)> {
        let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Some((1, 1 + text[1..].find(quote)?))
    };
    let (start, end) = quoted(text)?;
    let rest = text[end + 1..].trim_start();
    let (rest_start, rest_end) = quoted(rest)?;
    Some((&text[start..end], &rest[rest_start..rest_end]))
}

/// Splits off the first word, which ends at a blank or before a `(`; the rest begins with none.
fn first_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '(').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// Removes the modifiers before an assignment (`export`, `override`, `private`).
fn without_modifiers(text: &str) -> &str {
    let mut text = text;
    while let Some((word, rest)) = text.split_once([' ', '\t'])
        && matches!(word, "export" | "override" | "private")
        && Assignment::parse(text).is_none()
    {
        text = rest.trim_start();
    }
    text
}

#[cfg(test)]
mod tests;
