//! Further requests that make all requests hold, in the form of a recipe.
//!
//! `kiln_fix` finds them. Here symbols get their names, prompts and places, and requests that cannot hold together get the
//! reasons from [`why`](crate::why).

use kiln_diag::{Code, Diagnostic};
pub use kiln_fix::Budget;
use kiln_fix::{Fix, Outcome, Problem, Setting, fix, needed_for};
use kiln_kconfig::{Evaluation, Request, SymbolId, Type};
use serde::Serialize;

use crate::why::{Asked, Cause, obstacles};

#[cfg(test)]
mod tests;

/// The number of alternatives that are offered at most.
const N_ALTERNATIVES: usize = 3;

/// The number of sentences of a reason that are shown; `kiln why` shows all.
const N_CAUSES: usize = 8;

/// The result of [`remedy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// All requests hold as they are.
    Holds,
    /// Alternative fixes, the best first.
    Alternatives(Vec<Alternative>),
    /// Some of the requests cannot hold together.
    Contradiction(Contradiction),
    /// The budget is used up; the best fix so far, if there is one.
    OutOfTime(Option<Alternative>),
    /// The host refuses the memory that the search needs, in bytes.
    NoMemory(usize),
}

/// A fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// The requests to write, sorted by symbol.
    pub requests: Vec<Line>,
    /// Requests that can replace one of those: each is a fix that differs in that request only.
    #[serde(rename = "or")]
    pub substitutes: Vec<Substitute>,
    /// Symbols that this turns on, or from `m` to `y`, without those of the requests; causes before effects.
    pub turns_on: Vec<String>,
    /// Symbols that this turns off, or from `y` to `m`.
    pub turns_off: Vec<String>,
    /// Whether there is no fix with fewer requests.
    pub smallest: bool,
}

/// A request to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value in the form of a recipe: a blank string has the quotes of a `.config`.
    pub value: String,
    /// The value that the recipe requests now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// The symbol's prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The definition with the prompt, as `file:line` in the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The requests that would not hold without it.
    #[serde(rename = "for")]
    pub needed_for: Vec<String>,
}

/// A request that can replace another one of a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Substitute {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value in the form of a recipe.
    pub value: String,
    /// The symbol whose request it replaces.
    pub instead_of: String,
}

/// Requests that cannot hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The requests, each of which is needed for the contradiction.
    pub requests: Vec<Request>,
    /// The reasons why some of them do not hold.
    pub causes: Vec<Cause>,
    /// Whether no smaller set of requests contradicts itself.
    pub is_smallest: bool,
}

/// Finds further requests with which all `requests` hold; `now` has `requests` applied over the base.
///
/// Requests that the model does not take are left out: further requests do not help them.
pub fn remedy(now: &Evaluation<'_>, requests: &[Request], budget: Budget) -> Remedy {
    let problem = Problem { now, requests, budget, n_wanted: N_ALTERNATIVES };
    match fix(&problem) {
        Outcome::Holds => Remedy::Holds,
        Outcome::Fixes(fixes) => Remedy::Alternatives(fixes.iter().map(|fix| alternative(&problem, fix)).collect()),
        Outcome::OutOfTime(fix) => Remedy::OutOfTime(fix.map(|fix| alternative(&problem, &fix))),
        Outcome::NoMemory(bytes) => Remedy::NoMemory(bytes),
        Outcome::Contradiction { requests: indices, is_smallest } => {
            let requests: Vec<Request> = indices.iter().map(|index| requests[*index].clone()).collect();
            let causes = requests
                .iter()
                .flat_map(|request| obstacles(now, &request.symbol, &request.value, &Asked::NOTHING))
                .collect();
            Remedy::Contradiction(Contradiction { requests, causes, is_smallest })
        }
    }
}

fn alternative(problem: &Problem<'_, '_>, fix: &Fix) -> Alternative {
    let model = problem.now.model();
    let names = |symbols: &[SymbolId]| symbols.iter().map(|symbol| model.name(*symbol).into_owned()).collect();
    let lines = fix.settings.iter().zip(needed_for(problem, fix));
    Alternative {
        requests: lines.map(|(setting, needed)| line(problem, setting, &needed)).collect(),
        substitutes: fix.substitutes.iter().map(|other| substitute(problem, other)).collect(),
        turns_on: names(&fix.raised),
        turns_off: names(&fix.lowered),
        smallest: fix.is_smallest,
    }
}

fn substitute(problem: &Problem<'_, '_>, other: &kiln_fix::Substitute) -> Substitute {
    let model = problem.now.model();
    Substitute {
        symbol: model.name(other.setting.symbol).into_owned(),
        value: written(model.type_of(other.setting.symbol), &other.setting.value),
        instead_of: model.name(other.of).into_owned(),
    }
}

fn line(problem: &Problem<'_, '_>, setting: &Setting, needed: &[usize]) -> Line {
    let model = problem.now.model();
    let prompted = model.definitions(setting.symbol).find(|definition| definition.prompt.is_some());
    let definition = prompted.or_else(|| model.definitions(setting.symbol).next());
    let symbol = model.name(setting.symbol).into_owned();
    let before = problem.requests.iter().find(|request| request.symbol == symbol);
    let name = |index: &usize| problem.requests[*index].symbol.clone();
    Line {
        symbol,
        value: written(model.type_of(setting.symbol), &setting.value),
        instead_of: before.and_then(|request| request.resolve(model)).map(|(_, value)| value),
        prompt: definition.as_ref().and_then(|definition| definition.prompt.as_ref()).map(|text| text.to_string()),
        place: definition.map(|definition| format!("{}:{}", definition.place.file, definition.place.line)),
        needed_for: needed.iter().map(name).collect(),
    }
}

/// Returns a value in the form of a recipe: a string is quoted where it is blank, or would be read as a quoted string, a
/// number or a tristate.
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

impl Alternative {
    /// Returns the fix in which `substitute` replaces a request.
    pub fn with(&self, substitute: &Substitute) -> Alternative {
        let mut alternative = self.clone();
        if let Some(line) = alternative.requests.iter_mut().find(|line| line.symbol == substitute.instead_of) {
            let (symbol, value) = (substitute.symbol.clone(), substitute.value.clone());
            *line = Line { symbol, value, instead_of: None, prompt: None, place: None, ..line.clone() };
        }
        alternative
    }

    /// Returns the requests in a few words, for a message: `NET = "y"` and `PCI = "y"`.
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
    /// Returns the line as TOML.
    pub fn assignment(&self) -> String {
        format!("{} = {:?}", self.symbol, self.value)
    }

    /// Returns the comment for readers of the recipe.
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
    /// Returns a finding that points at all of the requests.
    pub fn diagnostic(&self) -> Diagnostic {
        let each: Vec<String> =
            self.requests.iter().map(|request| format!("`{} = {:?}`", request.symbol, request.value)).collect();
        let message = match each.as_slice() {
            [only] => format!("no further requests make {only} hold"),
            [first @ .., last] => format!("{} and {last} cannot hold together", first.join(", ")),
            [] => "the requests cannot hold together".to_owned(),
        };
        let mut diagnostic = Diagnostic::error(Code::Contradiction, message);
        for request in &self.requests {
            diagnostic = diagnostic.label(request.origin, "requested here");
        }
        for cause in self.causes.iter().take(N_CAUSES) {
            diagnostic = diagnostic.note(cause.sentence());
        }
        diagnostic
    }
}
