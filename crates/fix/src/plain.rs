//! The plain ways to what is requested, as opposed to detours through foreign hardware.
//!
//! Of two ways to a bus, its own menu and a mouse that selects it, a person takes the menu. So a symbol with a prompt is
//! reached plainly through its prompt and its dependencies, and never through a symbol that selects it. A symbol without a
//! prompt is reached through those that select it: through those of its own directory where there are any, since a bus and
//! its transports stand together, and through all others only where there are none. A prompt that is only there for tests
//! is none, and a test that selects a library is no way to it where something else selects it.

use std::collections::BTreeSet;

use kiln_kconfig::{Expr, ExprId, Model, SymbolId};

use crate::goal::Goal;

/// Switches that show prompts for tests: of drivers for absent hardware, of libraries that nothing uses.
const SWITCHES: [&str; 2] = ["COMPILE_TEST", "KUNIT_ALL_TESTS"];

/// What tests depend on, beside the switches.
const FRAMEWORKS: [&str; 2] = ["KUNIT", "RUNTIME_TESTING_MENU"];

/// Whether a symbol is a switch for tests.
pub(crate) fn is_switch(model: &Model, symbol: SymbolId) -> bool {
    let name = model.name(symbol);
    SWITCHES.contains(&&*name)
}

/// The symbols that plain ways to the goals turn on.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// Those that a condition on the way mentions, and the goals.
    mentioned: BTreeSet<SymbolId>,
    /// Those that select a symbol without a prompt.
    selecting: BTreeSet<SymbolId>,
}

impl Plain {
    pub(crate) fn new(model: &Model, goals: &[&Goal]) -> Plain {
        let mut ways = Ways { model, plain: Plain::default(), seen: BTreeSet::new(), open: Vec::new() };
        for goal in goals {
            let is_off = model.type_of(goal.symbol).is_logic() && goal.value == "n";
            ways.add(goal.symbol, !is_off);
        }
        // Every `m` depends on it.
        ways.add(model.modules(), true);
        while let Some((symbol, is_on)) = ways.open.pop() {
            ways.follow(symbol, is_on);
        }
        ways.plain
    }

    pub(crate) fn contains(&self, symbol: &SymbolId) -> bool {
        self.mentioned.contains(symbol) || self.selecting.contains(symbol)
    }

    /// Whether a symbol is there only because it selects another one.
    pub(crate) fn is_selector(&self, symbol: SymbolId) -> bool {
        !self.mentioned.contains(&symbol)
    }
}

struct Ways<'m> {
    model: &'m Model,
    plain: Plain,
    /// Symbols, with whether they are wanted on.
    seen: BTreeSet<(SymbolId, bool)>,
    open: Vec<(SymbolId, bool)>,
}

impl Ways<'_> {
    /// Adds a symbol that a condition mentions.
    fn add(&mut self, symbol: SymbolId, is_on: bool) {
        if is_on {
            self.plain.mentioned.insert(symbol);
        }
        self.open(symbol, is_on);
    }

    fn open(&mut self, symbol: SymbolId, is_on: bool) {
        if self.seen.insert((symbol, is_on)) {
            self.open.push((symbol, is_on));
        }
    }

    /// Adds all that turns a symbol on, or off.
    fn follow(&mut self, symbol: SymbolId, is_on: bool) {
        let model = self.model;
        self.expression(model.direct_dependency(symbol), is_on);
        let prompts: Vec<Option<ExprId>> = model.prompts(symbol).map(|prompt| prompt.condition).collect();
        prompts.iter().for_each(|condition| self.expression(*condition, is_on));
        if let Some(choice) = model.choice_of(symbol).and_then(|choice| model.choice_symbol(choice)) {
            self.add(choice, is_on);
        }
        for range in model.ranges(symbol) {
            [range.low, range.high].into_iter().for_each(|end| self.add(end, true));
        }
        let has_prompt = prompts.iter().any(|condition| condition.is_none_or(|it| !self.is_for_tests(it, &SWITCHES)));
        if has_prompt && is_on {
            return;
        }
        for default in model.defaults(symbol) {
            self.expression(default.condition, is_on);
            self.expression(Some(default.value), is_on);
        }
        let mut lines: Vec<_> = model.selectors(symbol).collect();
        if is_on && lines.iter().any(|line| !self.is_test(line.by)) {
            lines.retain(|line| !self.is_test(line.by));
        }
        let homes: BTreeSet<String> =
            model.definitions(symbol).map(|definition| directory(&definition.place.file).to_owned()).collect();
        let is_home = |file: &str| homes.contains(directory(file));
        let has_home = lines.iter().any(|line| is_home(&line.place.file));
        for line in lines {
            if !is_on || !has_home || is_home(&line.place.file) {
                if is_on {
                    self.plain.selecting.insert(line.by);
                }
                self.open(line.by, is_on);
                self.expression(line.condition, is_on);
            }
        }
    }

    /// Adds the symbols that make an expression true, or false.
    fn expression(&mut self, expression: Option<ExprId>, is_on: bool) {
        let Some(expression) = expression else { return };
        let model = self.model;
        match model.expression(expression) {
            Expr::Symbol(symbol) => self.add(symbol, is_on),
            Expr::Compare(_, left, right) => {
                for symbol in [left, right] {
                    self.add(symbol, true);
                    self.add(symbol, false);
                }
            }
            Expr::Not(operand) => self.expression(Some(operand), !is_on),
            Expr::And(operands) | Expr::Or(operands) => {
                operands.iter().for_each(|operand| self.expression(Some(*operand), is_on));
            }
        }
    }

    /// Whether a symbol is a test, or is there for tests only.
    fn is_test(&self, symbol: SymbolId) -> bool {
        let needs = self.model.direct_dependency(symbol);
        needs.is_some_and(|needs| [&SWITCHES, &FRAMEWORKS].iter().any(|names| self.is_for_tests(needs, *names)))
    }

    /// Whether a condition holds only with one of the symbols that are named.
    fn is_for_tests(&self, condition: ExprId, names: &[&str]) -> bool {
        match self.model.expression(condition) {
            Expr::Symbol(symbol) => names.contains(&&*self.model.name(symbol)),
            Expr::And(operands) => operands.iter().any(|operand| self.is_for_tests(*operand, names)),
            Expr::Or(operands) => operands.iter().all(|operand| self.is_for_tests(*operand, names)),
            Expr::Compare(..) | Expr::Not(_) => false,
        }
    }
}

fn directory(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(directory, _)| directory)
}
