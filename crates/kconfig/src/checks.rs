//! Checks that need all files to have been read.

use crate::expression::{Comparison, Expr};
use crate::message::{Level, Message, Messages, Place};
use crate::model::{Model, NodeId, NodeKind, PropertyId, PropertyKind, SymbolId, Type};
use crate::number;

/// Finds the choice that each symbol belongs to: the one that contains its first node with a prompt.
pub(crate) fn membership(model: &mut Model) {
    if model.dialect.choice_values {
        list_members(model);
        return;
    }
    let mut parents: Vec<NodeId> = model.nodes.iter().map(|node| node.parent).collect();
    let all = (1..model.nodes.len() as u32).map(NodeId);
    let blocks_in_choices = all.clone().filter(|node| model.node(*node).kind == NodeKind::If);
    if blocks_in_choices.into_iter().any(|node| model.enclosing_choice(model.node(node).parent).is_some())
        && let Some(exact) = model.exact()
    {
        // Quirk: entries of an `if` inside a choice may move below each other, and are then no longer members.
        parents.clone_from(&exact.parents);
    }
    for index in 3..model.symbols.len() {
        let first = model.symbols[index].first_node;
        let mut nodes = std::iter::successors(first, |node| model.node(*node).next_of_symbol);
        let prompted = nodes.find(|node| model.node(*node).prompt.is_some());
        model.symbols[index].member_of = prompted.and_then(|node| model.choice_above(node, &parents));
    }
}

/// Comparisons of bools with `m`, which the C program reports as mistakes.
pub(crate) fn forced_comparisons(model: &Model) -> Messages {
    let mut messages = Messages::new();
    let is_forced = |(op, left, right): (Comparison, SymbolId, SymbolId)| {
        matches!(op, Comparison::Equal | Comparison::Unequal)
            && right == SymbolId::MOD
            && model.symbol(left).type_ == Type::Bool
    };
    if !model.conditions.expressions.comparisons().any(is_forced) {
        return messages;
    }
    for (symbol, value) in model.exact().map(|exact| exact.forced.as_slice()).unwrap_or_default() {
        let text = format!("boolean symbol {} tested for 'm'? test forced to '{value}'", model.name(*symbol));
        let place = model.symbol(*symbol).first_node.map(|node| model.place(node));
        let printed = format!("{text}\n").into_bytes();
        messages.push(Message::new(Level::Info, "bool-tested-for-m", place, text.as_bytes(), printed));
    }
    messages
}

/// Before 6.11 a symbol belongs to the first choice that it is defined in, through `if`s.
///
/// Quirk: an entry that depends on the previous one moves below it, and is then not a member.
fn list_members(model: &mut Model) {
    let mut parents: Vec<NodeId> = model.nodes.iter().map(|node| node.parent).collect();
    let all = || (1..model.nodes.len() as u32).map(NodeId);
    if all().any(|node| model.node(node).kind == NodeKind::Choice && model.has_dependent_members(node))
        && let Some(exact) = model.exact()
    {
        parents.clone_from(&exact.parents);
    }
    for node in (1..model.nodes.len() as u32).map(NodeId) {
        let Some(symbol) = model.node(node).symbol else { continue };
        let Some(choice) = model.choice_through_ifs(node, &parents) else { continue };
        let first = model.node(choice).symbol.and_then(|choice| model.symbol(choice).first_node);
        let symbol = &mut model.symbols[symbol.at()];
        symbol.listed_in = symbol.listed_in.or(first);
        symbol.member_of = symbol.listed_in;
    }
}

/// Warnings on types, defaults, selects and ranges, once per symbol.
pub(crate) fn properties(model: &Model) -> Messages {
    let mut order = finished(model);
    let mut messages = check_in(model, &order);
    if messages.len() > 1
        && let Some(exact) = model.exact()
    {
        // Their order depends on which entries move below which.
        order.clone_from(&exact.finished);
        messages = check_in(model, &order);
    }
    messages
}

fn check_in(model: &Model, order: &[NodeId]) -> Messages {
    let mut messages = Messages::new();
    let mut checked = vec![false; model.symbols.len()];
    for node in order {
        let Some(symbol) = model.node(*node).symbol else { continue };
        if model.dialect.choice_values && model.node(*node).kind == NodeKind::Choice {
            model.check_older_choice(*node, symbol, &mut messages);
        }
        if !std::mem::replace(&mut checked[symbol.at()], true) {
            model.check_symbol(symbol, *node, &mut messages);
        }
    }
    messages
}

/// The nodes, each after all that is below it in the text.
fn finished(model: &Model) -> Vec<NodeId> {
    let mut order = Vec::with_capacity(model.nodes.len());
    let mut open: Vec<NodeId> = Vec::new();
    for id in (0..model.nodes.len() as u32).map(NodeId) {
        while let Some(last) = open.pop_if(|last| model.node(*last).end <= id.0) {
            order.push(last);
        }
        open.push(id);
    }
    order.extend(open.into_iter().rev());
    order
}

/// Errors on members of choices that need the whole tree, since 6.11.
pub(crate) fn choices(model: &Model) -> Messages {
    let mut messages = Messages::new();
    if model.dialect.choice_values {
        return messages;
    }
    let all = (0..model.nodes.len() as u32).map(NodeId);
    for choice in all.filter(|node| model.node(*node).kind == NodeKind::Choice) {
        for member in model.below(choice) {
            let Some(symbol) = model.node(member).symbol else { continue };
            for property in model.properties_of(symbol) {
                let there = model.property(property);
                let elsewhere =
                    there.node != member && model.effective_parent(there.node) != model.effective_parent(member);
                let text = match there.kind {
                    PropertyKind::Default(_) => "defaults for choice values not supported",
                    PropertyKind::Prompt(_) if elsewhere => "choice value has a prompt outside its choice group",
                    _ => continue,
                };
                let place = model.property_place(property);
                let printed = format!("{}:{}: error: {text}\n", place.file, place.line).into_bytes();
                messages.push(Message::new(Level::Error, "choice-member", Some(place), text.as_bytes(), printed));
            }
        }
    }
    messages
}

impl Model {
    /// The choice that a node is in, looking through nodes without a symbol.
    fn choice_above(&self, node: NodeId, parents: &[NodeId]) -> Option<NodeId> {
        let mut at = node;
        while at != NodeId::ROOT {
            at = parents[at.at()];
            if self.node(at).symbol.is_some() {
                return Some(at).filter(|at| self.node(*at).kind == NodeKind::Choice);
            }
        }
        None
    }

    /// Whether an entry inside a choice refers to an earlier entry of it.
    fn has_dependent_members(&self, choice: NodeId) -> bool {
        let mut before = std::collections::BTreeSet::new();
        self.below(choice).any(|id| {
            let node = self.node(id);
            let condition = node.prompt.and_then(|prompt| self.property(prompt).condition);
            let named = node.dependency.into_iter().chain(condition).flat_map(|id| self.symbols_in(id));
            let is_dependent = named.into_iter().any(|symbol| before.contains(&symbol));
            before.extend(node.symbol);
            is_dependent
        })
    }

    /// The choice that a node is an entry of, with nothing but `if`s in between.
    fn choice_through_ifs(&self, node: NodeId, parents: &[NodeId]) -> Option<NodeId> {
        let mut at = parents[node.at()];
        while self.node(at).kind == NodeKind::If {
            at = parents[at.at()];
        }
        (self.node(at).kind == NodeKind::Choice).then_some(at)
    }

    /// The parent when `if`s are taken out of the tree.
    fn effective_parent(&self, node: NodeId) -> NodeId {
        let mut at = self.node(node).parent;
        while self.node(at).kind == NodeKind::If {
            at = self.node(at).parent;
        }
        at
    }

    pub(crate) fn property_place(&self, property: PropertyId) -> Place {
        let property = self.property(property);
        Place { file: self.files[property.file as usize].name.clone(), line: property.line, column: 1 }
    }

    /// The cases that are only warnings before 6.11: members without a prompt or with defaults, a choice without a
    /// prompt.
    fn check_older_choice(&self, choice: NodeId, symbol: SymbolId, messages: &mut Messages) {
        let mut warn = |place: Place, text: &str| {
            let printed = format!("{}:{}:warning: {text}\n", place.file, place.line).into_bytes();
            messages.push(Message::new(Level::Warning, "choice", Some(place), text.as_bytes(), printed));
        };
        let first = self.symbol(symbol).first_node;
        let in_choice = |node: NodeId| self.node(self.effective_parent(node)).symbol == Some(symbol);
        let mut seen = std::collections::BTreeSet::new();
        for node in self.below(choice).filter(|node| in_choice(*node)) {
            let Some(member) = self.node(node).symbol.filter(|member| self.symbol(*member).listed_in == first) else {
                continue;
            };
            if !seen.insert(member) {
                continue;
            }
            if self.node(node).prompt.is_none() {
                warn(self.place(node), "choice value must have a prompt");
            }
            for id in self.properties_of(member) {
                let property = self.property(id);
                if matches!(property.kind, PropertyKind::Default(_)) {
                    warn(self.property_place(id), "defaults for choice values not supported");
                }
                if matches!(property.kind, PropertyKind::Prompt(_))
                    && property.node != node
                    && !in_choice(property.node)
                {
                    warn(self.property_place(id), "choice value used outside its choice group");
                }
            }
        }
    }

    fn check_symbol(&self, symbol: SymbolId, node: NodeId, messages: &mut Messages) {
        let mut warn = |place: Place, text: String| {
            let printed = format!("{}:{}:warning: {text}\n", place.file, place.line).into_bytes();
            messages.push(Message::new(Level::Warning, "declaration", Some(place), text.as_bytes(), printed));
        };
        if self.symbol(symbol).type_ == Type::Unknown {
            warn(self.place(node), "config symbol defined without type".to_owned());
        }
        if self.is_choice(symbol) && self.dialect.choice_values && self.node(node).prompt.is_none() {
            warn(self.place(node), "choice must have a prompt".to_owned());
        }
        for property in self.properties_of(symbol) {
            for text in self.property_faults(symbol, self.property(property).kind) {
                warn(self.property_place(property), text);
            }
        }
    }

    fn property_faults(&self, symbol: SymbolId, kind: PropertyKind) -> Vec<String> {
        let name = || String::from_utf8_lossy(self.name_bytes(symbol));
        let type_ = self.symbol(symbol).type_;
        let mut faults = Vec::new();
        match kind {
            PropertyKind::Default(value) => {
                let Expr::Symbol(value) = self.conditions.expressions.get(value) else {
                    if matches!(type_, Type::String | Type::Int | Type::Hex) {
                        faults.push(format!("default for config symbol '{}' must be a single symbol", name()));
                    }
                    return faults;
                };
                if matches!(type_, Type::Int | Type::Hex) && !self.is_number(type_, value) {
                    faults.push(format!("'{}': number is invalid", name()));
                }
                if self.is_choice(symbol) {
                    let choice = self.symbol(value).member_of.and_then(|node| self.node(node).symbol);
                    if choice != Some(symbol) {
                        let value = String::from_utf8_lossy(self.name_bytes(value));
                        faults.push(format!("choice default symbol '{value}' is not contained in the choice"));
                    }
                }
            }
            PropertyKind::Select(target) | PropertyKind::Imply(target) => {
                let verb = if matches!(kind, PropertyKind::Select(_)) { "select" } else { "imply" };
                let target_type = self.symbol(target).type_;
                if !type_.is_logic() {
                    faults.push(format!("config symbol '{}' uses {verb}, but is not bool or tristate", name()));
                } else if target_type != Type::Unknown && !target_type.is_logic() {
                    let target = String::from_utf8_lossy(self.name_bytes(target));
                    faults.push(format!(
                        "'{target}' has wrong type. '{verb}' only accept arguments of bool and tristate type"
                    ));
                }
            }
            PropertyKind::Range(low, high) => {
                if !matches!(type_, Type::Int | Type::Hex) {
                    faults.push("range is only allowed for int or hex symbols".to_owned());
                }
                if !self.is_number(type_, low) || !self.is_number(type_, high) {
                    faults.push("range is invalid".to_owned());
                }
            }
            PropertyKind::Prompt(_) | PropertyKind::Menu(_) | PropertyKind::Comment(_) => {}
        }
        faults
    }

    /// Whether `value` can be read as a number of `type_`.
    fn is_number(&self, type_: Type, value: SymbolId) -> bool {
        match self.symbol(value).type_ {
            Type::Int | Type::Hex => true,
            Type::Unknown => is_valid(type_, self.name_bytes(value)),
            _ => false,
        }
    }
}

/// Whether a symbol of `type_` takes `text` (`sym_string_valid`, scripts/kconfig/symbol.c).
pub(crate) fn is_valid(type_: Type, text: &[u8]) -> bool {
    match type_ {
        Type::String => true,
        Type::Int => number::is_int(text),
        Type::Hex => number::is_hex(text),
        Type::Bool | Type::Tristate => matches!(text.first(), Some(b'y' | b'Y' | b'm' | b'M' | b'n' | b'N')),
        Type::Unknown => false,
    }
}
