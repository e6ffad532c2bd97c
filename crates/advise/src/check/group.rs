//! Requests that hold but have no effect: everything below them is off.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic, Span};
use kiln_kconfig::{Evaluation, Expr, ExprId, Model, SymbolId, Tristate, Type};

use serde::{Deserialize, Serialize};

use super::Request;
use kiln_kconfig::Config;

/// A symbol that is on while every part of it is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyGroup {
    /// The requested symbol.
    pub symbol: String,
    /// Its parts.
    pub parts: Vec<String>,
    /// The part that the kernel's defaults would turn on.
    pub usual: String,
    /// Where that part is declared, for display.
    pub place: String,
}

impl EmptyGroup {
    /// Returns the note on it; `origin` is the request's.
    pub fn diagnostic(&self, origin: Option<Span>) -> Diagnostic {
        let names: Vec<String> = self.parts.iter().map(|part| format!("`{part}`")).collect();
        let are_off = if names.len() == 1 { "depends on it and is off" } else { "depend on it and are off" };
        Diagnostic::remark(Code::EmptyGroup, format!("`{}` is on, but every symbol below it is off", self.symbol))
            .option(format!("kernel.config.{}", self.symbol))
            .label(origin, "requested here")
            .note(format!("{} {are_off} ({})", names.join(", "), self.place))
            .help(format!("the kernel's own default is `{} = \"y\"`: set what you need", self.usual))
    }
}

/// Larger groups are menus, where a request does not mean every entry.
const MOST: usize = 4;

/// Returns a group for each request whose symbol is on while every part of it is off, although the kernel's defaults
/// would turn one on: an `allnoconfig` base removes such defaults.
///
/// The parts of a symbol are those that depend on it and otherwise only on what it depends on itself. `evaluation` is
/// called only when there is a group to examine.
pub fn empty_groups<'m>(
    model: &'m Model,
    config: &Config,
    requests: &[Request],
    evaluation: impl FnOnce() -> Evaluation<'m>,
) -> Vec<EmptyGroup> {
    let is_on = |request: &&Request| request.value == "y" && config.get(&request.symbol) == Some("y");
    let asked: BTreeMap<SymbolId, &Request> = requests
        .iter()
        .filter(is_on)
        .filter_map(|request| Some((model.find(&request.symbol)?, request)))
        .filter(|(symbol, _)| model.type_of(*symbol) == Type::Bool)
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let mut groups: BTreeMap<SymbolId, Vec<SymbolId>> = BTreeMap::new();
    for symbol in model.declared() {
        let Some(dependency) = model.direct_dependency(symbol) else { continue };
        if let Some(owner) = owner(model, dependency, &asked) {
            groups.entry(owner).or_default().push(symbol);
        }
    }
    let is_off = |part: &SymbolId| config.get(&model.name(*part)).is_none();
    groups.retain(|_, parts| (2..=MOST).contains(&parts.len()) && parts.iter().all(is_off));
    if groups.is_empty() {
        return Vec::new();
    }
    let evaluation = evaluation();
    groups.iter().filter_map(|(owner, parts)| note(&evaluation, asked.get(owner)?, parts)).collect()
}

/// Returns the symbol of `asked` that a dependency adds to that symbol's own dependencies.
fn owner(model: &Model, dependency: ExprId, asked: &BTreeMap<SymbolId, &Request>) -> Option<SymbolId> {
    let mut waiting = vec![dependency];
    let mut found = None;
    while let Some(part) = waiting.pop() {
        match model.expression(part) {
            Expr::And(operands) => waiting.extend(operands),
            // The innermost of several comes last.
            Expr::Symbol(symbol) if found.is_none() && asked.contains_key(&symbol) => found = Some(symbol),
            _ => {}
        }
    }
    let owner = found?;
    let around = model.direct_dependency(owner).map(|dependency| conjuncts(model, dependency)).unwrap_or_default();
    let needs = conjuncts(model, dependency);
    let mut more = needs.difference(&around);
    let only = more.next().map(|part| model.expression(*part));
    (matches!(only, Some(Expr::Symbol(on)) if on == owner) && more.next().is_none()).then_some(owner)
}

/// Returns the operands of `&&`.
fn conjuncts(model: &Model, whole: ExprId) -> BTreeSet<ExprId> {
    let mut parts = BTreeSet::new();
    let mut waiting = vec![whole];
    while let Some(part) = waiting.pop() {
        match model.expression(part) {
            Expr::And(operands) => waiting.extend(operands),
            _ => {
                parts.insert(part);
            }
        }
    }
    parts
}

fn note(evaluation: &Evaluation<'_>, request: &Request, parts: &[SymbolId]) -> Option<EmptyGroup> {
    let model = evaluation.model();
    let is_off = |part: &SymbolId| {
        let is_seen = model.type_of(*part).is_logic() && evaluation.visibility(*part) != Tristate::No;
        is_seen && evaluation.tristate(*part) == Tristate::No
    };
    if !parts.iter().all(is_off) {
        return None;
    }
    let usual = parts.iter().find(|part| {
        let default = evaluation.active_default(**part);
        default.is_some_and(|default| evaluation.evaluate(default.value) != Tristate::No)
    })?;
    let place = model.definitions(*usual).next().map(|definition| crate::why::shown(&definition.place));
    Some(EmptyGroup {
        symbol: request.symbol.clone(),
        parts: parts.iter().map(|part| model.name(*part).into_owned()).collect(),
        usual: model.name(*usual).into_owned(),
        place: place.unwrap_or_default(),
    })
}
