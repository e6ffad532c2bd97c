//! Why a symbol has its value, and what keeps it from another.
//!
//! The engine gives single facts ([`Evaluation::reason`], [`Evaluation::limits`]); here they are followed until something
//! is reached that a user can change, and put into words. Requests are the recipe's: this module gets them as [`Asked`].

use kiln_kconfig::{Evaluation, Place, SymbolId, Tristate, Type};
use serde::Serialize;

mod host;
mod limits;
mod story;
#[cfg(test)]
mod tests;

use story::Story;

/// How many symbols that another value would change are named.
const N_CHANGES: usize = 12;

/// Everything there is to say about a symbol's value.
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
    /// How far a request counts: `y`, `m`, or `n` when it has no prompt in sight.
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
    /// What gave it its value, the nearest cause first.
    pub because: Vec<Cause>,
    /// The other values that it could have, with what stands against them or what else they would change.
    pub otherwise: Vec<Otherwise>,
}

/// A place that defines a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defined {
    /// `file:line` in the tree.
    pub place: String,
    /// The menus around it, the outermost first.
    pub menus: Vec<String>,
    /// What it depends on there, each symbol with its value; nothing for a symbol that depends on nothing.
    pub depends: Option<String>,
}

/// A sentence of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// How many causes it is away from the symbol itself.
    pub depth: usize,
    /// What is so.
    pub text: String,
    /// `file:line` in the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The request that would change it, `SYMBOL=VALUE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Whether more than that request is needed: what it takes follows, one deeper.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub needs_more: bool,
    /// The symbol whose value is in the way.
    #[serde(skip)]
    pub culprit: Option<String>,
    /// Whether the host's tools decide it, and no request can.
    #[serde(skip)]
    pub is_host: bool,
    /// The architectures that have the symbol in the way, when the one that is built has not.
    #[serde(skip)]
    pub arches: Vec<String>,
}

/// Another value of a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// The value.
    pub value: &'static str,
    /// What keeps the symbol from it; a request alone is enough when there is nothing.
    pub obstacles: Vec<Cause>,
    /// What else would have another value if the symbol were asked for with this one, where a request is enough: the
    /// first few.
    pub changes: Vec<Changed>,
    /// How many there are in all.
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

/// What is known beside the model and its values.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Whether the recipe asks for a symbol; what else has a value of the user's has it from the base config.
    pub asks: &'a dyn Fn(&str) -> bool,
    /// The other architectures that declare a symbol.
    pub elsewhere: &'a dyn Fn(&str) -> Vec<String>,
}

impl Asked<'static> {
    /// Nothing is known: no request, no other architecture.
    pub const NOTHING: Asked<'static> = Asked { asks: &|_| false, elsewhere: &|_| Vec::new() };
}

impl Cause {
    /// All of it in one line.
    pub fn sentence(&self) -> String {
        let indent = "  ".repeat(self.depth);
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let request = self.request.as_ref().and_then(|request| request.split_once('='));
        let request = request.map(|(symbol, value)| format!(": ask for `{symbol} = \"{value}\"`")).unwrap_or_default();
        let more = if self.needs_more { ", and for what that needs" } else { "" };
        format!("{indent}{}{place}{request}{more}", self.text)
    }
}

/// Explains a symbol; `None` when no Kconfig file mentions it.
pub fn why(evaluation: &Evaluation<'_>, name: &str, asked: &Asked<'_>) -> Option<Why> {
    let model = evaluation.model();
    let symbol = model.find(name)?;
    let definitions = model.definitions(symbol).map(|definition| Defined {
        place: shown(&definition.place),
        menus: model.menus(definition.node).into_iter().map(|title| title.into_owned()).collect(),
        depends: definition.dependency.map(|dependency| evaluation.show(dependency)),
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

/// What keeps a symbol from `value`, followed to what a user can change; empty when a request is enough, or the symbol
/// is not known.
pub fn obstacles(evaluation: &Evaluation<'_>, name: &str, value: &str, asked: &Asked<'_>) -> Vec<Cause> {
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

fn otherwise(evaluation: &Evaluation<'_>, symbol: SymbolId, value: &'static str, asked: &Asked<'_>) -> Otherwise {
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

/// An end of a range as a number.
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
