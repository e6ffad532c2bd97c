//! The sentences of an explanation: what gives a value to a symbol without a prompt.

use std::collections::BTreeSet;

use kiln_kconfig::{DefaultValue, Expr, ExprId, Place, Selection, SymbolId, Term, Tristate, Type};

use super::reach::Reach;
use super::story::Story;

/// The number of selecting symbols that are named.
const N_SELECTORS: usize = 5;
/// The number of conditions of selecting lines that are followed.
const N_CONDITIONS: usize = 3;

impl Story<'_, '_> {
    /// Explains a symbol that only other symbols, its defaults or the host's tools can turn on.
    pub(super) fn no_prompt(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        if wanted == Tristate::No {
            return self.stays_on(symbol, depth);
        }
        if self.say_host(symbol, depth) {
            return;
        }
        let model = self.evaluation.model();
        let name = self.name(symbol);
        let place = model.definitions(symbol).next().map(|definition| definition.place);
        if model.type_of(symbol).is_logic() && self.reaches.of(symbol, wanted) == Reach::Never {
            return self.nothing_turns_on(symbol, wanted, depth);
        }
        let lines = model.selectors(symbol).filter(|line| !line.weak);
        let lines: Vec<Selection> = lines.filter(|line| self.reaches.of_line(line, wanted) != Reach::Never).collect();
        if lines.is_empty() {
            self.say(depth, format!("{name} has no prompt: only its defaults set it"), place.as_ref(), None);
            self.defaults(symbol, wanted, depth + 1);
            return;
        }
        let (on, off): (Vec<Selection>, Vec<Selection>) =
            lines.into_iter().partition(|line| self.evaluation.tristate(line.by) >= wanted);
        let n_before = self.causes.len();
        self.conditions(&on, wanted, depth);
        let is_answered = self.causes[n_before..].iter().any(|cause| cause.request.is_some() || cause.is_decided());
        let requested: Vec<Selection> = off.iter().filter(|line| self.is_requested(line.by)).cloned().collect();
        if !requested.is_empty() {
            return self.requested(symbol, &requested, wanted, depth);
        }
        if !off.is_empty() && (on.is_empty() || !is_answered || off.iter().any(|line| self.is_free(line, wanted))) {
            self.selectors(symbol, &off, wanted, depth);
        }
    }

    /// Whether the recipe requests that a symbol is on.
    pub(super) fn is_requested(&self, symbol: SymbolId) -> bool {
        let user = self.evaluation.user_value(symbol);
        (self.asked.asks)(&self.evaluation.model().name(symbol)) && matches!(user.as_deref(), Some("y" | "m"))
    }

    /// Names the symbols that would select another one and that the recipe requests already.
    fn requested(&mut self, symbol: SymbolId, lines: &[Selection], wanted: Tristate, depth: usize) {
        let (name, listed) = (self.name(symbol), self.names(lines.iter()));
        let text = format!("{name} has no prompt: it is on when {listed}, which the recipe requests, selects it");
        self.say(depth, text, lines.first().map(|line| &line.place), None);
        for line in lines.iter().take(N_CONDITIONS) {
            self.follow(line.by, wanted, depth + 1);
            for term in self.missing(line, wanted) {
                self.term(line.by, term, wanted, &line.place, depth + 1);
            }
        }
    }

    /// Explains that a symbol without a prompt cannot be turned off.
    fn stays_on(&mut self, symbol: SymbolId, depth: usize) {
        if self.say_host(symbol, depth) {
            return;
        }
        let name = self.name(symbol);
        let model = self.evaluation.model();
        let default = self.evaluation.active_default(symbol);
        let text = match &default {
            Some(default) => {
                let condition = default.condition.map(|part| format!(" if {}", self.evaluation.show(part)));
                let (value, condition) = (model.show(default.value), condition.unwrap_or_default());
                format!("{name} has no prompt, and its default is {value}{condition}")
            }
            None => format!("{name} has no prompt"),
        };
        let place = model.definitions(symbol).next().map(|definition| definition.place);
        self.say(depth, text, default.as_ref().map(|default| &default.place).or(place.as_ref()), None);
        self.mark("this default sets it");
    }

    /// Says that nothing gives a symbol without a prompt the value, and what could on another architecture.
    fn nothing_turns_on(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let model = self.evaluation.model();
        let name = self.name(symbol);
        let place = model.definitions(symbol).next().map(|definition| definition.place);
        let lines: Vec<Selection> = model.selectors(symbol).filter(|line| !line.weak).collect();
        let has_defaults = model.defaults(symbol).any(|default| model.show(default.value) != "n");
        let arches = (self.asked.turned_on)(&model.name(symbol));
        let others =
            if arches.is_empty() { String::new() } else { format!("; it is selected for {}", arches.join(", ")) };
        let text = format!("{name} has no prompt, and nothing in this tree turns it on for this architecture{others}");
        self.say(depth, text, place.as_ref(), None);
        if let Some(last) = self.causes.last_mut() {
            (last.is_never, last.arches, last.label) = (true, arches, "nothing turns this on");
        }
        for line in lines.iter().take(N_CONDITIONS) {
            let value = self.evaluation.value_of(line.by).into_owned();
            let condition = line.condition.map(|part| format!(" if {}", self.shown(part, &line.place)));
            let text =
                format!("{}, which is `{value}`, would select it{}", self.name(line.by), condition.unwrap_or_default());
            self.say(depth + 1, text, Some(&line.place), None);
        }
        if lines.is_empty() && has_defaults {
            self.defaults(symbol, wanted, depth + 1);
        }
    }

    /// Explains that symbols which are on would select another one under conditions that do not hold.
    fn conditions(&mut self, lines: &[Selection], wanted: Tristate, depth: usize) {
        let mut lines: Vec<(Reach, usize, &Selection)> = lines
            .iter()
            .map(|line| (self.reaches.of_line(line, wanted), self.missing(line, wanted).len(), line))
            .collect();
        lines.sort_by_key(|(reach, n_missing, _)| (*reach, *n_missing));
        for (_, _, line) in lines.into_iter().take(N_CONDITIONS) {
            let terms = self.missing(line, wanted);
            let shown: Vec<String> = terms.iter().map(|term| self.shown(term.expression, &line.place)).collect();
            let (by, target) = (self.name(line.by), self.name(line.target));
            let value = self.evaluation.value_of(line.by).into_owned();
            let request = match terms.as_slice() {
                [term] => self.request_of(term.expression, wanted),
                _ => None,
            };
            let is_enough = request.is_some();
            let text =
                format!("{target} has no prompt: {by}, which is `{value}`, selects it if {}", shown.join(" && "));
            self.say(depth, text, Some(&line.place), request);
            self.mark("this condition is false");
            if let [Term { expression, .. }] = terms.as_slice()
                && let Expr::Symbol(off) = self.evaluation.model().expression(*expression)
            {
                self.blame(off);
                if !is_enough {
                    self.ask_too(off, wanted);
                    self.follow(off, wanted, depth + 1);
                }
                continue;
            }
            if !is_enough {
                terms.iter().for_each(|term| self.term(line.target, *term, wanted, &line.place, depth + 1));
            }
        }
    }

    /// Names the symbols that are off and would select another one.
    fn selectors(&mut self, symbol: SymbolId, selectors: &[Selection], wanted: Tristate, depth: usize) {
        let model = self.evaluation.model();
        let name = self.name(symbol);
        let place = model.definitions(symbol).next().map(|definition| definition.place);
        let free = self.names(selectors.iter().filter(|line| self.is_free(line, wanted)));
        // The selecting symbols of the same file that have a prompt are what a person would look for.
        let is_near = |line: &&Selection| {
            let at = model.definitions(line.by).next();
            model.prompt(line.by).is_some()
                && at.map(|at| at.place.file) == place.as_ref().map(|place| place.file.clone())
        };
        let near: Vec<&Selection> =
            selectors.iter().filter(|line| is_near(line) && !self.is_free(line, wanted)).collect();
        let prompted: Vec<&Selection> = selectors.iter().filter(|line| model.prompt(line.by).is_some()).collect();
        let prompted = self.nearest(prompted, wanted);
        let lines = if near.is_empty() && free.is_empty() { prompted } else { near };
        let (listed, first) = (self.names(lines.iter().copied()), lines.first().copied());
        // A symbol that cannot be requested is followed too, since its own needs are the answer.
        let first = first.or_else(|| selectors.first().filter(|_| free.is_empty()));
        let needs_more = if free.is_empty() { "" } else { " (which need further requests)" };
        let request = match (selectors, free.is_empty()) {
            ([one], false) => self.request(one.by, wanted),
            _ => None,
        };
        let who = match (listed.is_empty(), free.is_empty()) {
            (true, true) => self.names(selectors.iter()),
            (true, false) if request.is_some() => free,
            (true, false) => format!("{free}; one of them is enough"),
            (false, true) if lines.len() == 1 => format!("{listed}; set it, and what it needs"),
            (false, true) => format!("{listed}; set one of them, and what that needs"),
            (false, false) => format!("{listed}{needs_more}, or {free}; any of them is enough"),
        };
        let text = format!("{name} has no prompt: it is on when another symbol selects it: {who}");
        self.say(depth, text, place.as_ref(), request);
        if let Some(first) = first {
            self.follow(first.by, wanted, depth + 1);
            for term in self.missing(first, wanted) {
                self.term(first.by, term, wanted, &first.place, depth + 1);
            }
        }
    }

    /// Whether a request for the selecting symbol alone is enough.
    fn is_free(&self, line: &Selection, wanted: Tristate) -> bool {
        self.request(line.by, wanted).is_some() && self.missing(line, wanted).is_empty()
    }

    /// Returns the parts of a line's condition that are too low, besides the dependencies of the selecting symbol.
    fn missing(&self, line: &Selection, wanted: Tristate) -> Vec<Term> {
        let needed = if self.evaluation.model().type_of(line.target) == Type::Bool { Tristate::Mod } else { wanted };
        let own = self.evaluation.model().direct_dependency(line.by);
        let own: Vec<Term> = own.map(|own| self.evaluation.too_low(own, needed)).unwrap_or_default();
        let mut terms = line.condition.map(|part| self.evaluation.too_low(part, needed)).unwrap_or_default();
        let shown: BTreeSet<String> = own.iter().map(|term| self.evaluation.show(term.expression)).collect();
        terms.retain(|term| !shown.contains(&self.evaluation.show(term.expression)));
        terms
    }

    /// Returns the request that makes a part of a condition true, when it is for one symbol and enough.
    fn request_of(&self, part: ExprId, wanted: Tristate) -> Option<String> {
        let model = self.evaluation.model();
        match model.expression(part) {
            Expr::Symbol(symbol) => self.request(symbol, wanted),
            Expr::Not(inner) => match model.expression(inner) {
                Expr::Symbol(symbol) => self.request(symbol, Tristate::No),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the lines with the fewest needs first.
    fn nearest<'s>(&self, lines: Vec<&'s Selection>, wanted: Tristate) -> Vec<&'s Selection> {
        let model = self.evaluation.model();
        let needs = |line: &Selection| {
            let terms = model.direct_dependency(line.by).map(|dependency| self.evaluation.too_low(dependency, wanted));
            terms.unwrap_or_default().len()
        };
        let mut rated: Vec<(Reach, usize, &Selection)> =
            lines.into_iter().map(|line| (self.reaches.of_line(line, wanted), needs(line), line)).collect();
        rated.sort_by_key(|(reach, needs, _)| (*reach, *needs));
        rated.into_iter().map(|(_, _, line)| line).collect()
    }

    /// Returns the first few selecting symbols.
    fn names<'s>(&self, lines: impl Iterator<Item = &'s Selection>) -> String {
        let names: BTreeSet<String> = lines.map(|line| self.name(line.by)).collect();
        let more = names.len().saturating_sub(N_SELECTORS);
        let mut text: Vec<String> = names.into_iter().take(N_SELECTORS).collect();
        if more > 0 {
            text.push(format!("{more} more"));
        }
        text.join(", ")
    }

    /// Explains what the defaults of a symbol without a prompt would need.
    fn defaults(&mut self, symbol: SymbolId, wanted: Tristate, depth: usize) {
        let model = self.evaluation.model();
        let place = model.definitions(symbol).next().map(|definition| definition.place);
        let dependency = model.direct_dependency(symbol);
        let mut terms: Vec<(Term, Place)> = Vec::new();
        if let (Some(dependency), Some(place)) = (dependency, place) {
            terms.extend(self.evaluation.too_low(dependency, wanted).into_iter().map(|term| (term, place.clone())));
        }
        // A default that would set it: the one with the easiest condition whose value is not a plain `n`.
        let default = match self.wanted_text.take() {
            Some(text) => model.defaults(symbol).find(|default| model.show(default.value).trim_matches('"') == text),
            None => {
                let reach = |default: &DefaultValue| {
                    let parts = default.condition.into_iter().chain([default.value]);
                    parts.map(|part| self.reaches.of_part(part, wanted, &default.place)).max()
                };
                model.defaults(symbol).filter(|default| model.show(default.value) != "n").min_by_key(reach)
            }
        };
        if let Some(default) = default {
            // The value of a number is not a condition.
            let value = Some(default.value).filter(|_| model.type_of(symbol).is_logic());
            let parts = default.condition.into_iter().chain(value);
            for part in parts {
                for term in self.evaluation.too_low(part, wanted) {
                    if !terms.iter().any(|(known, _)| known.expression == term.expression) {
                        terms.push((term, default.place.clone()));
                    }
                }
            }
        }
        let worst = terms.iter().map(|(term, place)| self.reaches.of_all(symbol, &[*term], wanted, place)).max();
        for (term, place) in &terms {
            // Changing one condition does not help while another cannot be changed.
            if worst != Some(Reach::Never) || self.reaches.of_all(symbol, &[*term], wanted, place) == Reach::Never {
                self.term(symbol, *term, wanted, place, depth);
            }
        }
    }
}
