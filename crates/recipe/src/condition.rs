//! The expression of a `when` block: `all(key = "value", not(key), any(…))`, or with operators: `key = "value" && !key`.
//!
//! Both forms mean the same. From the loosest: `||` or `or`, `&&` or `and`, `!`; parentheses group. A comparison is `=`,
//! `==`, `!=`, `<`, `<=`, `>` or `>=`, and quotes around a word without blanks may be left out.
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
    /// The text after `=`; after another comparison the sign belongs to it, as in `>=6.1`.
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

    /// Returns what a reader should know about a predicate that does not hold for a recipe that merged to `merged`, when
    /// it may have been meant in another sense.
    fn remark(&self, _predicate: &Predicate, _merged: &Tree) -> Option<Fault> {
        None
    }
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
    /// Reads alternatives.
    fn expression(&mut self, depth: u32) -> Result<Condition, ConditionFault> {
        let first = self.conjunction(depth)?;
        let mut list = vec![first];
        while self.takes(&["||", "or"]) {
            list.push(self.conjunction(depth)?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Condition::Any(list) })
    }

    fn conjunction(&mut self, depth: u32) -> Result<Condition, ConditionFault> {
        let first = self.operand(depth)?;
        let mut list = vec![first];
        while self.takes(&["&&", "and"]) {
            list.push(self.operand(depth)?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Condition::All(list) })
    }

    /// Reads a test, a list in parentheses, or the negation of either.
    fn operand(&mut self, depth: u32) -> Result<Condition, ConditionFault> {
        self.blanks();
        if depth > MAX_DEPTH {
            return Err(self.fault(&format!("nested deeper than {MAX_DEPTH} levels")));
        }
        match self.peek() {
            Some('!') => {
                self.at += 1;
                return Ok(Condition::Not(Box::new(self.operand(depth + 1)?)));
            }
            Some('(') => {
                self.at += 1;
                let inner = self.expression(depth + 1)?;
                self.blanks();
                if self.peek() != Some(')') {
                    return Err(self.fault("expected `)`"));
                }
                self.at += 1;
                return Ok(inner);
            }
            _ => {}
        }
        let start = self.at;
        let word = self.word();
        if word.is_empty() {
            return Err(self.fault("expected a test, `all(…)`, `any(…)` or `not(…)`"));
        }
        let end = self.at;
        self.blanks();
        if self.peek() == Some('(') {
            return self.group(&word, start, depth);
        }
        if word == "not" && self.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == '!') {
            return Ok(Condition::Not(Box::new(self.operand(depth + 1)?)));
        }
        let Some(sign) = self.sign() else {
            return Ok(Condition::Is(Predicate { key: word, value: None, range: start..end }));
        };
        let value = self.value()?;
        let range = start..self.at;
        let is = |value| Condition::Is(Predicate { key: word.clone(), value: Some(value), range: range.clone() });
        Ok(match sign {
            "=" | "==" => is(value),
            "!=" => Condition::Not(Box::new(is(value))),
            sign => is(format!("{sign}{value}")),
        })
    }

    /// Takes one of the operators when it is next; a word only when it ends there.
    fn takes(&mut self, operators: &[&str]) -> bool {
        self.blanks();
        let rest = &self.text[self.at..];
        let is_next = |operator: &&&str| {
            let after = rest.strip_prefix(**operator);
            let is_word = operator.starts_with(|c: char| c.is_ascii_alphabetic());
            after.is_some_and(|after| !is_word || !after.starts_with(is_of_word))
        };
        let found = operators.iter().find(is_next).map(|operator| operator.len());
        self.at += found.unwrap_or(0);
        found.is_some()
    }

    /// Takes the sign of a comparison.
    fn sign(&mut self) -> Option<&'static str> {
        let rest = &self.text[self.at..];
        let sign = ["==", "!=", ">=", "<=", "=", ">", "<"].into_iter().find(|sign| rest.starts_with(sign))?;
        self.at += sign.len();
        Some(sign)
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

    /// Reads a value, in quotes or not.
    fn value(&mut self) -> Result<String, ConditionFault> {
        self.blanks();
        let Some(quote @ ('"' | '\'')) = self.peek() else {
            let value = self.word();
            return if value.is_empty() { Err(self.fault("expected a value in double quotes")) } else { Ok(value) };
        };
        let start = self.at + 1;
        let Some(length) = self.text[start..].find(quote) else {
            let range = self.at..self.text.len();
            return Err(ConditionFault { fault: Fault::new("the value's closing quote is missing"), range });
        };
        self.at = start + length + 1;
        Ok(self.text[start..start + length].to_owned())
    }

    fn word(&mut self) -> String {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
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

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::Condition;

    fn shown(condition: &Condition) -> String {
        let list = |list: &[Condition]| list.iter().map(shown).collect::<Vec<_>>().join(", ");
        match condition {
            Condition::All(inner) => format!("all({})", list(inner)),
            Condition::Any(inner) => format!("any({})", list(inner)),
            Condition::Not(inner) => format!("not({})", shown(inner)),
            Condition::Is(predicate) => match &predicate.value {
                Some(value) => format!("{} = {value:?}", predicate.key),
                None => predicate.key.clone(),
            },
        }
    }

    #[test]
    fn operators_mean_the_same_as_lists() {
        for (written, meant) in [
            ("version >= 6.1", "version = \">=6.1\""),
            ("version>=\"6.1\"", "version = \">=6.1\""),
            ("version = \">= 6.1\"", "version = \">= 6.1\""),
            ("arch == x86_64", "arch = \"x86_64\""),
            ("arch != 'arm'", "not(arch = \"arm\")"),
            ("!modular", "not(modular)"),
            ("not modular", "not(modular)"),
            ("not(modular)", "not(modular)"),
            ("a && b || c && !d", "any(all(a, b), all(c, not(d)))"),
            ("a and (b or c)", "all(a, any(b, c))"),
            ("all(a || b, c)", "all(any(a, b), c)"),
            ("order = y or android", "any(order = \"y\", android)"),
            ("notable", "notable"),
        ] {
            let read = Condition::parse(written).unwrap_or_else(|fault| panic!("{written}: {fault:?}"));
            assert_eq!(shown(&read), meant, "{written}");
        }
        for (wrong, at) in [("a &&", 4), ("a b", 2), ("(a", 2), ("a >= ", 5), ("a & b", 2), ("!", 1), ("a = \"b", 4)] {
            let fault = Condition::parse(wrong).expect_err(wrong);
            assert_eq!(fault.range.start, at, "{wrong}: {fault:?}");
        }
        let deep = "!".repeat(100_000) + "a";
        assert!(Condition::parse(&deep).is_err() && Condition::parse(&"(".repeat(100_000)).is_err());
    }
}
