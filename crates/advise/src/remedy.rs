//! The way from requests that do not hold to requests that do, in the words of a recipe.
//!
//! `kiln_fix` finds it; here symbols get their names, prompts and places, and requests that cannot hold together get the
//! reasons that [`why`](crate::why) knows.

use kiln_diag::{Code, Diagnostic, Span};
pub use kiln_fix::{Firmness, Patience};
use kiln_fix::{Fix, Instead, Outcome, Problem, Request as Wanted, Setting, fix, needed_for};
use kiln_kconfig::{Evaluation, SymbolId, Type};
use serde::Serialize;

use crate::why::{Asked, Cause, obstacles};
use kiln_kconfig::unquote;

#[cfg(test)]
mod tests;

/// How many ways are offered.
const N_WAYS: usize = 3;

/// How many sentences of a reason are shown; `kiln why` has all.
const N_CAUSES: usize = 8;

/// A request that is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Without `CONFIG_`; the tree declares it.
    pub symbol: String,
    /// As in a recipe.
    pub value: String,
    /// Whether it may be changed, or stay unmet.
    pub firmness: Firmness,
    /// Where it was written; `None` for one of the command line.
    pub origin: Option<Span>,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing is to be done.
    Holds,
    /// Ways to get there, the best first.
    Ways(Vec<Way>),
    /// These cannot hold together.
    Contradiction(Contradiction),
    /// Patience was at its end; the best that was found.
    OutOfTime(Option<Way>),
    /// The host has not the memory that looking takes: so many bytes.
    NoMemory(usize),
}

/// One way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// What to write, by symbol.
    pub requests: Vec<Line>,
    /// Requests that would do as well as one of those: each is a way that differs in just that.
    pub or: Vec<Or>,
    /// Symbols that this turns on, or from `m` to `y`, beside what is written; causes before effects.
    pub turns_on: Vec<String>,
    /// Symbols that this turns off, or from `y` to `m`.
    pub turns_off: Vec<String>,
    /// Whether there is none with fewer requests.
    pub smallest: bool,
}

/// A request to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Without `CONFIG_`.
    pub symbol: String,
    /// As in a recipe: a string that is blank has the quotes of a `.config`.
    pub value: String,
    /// The value that the recipe asks for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// The symbol's prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// `file:line` in the tree, of the definition with the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The requests that do not hold without it.
    #[serde(rename = "for")]
    pub needed_for: Vec<String>,
}

/// A request that would do as well as one of a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Or {
    /// Without `CONFIG_`.
    pub symbol: String,
    /// As in a recipe.
    pub value: String,
    /// The symbol that is not needed then.
    pub instead_of: String,
}

/// Requests that cannot hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The requests, each of which is needed for that.
    pub wishes: Vec<Wish>,
    /// What keeps those that do not hold from it.
    pub causes: Vec<Cause>,
    /// Whether no fewer requests contradict each other.
    pub is_smallest: bool,
}

/// Looks for a way; `now` has all wishes applied over the base.
pub fn remedy(now: &Evaluation<'_>, wishes: &[Wish], patience: Patience) -> Remedy {
    let model = now.model();
    let mut requests = Vec::new();
    let mut known = Vec::new();
    for wish in wishes {
        let Some(symbol) = model.find(&wish.symbol).filter(|symbol| model.definitions(*symbol).next().is_some()) else {
            continue;
        };
        let value = if model.type_of(symbol) == Type::String { unquote(&wish.value) } else { wish.value.clone() };
        if model.takes(symbol, &value) {
            requests.push(Wanted { symbol, value, firmness: wish.firmness });
            known.push(wish);
        }
    }
    let problem = Problem { now, requests: &requests, patience, n_wanted: N_WAYS };
    match fix(&problem) {
        Outcome::Holds => Remedy::Holds,
        Outcome::Fixes(fixes) => Remedy::Ways(fixes.iter().map(|fix| way(&problem, fix)).collect()),
        Outcome::OutOfTime(fix) => Remedy::OutOfTime(fix.map(|fix| way(&problem, &fix))),
        Outcome::NoMemory(bytes) => Remedy::NoMemory(bytes),
        Outcome::Contradiction { requests: clashing, is_smallest } => {
            let wishes: Vec<Wish> = clashing.iter().map(|index| known[*index].clone()).collect();
            let causes =
                wishes.iter().flat_map(|wish| obstacles(now, &wish.symbol, &wish.value, &Asked::NOTHING)).collect();
            Remedy::Contradiction(Contradiction { wishes, causes, is_smallest })
        }
    }
}

fn way(problem: &Problem<'_, '_>, fix: &Fix) -> Way {
    let model = problem.now.model();
    let names = |symbols: &[SymbolId]| symbols.iter().map(|symbol| model.name(*symbol).into_owned()).collect();
    let lines = fix.settings.iter().zip(needed_for(problem, fix));
    Way {
        requests: lines.map(|(setting, needed)| line(problem, setting, &needed)).collect(),
        or: fix.instead.iter().map(|other| or(problem, other)).collect(),
        turns_on: names(&fix.raised),
        turns_off: names(&fix.lowered),
        smallest: fix.is_smallest,
    }
}

fn or(problem: &Problem<'_, '_>, other: &Instead) -> Or {
    let model = problem.now.model();
    Or {
        symbol: model.name(other.setting.symbol).into_owned(),
        value: written(model.type_of(other.setting.symbol), &other.setting.value),
        instead_of: model.name(other.of).into_owned(),
    }
}

fn line(problem: &Problem<'_, '_>, setting: &Setting, needed: &[usize]) -> Line {
    let model = problem.now.model();
    let prompted = model.definitions(setting.symbol).find(|definition| definition.prompt.is_some());
    let definition = prompted.or_else(|| model.definitions(setting.symbol).next());
    let before = problem.requests.iter().find(|request| request.symbol == setting.symbol);
    let name = |index: &usize| model.name(problem.requests[*index].symbol).into_owned();
    Line {
        symbol: model.name(setting.symbol).into_owned(),
        value: written(model.type_of(setting.symbol), &setting.value),
        instead_of: before.map(|request| request.value.clone()),
        prompt: definition.as_ref().and_then(|definition| definition.prompt.as_ref()).map(|text| text.to_string()),
        place: definition.map(|definition| format!("{}:{}", definition.place.file, definition.place.line)),
        needed_for: needed.iter().map(name).collect(),
    }
}

/// A value as a recipe has it: a string that would be taken for nothing, for a quoted one, a number or a tristate is
/// quoted.
fn written(type_: Type, value: &str) -> String {
    let is_quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
    let is_number = value.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    let is_tristate = matches!(value, "y" | "m" | "n");
    if type_ == Type::String && (value.trim().is_empty() || is_quoted || is_number || is_tristate) {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        value.to_owned()
    }
}

impl Way {
    /// The requests that `or` makes of it: another one in the place of one.
    pub fn with(&self, or: &Or) -> Way {
        let mut way = self.clone();
        if let Some(line) = way.requests.iter_mut().find(|line| line.symbol == or.instead_of) {
            let (symbol, value) = (or.symbol.clone(), or.value.clone());
            *line = Line { symbol, value, instead_of: None, prompt: None, place: None, ..line.clone() };
        }
        way
    }

    /// What to do in a few words, for a message: `NET = "y"` and `PCI = "y"`.
    pub fn brief(&self) -> String {
        let lines: Vec<String> = self.requests.iter().map(|line| format!("`{}`", line.assignment())).collect();
        match lines.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        }
    }
}

impl Line {
    /// As TOML.
    pub fn assignment(&self) -> String {
        format!("{} = {:?}", self.symbol, self.value)
    }

    /// What a reader of the recipe wants to know of it.
    pub fn comment(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.prompt.as_ref().map(|prompt| format!("\"{prompt}\"")));
        parts.extend(self.place.clone());
        parts.extend(self.instead_of.as_ref().map(|before| format!("instead of {before:?}")));
        if !self.needed_for.is_empty() {
            parts.push(format!("for {}", self.needed_for.join(", ")));
        }
        parts.join(", ")
    }
}

impl Contradiction {
    /// As a finding that points at all of the requests.
    pub fn diagnostic(&self) -> Diagnostic {
        let each: Vec<String> =
            self.wishes.iter().map(|wish| format!("`{} = {:?}`", wish.symbol, wish.value)).collect();
        let message = match each.as_slice() {
            [only] => format!("no further requests make {only} hold"),
            [first @ .., last] => format!("{} and {last} cannot hold together", first.join(", ")),
            [] => "the requests cannot hold together".to_owned(),
        };
        let mut diagnostic = Diagnostic::error(Code::Contradiction, message);
        for wish in &self.wishes {
            diagnostic = diagnostic.label(wish.origin, "asked for here");
        }
        for cause in self.causes.iter().take(N_CAUSES) {
            diagnostic = diagnostic.note(cause.sentence());
        }
        diagnostic
    }
}
