//! The readers of each symbol: which values a change of one symbol can reach.
//!
//! Symbols are grouped into units that are computed as a whole: a choice with its members, or a symbol alone. Units are
//! numbered so that each reads only units with smaller numbers; following a change in that order computes each unit
//! once, with all that it reads already final.

use super::{Model, NodeId, PropertyKind, SymbolId, SymbolKind, Type};
use crate::expression::{Expr, ExprId};

/// The index; a model builds it on first use.
#[derive(Debug)]
pub(crate) struct Dependents {
    /// By symbol: its unit.
    unit_of: Vec<u32>,
    /// By unit.
    units: Vec<Unit>,
    /// By symbol: the start of its readers; one more at the end.
    starts: Vec<u32>,
    /// Units that read a symbol other than those it belongs to.
    readers: Vec<u32>,
}

/// A group that is computed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Symbol(SymbolId),
    /// A choice, by its first node, and its members.
    Choice(NodeId),
}

impl Dependents {
    /// Builds the index; `None` for a model in which the order of evaluation may decide a value: a choice with a
    /// default that is no member, ranges that limit each other, `modules` that depends on tristates.
    pub(crate) fn new(model: &Model) -> Option<Dependents> {
        if model.symbol(model.modules).type_ == Type::Tristate && model.modules != SymbolId::NO {
            return None;
        }
        let (units, unit_of) = units(model)?;
        let mut edges = Edges::new(model, &unit_of);
        for (index, unit) in units.iter().enumerate() {
            edges.reader = index as u32;
            for symbol in model.unit_symbols(*unit) {
                edges.symbol(symbol);
            }
        }
        if edges.reads_itself {
            return None;
        }
        let pairs = edges.pairs;
        let mut starts = vec![0_u32; model.symbols.len() + 1];
        for (read, _) in &pairs {
            starts[read.at() + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut readers = vec![0_u32; pairs.len()];
        for (read, reader) in &pairs {
            readers[next[read.at()] as usize] = *reader;
            next[read.at()] += 1;
        }
        Dependents { unit_of, units, starts, readers }.in_order(model)
    }

    /// The unit of a symbol.
    pub(crate) fn unit_of(&self, symbol: SymbolId) -> u32 {
        self.unit_of[symbol.at()]
    }

    /// The unit of a number.
    pub(crate) fn unit(&self, unit: u32) -> Unit {
        self.units[unit as usize]
    }

    /// The units that read a symbol; all have larger numbers than its own.
    pub(crate) fn readers(&self, symbol: SymbolId) -> &[u32] {
        let range = self.starts[symbol.at()] as usize..self.starts[symbol.at() + 1] as usize;
        &self.readers[range]
    }

    /// Renumbers the units so that each comes after those that it reads; `None` when there is a loop.
    fn in_order(mut self, model: &Model) -> Option<Dependents> {
        let mut n_read = vec![0_u32; self.units.len()];
        for reader in &self.readers {
            n_read[*reader as usize] += 1;
        }
        let mut order: Vec<u32> = (0..self.units.len() as u32).filter(|unit| n_read[*unit as usize] == 0).collect();
        let mut at = 0;
        while let Some(unit) = order.get(at).copied() {
            at += 1;
            for symbol in model.unit_symbols(self.unit(unit)) {
                for reader in self.readers(symbol) {
                    n_read[*reader as usize] -= 1;
                    if n_read[*reader as usize] == 0 {
                        order.push(*reader);
                    }
                }
            }
        }
        if order.len() < self.units.len() {
            return None;
        }
        let mut number = vec![0_u32; self.units.len()];
        for (new, old) in order.iter().enumerate() {
            number[*old as usize] = new as u32;
        }
        for unit in self.unit_of.iter_mut().chain(&mut self.readers) {
            *unit = number[*unit as usize];
        }
        self.units = order.iter().map(|old| self.units[*old as usize]).collect();
        Some(self)
    }
}

impl Model {
    /// The symbols of a unit, a choice's own first.
    pub(crate) fn unit_symbols(&self, unit: Unit) -> Vec<SymbolId> {
        match unit {
            Unit::Symbol(symbol) => vec![symbol],
            Unit::Choice(node) => self.node(node).symbol.into_iter().chain(self.members(node)).collect(),
        }
    }

    fn never_changes(&self, symbol: SymbolId) -> bool {
        symbol <= SymbolId::NO || self.symbol(symbol).type_ == Type::Unknown
    }

    /// Every choice: its first node and its symbol.
    pub(crate) fn choices(&self) -> impl Iterator<Item = (NodeId, SymbolId)> {
        let symbols = (0..self.symbols.len() as u32).map(SymbolId);
        symbols.filter(|symbol| self.symbol(*symbol).kind == SymbolKind::Choice).filter_map(|symbol| {
            let node = self.symbol(symbol).first_node?;
            Some((node, symbol))
        })
    }
}

/// The units, and by symbol its unit; `None` when a choice cannot be separated from what is around it.
fn units(model: &Model) -> Option<(Vec<Unit>, Vec<u32>)> {
    const NONE: u32 = u32::MAX;
    let mut unit_of = vec![NONE; model.symbols.len()];
    let mut units = Vec::new();
    for (node, symbol) in model.choices() {
        let unit = units.len() as u32;
        units.push(Unit::Choice(node));
        unit_of[symbol.at()] = unit;
        for member in model.members(node) {
            let belongs = model.symbol(member).member_of == Some(node);
            if !belongs || std::mem::replace(&mut unit_of[member.at()], unit) != NONE {
                return None;
            }
        }
        // The preference of a choice is read without computing it first.
        let targets = model.defaults(symbol).filter_map(|default| match model.expression(default.value) {
            Expr::Symbol(target) => Some(target),
            _ => None,
        });
        let mut strangers = targets.filter(|target| unit_of[target.at()] != unit);
        let below = model.below(node).filter_map(|node| model.node(node).symbol);
        let mut others = below.filter(|symbol| !model.dialect.choice_values && unit_of[symbol.at()] != unit);
        if strangers.next().is_some() || others.next().is_some() {
            return None;
        }
    }
    for symbol in (0..model.symbols.len() as u32).map(SymbolId) {
        if unit_of[symbol.at()] == NONE {
            let there = model.symbol(symbol);
            if there.listed_in.is_some() || there.member_of.is_some() {
                return None;
            }
            unit_of[symbol.at()] = units.len() as u32;
            units.push(Unit::Symbol(symbol));
        }
    }
    Some((units, unit_of))
}

/// Finds what each unit reads.
struct Edges<'m> {
    model: &'m Model,
    unit_of: &'m [u32],
    /// The unit whose reads are being collected.
    reader: u32,
    /// By symbol and by expression: the last unit that was seen to read it.
    symbol_seen: Vec<u32>,
    expression_seen: Vec<u32>,
    pairs: Vec<(SymbolId, u32)>,
    reads_itself: bool,
}

impl<'m> Edges<'m> {
    fn new(model: &'m Model, unit_of: &'m [u32]) -> Edges<'m> {
        Edges {
            model,
            unit_of,
            reader: 0,
            symbol_seen: vec![u32::MAX; model.symbols.len()],
            expression_seen: vec![u32::MAX; model.conditions.expressions.len()],
            pairs: Vec::new(),
            reads_itself: false,
        }
    }

    fn symbol(&mut self, symbol: SymbolId) {
        let model = self.model;
        if model.never_changes(symbol) {
            return;
        }
        let conditions = &model.conditions;
        let whole = [conditions.direct[symbol.at()], conditions.reverse[symbol.at()], conditions.implied[symbol.at()]];
        for id in whole.into_iter().flatten() {
            self.expression(id);
        }
        if model.symbol(symbol).type_ == Type::Tristate {
            self.read(model.modules);
        }
        for property in model.properties_of(symbol) {
            match model.property(property).kind {
                // The target has them among its reverse dependencies.
                PropertyKind::Select(_) | PropertyKind::Imply(_) => continue,
                PropertyKind::Default(value) => self.expression(value),
                PropertyKind::Range(low, high) => {
                    self.read(low);
                    self.read(high);
                }
                PropertyKind::Prompt(_) | PropertyKind::Menu(_) | PropertyKind::Comment(_) => {}
            }
            if let Some(condition) = conditions.of(property) {
                self.expression(condition);
            }
        }
    }

    fn expression(&mut self, id: ExprId) {
        if std::mem::replace(&mut self.expression_seen[id.0 as usize], self.reader) == self.reader {
            return;
        }
        match self.model.conditions.expressions.get(id) {
            Expr::Symbol(symbol) => self.read(symbol),
            Expr::Not(operand) => self.expression(operand),
            Expr::And(operands) | Expr::Or(operands) => operands.iter().for_each(|operand| self.expression(*operand)),
            Expr::Compare(_, left, right) => {
                self.read(left);
                self.read(right);
            }
        }
    }

    fn read(&mut self, symbol: SymbolId) {
        if std::mem::replace(&mut self.symbol_seen[symbol.at()], self.reader) == self.reader {
            return;
        }
        if self.model.never_changes(symbol) {
            return;
        }
        if self.unit_of[symbol.at()] == self.reader {
            // Members of one choice may read each other.
            self.reads_itself |= self.model.symbol(symbol).member_of.is_none() && !self.model.is_choice(symbol);
            return;
        }
        self.pairs.push((symbol, self.reader));
    }
}
