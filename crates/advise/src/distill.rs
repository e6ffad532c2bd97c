//! The fewest requests that give a configuration over a base.
//!
//! A symbol's value without a request follows from the values of other symbols, which are the same for every list of
//! requests that produces the configuration. So whether a symbol needs its line does not depend on the other lines, and
//! removing the superfluous requests one by one ends with the minimum. Only the members of a choice depend on one
//! another; they are tried together. Nothing here writes a recipe: [`text()`] does.

use std::collections::BTreeMap;

use kiln_kconfig::{Evaluation, NodeId, SymbolId, Tristate, Type};

#[cfg(test)]
mod tests;
mod text;

pub use text::{Heading, text};

/// A request of the distilled recipe, with what is printed about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Without `CONFIG_`.
    pub symbol: String,
    /// `y`, `m`, `n`, a number, or the plain content of a string.
    pub value: String,
    /// Whether the symbol is a string.
    pub is_text: bool,
    /// The prompt.
    pub prompt: Option<String>,
    /// The menus around it, outermost first.
    pub menus: Vec<String>,
}

/// Returns the requests over `base` that produce the values of `target`, in the order of the menus.
///
/// Both are evaluations of one model. `None` when no requests produce them: a value of `target` depends on something
/// that no request of a visible symbol sets.
pub fn distill(base: &Evaluation<'_>, target: &Evaluation<'_>) -> Option<Vec<Needed>> {
    let mut distiller = Distiller::new(base, target);
    distiller.fill();
    if !distiller.is_there() {
        return None;
    }
    distiller.thin_out();
    distiller.choices();
    Some(distiller.needed())
}

struct Distiller<'a, 'm> {
    base: &'a Evaluation<'m>,
    target: &'a Evaluation<'m>,
    work: Evaluation<'m>,
    /// The requested values, by symbol.
    asked: BTreeMap<SymbolId, String>,
    /// The visible members of each choice.
    members: BTreeMap<NodeId, Vec<SymbolId>>,
}

impl<'a, 'm> Distiller<'a, 'm> {
    fn new(base: &'a Evaluation<'m>, target: &'a Evaluation<'m>) -> Distiller<'a, 'm> {
        let members = BTreeMap::new();
        Distiller { base, target, work: base.clone(), asked: BTreeMap::new(), members }
    }

    /// Requests every value that can be requested.
    fn fill(&mut self) {
        let model = self.target.model();
        let visible: Vec<SymbolId> = model
            .declared()
            .filter(|symbol| model.type_of(*symbol) != Type::Unknown)
            .filter(|symbol| self.target.visibility(*symbol) != Tristate::No)
            .collect();
        let (members, others): (Vec<SymbolId>, Vec<SymbolId>) =
            visible.into_iter().partition(|symbol| model.choice_of(*symbol).is_some());
        others.into_iter().for_each(|symbol| self.ask(symbol));
        for member in members {
            if let Some(choice) = model.choice_of(member) {
                self.members.entry(choice).or_default().push(member);
            }
        }
        for members in self.members.clone().into_values() {
            self.ask_members(&members);
        }
    }

    fn ask(&mut self, symbol: SymbolId) {
        let value = self.target.value_of(symbol).into_owned();
        // A value that the type does not accept cannot be requested; the comparison shows whether that matters.
        if self.work.set(symbol, &value).is_ok() {
            self.asked.insert(symbol, value);
        }
    }

    /// Requests the members that are off first: in a choice, the last request counts.
    fn ask_members(&mut self, members: &[SymbolId]) {
        let (off, on): (Vec<SymbolId>, Vec<SymbolId>) =
            members.iter().partition(|member| self.target.tristate(**member) == Tristate::No);
        off.into_iter().chain(on).for_each(|member| self.ask(member));
    }

    fn is_there(&self) -> bool {
        self.target.model().declared().all(|symbol| self.is_as_wanted(symbol))
    }

    /// Whether the symbol's line in a `.config` is the target's.
    fn is_as_wanted(&self, symbol: SymbolId) -> bool {
        let is_written = self.target.is_written(symbol);
        is_written == self.work.is_written(symbol)
            && self.target.visibility(symbol) == self.work.visibility(symbol)
            && (self.target.value_of(symbol) == self.work.value_of(symbol)
                // A symbol that is in no `.config` may differ where no file shows it: the old name of a renamed symbol.
                || (!is_written && self.target.model().is_transitional(symbol)))
    }

    /// Removes the requests that are not needed, except those of choices.
    fn thin_out(&mut self) {
        let model = self.target.model();
        let (old, rest): (Vec<SymbolId>, Vec<SymbolId>) = self
            .asked
            .keys()
            .copied()
            .filter(|symbol| model.choice_of(*symbol).is_none())
            .partition(|symbol| model.is_transitional(*symbol));
        for symbol in old.into_iter().chain(rest) {
            let change = match self.base.user_value(symbol).map(|value| value.into_owned()) {
                Some(value) => self.work.set(symbol, &value).ok(),
                None => Some(self.work.unset(symbol)),
            };
            let Some(change) = change else { continue };
            if change.changed().iter().all(|other| self.is_as_wanted(*other)) {
                self.asked.remove(&symbol);
            } else {
                self.work.undo(change);
            }
        }
    }

    /// Finds for each choice the fewest of its members that have to be requested.
    fn choices(&mut self) {
        for members in self.members.clone().into_values() {
            let is_on = |member: &&SymbolId| self.target.tristate(**member) != Tristate::No;
            let on: Vec<SymbolId> = members.iter().filter(is_on).copied().collect();
            if self.try_members(&members, &[]) || self.try_members(&members, &on) {
                continue;
            }
            let mut kept = members.clone();
            self.try_members(&members, &kept);
            for member in &members {
                let fewer: Vec<SymbolId> = kept.iter().copied().filter(|other| other != member).collect();
                if self.try_members(&members, &fewer) {
                    kept = fewer;
                }
            }
            self.try_members(&members, &kept);
        }
    }

    /// Requests only `wanted` of a choice's members; returns whether all symbols have the target's values.
    ///
    /// The other members get back their values from the base, those that are off first: the base's order is not known.
    fn try_members(&mut self, members: &[SymbolId], wanted: &[SymbolId]) -> bool {
        let mut back: Vec<(SymbolId, Option<String>)> = Vec::new();
        for member in members {
            back.push((*member, self.base.user_value(*member).map(|value| value.into_owned())));
            self.asked.remove(member);
        }
        back.sort_by_key(|(_, value)| value.as_deref().is_some_and(|value| value != "n"));
        for (member, value) in back {
            // A value in the base is one that the type accepts.
            let _ = match value {
                Some(value) => self.work.set(member, &value).ok(),
                None => Some(self.work.unset(member)),
            };
        }
        // In the order in which a recipe's requests are applied.
        let mut wanted = wanted.to_vec();
        wanted.sort_by_key(|member| self.target.model().name(*member).into_owned());
        wanted.into_iter().for_each(|member| self.ask(member));
        members.iter().all(|member| self.is_as_wanted(*member)) && self.is_there()
    }

    fn needed(self) -> Vec<Needed> {
        let model = self.target.model();
        let mut placed: Vec<(NodeId, Needed)> = Vec::new();
        for (symbol, value) in self.asked {
            // The definition where a person would set it: the first with a prompt.
            let mut definitions = model.definitions(symbol);
            let Some(at) = definitions.find(|definition| definition.prompt.is_some()) else { continue };
            let needed = Needed {
                symbol: model.name(symbol).into_owned(),
                value,
                is_text: model.type_of(symbol) == Type::String,
                prompt: at.prompt.map(|prompt| prompt.into_owned()),
                menus: model.menus(at.node).into_iter().map(|title| title.into_owned()).collect(),
            };
            placed.push((at.node, needed));
        }
        placed.sort_by_key(|(node, _)| *node);
        placed.into_iter().map(|(_, needed)| needed).collect()
    }
}
