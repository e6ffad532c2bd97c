//! Dependency loops: found once after parsing, so that evaluation may recurse.
//!
//! The walk keeps its own stack; it also finds the greatest depth of evaluation, which is limited too.

use crate::conditions::Conditions;
use crate::expression::{Expr, ExprId};
use crate::message::{Level, Message, Messages, Place};
use crate::model::{Model, NodeId, NodeKind, PropertyId, PropertyKind, SymbolId};

/// The longest chain of dependent symbols: evaluation needs a stack frame for each.
const MAX_DEPTH: u32 = 2000;

/// Looks for symbols that depend on themselves.
pub(crate) fn check(model: &Model, conditions: &Conditions) -> Messages {
    let mut walk = Walk::new(model, conditions);
    if model.dialect.choice_values {
        for symbol in model.hash_order.iter().copied() {
            walk.start(symbol);
        }
    } else {
        for symbol in model.nodes.iter().filter_map(|node| node.symbol) {
            walk.start(symbol);
        }
    }
    if walk.deepest.0 > MAX_DEPTH {
        let (depth, symbol) = walk.deepest;
        let name = String::from_utf8_lossy(model.name_bytes(symbol)).into_owned();
        let text = format!("`{name}` depends on {depth} symbols in a row; more than {MAX_DEPTH} are refused");
        let place = model.symbol(symbol).first_node.map(|node| model.place(node));
        let printed = format!("error: {text}\n").into_bytes();
        walk.messages.push(Message::new(Level::Error, "dependency-depth", place, text.as_bytes(), printed));
    }
    walk.messages
}

/// The kind of dependency between one symbol and the next.
#[derive(Debug, Clone, Copy)]
enum Via {
    Direct,
    Reverse,
    Implied,
    Value(PropertyId),
    Visible(Option<PropertyId>),
}

/// One step of the path to the symbol being visited.
struct Step {
    symbol: SymbolId,
    via: Via,
}

enum Work {
    Symbol {
        roots: Vec<(Via, ExprId)>,
        at: usize,
        depth: u32,
        symbol: SymbolId,
    },
    Expr {
        id: ExprId,
        at: usize,
        depth: u32,
    },
    Choice {
        node: NodeId,
        at: u32,
        depth: u32,
    },
    /// A member, while its choice is visited.
    Member {
        depth: u32,
    },
}

struct Walk<'m> {
    model: &'m Model,
    conditions: &'m Conditions,
    on_path: Vec<bool>,
    /// By symbol: the depth of evaluating it; 0 when not visited yet.
    depth: Vec<u32>,
    seen: Vec<bool>,
    /// By expression: the depth plus one once it has been visited.
    expression_depth: Vec<u32>,
    path: Vec<Step>,
    work: Vec<Work>,
    deepest: (u32, SymbolId),
    messages: Messages,
}

impl<'m> Walk<'m> {
    fn new(model: &'m Model, conditions: &'m Conditions) -> Walk<'m> {
        Walk {
            model,
            conditions,
            on_path: vec![false; model.symbols.len()],
            depth: vec![0; model.symbols.len()],
            seen: vec![false; model.symbols.len()],
            expression_depth: vec![0; conditions.expressions.len()],
            path: Vec::new(),
            work: Vec::new(),
            deepest: (0, SymbolId::NO),
            messages: Messages::new(),
        }
    }

    fn start(&mut self, symbol: SymbolId) {
        let mut found = self.visit(symbol);
        while !found && !self.work.is_empty() {
            found = self.step();
        }
        if found {
            self.path.clear();
            self.work.clear();
            self.on_path.fill(false);
        }
    }

    /// Visits a symbol; returns whether it closes a loop.
    fn visit(&mut self, symbol: SymbolId) -> bool {
        if self.on_path[symbol.at()] {
            self.report(symbol);
            return true;
        }
        if self.seen[symbol.at()] {
            self.deliver(self.depth[symbol.at()]);
            return false;
        }
        if let Some(choice) = self.model.symbol(symbol).member_of {
            self.path.push(Step { symbol, via: Via::Visible(None) });
            self.work.push(Work::Member { depth: 0 });
            return match self.model.node(choice).symbol {
                Some(choice) => self.visit(choice),
                None => false,
            };
        }
        self.seen[symbol.at()] = true;
        self.on_path[symbol.at()] = true;
        let choice =
            self.model.symbol(symbol).first_node.filter(|node| self.model.node(*node).kind == NodeKind::Choice);
        if let Some(node) = choice {
            self.path.push(Step { symbol, via: Via::Visible(None) });
            self.mark_members(node, true);
            self.work.push(Work::Choice { node, at: node.0 + 1, depth: 0 });
        }
        self.push(symbol);
        false
    }

    fn push(&mut self, symbol: SymbolId) {
        self.path.push(Step { symbol, via: Via::Visible(None) });
        let roots = self.roots(symbol);
        self.work.push(Work::Symbol { roots, at: 0, depth: 0, symbol });
    }

    fn mark_members(&mut self, choice: NodeId, on: bool) {
        for node in self.model.below(choice) {
            if let Some(symbol) = self.entry_of(choice, node) {
                self.on_path[symbol.at()] = on;
                self.seen[symbol.at()] = true;
            }
        }
    }

    /// The symbol of a node below a choice, when it is visited together with the choice: before 6.11 only a member.
    fn entry_of(&self, choice: NodeId, node: NodeId) -> Option<SymbolId> {
        let symbol = self.model.node(node).symbol?;
        let is_one = !self.model.dialect.choice_values || self.model.symbol(symbol).listed_in == Some(choice);
        is_one.then_some(symbol)
    }

    fn step(&mut self) -> bool {
        match self.work.last_mut() {
            None => false,
            Some(Work::Symbol { roots, at, .. }) if *at < roots.len() => {
                let (via, id) = roots[*at];
                *at += 1;
                if let Some(step) = self.path.last_mut() {
                    step.via = via;
                }
                self.expression(id)
            }
            Some(&mut Work::Symbol { symbol, depth, .. }) => {
                self.leave();
                let depth = depth + 1;
                if !matches!(self.work.last(), Some(Work::Choice { .. })) {
                    self.on_path[symbol.at()] = false;
                }
                self.depth[symbol.at()] = depth;
                self.deepest = self.deepest.max((depth, symbol));
                self.deliver(depth);
                false
            }
            Some(Work::Choice { node, at, .. }) if *at < self.model.node(*node).end => {
                let (choice, next) = (*node, NodeId(*at));
                *at += 1;
                if let Some(symbol) = self.model.node(choice).symbol {
                    self.on_path[symbol.at()] = false;
                }
                if let Some(symbol) = self.entry_of(choice, next) {
                    self.push(symbol);
                }
                false
            }
            Some(&mut Work::Choice { node, depth, .. }) => {
                self.leave();
                self.mark_members(node, false);
                let symbol = self.model.node(node).symbol;
                let entries = self.model.below(node).filter_map(|id| self.entry_of(node, id));
                let symbols: Vec<SymbolId> = symbol.into_iter().chain(entries).collect();
                for symbol in symbols {
                    self.on_path[symbol.at()] = false;
                    self.depth[symbol.at()] = depth + 1;
                }
                self.deliver(depth + 1);
                false
            }
            Some(&mut Work::Member { depth }) => {
                self.leave();
                self.deliver(depth);
                false
            }
            Some(&mut Work::Expr { id, at, depth }) => self.operand(id, at, depth),
        }
    }

    /// Takes the next operand of the expression on top.
    fn operand(&mut self, id: ExprId, at: usize, depth: u32) -> bool {
        let conditions = self.conditions;
        let next = match conditions.expressions.get(id) {
            Expr::Symbol(symbol) if at == 0 => Ok(symbol),
            Expr::Compare(_, left, _) if at == 0 => Ok(left),
            Expr::Compare(_, _, right) if at == 1 => Ok(right),
            Expr::Not(operand) if at == 0 => Err(operand),
            Expr::And(operands) | Expr::Or(operands) if at < operands.len() => Err(operands[at]),
            _ => {
                self.work.pop();
                self.expression_depth[id.0 as usize] = depth + 1;
                self.deliver(depth);
                return false;
            }
        };
        if let Some(Work::Expr { at, .. }) = self.work.last_mut() {
            *at += 1;
        }
        match next {
            Ok(symbol) => self.visit(symbol),
            Err(operand) => self.expression(operand),
        }
    }

    fn expression(&mut self, id: ExprId) -> bool {
        match self.expression_depth[id.0 as usize] {
            0 => self.work.push(Work::Expr { id, at: 0, depth: 0 }),
            known => self.deliver(known - 1),
        }
        false
    }

    fn leave(&mut self) {
        self.work.pop();
        self.path.pop();
    }

    /// Passes the depth of the finished part to the frame that waits for it.
    fn deliver(&mut self, part: u32) {
        if let Some(
            Work::Symbol { depth, .. } | Work::Expr { depth, .. } | Work::Choice { depth, .. } | Work::Member { depth },
        ) = self.work.last_mut()
        {
            *depth = part.max(*depth);
        }
    }

    /// The dependencies of a symbol's value, in the order of `sym_check_sym_deps` (scripts/kconfig/symbol.c).
    fn roots(&self, symbol: SymbolId) -> Vec<(Via, ExprId)> {
        let mut roots = Vec::new();
        let conditions = self.conditions;
        roots.extend(conditions.direct[symbol.at()].map(|id| (Via::Direct, id)));
        roots.extend(conditions.reverse[symbol.at()].map(|id| (Via::Reverse, id)));
        roots.extend(conditions.implied[symbol.at()].map(|id| (Via::Implied, id)));
        let is_choice = self.model.is_choice(symbol);
        for property in self.model.properties_of(symbol) {
            let kind = self.model.property(property).kind;
            if matches!(kind, PropertyKind::Select(_) | PropertyKind::Imply(_)) {
                continue;
            }
            roots.extend(conditions.of(property).map(|id| (Via::Visible(Some(property)), id)));
            if let (PropertyKind::Default(value), false) = (kind, is_choice) {
                roots.push((Via::Value(property), value));
            }
        }
        roots
    }

    fn report(&mut self, last: SymbolId) {
        let model = self.model;
        let mut last = last;
        let choice = model.symbol(last).member_of.and_then(|node| model.node(node).symbol);
        if let Some(choice) = choice {
            self.path.push(Step { symbol: last, via: Via::Visible(None) });
            last = choice;
        }
        let from = self.path.iter().rposition(|step| step.symbol == last);
        let mut printed = String::new();
        let place = model.symbol(last).first_node.map(|node| model.place(node));
        let steps = &self.path[from.unwrap_or(self.path.len())..];
        for (index, step) in steps.iter().enumerate() {
            let next = steps.get(index + 1).map_or(last, |next| next.symbol);
            if step.symbol == last {
                printed += &self.older_place(step);
                printed += "error: recursive dependency detected!\n";
            }
            printed += &self.older_place(step);
            printed += &self.edge(step, next);
        }
        if from.is_none() {
            printed += "unexpected recursive dependency error\n";
        } else {
            printed += "For a resolution refer to Documentation/kbuild/kconfig-language.rst\n\
                        subsection \"Kconfig recursive dependency limitations\"\n\n";
        }
        let text = format!("`{}` depends on itself", self.name(last));
        let message = Message::new(Level::Error, "recursive-dependency", place, text.as_bytes(), printed.into_bytes());
        self.messages.push(message);
    }

    fn edge(&self, step: &Step, next: SymbolId) -> String {
        let name = self.name(step.symbol);
        let next_name = self.name(next);
        if self.model.dialect.choice_values {
            if self.model.is_choice(step.symbol) {
                return format!("\tchoice {name} contains symbol {next_name}\n");
            }
            if self.model.symbol(step.symbol).member_of.is_some() {
                return format!("\tsymbol {name} is part of choice {next_name}\n");
            }
        } else if self.model.is_choice(next) {
            let place = self.model.symbol(next).first_node.map(|node| self.model.place(node));
            let Place { file, line, .. } = place.unwrap_or_else(|| Place { file: "".into(), line: 0, column: 1 });
            return format!("\tsymbol {name} is part of choice block at {file}:{line}\n");
        }
        match step.via {
            Via::Direct => format!("\tsymbol {name} depends on {next_name}\n"),
            Via::Reverse => format!("\tsymbol {name} is selected by {next_name}\n"),
            Via::Implied => format!("\tsymbol {name} is implied by {next_name}\n"),
            Via::Value(property) => {
                let kind = self.model.property(property).kind.shown();
                format!("\tsymbol {name} {kind} value contains {next_name}\n")
            }
            Via::Visible(property) => {
                let kind = property.map_or("unknown", |property| self.model.property(property).kind.shown());
                format!("\tsymbol {name} {kind} is visible depending on {next_name}\n")
            }
        }
    }

    /// The position of a step, printed before 6.11: that of the property involved, or of the symbol's declaration.
    fn older_place(&self, step: &Step) -> String {
        if !self.model.dialect.choice_values {
            return String::new();
        }
        let symbol = self.model.symbol(step.symbol);
        let property = match step.via {
            Via::Value(property) | Via::Visible(Some(property)) => Some(property),
            _ => None,
        };
        let is_plain = !self.model.is_choice(step.symbol) && symbol.member_of.is_none();
        let at_property = property.filter(|_| is_plain).map(|property| self.model.property_place(property));
        let Some(place) = at_property.or_else(|| symbol.first_node.map(|node| self.model.place(node))) else {
            return String::new();
        };
        format!("{}:{}:", place.file, place.line)
    }

    fn name(&self, symbol: SymbolId) -> String {
        match self.model.name_bytes(symbol) {
            b"" => "<choice>".to_owned(),
            name => String::from_utf8_lossy(name).into_owned(),
        }
    }
}

impl Model {
    /// The position of a node.
    pub(crate) fn place(&self, node: NodeId) -> Place {
        let node = self.node(node);
        Place { file: self.files[node.file as usize].name.clone(), line: node.line, column: 1 }
    }
}
