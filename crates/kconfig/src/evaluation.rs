//! Values of symbols, computed as in the C program.
//!
//! Values are computed on demand and remembered until [`Evaluation::invalidate`]. The content of a `.config` depends in
//! corner cases on the order in which symbols are computed (members of a choice that are not evaluated keep their old
//! visibility, an unmet dependency is reported when its symbol is computed), so the order here is the C program's too.
//! Recursion is bounded: [`recursion`](crate::recursion) refuses models that go too deep.

mod answers;
mod change;
mod choice;
mod limit;
mod reason;
mod text;
mod unmet;
mod valued;

use crate::conditions::Conditions;
use crate::expression::{Expr, ExprId, Tristate};
use crate::message::Messages;
use crate::model::{Model, NodeId, NodeKind, PropertyKind, SymbolId, Type};
pub use change::{Change, Refused};
pub use limit::{Limit, Term};
pub use reason::Reason;
pub(crate) use text::compare_texts;

/// Values for all symbols of one model.
///
/// Every value is known at any time. [`Evaluation::set`] and [`Evaluation::unset`] change the user's value of one
/// symbol and recompute only what depends on it, so that many changes can be tried on one evaluation;
/// [`Evaluation::undo`] reverts the last one. It is `Clone`, and the clones share the model.
///
/// ```
/// # use std::sync::Arc;
/// # use kiln_kconfig::{Dialect, Evaluation, Host, Limit, Model, Reason, Tristate};
/// # struct Machine;
/// # impl Host for Machine {
/// #     fn variable(&self, name: &str) -> Option<Vec<u8>> { None }
/// #     fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> { unreachable!() }
/// # }
/// let text = "config NET\n\tbool \"net\"\nconfig PCI\n\tbool\n\tdefault y\nconfig WIFI\n\tbool \"wifi\"\n\
///             \tdepends on NET && PCI\n\tselect CRC\nconfig CRC\n\tbool\n";
/// let files = |name: &str| (name == "Kconfig").then(|| Arc::from(text.as_bytes()));
/// let (model, _) = Model::parse("Kconfig", &files, &Machine, Dialect::NEWEST);
/// let model = model.expect("the text is sound");
/// let [net, wifi, crc] = ["NET", "WIFI", "CRC"].map(|name| model.find(name).expect("it is declared"));
///
/// let mut values = Evaluation::new(&model);
/// let asked = values.set(wifi, "y")?;
/// assert_eq!(values.value("WIFI").as_deref(), Some("n"), "a user's value counts only where a prompt is visible");
/// let [Limit::Prompt { place, terms }] = &values.limits(wifi, Tristate::Yes)[..] else { panic!() };
/// assert_eq!((place.line, values.show(terms[0].expression)), (7, "NET [=n]".to_owned()));
///
/// let change = values.set(net, "y")?;
/// assert_eq!(change.changed(), [net, wifi, crc], "causes before effects");
/// let Reason::Selected(lines) = values.reason(crc) else { panic!() };
/// assert_eq!((lines[0].by, lines[0].place.line), (wifi, 9));
///
/// values.undo(change);
/// values.undo(asked);
/// assert_eq!(values.value("CRC").as_deref(), Some("n"));
/// # Ok::<(), kiln_kconfig::Refused>(())
/// ```
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
    /// Whether unmet dependencies produce messages; they are always counted.
    pub(crate) words: bool,
    /// Whether every value that is read is known already.
    lean: bool,
    /// The number of values given so far.
    clock: u32,
    /// Numbers that no text has, see [`Text::Printed`].
    printed: Vec<Box<[u8]>>,
}

/// The state of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) user: Option<Wanted>,
    /// Of a member of a choice: when its value was given; the latest one counts. 0 without a value.
    pub(crate) since: u32,
    pub(crate) value: Tristate,
    pub(crate) text: Text,
    pub(crate) visible: Tristate,
    pub(crate) direct: Tristate,
    pub(crate) reverse: Tristate,
    pub(crate) implied: Tristate,
    pub(crate) valid: bool,
    /// Whether the symbol is written to a `.config`.
    pub(crate) write: bool,
    /// Of a choice before 6.11: the member that is `y`.
    pub(crate) chosen: Option<SymbolId>,
    /// Of a choice before 6.11: the member that the user selected.
    pub(crate) wanted_member: Option<SymbolId>,
    /// Of a choice before 6.11: the requested value, whether or not it counts as given by the user.
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

/// The location of the text of an `int`, `hex` or `string`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Fixed(&'static [u8]),
    /// A symbol's name: constants are their own value.
    Name(SymbolId),
    /// The user's value of a symbol.
    User(SymbolId),
    /// One of the numbers that were printed; equal ones have the same index.
    Printed(u32),
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
            lean: false,
            clock: 0,
            printed: Vec::new(),
        }
    }

    /// Forgets all values except the user's, and checks again whether modules are enabled.
    pub(crate) fn invalidate(&mut self) {
        self.forget();
        self.compute(self.model.modules);
    }

    /// Forgets all values except the user's.
    pub(crate) fn forget(&mut self) {
        for state in &mut self.states[3..] {
            state.valid = false;
        }
        self.memo.fill(None);
    }

    /// The effective type: without modules a `tristate` is a `bool`.
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
            Text::Printed(index) => &self.printed[index as usize],
            Text::User(symbol) => match &self.state(symbol).user {
                Some(Wanted::Text(text)) => text,
                _ => b"",
            },
        }
    }

    /// The value of an expression; an absent one is `y`.
    pub(crate) fn expression(&mut self, id: Option<ExprId>) -> Tristate {
        let Some(id) = id else { return Tristate::Yes };
        if self.lean {
            return self.look(id);
        }
        if let Some(Some(known)) = self.memo.get(id.0 as usize) {
            return *known;
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
        // Quirk: before 6.11 the C program does not cache values of expressions, and a choice changes its own value
        // while its members read it.
        if let Some(memo) = self.memo.get_mut(id.0 as usize).filter(|_| !self.model.dialect.choice_values) {
            *memo = Some(value);
        }
        value
    }

    /// The value of an expression when all symbols have been computed.
    pub(crate) fn look(&self, id: ExprId) -> Tristate {
        match self.conditions.expressions.get(id) {
            Expr::Symbol(symbol) => self.states[symbol.at()].value,
            Expr::Not(operand) => self.look(operand).negate(),
            Expr::And(operands) => {
                let mut value = Tristate::Yes;
                for operand in operands {
                    value = value.min(self.look(*operand));
                    if value == Tristate::No {
                        break;
                    }
                }
                value
            }
            Expr::Or(operands) => {
                let mut value = Tristate::No;
                for operand in operands {
                    value = value.max(self.look(*operand));
                    if value == Tristate::Yes {
                        break;
                    }
                }
                value
            }
            Expr::Compare(op, left, right) if op.holds(self.compare(left, right)) => Tristate::Yes,
            Expr::Compare(..) => Tristate::No,
        }
    }

    /// Computes the visibility and the direct dependency of a symbol.
    pub(crate) fn see(&mut self, symbol: SymbolId) {
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
            // An old value is taken over although the symbol is not visible.
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
        let counts = implied.is_some() && !(model.dialect.promotes_implied && direct == Tristate::No);
        let implied = widen(if counts { self.expression(implied) } else { Tristate::No });
        self.states[symbol.at()].implied = implied;
    }

    /// Whether the symbol is in the member list of a choice.
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
        // Quirk: in old programs a member of a choice is written once it has been, and its choice says when.
        let sticks = self.model.dialect.members_stay_written && self.model.symbol(symbol).listed_in.is_some();
        state.write &= sticks;
        self.see(symbol);
        let zero = self.zero(type_);
        let state = &mut self.states[symbol.at()];
        state.write |= if sticks { state.visible == Tristate::Mod } else { state.visible != Tristate::No };
        // A recursive computation of this symbol sees this value.
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
        if self.model.symbol(symbol).transitional || self.model.symbol(symbol).unwritten {
            self.states[symbol.at()].write = false;
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
                        write |= value != Tristate::No || self.model.dialect.writes_default_n;
                    }
                    // Quirk: an implied symbol is written even when its unmet dependencies keep it `n`.
                    if implied != Tristate::No {
                        write = true;
                        let limit = if self.model.dialect.promotes_implied { Tristate::Yes } else { direct };
                        value = value.max(implied).min(limit);
                    }
                }
                self.states[symbol.at()].write |= write;
            }
        }
        if direct < reverse {
            self.report_unmet(symbol);
        }
        let value = value.max(reverse);
        if value == Tristate::Mod && implied == Tristate::Yes && self.model.dialect.promotes_implied {
            return Tristate::Yes;
        }
        self.without_modules(symbol, value)
    }

    fn without_modules(&self, symbol: SymbolId, value: Tristate) -> Tristate {
        if value == Tristate::Mod && self.effective_type(symbol) == Type::Bool { Tristate::Yes } else { value }
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
}
