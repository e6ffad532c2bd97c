//! Finds out from the engine why a request does not hold.

use super::{Catalogue, Change, Evidence, Fate, Request, Unmet, UnmetKind};
use crate::why::{Reach, RequestContext, end_of_range, obstacles, reach, shown};
use kiln_kconfig::{Declarations, Evaluation, Limit, Model, SymbolId, Tristate, Type, Value};

/// The data in which reasons are looked up.
#[derive(Clone, Copy)]
pub struct Known<'a, 'm> {
    /// The values that the base and the requests produced.
    pub evaluation: &'a Evaluation<'m>,
    /// Every request, met or not.
    pub requests: &'a [Request],
    /// The tree's declarations, those of other architectures included.
    pub declarations: &'a Declarations,
    /// The symbols of other versions of the tree, most relevant first.
    pub past: &'a [Catalogue],
}

impl Known<'_, '_> {
    /// Returns the request for a symbol, when it holds.
    fn met_request(&self, name: &str) -> Option<&Request> {
        let request = self.requests.iter().find(|request| request.symbol == name)?;
        (self.evaluation.value(name).as_deref() == Some(request.value.as_str())).then_some(request)
    }
}

impl Unmet {
    /// Finds out why it does not hold.
    pub fn explain(&mut self, known: &Known<'_, '_>) {
        let model = known.evaluation.model();
        if matches!(self.kind, UnmetKind::UnknownSymbol { .. }) {
            self.remember(known.past, model);
            return;
        }
        let Some(symbol) = model.find(&self.request.symbol) else { return };
        if model.is_transitional(symbol) {
            if let Some((to, place)) = successor(model, symbol) {
                self.kind = UnmetKind::Renamed { to, place, evidence: Evidence::Transitional };
            }
            return;
        }
        if !matches!(self.kind, UnmetKind::NoModules | UnmetKind::Value) || self.declaration.is_none() {
            return;
        }
        let asks = |name: &str| known.requests.iter().any(|request| request.symbol == name);
        let elsewhere = |name: &str| match known.declarations.get(name) {
            Some(_) => Vec::new(),
            None => known.declarations.arches(name),
        };
        let own = model.environment().find(|(name, _)| *name == "SRCARCH").map(|(_, value)| value);
        let turned_on = |name: &str| {
            let mut arches = known.declarations.selecting_arches(name);
            arches.retain(|arch| Some(arch.as_bytes()) != own);
            arches
        };
        let asked = RequestContext { asks: &asks, elsewhere: &elsewhere, turned_on: &turned_on };
        self.obstacles = obstacles(known.evaluation, &self.request.symbol, &self.request.value, &asked);
        if self.kind == UnmetKind::Value {
            self.kind = self.kind_of(known, symbol);
        }
        self.find_rivals(known, symbol);
    }

    /// Looks for the symbol in other versions of the tree, and for its name in this one.
    fn remember(&mut self, past: &[Catalogue], model: &Model) {
        let symbol = &self.request.symbol;
        if let Some((to, place, evidence)) = history(symbol, model) {
            self.kind = UnmetKind::Renamed { to, place, evidence };
        } else if let Some(successor) = past.iter().find_map(|catalogue| catalogue.successor(symbol, model)) {
            let evidence = Evidence::Prompt { prompt: successor.prompt, version: successor.version };
            self.kind = UnmetKind::Renamed { to: successor.name, place: successor.place, evidence };
        } else if let UnmetKind::UnknownSymbol { elsewhen, nearest, .. } = &mut self.kind {
            *elsewhen = past.iter().find_map(|catalogue| catalogue.known(symbol));
            let Some(change) = Change::of(symbol) else { return };
            let known = elsewhen.take().map(|known| format!("; {known}")).unwrap_or_default();
            *elsewhen = Some(match change.fate {
                Fate::Renamed(new) => format!("Linux {} renamed it to `{new}`{known}", change.version),
                Fate::Replaced(new) => {
                    if place_of(model, new).is_some() {
                        *nearest = vec![new.to_owned()];
                    }
                    format!("since Linux {}, `{new}` does its work{known}", change.version)
                }
                Fate::Removed => {
                    nearest.clear();
                    format!("Linux {} removed it{known}", change.version)
                }
            });
        }
    }

    fn kind_of(&self, known: &Known<'_, '_>, symbol: SymbolId) -> UnmetKind {
        let evaluation = known.evaluation;
        let model = evaluation.model();
        let type_ = model.type_of(symbol);
        let decided = reach(evaluation, &self.request.symbol, &self.request.value);
        let has_host = self.obstacles.iter().any(|cause| cause.is_host);
        if has_host && (decided == Reach::Host || self.request.value == "n" && self.needs_host()) {
            return UnmetKind::ToolFeature;
        }
        if !type_.is_logic() {
            if evaluation.visibility(symbol) != Tristate::No {
                return self.out_of_range(evaluation, symbol).unwrap_or_else(|| self.not_taken(evaluation, symbol));
            }
            return if model.prompt(symbol).is_some() { UnmetKind::Dependency } else { UnmetKind::NoPrompt };
        }
        let wanted = match self.request.value.as_str() {
            "n" => Tristate::No,
            "m" => Tristate::Mod,
            _ => Tristate::Yes,
        };
        let limits = evaluation.limits(symbol, wanted);
        let is_choice = limits.is_empty() || limits.iter().any(|limit| matches!(limit, Limit::Choice(_)));
        if let Some(choice) = model.choice_of(symbol).filter(|_| is_choice) {
            let is_on = |member: &SymbolId| evaluation.tristate(*member) == Tristate::Yes;
            let chosen = model.members_of(choice).into_iter().find(is_on);
            return UnmetKind::LostChoice {
                prompt: model.prompt_of(choice).map(|prompt| prompt.into_owned()),
                place: shown(&model.place_of(choice)),
                chosen: chosen.map(|member| model.name(member).into_owned()),
            };
        }
        if limits.iter().any(|limit| matches!(limit, Limit::Selected(_))) {
            return UnmetKind::Selected;
        }
        if limits.contains(&Limit::NoPrompt) {
            return UnmetKind::NoPrompt;
        }
        if wanted == Tristate::Yes && evaluation.tristate(symbol) == Tristate::Mod {
            return UnmetKind::LimitedToModule;
        }
        if limits.is_empty() { UnmetKind::Value } else { UnmetKind::Dependency }
    }

    /// Whether the host's tools are in the way whatever else is requested: they are in a cause of the symbol itself, or
    /// in one reached only through causes that no request can change.
    fn needs_host(&self) -> bool {
        let mut path: Vec<bool> = Vec::new();
        self.obstacles.iter().any(|cause| {
            path.truncate(cause.depth);
            let is_way = path.iter().all(|can_change| !can_change);
            path.push(cause.request.is_some() || cause.text.contains(" needs one of "));
            cause.is_host && is_way
        })
    }

    fn out_of_range(&self, evaluation: &Evaluation<'_>, symbol: SymbolId) -> Option<UnmetKind> {
        let range = evaluation.active_range(symbol)?;
        let type_ = evaluation.model().type_of(symbol);
        if !matches!(type_, Type::Int | Type::Hex) {
            return None;
        }
        let number = |text: &str| match Value::parse(text, type_) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        let (low, high) = (end_of_range(evaluation, range.low), end_of_range(evaluation, range.high));
        let wanted = number(&self.request.value)?;
        let is_out = number(&low).is_some_and(|low| wanted < low) || number(&high).is_some_and(|high| wanted > high);
        let model = evaluation.model();
        let end = |symbol: SymbolId| match model.type_of(symbol) {
            Type::Unknown => model.name(symbol).into_owned(),
            _ => format!("{} [={}]", model.name(symbol), evaluation.value_of(symbol)),
        };
        let condition = range.condition.map(|condition| format!(" if {}", evaluation.show(condition)));
        let line = format!("range {} {}{}", end(range.low), end(range.high), condition.unwrap_or_default());
        is_out.then(|| UnmetKind::OutOfRange { low, high, line, place: shown(&range.place) })
    }

    /// Returns `WrongType` for a number that Kconfig does not read as one, like `007`.
    fn not_taken(&self, evaluation: &Evaluation<'_>, symbol: SymbolId) -> UnmetKind {
        let symbol_type = self.declaration.as_ref().map(|declaration| declaration.symbol_type);
        let is_number = matches!(symbol_type, Some(Type::Int | Type::Hex));
        match symbol_type {
            Some(symbol_type) if is_number && evaluation.user_value(symbol) != Some((&*self.request.value).into()) => {
                UnmetKind::WrongType { symbol_type }
            }
            _ => UnmetKind::Value,
        }
    }

    /// Finds other requests of the recipe that are in the way.
    fn find_rivals(&mut self, known: &Known<'_, '_>, symbol: SymbolId) {
        let mut names: Vec<String> = self.obstacles.iter().filter_map(|cause| cause.culprit.clone()).collect();
        if let UnmetKind::LostChoice { chosen: Some(chosen), .. } = &self.kind {
            names.insert(0, chosen.clone());
        }
        let own = known.evaluation.model().name(symbol);
        for name in names.iter().filter(|name| **name != own) {
            if let Some(request) = known.met_request(name)
                && !self.rivals.iter().any(|rival| rival.symbol == request.symbol)
            {
                self.rivals.push(request.clone());
            }
        }
        // Another request is not the matter where none can be enough.
        let is_open = reach(known.evaluation, &self.request.symbol, &self.request.value) == Reach::Open;
        let is_conflict = matches!(self.kind, UnmetKind::Dependency | UnmetKind::Selected) && is_open;
        if is_conflict && !self.rivals.is_empty() {
            self.kind = UnmetKind::Conflict;
        }
    }
}

/// Returns the name that Linux's history gives a symbol in this tree, its place and the evidence.
fn history(symbol: &str, model: &Model) -> Option<(String, String, Evidence)> {
    let found = |name: &str, change: &Change, is_before: bool| {
        let evidence = Evidence::History { version: change.version, is_before };
        Some((name.to_owned(), place_of(model, name)?, evidence))
    };
    match (Change::of(symbol), Change::to(symbol)) {
        (Some(change @ Change { fate: Fate::Renamed(new), .. }), _) => found(new, change, false),
        (None, Some(change)) => found(change.old, change, true),
        _ => None,
    }
}

/// Returns where a symbol is defined, as `file:line`.
fn place_of(model: &Model, name: &str) -> Option<String> {
    model.definitions(model.find(name)?).next().map(|definition| shown(&definition.place))
}

/// Returns the symbol that takes over the value of a symbol kept for old configs only, and where it does.
fn successor(model: &Model, old: SymbolId) -> Option<(String, String)> {
    model.declared().find_map(|symbol| {
        let takes = |part| model.symbols_in(part).contains(&old);
        let default = model.defaults(symbol).find(|default| takes(default.value))?;
        Some((model.name(symbol).into_owned(), shown(&default.place)))
    })
}
