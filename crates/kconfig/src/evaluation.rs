//! Values of symbols, as the C program works them out.
//!
//! Values are computed when asked for and remembered until [`Evaluation::invalidate`]. What is written to a `.config`
//! depends in corner cases on the order in which symbols are asked for (a choice's members that are not looked at keep
//! their old visibility, an unmet dependency is reported when its symbol is computed), so the order here is the C
//! program's too. Recursion is bounded: [`recursion`](crate::recursion) refuses models that go too deep.

mod choice;
mod unmet;
mod valued;

use crate::conditions::Conditions;
use crate::expression::{Expr, ExprId, Tristate};
use crate::message::Messages;
use crate::model::{Model, NodeId, NodeKind, PropertyId, PropertyKind, SymbolId, Type};
use crate::number;

/// Values for all symbols of one model.
#[derive(Debug, Clone)]
pub struct Evaluation<'m> {
    pub(crate) model: &'m Model,
    pub(crate) conditions: &'m Conditions,
    pub(crate) states: Vec<State>,
    /// By expression: its value, once known.
    memo: Vec<Option<Tristate>>,
    /// By node of a choice: its members, the preferred ones first.
    pub(crate) members: std::collections::BTreeMap<NodeId, Vec<SymbolId>>,
    /// The value of the modules symbol when it was last computed.
    pub(crate) modules: Tristate,
    pub(crate) messages: Messages,
    pub(crate) n_unmet: usize,
    /// Whether unmet dependencies are put into words; counted they are always.
    pub(crate) words: bool,
}

/// What is known of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) user: Option<Wanted>,
    pub(crate) value: Tristate,
    pub(crate) text: Text,
    pub(crate) visible: Tristate,
    pub(crate) direct: Tristate,
    pub(crate) reverse: Tristate,
    pub(crate) implied: Tristate,
    pub(crate) valid: bool,
    /// Whether the symbol belongs into a `.config`.
    pub(crate) write: bool,
    /// Of a choice before 6.11: the member that is `y`.
    pub(crate) chosen: Option<SymbolId>,
    /// Of a choice before 6.11: the member that the user wants.
    pub(crate) wanted_member: Option<SymbolId>,
    /// Of a choice before 6.11: the value that it is to have, whether or not that counts as given by the user.
    pub(crate) wanted_value: Tristate,
    /// Of a choice and its members before 6.11: new values were given to all, and the choice comes first.
    pub(crate) pending: bool,
}

/// A value that the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Logic(Tristate),
    Text(Box<[u8]>),
}

/// Where the text of an `int`, `hex` or `string` is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Fixed(&'static [u8]),
    /// A symbol's name: constants are their own value.
    Name(SymbolId),
    /// What the user gave to a symbol.
    User(SymbolId),
}

impl Default for Text {
    fn default() -> Text {
        Text::Fixed(b"")
    }
}

impl Wanted {
    pub(crate) fn logic(&self) -> Tristate {
        match self {
            Wanted::Logic(value) => *value,
            Wanted::Text(_) => Tristate::No,
        }
    }
}

impl<'m> Evaluation<'m> {
    /// Starts with no user values.
    pub fn new(model: &'m Model) -> Evaluation<'m> {
        Evaluation::with(model, &model.conditions)
    }

    pub(crate) fn with(model: &'m Model, conditions: &'m Conditions) -> Evaluation<'m> {
        let mut states = vec![State::default(); model.symbols.len()];
        for (constant, value) in
            [(SymbolId::NO, Tristate::No), (SymbolId::MOD, Tristate::Mod), (SymbolId::YES, Tristate::Yes)]
        {
            states[constant.at()].value = value;
            states[constant.at()].valid = true;
        }
        let mut members = std::collections::BTreeMap::new();
        let nodes = (0..model.nodes.len() as u32).map(NodeId);
        for choice in nodes.filter(|node| model.node(*node).kind == NodeKind::Choice) {
            members.insert(choice, model.members(choice));
        }
        Evaluation {
            model,
            conditions,
            states,
            memo: vec![None; conditions.expressions.len()],
            members,
            modules: Tristate::No,
            messages: Messages::new(),
            n_unmet: 0,
            words: false,
        }
    }

    /// The model that the values are of.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// Forgets all values but what the user gave, and looks again whether there are modules.
    pub(crate) fn invalidate(&mut self) {
        self.forget();
        self.compute(self.model.modules);
    }

    /// Forgets all values but what the user gave.
    pub(crate) fn forget(&mut self) {
        for state in &mut self.states[3..] {
            state.valid = false;
        }
        self.memo.fill(None);
    }

    /// The type that counts: without modules a `tristate` is a `bool`.
    pub(crate) fn effective_type(&self, symbol: SymbolId) -> Type {
        match self.model.symbol(symbol).type_ {
            Type::Tristate if self.modules == Tristate::No => Type::Bool,
            // Before 6.11 a visible member of a choice is `y` or `n`.
            Type::Tristate
                if self.model.dialect.choice_values
                    && self.is_listed(symbol)
                    && self.states[symbol.at()].visible == Tristate::Yes =>
            {
                Type::Bool
            }
            other => other,
        }
    }

    pub(crate) fn state(&self, symbol: SymbolId) -> &State {
        &self.states[symbol.at()]
    }

    /// The value as text: `y`, `m`, `n`, a number, a string. The symbol must have been computed.
    pub(crate) fn shown(&self, symbol: SymbolId) -> &[u8] {
        match self.model.symbol(symbol).type_ {
            Type::Bool | Type::Tristate => self.state(symbol).value.as_str().as_bytes(),
            Type::Unknown => self.model.name_bytes(symbol),
            _ => self.resolve(self.state(symbol).text),
        }
    }

    pub(crate) fn resolve(&self, text: Text) -> &[u8] {
        match text {
            Text::Fixed(text) => text,
            Text::Name(symbol) => self.model.name_bytes(symbol),
            Text::User(symbol) => match &self.state(symbol).user {
                Some(Wanted::Text(text)) => text,
                _ => b"",
            },
        }
    }

    /// The value of an expression; absent is `y`.
    pub(crate) fn expression(&mut self, id: Option<ExprId>) -> Tristate {
        let Some(id) = id else { return Tristate::Yes };
        if let Some(known) = self.memo[id.0 as usize] {
            return known;
        }
        let conditions = self.conditions;
        let value = match conditions.expressions.get(id) {
            Expr::Symbol(symbol) => {
                self.compute(symbol);
                self.states[symbol.at()].value
            }
            Expr::Not(operand) => self.expression(Some(operand)).negate(),
            Expr::And(operands) => {
                operands.iter().fold(Tristate::Yes, |value, operand| value.min(self.expression(Some(*operand))))
            }
            Expr::Or(operands) => {
                operands.iter().fold(Tristate::No, |value, operand| value.max(self.expression(Some(*operand))))
            }
            Expr::Compare(op, left, right) => {
                self.compute(left);
                self.compute(right);
                if op.holds(self.compare(left, right)) { Tristate::Yes } else { Tristate::No }
            }
        };
        // Quirk: before 6.11 the C program remembers no values of expressions, and a choice changes its own value
        // while its members look at it.
        if !self.model.dialect.choice_values {
            self.memo[id.0 as usize] = Some(value);
        }
        value
    }

    /// The value of an expression when all symbols have been computed.
    pub(crate) fn look(&self, id: ExprId) -> Tristate {
        match self.model.conditions.expressions.get(id) {
            Expr::Symbol(symbol) => self.states[symbol.at()].value,
            Expr::Not(operand) => self.look(operand).negate(),
            Expr::And(operands) => operands.iter().map(|id| self.look(*id)).min().unwrap_or(Tristate::Yes),
            Expr::Or(operands) => operands.iter().map(|id| self.look(*id)).max().unwrap_or(Tristate::No),
            Expr::Compare(op, left, right) if op.holds(self.compare(left, right)) => Tristate::Yes,
            Expr::Compare(..) => Tristate::No,
        }
    }

    /// Compares as numbers when both sides are some, else as bytes (`expr_calc_value`, scripts/kconfig/expr.c).
    fn compare(&self, left: SymbolId, right: SymbolId) -> std::cmp::Ordering {
        let types = (self.model.symbol(left).type_, self.model.symbol(right).type_);
        let (left, right) = (self.shown(left), self.shown(right));
        if types != (Type::String, Type::String)
            && let (Some(a), Some(b)) = (operand(types.0, left), operand(types.1, right))
        {
            let unsigned = types.0 == Type::Hex || types.1 == Type::Hex;
            return if unsigned { (a as u64).cmp(&(b as u64)) } else { a.cmp(&b) };
        }
        left.cmp(right)
    }

    pub(crate) fn visibility(&mut self, symbol: SymbolId) {
        let model = self.model;
        let mut visible = Tristate::No;
        for property in model.properties_of(symbol) {
            if model.property(property).kind.text().is_some() {
                let value = self.expression(self.conditions.of(property));
                if value != Tristate::Mod || !self.hides_modular(symbol) {
                    visible = visible.max(value);
                }
            }
        }
        if visible == Tristate::Mod && (model.symbol(symbol).type_ != Type::Tristate || self.modules == Tristate::No) {
            visible = Tristate::Yes;
        }
        if model.symbol(symbol).transitional {
            // An old value is taken over although nothing shows the symbol.
            visible = Tristate::Yes;
        }
        self.states[symbol.at()].visible = visible;
        if self.is_listed(symbol) {
            return;
        }
        let is_bool = self.effective_type(symbol) == Type::Bool;
        let widen = |value| if is_bool && value == Tristate::Mod { Tristate::Yes } else { value };
        let conditions = self.conditions;
        let direct = widen(self.expression(conditions.direct[symbol.at()]));
        self.states[symbol.at()].direct = direct;
        let reverse = conditions.reverse[symbol.at()];
        let reverse = widen(if reverse.is_some() { self.expression(reverse) } else { Tristate::No });
        self.states[symbol.at()].reverse = reverse;
        let implied = conditions.implied[symbol.at()];
        let implied = widen(if implied.is_some() { self.expression(implied) } else { Tristate::No });
        self.states[symbol.at()].implied = implied;
    }

    /// Whether the symbol stands in the member list of a choice.
    pub(crate) fn is_listed(&self, symbol: SymbolId) -> bool {
        self.model.symbol(symbol).listed_in.is_some()
    }

    /// Makes sure that a symbol's value is known.
    pub(crate) fn compute(&mut self, symbol: SymbolId) {
        if self.states[symbol.at()].valid {
            return;
        }
        if self.model.dialect.choice_values {
            self.settle_choice_first(symbol);
        }
        let type_ = self.model.symbol(symbol).type_;
        let state = &mut self.states[symbol.at()];
        state.valid = true;
        if type_ == Type::Unknown {
            state.text = Text::Name(symbol);
            state.value = Tristate::No;
            return;
        }
        state.write = false;
        self.visibility(symbol);
        let zero = self.zero(type_);
        let state = &mut self.states[symbol.at()];
        state.write = state.visible != Tristate::No;
        // Whoever comes back here while the value is being worked out sees this.
        state.value = Tristate::No;
        state.text = zero;
        state.chosen = None;
        match type_ {
            Type::Bool | Type::Tristate => {
                let value = self.logic(symbol);
                self.states[symbol.at()].value = value;
            }
            _ => {
                let text = self.text_value(symbol, zero);
                self.states[symbol.at()].text = text;
                self.clamp(symbol, type_);
            }
        }
        if symbol == self.model.modules {
            self.modules = self.states[symbol.at()].value;
        }
        if self.model.is_choice(symbol) {
            if self.model.dialect.choice_values {
                self.settle_choice(symbol);
            }
            self.states[symbol.at()].write = false;
        }
        if self.model.symbol(symbol).transitional {
            self.states[symbol.at()].write = false;
        }
    }

    /// The value before anything sets it.
    fn zero(&self, type_: Type) -> Text {
        match type_ {
            Type::Int if self.model.dialect.zero_numbers => Text::Fixed(b"0"),
            Type::Hex if self.model.dialect.zero_numbers => Text::Fixed(b"0x0"),
            _ => Text::Fixed(b""),
        }
    }

    fn logic(&mut self, symbol: SymbolId) -> Tristate {
        if let Some(value) = self.member(symbol) {
            return self.without_modules(symbol, value);
        }
        let mut value = Tristate::No;
        let state = &self.states[symbol.at()];
        let (visible, reverse, direct, implied) = (state.visible, state.reverse, state.direct, state.implied);
        match state.user.as_ref().filter(|_| visible != Tristate::No) {
            Some(user) => value = user.logic().min(visible),
            None => {
                let mut write = reverse != Tristate::No;
                if !self.model.is_choice(symbol) {
                    if let Some((default, condition)) = self.default_of(symbol) {
                        value = self.expression(Some(default)).min(condition);
                        write |= value != Tristate::No;
                    }
                    // Quirk: an implied symbol is written even when its dependencies keep it off.
                    if implied != Tristate::No {
                        write = true;
                        value = value.max(implied).min(direct);
                    }
                }
                self.states[symbol.at()].write |= write;
            }
        }
        if direct < reverse {
            self.report_unmet(symbol);
        }
        self.without_modules(symbol, value.max(reverse))
    }

    fn without_modules(&self, symbol: SymbolId, value: Tristate) -> Tristate {
        if value == Tristate::Mod && self.effective_type(symbol) == Type::Bool { Tristate::Yes } else { value }
    }

    fn text_value(&mut self, symbol: SymbolId, zero: Text) -> Text {
        let state = &self.states[symbol.at()];
        if state.visible != Tristate::No && state.user.is_some() {
            return Text::User(symbol);
        }
        let Some((default, _)) = self.default_of(symbol) else { return zero };
        let conditions = self.conditions;
        let Expr::Symbol(source) = conditions.expressions.get(default) else { return zero };
        self.states[symbol.at()].write = true;
        self.compute(source);
        self.text_of(source)
    }

    /// A symbol's text as another symbol takes it over.
    ///
    /// Quirk: a `bool` or `tristate` has none of its own (`sym_calc_value`, scripts/kconfig/symbol.c).
    pub(crate) fn text_of(&self, symbol: SymbolId) -> Text {
        match (symbol, self.model.symbol(symbol).type_) {
            (SymbolId::YES | SymbolId::MOD | SymbolId::NO, _) => Text::Name(symbol),
            (_, Type::Bool | Type::Tristate) => Text::Fixed(b"n"),
            _ => self.states[symbol.at()].text,
        }
    }

    /// The first default whose condition holds, with the value of the condition.
    pub(crate) fn default_of(&mut self, symbol: SymbolId) -> Option<(ExprId, Tristate)> {
        let model = self.model;
        model.properties_of(symbol).find_map(|property| {
            let PropertyKind::Default(value) = model.property(property).kind else { return None };
            let condition = self.expression(self.conditions.of(property));
            (condition != Tristate::No).then_some((value, condition))
        })
    }

    pub(crate) fn range_of(&mut self, symbol: SymbolId) -> Option<(SymbolId, SymbolId)> {
        let model = self.model;
        model.properties_of(symbol).find_map(|property: PropertyId| {
            let PropertyKind::Range(low, high) = model.property(property).kind else { return None };
            (self.expression(self.conditions.of(property)) != Tristate::No).then_some((low, high))
        })
    }

    /// Moves a number to the nearest end of its range.
    fn clamp(&mut self, symbol: SymbolId, type_: Type) {
        let base = match type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => return,
        };
        let Some((low, high)) = self.range_of(symbol) else { return };
        let value = number::signed(self.resolve(self.states[symbol.at()].text), base);
        let end = if value < self.range_end(low, base) {
            low
        } else if value > self.range_end(high, base) {
            high
        } else {
            return;
        };
        let text = self.text_of(end);
        self.states[symbol.at()].text = text;
    }

    pub(crate) fn range_end(&mut self, symbol: SymbolId, base: u32) -> i64 {
        self.compute(symbol);
        let base = match self.model.symbol(symbol).type_ {
            Type::Int => 10,
            Type::Hex => 16,
            _ => base,
        };
        number::signed(self.resolve(self.text_of(symbol)), base)
    }
}

/// The number that one side of a comparison stands for (`expr_parse_string`, scripts/kconfig/expr.c).
fn operand(type_: Type, text: &[u8]) -> Option<i64> {
    let base = match type_ {
        Type::Bool | Type::Tristate => {
            return Some(match text {
                b"n" => 0,
                b"m" => 1,
                b"y" => 2,
                _ => -1,
            });
        }
        Type::Int => 10,
        Type::Hex => 16,
        Type::String | Type::Unknown => 0,
    };
    let scanned = number::scan(text, base);
    let whole = scanned.length == text.len() && text.last().is_some_and(u8::is_ascii_hexdigit);
    if !whole {
        return None;
    }
    match type_ {
        // `strtoull` takes a sign and negates in 64 bits.
        Type::Hex if scanned.value.unsigned_abs() <= u128::from(u64::MAX) => Some(scanned.value as i64),
        Type::Hex => None,
        _ => i64::try_from(scanned.value).ok(),
    }
}

#[cfg(test)]
mod tests;
