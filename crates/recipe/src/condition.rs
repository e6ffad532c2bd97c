//! The expression of a `when` block: `all(key = "value", not(key), any(…))`.
//!
//! A [`Facts`] defines the keys and decides whether a test holds. A key may be unknown for now; an expression is
//! decided as soon as its result does not depend on unknown keys.

use std::ops::Range;

use crate::declaration::Fault;
use crate::merge::Tree;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Holds when all hold; an empty list holds.
    All(Vec<Condition>),
    /// Holds when one holds.
    Any(Vec<Condition>),
    /// Holds when the other does not.
    Not(Box<Condition>),
    /// One test.
    Is(Predicate),
}

/// One test: a key, alone or with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// Words with dots between them.
    pub key: String,
    /// The text after `=`.
    pub value: Option<String>,
    /// The position of the test in the expression, in bytes.
    pub range: Range<usize>,
}

/// The facts that a recipe may be conditional on.
pub trait Facts {
    /// Checks that the predicate is meaningful.
    ///
    /// # Errors
    /// The fault of its key or its value.
    fn check(&self, predicate: &Predicate) -> Result<(), Fault>;

    /// Whether it holds for a recipe that merged to `merged`; only called for predicates that passed [`Facts::check`].
    ///
    /// # Errors
    /// The reason why that cannot be known.
    fn holds(&self, predicate: &Predicate, merged: &Tree) -> Result<bool, Fault>;
}

/// The reason why a text is not an expression, and the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionFault {
    /// The fault.
    pub fault: Fault,
    /// The position in the text, in bytes.
    pub range: Range<usize>,
}

/// Deeper nesting is refused.
const MAX_DEPTH: u32 = 64;

impl Condition {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first fault, with its position.
    pub fn parse(text: &str) -> Result<Condition, ConditionFault> {
        let mut parser = Parser { text, at: 0 };
        let condition = parser.expression(0)?;
        parser.blanks();
        if parser.at < text.len() {
            let rest = parser.at..text.len();
            let fault = Fault::new("text after the end of the expression").help("join tests with `all(…)` or `any(…)`");
            return Err(ConditionFault { fault, range: rest });
        }
        Ok(condition)
    }

    /// Returns every test in it, in the order of the text.
    pub fn predicates(&self) -> Vec<&Predicate> {
        match self {
            Condition::All(list) | Condition::Any(list) => list.iter().flat_map(Condition::predicates).collect(),
            Condition::Not(inner) => inner.predicates(),
            Condition::Is(predicate) => vec![predicate],
        }
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// The first test that cannot be known, when the result depends on it.
    pub fn holds<'a>(&'a self, facts: &dyn Facts, merged: &Tree) -> Result<bool, (&'a Predicate, Fault)> {
        match self {
            Condition::All(list) => first(list, false, facts, merged),
            Condition::Any(list) => first(list, true, facts, merged),
            Condition::Not(inner) => inner.holds(facts, merged).map(|holds| !holds),
            Condition::Is(predicate) => facts.holds(predicate, merged).map_err(|fault| (predicate, fault)),
        }
    }
}

/// `decisive` when one of the list has that result, else the first unknown, else the opposite.
fn first<'a>(
    list: &'a [Condition],
    decisive: bool,
    facts: &dyn Facts,
    merged: &Tree,
) -> Result<bool, (&'a Predicate, Fault)> {
    let mut unknown = None;
    for condition in list {
        match condition.holds(facts, merged) {
            Ok(holds) if holds == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(fault) => unknown = unknown.or(Some(fault)),
        }
    }
    unknown.map_or(Ok(!decisive), Err)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn expression(&mut self, depth: u32) -> Result<Condition, ConditionFault> {
        self.blanks();
        let start = self.at;
        let word = self.word();
        if word.is_empty() {
            return Err(self.fault("expected a test, `all(…)`, `any(…)` or `not(…)`"));
        }
        if depth > MAX_DEPTH {
            return Err(self.fault(&format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.blanks();
        if self.peek() == Some('(') {
            return self.group(&word, start, depth);
        }
        let value = self.value()?;
        let end = self.text[..self.at].trim_end().len();
        Ok(Condition::Is(Predicate { key: word, value, range: start..end }))
    }

    /// Reads `(…)` after `word`.
    fn group(&mut self, word: &str, start: usize, depth: u32) -> Result<Condition, ConditionFault> {
        if !matches!(word, "all" | "any" | "not") {
            let help = "the operators are `all(…)`, `any(…)` and `not(…)`";
            let fault = Fault::new(format!("`{word}` is not an operator")).help(help);
            return Err(ConditionFault { fault, range: start..self.at });
        }
        self.at += 1;
        let mut list = Vec::new();
        loop {
            self.blanks();
            if self.peek() == Some(')') {
                self.at += 1;
                break;
            }
            list.push(self.expression(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(')') => {}
                _ => return Err(self.fault("expected `,` or `)`")),
            }
        }
        match (word, list.len()) {
            ("all", _) => Ok(Condition::All(list)),
            ("any", _) => Ok(Condition::Any(list)),
            (_, 1) => Ok(Condition::Not(Box::new(list.remove(0)))),
            _ => {
                let fault = Fault::new("`not` takes one expression").help("write `not(any(…))` or `not(all(…))`");
                Err(ConditionFault { fault, range: start..self.at })
            }
        }
    }

    /// Reads `= "…"`, if it is next.
    fn value(&mut self) -> Result<Option<String>, ConditionFault> {
        if self.peek() != Some('=') {
            return Ok(None);
        }
        self.at += 1;
        self.blanks();
        let Some(quote @ ('"' | '\'')) = self.peek() else {
            return Err(self.fault("expected a value in double quotes"));
        };
        let start = self.at + 1;
        let Some(length) = self.text[start..].find(quote) else {
            let range = self.at..self.text.len();
            return Err(ConditionFault { fault: Fault::new("the value's closing quote is missing"), range });
        };
        self.at = start + length + 1;
        Ok(Some(self.text[start..start + length].to_owned()))
    }

    fn word(&mut self) -> String {
        let rest = &self.text[self.at..];
        let length =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')).unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_owned()
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// A fault at the next character, or at the end.
    fn fault(&self, message: &str) -> ConditionFault {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        ConditionFault { fault: Fault::new(message), range: self.at..end }
    }
}
