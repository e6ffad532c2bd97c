//! Why a symbol has its value, and what prevents another one.
//!
//! The engine returns single facts ([`Evaluation::reason`], [`Evaluation::limits`]); this module follows them to
//! something that a user can change, and puts them into words. Requests belong to the recipe: this module gets them as
//! [`RequestContext`].

use kiln_kconfig::{Evaluation, Place, SymbolId, Tristate, Type};
use kiln_plan::tools::Tool;
use serde::Serialize;

mod comparison;
mod hidden;
mod host;
mod limits;
mod reach;
mod story;
#[cfg(test)]
mod tests;

pub use reach::Reach;
use story::Story;

/// The number of symbols changed by another value that are named.
const N_CHANGES: usize = 12;

/// Everything known about a symbol's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// Without `CONFIG_`.
    pub symbol: String,
    /// `bool`, `tristate`, `int`, `hex`, `string`; `unknown` for a symbol that is only mentioned.
    #[serde(rename = "type")]
    pub type_: &'static str,
    /// `y`, `m`, `n`, a number or a text.
    pub value: String,
    /// The limit of a request: `y`, `m`, or `n` when it is not visible.
    pub visible: &'static str,
    /// The first prompt.
    pub prompt: Option<String>,
    /// The first help text.
    pub help: Option<String>,
    /// The range that holds for a number now, as `LOW HIGH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Each place that defines it.
    pub definitions: Vec<Defined>,
    /// The causes of its value, nearest first.
    pub because: Vec<Cause>,
    /// The other values that it could have, with what prevents them or what else they would change.
    pub otherwise: Vec<Otherwise>,
}

/// A place that defines a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defined {
    /// `file:line` in the tree.
    pub place: String,
    /// The menus around it, outermost first.
    pub menus: Vec<String>,
    /// Its dependencies there, each symbol with its value; `None` for a symbol without dependencies.
    pub depends: Option<String>,
}

/// A sentence of an explanation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The number of causes between it and the symbol itself.
    pub depth: usize,
    /// The fact.
    pub text: String,
    /// `file:line` in the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The request that would change it, `SYMBOL=VALUE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Whether more than that request is needed: the further needs follow, one level deeper.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub needs_more: bool,
    /// The symbol whose value is in the way.
    #[serde(skip)]
    pub culprit: Option<String>,
    /// Whether the host's tools decide it, so that no request can.
    #[serde(skip)]
    pub is_host: bool,
    /// The tool whose lack decides it, where that is known.
    #[serde(skip)]
    pub tool: Option<Tool>,
    /// The Debian package that adds the tool for the compiler in use.
    #[serde(skip)]
    pub package: Option<String>,
    /// Whether nothing can change it on this architecture.
    #[serde(skip)]
    pub is_never: bool,
    /// The variable of the environment that decides it.
    #[serde(skip)]
    pub variable: Option<String>,
    /// The architectures that have the symbol in the way or turn it on, when the target architecture does not.
    #[serde(skip)]
    pub arches: Vec<String>,
    /// The label of the line at `place`.
    #[serde(skip)]
    pub label: &'static str,
}

/// Another value of a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// The value.
    pub value: &'static str,
    /// The causes that prevent it; empty when a request alone is enough.
    pub obstacles: Vec<Cause>,
    /// The first few symbols that would change too if this value were requested, where a request is enough.
    pub changes: Vec<Changed>,
    /// The total number of those symbols.
    pub n_changes: usize,
}

/// A symbol that would have another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Without `CONFIG_`.
    pub symbol: String,
    /// Its value now.
    pub from: String,
    /// Its value then.
    pub to: String,
}

/// Facts beside the model and its values.
#[derive(Clone, Copy)]
pub struct RequestContext<'a> {
    /// Whether the recipe requests a symbol; any other user value comes from the base config.
    pub asks: &'a dyn Fn(&str) -> bool,
    /// The other architectures that declare a symbol.
    pub elsewhere: &'a dyn Fn(&str) -> Vec<String>,
    /// The other architectures that select a symbol.
    pub turned_on: &'a dyn Fn(&str) -> Vec<String>,
}

impl RequestContext<'static> {
    /// No knowledge: no request, no other architecture.
    pub const NOTHING: RequestContext<'static> =
        RequestContext { asks: &|_| false, elsewhere: &|_| Vec::new(), turned_on: &|_| Vec::new() };
}

impl Cause {
    /// Whether something other than requests decides it.
    pub(crate) fn is_decided(&self) -> bool {
        self.is_host || self.is_never || self.variable.is_some()
    }

    /// Returns all of it in one line.
    pub fn sentence(&self) -> String {
        let indent = "  ".repeat(self.depth);
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let request = self.request.as_ref().and_then(|request| request.split_once('='));
        let request = request.map(|(symbol, value)| format!(": set `{symbol} = \"{value}\"`")).unwrap_or_default();
        let more = if self.needs_more { ", and what that needs" } else { "" };
        format!("{indent}{}{place}{request}{more}", self.text)
    }
}

/// Explains a symbol; `None` when no Kconfig file mentions it.
pub fn why(evaluation: &Evaluation<'_>, name: &str, asked: &RequestContext<'_>) -> Option<Why> {
    let model = evaluation.model();
    let symbol = model.find(name)?;
    let definitions = model.definitions(symbol).map(|definition| Defined {
        place: shown(&definition.place),
        menus: model.menus(definition.node).into_iter().map(|title| title.into_owned()).collect(),
        depends: definition.dependency.map(|dependency| comparison::show(evaluation, dependency, &definition.place)),
    });
    let type_ = model.type_of(symbol);
    let mut story = Story::new(evaluation, asked);
    story.reason(symbol, 0);
    let value = evaluation.value_of(symbol).into_owned();
    let others: &[&'static str] = match type_ {
        Type::Bool => &["y", "n"],
        Type::Tristate => &["y", "m", "n"],
        _ => &[],
    };
    let others = others.iter().filter(|other| **other != value);
    Some(Why {
        symbol: name.to_owned(),
        type_: type_name(type_),
        visible: evaluation.visibility(symbol).as_str(),
        prompt: model.prompt(symbol).map(|prompt| prompt.into_owned()),
        help: model.help(symbol),
        range: evaluation
            .active_range(symbol)
            .map(|range| format!("{} {}", end_of_range(evaluation, range.low), end_of_range(evaluation, range.high))),
        definitions: definitions.collect(),
        because: story.causes,
        otherwise: others.map(|other| otherwise(evaluation, symbol, other, asked)).collect(),
        value,
    })
}

/// Returns what has to change for a symbol to have `value`: more than requests, where no request can be enough.
pub fn reach(evaluation: &Evaluation<'_>, name: &str, value: &str) -> Reach {
    let Some(symbol) = evaluation.model().find(name) else { return Reach::Never };
    match value {
        "n" => Reach::Open,
        "m" => reach::Reaches::new(evaluation).of(symbol, Tristate::Mod),
        _ => reach::Reaches::new(evaluation).of(symbol, Tristate::Yes),
    }
}

/// Returns the causes that keep a symbol from `value`, followed to something that a user can change; empty when a
/// request is enough, or the symbol is not known.
pub fn obstacles(evaluation: &Evaluation<'_>, name: &str, value: &str, asked: &RequestContext<'_>) -> Vec<Cause> {
    let Some(symbol) = evaluation.model().find(name) else { return Vec::new() };
    let wanted = match (evaluation.model().type_of(symbol), value) {
        (Type::Bool | Type::Tristate, "n") => Tristate::No,
        (Type::Bool | Type::Tristate, "m") => Tristate::Mod,
        _ => Tristate::Yes,
    };
    let mut story = Story::new(evaluation, asked);
    let is_text = !evaluation.model().type_of(symbol).is_logic();
    story.wanted_text = Some(kiln_kconfig::unquote(value)).filter(|_| is_text);
    story.seen.insert(symbol);
    story.limits(symbol, wanted, 0);
    story.causes
}

fn otherwise(
    evaluation: &Evaluation<'_>,
    symbol: SymbolId,
    value: &'static str,
    asked: &RequestContext<'_>,
) -> Otherwise {
    let name = evaluation.model().name(symbol);
    let obstacles = obstacles(evaluation, &name, value, asked);
    let mut changes = Vec::new();
    if obstacles.is_empty() {
        let mut then = evaluation.clone();
        if let Ok(change) = then.set(symbol, value) {
            let others = change.changed().iter().filter(|other| **other != symbol);
            changes.extend(others.filter_map(|other| {
                let (from, to) = (evaluation.value_of(*other).into_owned(), then.value_of(*other).into_owned());
                let name = evaluation.model().name(*other).into_owned();
                (from != to && !name.starts_with('<')).then_some(Changed { symbol: name, from, to })
            }));
        }
    }
    let n_changes = changes.len();
    changes.truncate(N_CHANGES);
    Otherwise { value, obstacles, changes, n_changes }
}

/// Returns an end of a range as a number.
pub(crate) fn end_of_range(evaluation: &Evaluation<'_>, symbol: SymbolId) -> String {
    let model = evaluation.model();
    match model.type_of(symbol) {
        Type::Unknown => model.name(symbol).into_owned(),
        _ => evaluation.value_of(symbol).into_owned(),
    }
}

pub(crate) fn shown(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "empty".to_owned() } else { format!("`{value}`") }
}

fn type_name(type_: Type) -> &'static str {
    match type_ {
        Type::Bool => "bool",
        Type::Tristate => "tristate",
        Type::Int => "int",
        Type::Hex => "hex",
        Type::String => "string",
        Type::Unknown => "unknown",
    }
}
