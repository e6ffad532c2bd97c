//! Why a symbol has its value, and what keeps it from another.
//!
//! The engine gives single facts ([`Evaluation::reason`], [`Evaluation::limits`]); here they are followed until something
//! is reached that a user can change, and put into words. Requests are the recipe's: this module gets them as places.

use std::collections::BTreeSet;

use kiln_kconfig::{Evaluation, Expr, ExprId, Limit, Place, Reason, Selection, SymbolId, Term, Tristate, Type};
use serde::Serialize;

#[cfg(test)]
mod tests;

/// How far causes are followed.
const DEPTH: usize = 6;

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
    /// Each place that defines it.
    pub definitions: Vec<Defined>,
    /// What gave it its value, the nearest cause first.
    pub because: Vec<Cause>,
    /// The other values that it could have, with what stands against them.
    pub otherwise: Vec<Otherwise>,
}

/// A place that defines a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defined {
    /// `file:line` in the tree.
    pub place: String,
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
}

impl Cause {
    /// All of it in one line.
    pub fn sentence(&self) -> String {
        let indent = "  ".repeat(self.depth);
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let request = self.request.as_ref().and_then(|request| request.split_once('='));
        let request = request.map(|(symbol, value)| format!(": ask for `{symbol} = \"{value}\"`")).unwrap_or_default();
        format!("{indent}{}{place}{request}", self.text)
    }
}

/// Another value of a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Otherwise {
    /// The value.
    pub value: &'static str,
    /// What keeps the symbol from it; a request alone is enough when there is nothing.
    pub obstacles: Vec<Cause>,
}

/// Explains a symbol; `None` when no Kconfig file mentions it.
///
/// `asked` says whether the recipe asks for a symbol; what else has a value of the user's has it from the base config.
pub fn why(evaluation: &Evaluation<'_>, name: &str, asked: &dyn Fn(&str) -> bool) -> Option<Why> {
    let model = evaluation.model();
    let symbol = model.find(name)?;
    let definitions = model.definitions(symbol).map(|definition| Defined {
        place: shown(&definition.place),
        depends: definition.dependency.map(|dependency| evaluation.show(dependency)),
    });
    let type_ = model.type_of(symbol);
    let mut story = Story { evaluation, asked, seen: BTreeSet::new(), causes: Vec::new() };
    story.reason(symbol, 0);
    let value = evaluation.value_of(symbol).into_owned();
    let others: &[&'static str] = match type_ {
        Type::Bool => &["y", "n"],
        Type::Tristate => &["y", "m", "n"],
        _ => &[],
    };
    let otherwise = others.iter().filter(|other| **other != value);
    let otherwise =
        otherwise.map(|other| Otherwise { value: other, obstacles: obstacles(evaluation, name, other) }).collect();
    Some(Why {
        symbol: name.to_owned(),
        type_: type_name(type_),
        value,
        visible: evaluation.visibility(symbol).as_str(),
        prompt: model.prompt(symbol).map(|prompt| prompt.into_owned()),
        help: model.help(symbol),
        definitions: definitions.collect(),
        because: story.causes,
        otherwise,
    })
}

/// What keeps a symbol from `value`, followed to what a user can change; empty when a request is enough, or the symbol
/// is not known.
pub fn obstacles(evaluation: &Evaluation<'_>, name: &str, value: &str) -> Vec<Cause> {
    let Some(symbol) = evaluation.model().find(name) else { return Vec::new() };
    let wanted = match (evaluation.model().type_of(symbol), value) {
        (Type::Bool | Type::Tristate, "n") => Tristate::No,
        (Type::Bool | Type::Tristate, "m") => Tristate::Mod,
        _ => Tristate::Yes,
    };
    let mut story = Story { evaluation, asked: &|_| false, seen: BTreeSet::new(), causes: Vec::new() };
    story.seen.insert(symbol);
    story.limits(symbol, wanted, 0);
    story.causes
}

/// Sentences as they are found.
struct Story<'a, 'm> {
    evaluation: &'a Evaluation<'m>,
    asked: &'a dyn Fn(&str) -> bool,
    seen: BTreeSet<SymbolId>,
    causes: Vec<Cause>,
}

impl Story<'_, '_> {
    fn say(&mut self, depth: usize, text: String, place: Option<&Place>, request: Option<String>) {
        self.causes.push(Cause { depth, text, place: place.map(shown), request });
    }

    fn name(&self, symbol: SymbolId) -> String {
        format!("`{}`", self.evaluation.model().name(symbol))
    }

    /// Who gives a symbol a value of the user's.
    fn who(&self, name: &str) -> &'static str {
        if (self.asked)(name) { "the recipe" } else { "the base config" }
    }

    /// Says what gave `symbol` its value, and what gave those theirs.
    fn reason(&mut self, symbol: SymbolId, depth: usize) {
        if !self.seen.insert(symbol) || depth > DEPTH {
            return;
        }
        let name = self.evaluation.model().name(symbol).into_owned();
        let value = self.evaluation.value_of(symbol).into_owned();
        let is = format!("`{name}` is {}", quoted(&value));
        match self.evaluation.reason(symbol) {
            Reason::Fixed => self.say(depth, format!("{is}: nothing defines it"), None, None),
            Reason::Nothing => {
                let text = match self.evaluation.user_value(symbol) {
                    Some(wanted) if wanted != value => {
                        format!("{is}: {} says {}, but its prompt is not in sight", self.who(&name), quoted(&wanted))
                    }
                    _ => format!("{is}: nothing asks for it, and no default holds"),
                };
                self.say(depth, text, None, None);
            }
            Reason::User => {
                let wanted = self.evaluation.user_value(symbol).unwrap_or_default().into_owned();
                let who = self.who(&name);
                let text = if wanted == value {
                    format!("{is}: {who} says so")
                } else {
                    format!("{is}: {who} says {}, and that is as far as its prompt is in sight", quoted(&wanted))
                };
                self.say(depth, text, None, None);
            }
            Reason::Default(default) => {
                let condition = default.condition.map(|condition| self.evaluation.show(condition));
                let shown = self.evaluation.model().show(default.value);
                let condition = condition.map(|text| format!(" if {text}")).unwrap_or_default();
                self.say(depth, format!("{is}: default {shown}{condition}"), Some(&default.place), None);
                if let Expr::Symbol(source) = self.evaluation.model().expression(default.value)
                    && !self.evaluation.model().name(source).is_empty()
                {
                    self.reason_of_declared(source, depth + 1);
                }
            }
            Reason::Implied(lines) => self.lines(&is, "implied", &lines, depth),
            Reason::Selected(lines) => self.lines(&is, "selected", &lines, depth),
            Reason::Choice { choice, chosen } => {
                let model = self.evaluation.model();
                let prompt = model.prompt_of(choice).map(|text| format!(" `{text}`")).unwrap_or_default();
                let who = match chosen {
                    Some(chosen) if chosen == symbol => "it is the one of its choice".to_owned(),
                    Some(chosen) => format!("{} is the one of its choice", self.name(chosen)),
                    None => "none of its choice is on".to_owned(),
                };
                self.say(depth, format!("{is}: {who}{prompt}"), None, None);
            }
            Reason::Range(range) => {
                let model = self.evaluation.model();
                let end = |symbol: SymbolId| match model.type_of(symbol) {
                    Type::Unknown => model.name(symbol).into_owned(),
                    _ => self.evaluation.value_of(symbol).into_owned(),
                };
                let text = format!("{is}: moved into its range, {} to {}", end(range.low), end(range.high));
                self.say(depth, text, Some(&range.place), None);
            }
        }
    }

    fn reason_of_declared(&mut self, symbol: SymbolId, depth: usize) {
        if self.evaluation.model().definitions(symbol).next().is_some() {
            self.reason(symbol, depth);
        }
    }

    fn lines(&mut self, is: &str, how: &str, lines: &[Selection], depth: usize) {
        for line in lines {
            let by = self.evaluation.value_of(line.by).into_owned();
            let text = format!("{is}: {how} by {}, which is {}", self.name(line.by), quoted(&by));
            self.say(depth, text, Some(&line.place), None);
            self.reason(line.by, depth + 1);
        }
    }

    /// Says what keeps `symbol` from `wanted`.
    fn limits(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let name = self.name(symbol);
        let limits = self.evaluation.limits(symbol, wanted);
        let is_selected = limits.iter().any(|limit| matches!(limit, Limit::Selected(_)));
        for limit in limits {
            match limit {
                // Without the select there would be nothing to turn off.
                Limit::NoPrompt if is_selected => {}
                Limit::NoModules => {
                    let modules = self.evaluation.model().modules();
                    let is_bool = self.evaluation.model().type_of(symbol) == Type::Bool;
                    let text = if is_bool {
                        format!("{name} is a bool, and cannot be a module")
                    } else {
                        format!("there are no modules: {} is `n`", self.name(modules))
                    };
                    let request = (!is_bool).then(|| self.request(modules, Tristate::Yes)).flatten();
                    self.say(depth, text, None, request);
                }
                Limit::NoPrompt => self.no_prompt(symbol, wanted, depth),
                Limit::Choice(_) => {
                    self.say(depth, format!("{name} is the only one of its choice in sight"), None, None);
                }
                Limit::Selected(lines) => {
                    for line in &lines {
                        let by = self.name(line.by);
                        let value = self.evaluation.value_of(line.by).into_owned();
                        let text = format!("{by}, which is {}, selects {name}", quoted(&value));
                        let is_bool = self.evaluation.model().type_of(line.by) == Type::Bool;
                        let below = if is_bool { Tristate::No } else { wanted };
                        let request = self.request(line.by, below);
                        self.say(depth, text, Some(&line.place), request.clone());
                        if request.is_none() {
                            self.follow(line.by, below, depth + 1);
                        }
                    }
                }
                Limit::Prompt { place, terms } => {
                    let needed = if wanted == Tristate::Yes { wanted } else { Tristate::Mod };
                    if wanted == Tristate::No {
                        let text = format!("{name} has no prompt in sight, so that it could be turned off");
                        self.say(depth, text, Some(&place), None);
                    }
                    let depth = depth + usize::from(wanted == Tristate::No);
                    terms.iter().for_each(|term| self.term(symbol, *term, needed, &place, depth));
                }
            }
        }
    }

    /// Only others can turn it on.
    fn no_prompt(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let name = self.name(symbol);
        let place = self.evaluation.model().definitions(symbol).next().map(|definition| definition.place);
        let selectors: Vec<Selection> = self.evaluation.model().selectors(symbol).collect();
        if wanted == Tristate::No || selectors.is_empty() {
            let text = format!("{name} has no prompt: only its defaults decide");
            self.say(depth, text, place.as_ref(), None);
            let dependency = self.evaluation.model().direct_dependency(symbol);
            if let (Some(dependency), Some(place), true) = (dependency, place, wanted != Tristate::No) {
                let terms = self.evaluation.too_low(dependency, wanted);
                terms.iter().for_each(|term| self.term(symbol, *term, wanted, &place, depth + 1));
            }
            return;
        }
        let settable: Vec<&Selection> =
            selectors.iter().filter(|line| !line.weak && self.request(line.by, wanted).is_some()).collect();
        let listed: Vec<&Selection> = if settable.is_empty() { selectors.iter().collect() } else { settable };
        let names: BTreeSet<String> = listed.iter().map(|line| self.name(line.by)).collect();
        let more = names.len().saturating_sub(5);
        let mut text: Vec<String> = names.into_iter().take(5).collect();
        if more > 0 {
            text.push(format!("{more} more"));
        }
        let request = match listed.as_slice() {
            [one] => self.request(one.by, wanted),
            _ => None,
        };
        let text = format!("{name} has no prompt: it is on when something selects it: {}", text.join(", "));
        self.say(depth, text, place.as_ref(), request);
    }

    /// A part of a condition that is too low.
    fn term(&mut self, symbol: SymbolId, term: Term, needed: Tristate, place: &Place, depth: usize) {
        let name = self.name(symbol);
        let shown = self.evaluation.show(term.expression);
        match self.evaluation.model().expression(term.expression) {
            Expr::Symbol(on) => {
                let request = self.request(on, needed);
                let is_declared = self.evaluation.model().definitions(on).next().is_some();
                let why = if is_declared { String::new() } else { ", and nothing declares it here".to_owned() };
                self.say(depth, format!("{name} needs {shown}{why}"), Some(place), request.clone());
                if request.is_none() && is_declared {
                    self.follow(on, needed, depth + 1);
                }
            }
            Expr::Not(inner) => {
                let request = match self.evaluation.model().expression(inner) {
                    Expr::Symbol(off) if self.evaluation.model().type_of(off) == Type::Bool => {
                        self.request(off, Tristate::No)
                    }
                    Expr::Symbol(off) => self.request(off, needed.negate()),
                    _ => None,
                };
                self.say(depth, format!("{name} needs {shown}"), Some(place), request);
            }
            Expr::Or(_) => {
                self.say(depth, format!("{name} needs one of {shown}"), Some(place), None);
                for on in self.first_settable(term.expression, needed) {
                    let request = self.request(on, needed);
                    self.say(depth + 1, format!("{} can be turned on", self.name(on)), None, request);
                }
            }
            _ => self.say(depth, format!("{name} needs {shown}"), Some(place), None),
        }
    }

    /// Up to three operands of an `||` that a request alone turns on.
    fn first_settable(&self, or: ExprId, needed: Tristate) -> Vec<SymbolId> {
        let Expr::Or(operands) = self.evaluation.model().expression(or) else { return Vec::new() };
        let symbols = operands.iter().filter_map(|operand| match self.evaluation.model().expression(*operand) {
            Expr::Symbol(symbol) => Some(symbol),
            _ => None,
        });
        symbols.filter(|symbol| self.request(*symbol, needed).is_some()).take(3).collect()
    }

    fn follow(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let is_bool = self.evaluation.model().type_of(symbol) == Type::Bool;
        let wanted = if is_bool && wanted == Tristate::Mod { Tristate::Yes } else { wanted };
        if depth <= DEPTH && self.seen.insert(symbol) {
            self.limits(symbol, wanted, depth);
        }
    }

    /// The request that gives `symbol` at least, or for `n` at most, `wanted`, when it is enough.
    fn request(&self, symbol: SymbolId, wanted: Tristate) -> Option<String> {
        let model = self.evaluation.model();
        let type_ = model.type_of(symbol);
        if !type_.is_logic() || model.definitions(symbol).next().is_none() {
            return None;
        }
        // What is enough as a module is asked for as a module.
        let wanted = if type_ == Type::Bool && wanted == Tristate::Mod { Tristate::Yes } else { wanted };
        let is_free = self.evaluation.limits(symbol, wanted).is_empty();
        is_free.then(|| format!("{}={}", model.name(symbol), wanted.as_str()))
    }
}

fn shown(place: &Place) -> String {
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
