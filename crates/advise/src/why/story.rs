//! The sentences of an explanation: what gave a symbol its value.

use std::collections::BTreeSet;

use kiln_kconfig::{Evaluation, Expr, ExprId, Place, Reason, Selection, SymbolId, Tristate, Type};

use kiln_plan::tools::{self, Tool};

use super::reach::Reaches;
use super::{Cause, RequestContext, comparison, end_of_range, host, quoted, shown};

/// The depth to which causes are followed.
pub(super) const DEPTH: usize = 6;

/// Sentences, in the order in which they are found.
pub(super) struct Story<'a, 'm> {
    pub(super) evaluation: &'a Evaluation<'m>,
    pub(super) asked: &'a RequestContext<'a>,
    pub(super) seen: BTreeSet<SymbolId>,
    pub(super) causes: Vec<Cause>,
    /// The text wanted of a number or string, until the defaults that might set it have been examined.
    pub(super) wanted_text: Option<String>,
    /// Terms already found too low or too high; their causes are not repeated.
    pub(super) said: BTreeSet<String>,
    /// For each symbol, the easiest change that could give it a value.
    pub(super) reaches: Reaches<'a, 'm>,
}

impl<'a, 'm> Story<'a, 'm> {
    pub(super) fn new(evaluation: &'a Evaluation<'m>, asked: &'a RequestContext<'a>) -> Story<'a, 'm> {
        let (seen, causes, said) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
        Story { evaluation, asked, seen, causes, wanted_text: None, said, reaches: Reaches::new(evaluation) }
    }

    pub(super) fn say(&mut self, depth: usize, text: String, place: Option<&Place>, request: Option<String>) {
        let place = place.map(shown);
        let label = "this condition is false";
        self.causes.push(Cause { depth, text, place, request, label, ..Cause::default() });
    }

    /// Labels the line of the last sentence, where it is not a condition that is false.
    pub(super) fn mark(&mut self, label: &'static str) {
        if let Some(last) = self.causes.last_mut() {
            last.label = label;
        }
    }

    /// Names the symbol that the last sentence is about.
    pub(super) fn blame(&mut self, symbol: SymbolId) {
        let name = self.evaluation.model().name(symbol).into_owned();
        if let Some(last) = self.causes.last_mut() {
            last.culprit = Some(name);
        }
    }

    /// Adds to the last sentence that the symbol has to be requested, besides what follows.
    pub(super) fn ask_too(&mut self, symbol: SymbolId, wanted: Tristate) {
        let model = self.evaluation.model();
        let is_bool = model.type_of(symbol) == Type::Bool;
        let wanted = if is_bool && wanted == Tristate::Mod { Tristate::Yes } else { wanted };
        let is_open = model.prompt(symbol).is_some() && model.type_of(symbol).is_logic();
        let request = format!("{}={}", model.name(symbol), wanted.as_str());
        if let Some(last) = self.causes.last_mut().filter(|_| is_open && !model.name(symbol).starts_with('<')) {
            (last.request, last.needs_more) = (Some(request), true);
        }
    }

    /// Adds the question to the host when `symbol` is its answer; returns whether it is.
    pub(super) fn say_host(&mut self, symbol: SymbolId, depth: usize) -> bool {
        let Some(question) = host::question(self.evaluation, symbol) else { return false };
        let (text, place) = (question.sentence, question.place);
        self.say(depth, text, Some(&place), None);
        self.blame_host(question.tool);
        true
    }

    /// Marks the last sentence as decided by the host's tools, and names the tool.
    pub(super) fn blame_host(&mut self, tool: Option<Tool>) {
        let cc = host::variable(self.evaluation, "CC").unwrap_or_default();
        let version = host::variable(self.evaluation, "CC_VERSION_TEXT").unwrap_or_default();
        if let Some(last) = self.causes.last_mut() {
            (last.is_host, last.tool) = (true, tool);
            last.package = match tool {
                Some(Tool::GccPlugins) => tools::gcc_plugin_package(&cc, &version),
                _ => None,
            };
        }
    }

    /// Adds the variable to the last sentence when a comparison is of one; returns whether it is.
    pub(super) fn say_variable(&mut self, compare: Expr<'_>, place: &Place) -> bool {
        let written = comparison::written(self.evaluation, compare, place);
        let Some(variable) = written.and_then(|written| written.variable) else { return false };
        if let Some(last) = self.causes.last_mut() {
            last.text += &format!(": `{variable}` is a variable of the environment (`kernel.environment.{variable}`)");
            last.variable = Some(variable);
        }
        true
    }

    /// Returns an expression on the line at `place` with the value of each symbol.
    pub(super) fn shown(&self, expression: ExprId, place: &Place) -> String {
        comparison::show(self.evaluation, expression, place)
    }

    pub(super) fn name(&self, symbol: SymbolId) -> String {
        let model = self.evaluation.model();
        match model.find(&model.name(symbol)) {
            Some(_) => format!("`{}`", model.name(symbol)),
            // A choice has no name; its prompt is shown instead.
            None => match model.prompt(symbol) {
                Some(prompt) => format!("the choice `{prompt}`"),
                None => "a choice".to_owned(),
            },
        }
    }

    /// Returns the source of a user value.
    fn who(&self, name: &str) -> &'static str {
        if (self.asked.asks)(name) { "the recipe" } else { "the base config" }
    }

    /// Explains the value of `symbol`, and the values that it comes from.
    pub(super) fn reason(&mut self, symbol: SymbolId, depth: usize) {
        if !self.seen.insert(symbol) || depth > DEPTH {
            return;
        }
        let name = self.evaluation.model().name(symbol).into_owned();
        let value = self.evaluation.value_of(symbol).into_owned();
        let is = format!("`{name}` is {}", quoted(&value));
        match self.evaluation.reason(symbol) {
            Reason::Fixed => {
                let arches = (self.asked.elsewhere)(&name);
                let elsewhere = if arches.is_empty() {
                    String::new()
                } else {
                    format!(" for this architecture; it exists for {}", arches.join(", "))
                };
                self.say(depth, format!("{is}: it is not declared{elsewhere}"), None, None);
            }
            Reason::Nothing => {
                let text = match self.evaluation.user_value(symbol) {
                    Some(wanted) if wanted != value => {
                        format!("{is}: {} sets it to {}, but it is not visible", self.who(&name), quoted(&wanted))
                    }
                    _ => format!("{is}: it is not requested, and no default applies"),
                };
                self.say(depth, text, None, None);
                self.say_host(symbol, depth + 1);
            }
            Reason::User => {
                let wanted = self.evaluation.user_value(symbol).unwrap_or_default().into_owned();
                let who = self.who(&name);
                let text = if wanted == value {
                    format!("{is}: {who} sets it")
                } else {
                    format!("{is}: {who} sets it to {}, but its dependencies limit it", quoted(&wanted))
                };
                self.say(depth, text, None, None);
            }
            Reason::Default(default) => {
                let condition = default.condition.map(|condition| self.evaluation.show(condition));
                let shown = self.evaluation.model().show(default.value);
                let condition = condition.map(|text| format!(" if {text}")).unwrap_or_default();
                self.say(depth, format!("{is}: default {shown}{condition}"), Some(&default.place), None);
                if self.say_host(symbol, depth + 1) {
                    return;
                }
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
                let place = model.place_of(choice);
                let prompt = model.prompt_of(choice).map(|text| format!(" `{text}`")).unwrap_or_default();
                let who = match chosen {
                    Some(chosen) if chosen == symbol => "it is the chosen member of its choice".to_owned(),
                    Some(chosen) => format!("{} is the chosen member of its choice", self.name(chosen)),
                    None => "no member of its choice is on".to_owned(),
                };
                self.say(depth, format!("{is}: {who}{prompt}"), Some(&place), None);
                if let Some(chosen) = chosen {
                    self.chosen(chosen, depth + 1);
                }
            }
            Reason::Range(range) => {
                let (low, high) = (end_of_range(self.evaluation, range.low), end_of_range(self.evaluation, range.high));
                self.say(depth, format!("{is}: limited to its range, {low} to {high}"), Some(&range.place), None);
            }
        }
    }

    /// Explains why a member of a choice is the one that is on.
    fn chosen(&mut self, member: SymbolId, depth: usize) {
        let name = self.evaluation.model().name(member).into_owned();
        let text = match self.evaluation.user_value(member).as_deref() {
            Some("y" | "m") => format!("`{name}` is on: {} sets it", self.who(&name)),
            _ => format!("`{name}` is on: it is the choice's default, or its first visible member"),
        };
        self.say(depth, text, None, None);
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

    /// Returns the request that sets `symbol` to at least (or for `n`, at most) `wanted`, when that request is enough.
    pub(super) fn request(&self, symbol: SymbolId, wanted: Tristate) -> Option<String> {
        let model = self.evaluation.model();
        let type_ = model.type_of(symbol);
        if !type_.is_logic() || model.definitions(symbol).next().is_none() {
            return None;
        }
        // A symbol for which `m` is enough is requested as `m`.
        let wanted = if type_ == Type::Bool && wanted == Tristate::Mod { Tristate::Yes } else { wanted };
        let is_free = self.evaluation.limits(symbol, wanted).is_empty();
        is_free.then(|| format!("{}={}", model.name(symbol), wanted.as_str()))
    }
}
