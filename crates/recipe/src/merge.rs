//! Merges definitions to values: by priority, keeping the losers, and adding `when` blocks until nothing changes.

use std::collections::BTreeMap;

use kiln_diag::{Code, Diagnostic, Diagnostics, Sources};

use crate::check::check;
use crate::condition::{Facts, Predicate};
use crate::declaration::{Leaf, Section, Shape, Type};
use crate::definition::{self, Block, Def, Guard, Node, join};
use crate::import::Modules;
use crate::priority::Priority;
use crate::value::{Data, Value};

/// A merged recipe: every option that has a value, defaults included.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A section or an attribute set, by key.
    Set(BTreeMap<String, Tree>),
    /// A value.
    Leaf(Merged),
}

/// A value with all its definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// Of the option's type, in its canonical form; the items of a list keep their places.
    pub value: Data,
    /// The definitions that it was made from, in the order of the modules; none for an option's own default.
    pub won: Vec<Def>,
    /// Those with a losing priority, in the order of the modules.
    pub lost: Vec<Def>,
}

/// The most rounds of adding and removing `when` blocks; more means that they do not settle.
const MAX_ROUNDS: usize = 1000;

/// Merges `modules` according to `options`.
///
/// All errors are reported at once. An option with faulty definitions keeps the first valid one, or is absent, so that
/// a caller can continue; the result is what the recipe means only when there is no error.
pub fn merge(options: &Section, modules: &Modules, facts: &dyn Facts, sources: &Sources) -> (Tree, Diagnostics) {
    let (definitions, mut diagnostics) = definition::collect(options, modules, facts, sources);
    let round = |holding: &[bool]| {
        let mut pass = Pass { holding, diagnostics: Diagnostics::new() };
        let tree = pass.section(options, &definitions.root, "");
        (tree, pass.diagnostics)
    };
    let holding = settle(&definitions.blocks, facts, &mut diagnostics, |holding| round(holding).0);
    let (tree, findings) = round(&holding);
    diagnostics.extend(findings);
    for block in &definitions.blocks {
        if let Some(Err((predicate, fault))) = block.condition.as_ref().map(|condition| condition.holds(facts, &tree)) {
            let diagnostic = Diagnostic::error(Code::UnknownFact, fault.message).option("when");
            let diagnostic = diagnostic.label(block.at(&predicate.range), "requested here");
            diagnostics.push(fault.help.into_iter().fold(diagnostic, Diagnostic::help));
        }
        diagnostics.extend(remarks(block, facts, &tree));
    }
    (tree, diagnostics)
}

/// Returns notes on the tests of a block that does not hold.
fn remarks(block: &Block, facts: &dyn Facts, tree: &Tree) -> Vec<Diagnostic> {
    let Some(condition) = block.condition.as_ref().filter(|condition| condition.holds(facts, tree) == Ok(false)) else {
        return Vec::new();
    };
    let remark = |predicate: &Predicate| {
        let fault = facts.remark(predicate, tree)?;
        let diagnostic = Diagnostic::remark(Code::IdleCondition, fault.message).option("when");
        let diagnostic = diagnostic.label(block.at(&predicate.range), "this test");
        Some(fault.help.into_iter().fold(diagnostic, Diagnostic::help))
    };
    let sound = condition.predicates().into_iter().filter(|predicate| facts.check(predicate).is_ok());
    sound.filter_map(remark).collect()
}

/// Finds the blocks that hold: none at first, then those whose expression holds for the merge so far, until a fixed
/// point.
fn settle(
    blocks: &[Block],
    facts: &dyn Facts,
    diagnostics: &mut Diagnostics,
    merge: impl Fn(&[bool]) -> Tree,
) -> Vec<bool> {
    let mut rounds: Vec<Vec<bool>> = vec![vec![false; blocks.len()]];
    if blocks.is_empty() {
        return Vec::new();
    }
    loop {
        let last = &rounds[rounds.len() - 1];
        let tree = merge(last);
        let next: Vec<bool> = blocks
            .iter()
            .map(|block| block.condition.as_ref().is_some_and(|c| c.holds(facts, &tree).unwrap_or(false)))
            .collect();
        if next == *last {
            return next;
        }
        let seen = rounds.iter().position(|round| *round == next);
        if seen.is_some() || rounds.len() > MAX_ROUNDS {
            diagnostics.push(unsettled(blocks, &rounds[seen.unwrap_or(rounds.len() - 2)..]));
            return next;
        }
        rounds.push(next);
    }
}

/// Names the blocks that change over `rounds`.
fn unsettled(blocks: &[Block], rounds: &[Vec<bool>]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(Code::Unsettled, String::new()).option("when");
    let mut names = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        if rounds.iter().any(|round| round[index] != rounds[0][index]) {
            names.push(format!("`{}`", block.text));
            diagnostic = diagnostic.label(block.span, "changes what it, or another of these, depends on");
        }
    }
    diagnostic.message = format!("whether these `when` blocks hold cannot be determined: {}", names.join(", "));
    diagnostic.help("the expressions must not depend on what the blocks define")
}

/// One merge with the `when` blocks that hold.
struct Pass<'a> {
    holding: &'a [bool],
    diagnostics: Diagnostics,
}

impl Pass<'_> {
    fn counts(&self, guard: Guard) -> bool {
        guard.is_none_or(|block| self.holding[block])
    }

    fn section(&mut self, section: &Section, node: &Node, path: &str) -> Tree {
        let mut set = BTreeMap::new();
        for declaration in &section.entries {
            let path = join(path, declaration.name);
            let child = match node {
                Node::Set { children, .. } => children.get(declaration.name),
                Node::Leaf(_) => None,
            };
            if let Some(tree) = self.shape(&declaration.shape, declaration.default.as_ref(), child, &path) {
                set.insert(declaration.name.to_owned(), tree);
            }
        }
        Tree::Set(set)
    }

    fn shape(&mut self, shape: &Shape, default: Option<&Data>, node: Option<&Node>, path: &str) -> Option<Tree> {
        match shape {
            Shape::Section(section) => {
                let empty = Node::Set { present: Vec::new(), children: BTreeMap::new() };
                Some(self.section(section, node.unwrap_or(&empty), path))
            }
            Shape::AttrsOf(attrs) => {
                let mut set = BTreeMap::new();
                if let Some(Node::Set { children, .. }) = node {
                    for (key, child) in children {
                        let tree = self.shape(&attrs.shape, None, Some(child), &join(path, key));
                        // A block that does not hold is checked like any other, but leaves no entry.
                        if let Some(tree) = tree.filter(|_| self.is_there(child)) {
                            set.insert(key.clone(), tree);
                        }
                    }
                }
                Some(Tree::Set(set))
            }
            Shape::Leaf(leaf) => self.leaf(leaf, default, node, path).map(Tree::Leaf),
        }
    }

    fn is_there(&self, node: &Node) -> bool {
        match node {
            Node::Set { present, .. } => present.iter().any(|&guard| self.counts(guard)),
            Node::Leaf(list) => list.iter().any(|&(guard, _)| self.counts(guard)),
        }
    }

    fn leaf(&mut self, leaf: &Leaf, default: Option<&Data>, node: Option<&Node>, path: &str) -> Option<Merged> {
        let drafts = match node {
            Some(Node::Leaf(list)) => list.as_slice(),
            _ => &[],
        };
        let (active, idle): (Vec<_>, Vec<_>) = drafts.iter().partition(|(guard, _)| self.counts(*guard));
        let best = active.iter().map(|(_, def)| def.priority).min();
        for (_, def) in idle.iter().filter(|(_, def)| best.is_none_or(|best| def.priority <= best)) {
            check(&leaf.ty, &def.value, path, &mut self.diagnostics);
        }
        let own = default.map(|value| (value, Priority::OPTION_DEFAULT));
        let (won, lost): (Vec<Def>, Vec<Def>) = match (best, own) {
            (None, None) => return None,
            (None, Some((value, _))) => {
                return Some(Merged { value: value.clone(), won: Vec::new(), lost: Vec::new() });
            }
            // A definition may rank itself below the option's own default.
            (Some(best), Some((value, own))) if best > own => {
                let lost = active.iter().map(|(_, def)| def.clone()).collect();
                return Some(Merged { value: value.clone(), won: Vec::new(), lost });
            }
            (Some(best), _) => active.iter().map(|(_, def)| def.clone()).partition(|def| def.priority == best),
        };
        let checked: Vec<Option<Data>> =
            won.iter().map(|def| check(&leaf.ty, &def.value, path, &mut self.diagnostics)).collect();
        let value = self.joined(&leaf.ty, &won, checked, path)?;
        Some(Merged { value, won, lost })
    }

    /// Makes one value from the winning definitions; the faulty ones are `None`.
    fn joined(&mut self, ty: &Type, won: &[Def], checked: Vec<Option<Data>>, path: &str) -> Option<Data> {
        match ty {
            Type::Lines => {
                let texts: Vec<String> = checked
                    .into_iter()
                    .flatten()
                    .filter_map(|data| match data {
                        Data::Text(text) => Some(text),
                        _ => None,
                    })
                    .collect();
                Some(Data::Text(texts.join("\n")))
            }
            Type::ListOf(_) => {
                let items: Vec<Value> = checked
                    .into_iter()
                    .flatten()
                    .flat_map(|data| match data {
                        Data::List(items) => items,
                        _ => Vec::new(),
                    })
                    .collect();
                Some(Data::List(items))
            }
            _ => {
                let sound = || won.iter().zip(&checked).filter_map(|(def, data)| Some((def, data.as_ref()?)));
                let (_, first) = sound().next()?;
                if sound().any(|(_, data)| !same(ty, first, data)) {
                    let diagnostic = conflict(sound(), path);
                    self.diagnostics.push(diagnostic);
                }
                Some(first.clone())
            }
        }
    }
}

/// Whether both are the same value of type `ty`.
fn same(ty: &Type, left: &Data, right: &Data) -> bool {
    match (ty, left, right) {
        (Type::Text(text), Data::Text(left), Data::Text(right)) => match text.canonical {
            Some(canonical) => canonical(left) == canonical(right),
            None => left == right,
        },
        _ => left.same(right),
    }
}

fn conflict<'d>(definitions: impl Iterator<Item = (&'d Def, &'d Data)>, path: &str) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(Code::Conflict, format!("`{path}` is defined with different values"));
    let mut priority = Priority::PLAIN;
    for (def, data) in definitions {
        diagnostic = diagnostic.label(def.origin, data.to_string());
        priority = def.priority;
    }
    let help = match priority {
        Priority::FORCE => "remove one, or give one a lower number: `{ value = …, priority = 40 }`",
        Priority::DEFAULT => "remove one, or write the one to keep without `default`",
        _ => "remove one, or write the one to keep as `{ force = … }`, or the other as `{ default = … }`",
    };
    diagnostic.option(path).help(help)
}

impl Tree {
    /// Returns the tree under `path`.
    pub fn get(&self, path: &[&str]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, key| match tree {
            Tree::Set(set) => set.get(*key),
            Tree::Leaf(_) => None,
        })
    }

    /// Returns the value under `path`.
    pub fn leaf(&self, path: &[&str]) -> Option<&Merged> {
        match self.get(path)? {
            Tree::Leaf(merged) => Some(merged),
            Tree::Set(_) => None,
        }
    }

    /// Returns the entries under `path`; none when there is no set.
    pub fn entries(&self, path: &[&str]) -> impl Iterator<Item = (&str, &Tree)> + use<'_> {
        let set = match self.get(path) {
            Some(Tree::Set(set)) => Some(set),
            _ => None,
        };
        set.into_iter().flatten().map(|(key, tree)| (key.as_str(), tree))
    }

    /// Returns the text under `path`.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        match &self.leaf(path)?.value {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the boolean under `path`.
    pub fn bool(&self, path: &[&str]) -> Option<bool> {
        match self.leaf(path)?.value {
            Data::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// Returns the number under `path`.
    pub fn int(&self, path: &[&str]) -> Option<i128> {
        match self.leaf(path)?.value {
            Data::Int(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the items of the list under `path`; none when there is no list.
    pub fn list(&self, path: &[&str]) -> &[Value] {
        match self.leaf(path).map(|merged| &merged.value) {
            Some(Data::List(items)) => items,
            _ => &[],
        }
    }
}

impl Merged {
    /// Returns the origin of the value; `None` for an option's own default.
    pub fn origin(&self) -> Option<kiln_diag::Span> {
        self.won.first().map(|def| def.origin)
    }

    /// Whether every definition of it is optional.
    pub fn is_optional(&self) -> bool {
        !self.won.is_empty() && self.won.iter().all(|def| def.optional)
    }
}
