//! Further requests that make all requests hold, in the form of a recipe.
//!
//! `kiln_fix` finds them. Here symbols get their names, prompts and places, and requests that cannot hold get the reasons
//! from [`why`](crate::why).

pub use kiln_fix::Budget;
use kiln_fix::{Fix, Outcome, Pins, Problem, Setting, Solution, fix, needed_for, pins};
use kiln_kconfig::{Evaluation, Request, SymbolId, Type};
use serde::Serialize;

use crate::why::RequestContext;

mod set_aside;
#[cfg(test)]
mod tests;

pub use set_aside::{Reason, SetAside};

/// The number of alternatives that are offered at most.
const N_ALTERNATIVES: usize = 3;

/// The answer of [`remedy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The requests that cannot hold, each with its reason, in the order in which they were given.
    pub set_aside: Vec<SetAside>,
    /// The fixes with which all other requests hold.
    pub remedy: Remedy,
}

/// The fixes for a set of requests, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// They hold as they are.
    Holds,
    /// Alternative fixes, the best first.
    Alternatives(Vec<Alternative>),
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
    /// Symbols that this turns off, or from `y` to `m`: those with a prompt first, and of these those that most others
    /// depend on.
    pub turns_off: Vec<String>,
    /// Requests that would keep what this turns off, the one that keeps most first.
    pub keeps: Vec<Line>,
    /// Symbols that this turns off even with those, in the same order as `turns_off`, without those that become `m` because
    /// it enables modules.
    pub lost: Vec<String>,
    /// The weighted number of values that this moves.
    pub harm: usize,
    /// Whether the harm is large.
    pub drastic: bool,
    /// Whether no fix that harms as little has fewer requests, and none harms less.
    pub smallest: bool,
    /// The `kernel.baseValues` under which it holds, when it does not hold under the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_with: Option<&'static str>,
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
    /// Whether it is there to keep a value that a fix would change.
    #[serde(skip)]
    pub keeps_value: bool,
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

/// Finds further requests with which all `requests` hold that can, and keeps the symbols of these names on; `now` has
/// `requests` applied over the base.
///
/// Requests that the model does not take are left out: further requests do not help them.
pub fn remedy(
    now: &Evaluation<'_>,
    requests: &[Request],
    kept: &[&str],
    asked: &RequestContext<'_>,
    budget: Budget,
) -> Answer {
    let kept: Vec<SymbolId> = kept.iter().filter_map(|name| now.model().find(name)).collect();
    let problem = Problem { now, requests, kept: &kept, budget, n_wanted: N_ALTERNATIVES };
    let Solution { set_aside, outcome } = fix(&problem);
    let shown = |fix: &Fix| alternative(&problem, &set_aside, fix);
    let remedy = match &outcome {
        Outcome::Holds => Remedy::Holds,
        Outcome::Fixes(fixes) => Remedy::Alternatives(fixes.iter().map(shown).collect()),
        Outcome::OutOfTime(fix) => Remedy::OutOfTime(fix.as_ref().map(shown)),
        Outcome::NoMemory(bytes) => Remedy::NoMemory(*bytes),
    };
    Answer { set_aside: set_aside.iter().map(|one| SetAside::new(&problem, one, asked)).collect(), remedy }
}

fn alternative(problem: &Problem<'_, '_>, set_aside: &[kiln_fix::SetAside], fix: &Fix) -> Alternative {
    let model = problem.now.model();
    let names = |symbols: &[SymbolId]| symbols.iter().map(|symbol| model.name(*symbol).into_owned()).collect();
    let lines = fix.settings.iter().zip(needed_for(problem, set_aside, fix));
    let Pins { settings, left, lowered } = pins(problem, set_aside, fix);
    Alternative {
        requests: lines.map(|(setting, needed)| line(problem, setting, &needed)).collect(),
        substitutes: fix.substitutes.iter().map(|other| substitute(problem, other)).collect(),
        turns_on: names(&fix.raised),
        turns_off: names(&lowered),
        keeps: settings.iter().map(|setting| line(problem, setting, &[])).collect(),
        lost: names(&left),
        harm: fix.cost.harm,
        drastic: fix.cost.is_drastic,
        smallest: fix.is_smallest,
        only_with: None,
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
        keeps_value: needed.is_empty(),
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

    /// Returns the fix with the requests that keep what it turns off.
    #[must_use]
    pub fn keeping(&self) -> Alternative {
        let mut alternative = self.clone();
        if alternative.keeps.is_empty() {
            return alternative;
        }
        alternative.requests.append(&mut alternative.keeps);
        alternative.requests.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        alternative.turns_off = std::mem::take(&mut alternative.lost);
        alternative
    }

    /// Returns in a few words how much this moves.
    pub fn consequences(&self) -> String {
        let mut parts = Vec::new();
        for (what, symbols) in [("turns on", &self.turns_on), ("turns off or lowers", &self.turns_off)] {
            if !symbols.is_empty() {
                parts.push(format!("it {what} {} more", symbols.len()));
            }
        }
        if parts.is_empty() {
            parts.push(format!("it is {} requests", self.requests.len()));
        }
        parts.join(" and ")
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
        if self.keeps_value {
            parts.push("kept as it is".to_owned());
        }
        if !self.needed_for.is_empty() {
            parts.push(format!("for {}", self.needed_for.join(", ")));
        }
        parts.join(", ")
    }
}
