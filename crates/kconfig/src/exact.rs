//! The model as the C program sees it once its menus are final: simplified conditions, and entries that depend on the
//! entry before them put below it.
//!
//! Built on demand: for messages that print expressions, and for the few texts whose meaning depends on it.

use std::collections::BTreeMap;

use crate::conditions::Conditions;
use crate::expression::{Comparison, ExprId, Expressions};
use crate::model::{Model, NodeId, NodeKind, PropertyId, PropertyKind, SymbolId, Type};
use crate::simplify::{Id, Simplifier};

/// The result.
#[derive(Debug, Clone)]
pub(crate) struct Exact {
    pub(crate) conditions: Conditions,
    /// Nodes in the order in which the C program finishes them.
    pub(crate) finished: Vec<NodeId>,
    /// By node: its parent in the final tree.
    pub(crate) parents: Vec<NodeId>,
    /// By node: its first child in the final tree.
    pub(crate) first: Vec<Option<NodeId>>,
    /// By node: the next one on the same level in the final tree.
    pub(crate) next: Vec<Option<NodeId>>,
    /// By property: whether its condition differs from the dependency of its node.
    pub(crate) differs: Vec<bool>,
    /// Bools that are compared with `m`, in the order in which they are met, and the replacement of the comparison.
    pub(crate) forced: Vec<(SymbolId, char)>,
}

/// The deepest nesting of entries below each other; a longer run stays on one level.
const MAX_DEPTH: usize = 500;

impl Exact {
    /// Builds it from the expressions as written; `None` when that exceeds the budget.
    pub(crate) fn new(model: &Model) -> Option<Exact> {
        let mut finalizer = Finalizer::new(model);
        finalizer.finalize(NodeId::ROOT, false, 0);
        if finalizer.simplifier.is_exhausted() {
            return None;
        }
        Some(finalizer.export())
    }
}

struct Finalizer<'m> {
    model: &'m Model,
    simplifier: Simplifier<'m>,
    dependency: Vec<Option<Id>>,
    condition: Vec<Option<Id>>,
    direct: Vec<Vec<Id>>,
    selects: Vec<(SymbolId, SymbolId, Option<Id>)>,
    implies: Vec<(SymbolId, SymbolId, Option<Id>)>,
    /// Choices before 6.11, with the expression that makes them at least `m`.
    insisted: Vec<(SymbolId, Id)>,
    /// By symbol: whether it was met as the member of a choice before 6.11.
    is_member: Vec<bool>,
    parents: Vec<NodeId>,
    first: Vec<Option<NodeId>>,
    next: Vec<Option<NodeId>>,
    finished: Vec<NodeId>,
}

impl<'m> Finalizer<'m> {
    fn new(model: &'m Model) -> Finalizer<'m> {
        let n_nodes = model.nodes.len();
        let mut first = vec![None; n_nodes];
        let mut next = vec![None; n_nodes];
        for node in (0..n_nodes as u32).map(NodeId) {
            let mut last: Option<NodeId> = None;
            for child in model.children(node) {
                match last {
                    Some(last) => next[last.at()] = Some(child),
                    None => first[node.at()] = Some(child),
                }
                last = Some(child);
            }
        }
        Finalizer {
            model,
            simplifier: Simplifier::new(model),
            dependency: vec![None; n_nodes],
            condition: vec![None; model.properties.len()],
            direct: vec![Vec::new(); model.symbols.len()],
            selects: Vec::new(),
            implies: Vec::new(),
            insisted: Vec::new(),
            is_member: vec![false; model.symbols.len()],
            parents: model.nodes.iter().map(|node| node.parent).collect(),
            first,
            next,
            finished: Vec::new(),
        }
    }

    /// `_menu_finalize` (scripts/kconfig/menu.c).
    fn finalize(&mut self, parent: NodeId, inside_choice: bool, depth: usize) {
        let model = self.model;
        let symbol = model.node(parent).symbol;
        let is_choice = model.node(parent).kind == NodeKind::Choice;
        if self.first[parent.at()].is_some() {
            let mut child = self.first[parent.at()];
            while let Some(node) = child {
                self.spread(parent, node);
                child = self.next[node.at()];
            }
            let mut child = self.first[parent.at()];
            while let Some(node) = child {
                self.finalize(node, is_choice, depth + 1);
                child = self.next[node.at()];
            }
        } else if let Some(symbol) = symbol
            && (!inside_choice || model.dialect.choice_values)
        {
            self.take_in(parent, symbol, depth);
            self.direct[symbol.at()].extend(self.dependency[parent.at()]);
        }
        self.flatten(parent);
        self.finished.push(parent);
        if is_choice && model.dialect.choice_values {
            self.settle_choice(parent);
        }
    }

    /// Before 6.11 a `bool` in a `tristate` choice needs the choice to be `y`, and a visible choice that is not optional
    /// is at least `m`.
    ///
    /// Quirk: neither changes what was derived from the members before.
    fn settle_choice(&mut self, parent: NodeId) {
        let model = self.model;
        let Some(choice) = model.node(parent).symbol else { return };
        let mut at = self.first[parent.at()];
        while let Some(node) = at {
            at = self.next[node.at()];
            let Some(member) = model.node(node).symbol else { continue };
            let is_known = std::mem::replace(&mut self.is_member[member.at()], true);
            let differs = model.symbol(choice).type_ == Type::Tristate && model.symbol(member).type_ != Type::Tristate;
            if is_known || !differs {
                continue;
            }
            let guard = Some(self.simplifier.compare(Comparison::Equal, choice, SymbolId::YES));
            self.dependency[node.at()] = self.simplifier.and_maybe(guard, self.dependency[node.at()]);
            for id in model.properties_of(member).filter(|property| model.property(*property).node == node) {
                self.condition[id.at()] = self.simplifier.and_maybe(guard, self.condition[id.at()]);
            }
        }
        if let Some(prompt) = model.node(parent).prompt.filter(|_| !model.symbol(choice).optional) {
            let module = self.simplifier.symbol(SymbolId::MOD);
            let visible = self.condition[prompt.at()];
            self.insisted.extend(self.simplifier.and_maybe(visible, Some(module)).map(|term| (choice, term)));
        }
    }

    fn spread(&mut self, parent: NodeId, id: NodeId) {
        let model = self.model;
        let node = model.node(id);
        let own = self.import(node.dependency);
        let outer = match model.node(parent).symbol {
            Some(choice) if model.dialect.choice_values && model.is_choice(choice) => {
                Some(self.simplifier.symbol(choice))
            }
            _ => self.dependency[parent.at()],
        };
        let whole = self.simplifier.and_maybe(outer, own);
        let dependency = whole.map(|whole| self.simplifier.deduplicate(whole));
        self.dependency[id.at()] = dependency;
        match node.symbol {
            None => {
                if let Some(prompt) = node.prompt {
                    self.property(prompt, dependency);
                }
            }
            Some(symbol) => {
                for id in model.properties_of(symbol).filter(|property| model.property(*property).node == id) {
                    let condition = self.property(id, dependency);
                    match model.property(id).kind {
                        PropertyKind::Select(target) => self.selects.push((target, symbol, condition)),
                        PropertyKind::Imply(target) => self.implies.push((target, symbol, condition)),
                        _ => {}
                    }
                }
            }
        }
    }

    fn property(&mut self, id: PropertyId, dependency: Option<Id>) -> Option<Id> {
        let own = self.import(self.model.property(id).condition);
        let whole = self.simplifier.and_maybe(dependency, own);
        let condition = whole.map(|whole| self.simplifier.deduplicate(whole));
        self.condition[id.at()] = condition;
        condition
    }

    fn import(&mut self, id: Option<ExprId>) -> Option<Id> {
        let id = self.simplifier.import(&self.model.conditions.expressions, id?);
        Some(self.simplifier.transform(id))
    }

    /// Moves the entries after `parent` that depend on it below it.
    fn take_in(&mut self, parent: NodeId, symbol: SymbolId, depth: usize) {
        let base = self.model.node(parent).prompt.and_then(|prompt| self.condition[prompt.at()]);
        let base = self.simplifier.compared_to_n(base, Comparison::Unequal);
        let base = self.simplifier.transform(base);
        let base = self.simplifier.deduplicate(base);
        let mut last = None;
        let mut at = self.next[parent.at()];
        while let Some(node) = at {
            if depth >= MAX_DEPTH || !self.is_below(node, symbol, base) {
                break;
            }
            self.finalize(node, false, depth + 1);
            self.parents[node.at()] = parent;
            last = Some(node);
            at = self.next[node.at()];
        }
        if let Some(last) = last {
            self.first[parent.at()] = self.next[parent.at()];
            self.next[parent.at()] = self.next[last.at()];
            self.next[last.at()] = None;
        }
    }

    fn is_below(&mut self, node: NodeId, symbol: SymbolId, base: Id) -> bool {
        let condition = match self.model.node(node).prompt {
            Some(prompt) => self.condition[prompt.at()],
            None => self.dependency[node.at()],
        };
        let Some(condition) = condition.filter(|condition| self.simplifier.contains(*condition, symbol)) else {
            return false;
        };
        if self.simplifier.needs(condition, symbol) {
            return true;
        }
        let compared = self.simplifier.compared_to_n(Some(condition), Comparison::Unequal);
        let compared = self.simplifier.transform(compared);
        let compared = self.simplifier.deduplicate(compared);
        let (_, rest) = self.simplifier.without_common(compared, base);
        self.simplifier.is_yes(rest)
    }

    /// Removes nodes without a prompt from the tree; their children move up after them.
    fn flatten(&mut self, parent: NodeId) {
        let mut at = self.first[parent.at()];
        while let Some(node) = at {
            if let (Some(first), None) = (self.first[node.at()], self.model.node(node).prompt) {
                let mut last = first;
                loop {
                    self.parents[last.at()] = parent;
                    match self.next[last.at()] {
                        Some(next) => last = next,
                        None => break,
                    }
                }
                self.next[last.at()] = self.next[node.at()];
                self.next[node.at()] = Some(first);
                self.first[node.at()] = None;
            }
            at = self.next[node.at()];
        }
    }

    fn export(mut self) -> Exact {
        let nodes = self.model.properties.iter().map(|property| property.node.at());
        let pairs: Vec<_> = nodes.zip(&self.condition).map(|(node, id)| (self.dependency[node], *id)).collect();
        let differs = pairs.into_iter().map(|(node, property)| !self.simplifier.is_same(node, property)).collect();
        let mut expressions = self.model.conditions.expressions.clone();
        let mut known = BTreeMap::new();
        let simplifier = &self.simplifier;
        let mut out =
            |id: Option<Id>, expressions: &mut Expressions| id.map(|id| simplifier.export(id, expressions, &mut known));
        let dependency = self.dependency.iter().map(|id| out(*id, &mut expressions)).collect();
        let condition = self.condition.iter().map(|id| out(*id, &mut expressions)).collect();
        let direct = self
            .direct
            .iter()
            .map(|terms| {
                let terms: Vec<ExprId> = terms.iter().filter_map(|id| out(Some(*id), &mut expressions)).collect();
                (!terms.is_empty()).then(|| expressions.or(&terms))
            })
            .collect();
        let mut gather = |lines: &[(SymbolId, SymbolId, Option<Id>)], expressions: &mut Expressions| {
            let mut terms: Vec<Vec<ExprId>> = vec![Vec::new(); self.model.symbols.len()];
            for (target, selector, condition) in lines {
                let selector = expressions.symbol(*selector);
                let term = match out(*condition, expressions) {
                    Some(condition) => expressions.and(&[selector, condition]),
                    None => selector,
                };
                terms[target.at()].push(term);
            }
            terms.iter().map(|terms| (!terms.is_empty()).then(|| expressions.or(terms))).collect::<Vec<_>>()
        };
        let mut reverse = gather(&self.selects, &mut expressions);
        let implied = gather(&self.implies, &mut expressions);
        for (choice, term) in &self.insisted {
            let term = out(Some(*term), &mut expressions);
            let terms: Vec<ExprId> = reverse[choice.at()].into_iter().chain(term).collect();
            reverse[choice.at()] = Some(expressions.or(&terms));
        }
        Exact {
            conditions: Conditions { expressions, dependency, condition, direct, reverse, implied },
            finished: self.finished,
            parents: self.parents,
            first: self.first,
            next: self.next,
            differs,
            forced: self.simplifier.forced,
        }
    }
}
