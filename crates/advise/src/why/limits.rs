//! The sentences of an explanation: what prevents a value of a symbol.

use kiln_kconfig::{Comparison, Expr, ExprId, Limit, Place, Selection, SymbolId, Term, Tristate, Type};

use super::reach::Reach;
use super::story::{DEPTH, Story};
use super::{comparison, host, quoted};

/// The number of alternatives of an `||` that are followed.
const N_ALTERNATIVES: usize = 3;

impl Story<'_, '_> {
    /// Explains what keeps `symbol` from `wanted`.
    pub(super) fn limits(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let limits = self.evaluation.limits(symbol, wanted);
        let is_selected = limits.iter().any(|limit| matches!(limit, Limit::Selected(_)));
        let n_prompts = limits.iter().filter(|limit| matches!(limit, Limit::Prompt { .. })).count();
        let name = self.name(symbol);
        if n_prompts > 1 && wanted != Tristate::No {
            self.say(depth, format!("{name} has {n_prompts} prompts, and one of them must be visible"), None, None);
        }
        for limit in limits {
            match limit {
                // Without the select there would be nothing to turn off.
                Limit::NoPrompt if is_selected => {}
                Limit::Prompt { .. } if is_selected && wanted == Tristate::No => {}
                Limit::NoModules => self.no_modules(symbol, depth),
                Limit::NoPrompt => self.no_prompt(symbol, wanted, depth),
                Limit::Choice(choice) => {
                    let place = self.evaluation.model().place_of(choice);
                    let text = format!("{name} is the only visible member of its choice, so it is always set");
                    self.say(depth, text, Some(&place), None);
                    self.mark("this choice always has a member that is set");
                }
                Limit::Selected(lines) => lines.iter().for_each(|line| self.selected(line, wanted, depth)),
                Limit::Prompt { place, terms } => {
                    let needed = if wanted == Tristate::Yes { wanted } else { Tristate::Mod };
                    if wanted == Tristate::No {
                        let text = format!("{name} can only be turned off where it is visible");
                        self.say(depth, text, Some(&place), None);
                    }
                    let depth = depth + usize::from(wanted == Tristate::No || n_prompts > 1);
                    for term in self.telling(symbol, terms, needed, &place) {
                        self.term(symbol, term, needed, &place, depth);
                    }
                }
            }
        }
    }

    /// Returns the terms that tell most: what can be changed does not help where something else cannot.
    pub(super) fn telling(&self, symbol: SymbolId, terms: Vec<Term>, needed: Tristate, place: &Place) -> Vec<Term> {
        let is_never = |term: &Term| self.reaches.of_all(symbol, &[*term], needed, place) == Reach::Never;
        let is_symbol = |term: &Term| matches!(self.evaluation.model().expression(term.expression), Expr::Symbol(_));
        let never: Vec<Term> = terms.iter().copied().filter(is_never).collect();
        let symbols: Vec<Term> = never.iter().copied().filter(is_symbol).collect();
        match (never.is_empty(), symbols.is_empty()) {
            (true, _) => terms,
            (false, true) => never,
            (false, false) => symbols,
        }
    }

    fn no_modules(&mut self, symbol: SymbolId, depth: usize) {
        let modules = self.evaluation.model().modules();
        let name = self.name(symbol);
        if depth > 0 && !self.said.insert("no modules".to_owned()) {
            return;
        }
        self.said.insert("no modules".to_owned());
        if self.evaluation.model().type_of(symbol) == Type::Bool {
            self.say(depth, format!("{name} is a bool, and cannot be a module"), None, None);
            return;
        }
        let request = self.request(modules, Tristate::Yes);
        self.say(depth, format!("there are no modules: {} is `n`", self.name(modules)), None, request);
        self.blame(modules);
    }

    /// Explains that another symbol holds `line.target` above `wanted`.
    fn selected(&mut self, line: &Selection, wanted: Tristate, depth: usize) {
        let (by, target) = (self.name(line.by), self.name(line.target));
        let value = self.evaluation.value_of(line.by).into_owned();
        let is_bool = self.evaluation.model().type_of(line.by) == Type::Bool;
        let below = if is_bool { Tristate::No } else { wanted };
        let request = self.request(line.by, below);
        self.say(
            depth,
            format!("{by}, which is {}, selects {target}", quoted(&value)),
            Some(&line.place),
            request.clone(),
        );
        self.blame(line.by);
        self.mark("this selects it");
        if request.is_none() {
            self.follow(line.by, below, depth + 1);
        }
    }

    /// Explains a term of a condition that is too low.
    pub(super) fn term(&mut self, symbol: SymbolId, term: Term, needed: Tristate, place: &Place, depth: usize) {
        let written = self.evaluation.model().written(symbol, term.expression);
        let place = written.as_ref().unwrap_or(place);
        let name = self.name(symbol);
        let shown = self.shown(term.expression, place);
        // Obstacles of the symbol itself are all printed, deeper ones once.
        if !self.said.insert(shown.clone()) && depth > 0 {
            return;
        }
        match self.evaluation.model().expression(term.expression) {
            Expr::Symbol(on) => self.symbol(&name, on, needed, place, depth),
            Expr::Not(inner) => {
                self.say(depth, format!("{name} needs {shown}"), Some(place), None);
                if let Expr::Symbol(off) = self.evaluation.model().expression(inner) {
                    let is_bool = self.evaluation.model().type_of(off) == Type::Bool;
                    let below = if is_bool { Tristate::No } else { needed.negate() };
                    self.blame(off);
                    self.or_follow(off, below, depth);
                }
            }
            Expr::Or(operands) => {
                self.say(depth, format!("{name} needs one of {shown}"), Some(place), None);
                let arches = operands.iter().map(|operand| self.arches_of(*operand)).find(|arches| !arches.is_empty());
                if let Some(last) = self.causes.last_mut() {
                    last.arches = arches.unwrap_or_default();
                }
                self.alternatives(term.expression, needed, place, depth + 1);
            }
            compare @ Expr::Compare(op, left, right) => {
                let request = self.comparison(op, left, right);
                self.say(depth, format!("{name} needs {shown}"), Some(place), request.clone());
                self.blame(left);
                if self.say_variable(compare, place) {
                    return;
                }
                if request.is_none() && !self.say_host(left, depth + 1) {
                    self.other_value(left, right, depth + 1);
                }
            }
            Expr::And(_) => self.say(depth, format!("{name} needs {shown}"), Some(place), None),
        }
    }

    /// Explains a symbol that is too low.
    fn symbol(&mut self, name: &str, on: SymbolId, needed: Tristate, place: &Place, depth: usize) {
        let model = self.evaluation.model();
        let value = self.evaluation.tristate(on);
        if let Some(question) = host::statement(self.evaluation, on, place) {
            let text = format!("{name} needs a feature that this host lacks: {}", question.sentence);
            self.say(depth, text, Some(place), None);
            self.blame_host(question.tool);
            return;
        }
        let shown = match model.find(&model.name(on)) {
            Some(_) => format!("{} [={}]", model.name(on), value.as_str()),
            None => self.name(on),
        };
        let to_be = if value == Tristate::Mod && needed == Tristate::Yes { " to be `y`" } else { "" };
        let is_declared = model.definitions(on).next().is_some();
        let why = match (is_declared, (self.asked.elsewhere)(&model.name(on)).as_slice()) {
            (true, _) => String::new(),
            (false, []) => ", which no Kconfig file declares".to_owned(),
            (false, arches) => format!(", which exists only for {}", arches.join(", ")),
        };
        let request = self.request(on, needed);
        self.say(depth, format!("{name} needs {shown}{to_be}{why}"), Some(place), request.clone());
        self.blame(on);
        if !to_be.is_empty() {
            self.mark("this condition is `m`");
        }
        if let Some(last) = self.causes.last_mut() {
            last.arches = if is_declared { Vec::new() } else { (self.asked.elsewhere)(&model.name(on)) };
            last.is_never = !is_declared;
        }
        if request.is_none() && is_declared {
            self.ask_too(on, needed);
            self.follow(on, needed, depth + 1);
        }
    }

    /// Returns the other architectures that declare a symbol which the target architecture does not.
    fn arches_of(&self, id: ExprId) -> Vec<String> {
        let model = self.evaluation.model();
        match model.expression(id) {
            Expr::Symbol(symbol) if model.definitions(symbol).next().is_none() => {
                (self.asked.elsewhere)(&model.name(symbol))
            }
            Expr::And(parts) => {
                parts.iter().map(|part| self.arches_of(*part)).find(|arches| !arches.is_empty()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Adds to the last sentence the request that sets `symbol` to `wanted`, or explains what prevents it.
    fn or_follow(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let request = self.request(symbol, wanted);
        match self.causes.last_mut() {
            Some(last) if request.is_some() => last.request = request,
            _ => self.follow(symbol, wanted, depth + 1),
        }
    }

    /// Explains the operands of an `||`, one of which is enough; first those that a request alone turns on.
    fn alternatives(&mut self, or: ExprId, needed: Tristate, place: &Place, depth: usize) {
        let model = self.evaluation.model();
        let Expr::Or(operands) = model.expression(or) else { return };
        let symbols: Vec<SymbolId> = operands
            .iter()
            .filter_map(|operand| match model.expression(*operand) {
                Expr::Symbol(symbol) => Some(symbol),
                _ => None,
            })
            .collect();
        // A way that the recipe takes already is the only one of interest.
        let taken: Vec<SymbolId> = symbols.iter().copied().filter(|symbol| self.is_requested(*symbol)).collect();
        let symbols = if taken.is_empty() { symbols } else { taken };
        let (free, other): (Vec<SymbolId>, Vec<SymbolId>) =
            symbols.into_iter().partition(|symbol| self.request(*symbol, needed).is_some());
        for on in free.iter().take(N_ALTERNATIVES) {
            let request = self.request(*on, needed);
            let name = self.name(*on);
            // `COMPILE_TEST` is not a way to have the hardware, as Documentation/kbuild/kconfig-language.rst says.
            let what_for = if model.name(*on) == "COMPILE_TEST" { ", but only to test that it compiles" } else { "" };
            self.say(depth, format!("{name} can be turned on{what_for}"), None, request);
        }
        let parts = operands.iter().filter_map(|operand| match model.expression(*operand) {
            Expr::And(parts) => Some(parts),
            _ => None,
        });
        for part in parts.flatten() {
            let arches = self.arches_of(*part);
            if let (Expr::Symbol(on), false) = (model.expression(*part), arches.is_empty()) {
                let text = format!("{} exists only for {}", self.name(on), arches.join(", "));
                self.say(depth, text, None, None);
            }
        }
        for operand in operands {
            let compare = model.expression(*operand);
            if let Some(written) = comparison::written(self.evaluation, compare, place)
                && written.variable.is_some()
            {
                self.say(depth, written.text, None, None);
                self.say_variable(compare, place);
            }
        }
        let mut other = other;
        other.sort_by_key(|on| self.reaches.of(*on, needed));
        // A way that leads nowhere is only of interest where all do.
        if self.reaches.of_part(or, needed, place) != Reach::Never {
            let is_way =
                |on: &SymbolId| model.definitions(*on).next().is_none() || self.reaches.of(*on, needed) != Reach::Never;
            other.retain(is_way);
        }
        for on in other.iter().take(N_ALTERNATIVES) {
            let name = self.name(*on);
            let arches = (self.asked.elsewhere)(&model.name(*on));
            if model.definitions(*on).next().is_some() {
                if free.is_empty() {
                    self.say(depth, format!("{name} is off"), None, None);
                    self.ask_too(*on, needed);
                    self.follow(*on, needed, depth + 1);
                }
            } else if !arches.is_empty() {
                self.say(depth, format!("{name} exists only for {}", arches.join(", ")), None, None);
            }
        }
    }

    /// Returns the request that makes a comparison true.
    fn comparison(&self, op: Comparison, left: SymbolId, right: SymbolId) -> Option<String> {
        let model = self.evaluation.model();
        let is_settable = self.evaluation.limits(left, Tristate::Yes).is_empty();
        let value = match (model.type_of(right), model.find(&model.name(right))) {
            (Type::Tristate, _) => self.evaluation.tristate(right).as_str().to_owned(),
            (Type::Unknown, _) => model.name(right).into_owned(),
            _ => self.evaluation.value_of(right).into_owned(),
        };
        if model.type_of(left).is_logic() {
            let wanted = match (op, value.as_str()) {
                (Comparison::Equal, "y") | (Comparison::Unequal, "n") => Tristate::Yes,
                (Comparison::Equal, "m") => Tristate::Mod,
                (Comparison::Equal, "n") | (Comparison::Unequal, "y") => Tristate::No,
                _ => return None,
            };
            return self.request(left, wanted);
        }
        let holds = matches!(op, Comparison::Equal | Comparison::LessEqual | Comparison::GreaterEqual);
        (holds && is_settable && !value.is_empty()).then(|| format!("{}={value}", model.name(left)))
    }

    /// Explains that another value has to be set, or what prevents a user from setting one.
    fn other_value(&mut self, left: SymbolId, right: SymbolId, depth: usize) {
        let model = self.evaluation.model();
        if model.type_of(left).is_logic() || model.definitions(left).next().is_none() {
            return;
        }
        let (name, value) = (self.name(left), self.evaluation.value_of(left).into_owned());
        if self.evaluation.limits(left, Tristate::Yes).is_empty() {
            let text = format!("{name} is {}: set another value", quoted(&value));
            self.say(depth, text, None, None);
        } else if left != right {
            self.follow(left, Tristate::Yes, depth);
        }
    }

    pub(super) fn follow(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let is_bool = self.evaluation.model().type_of(symbol) == Type::Bool;
        let wanted = if is_bool && wanted == Tristate::Mod { Tristate::Yes } else { wanted };
        // A condition that no request can change is followed down to its cause.
        let is_decided = self.reaches.of(symbol, wanted) != Reach::Open;
        if (depth <= DEPTH || is_decided) && self.seen.insert(symbol) {
            self.limits(symbol, wanted, depth);
        }
    }
}
