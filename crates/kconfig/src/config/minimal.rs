//! `savedefconfig`: only the differences from the defaults.

use crate::evaluation::{Evaluation, Text};
use crate::expression::{Expr, Tristate};
use crate::model::{NodeId, SymbolId, Type};

impl Evaluation<'_> {
    /// The lines that restore the same configuration from defaults (`conf_write_defconfig`,
    /// scripts/kconfig/confdata.c).
    pub(crate) fn write_minimal(&mut self, prefix: &str) -> Vec<u8> {
        let model = self.model;
        self.invalidate();
        let mut out = Vec::new();
        for node in (1..model.nodes.len() as u32).map(NodeId) {
            let Some(symbol) = model.node(node).symbol.filter(|symbol| !model.is_choice(*symbol)) else { continue };
            self.compute(symbol);
            if !std::mem::take(&mut self.states[symbol.at()].write) || !self.is_changeable(symbol) {
                continue;
            }
            let default = self.default_text(symbol);
            if self.shown(symbol) == default || self.is_choice_default(symbol) {
                continue;
            }
            self.print_config(symbol, prefix, &mut out);
        }
        out
    }

    /// Whether a user could give the symbol another value.
    pub(crate) fn is_changeable(&self, symbol: SymbolId) -> bool {
        let state = self.state(symbol);
        let fixed = self.model.is_choice(symbol) && !self.model.dialect.choice_values;
        !fixed && state.visible > state.reverse
    }

    fn is_choice_default(&mut self, symbol: SymbolId) -> bool {
        let Some(choice) = self.model.symbol(symbol).member_of else { return false };
        let default = self.choice_default(choice);
        let legacy = self.model.dialect.choice_values;
        let optional = self.model.node(choice).symbol.is_some_and(|choice| self.model.symbol(choice).optional);
        let counts = !legacy || (!optional && self.model.symbol(symbol).type_ == Type::Bool);
        counts && default == Some(symbol) && self.state(symbol).value == Tristate::Yes
    }

    /// The value that the symbol has without a user's value (`sym_get_string_default`, scripts/kconfig/symbol.c).
    ///
    /// Quirk: a range does not limit it, unlike the value itself.
    fn default_text(&mut self, symbol: SymbolId) -> Vec<u8> {
        self.see(symbol);
        self.compute(self.model.modules);
        let type_ = self.model.symbol(symbol).type_;
        let mut value = Tristate::No;
        let mut text = Text::Fixed(b"");
        if let Some((default, condition)) = self.default_of(symbol) {
            let conditions = self.conditions;
            if type_.is_logic() {
                value = self.expression(Some(default)).min(condition);
            } else if let Expr::Symbol(source) = conditions.expressions.get(default) {
                self.compute(source);
                text = self.text_of(source);
            }
        }
        if type_.is_logic() {
            let state = &self.states[symbol.at()];
            value = value.max(state.reverse);
            let no_modules = !self.is_listed(symbol) && self.states[self.model.modules.at()].value == Tristate::No;
            if value == Tristate::Mod && (no_modules || type_ == Type::Bool) {
                value = Tristate::Yes;
            }
            return value.max(state.implied).as_str().into();
        }
        match (self.resolve(text), type_) {
            (b"", Type::Int) if self.model.dialect.zero_numbers => b"0".to_vec(),
            (b"", Type::Hex) if self.model.dialect.zero_numbers => b"0x0".to_vec(),
            (text, _) => text.to_vec(),
        }
    }
}
