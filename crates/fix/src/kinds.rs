//! The selection of the fixes that are shown.
//!
//! An alternative must be one that a person would consider: it harms as little as the best fix and makes no more of a
//! detour. Fixes that differ in one symbol are of one kind: where any of several drivers selects the bus that is needed, a
//! list of drivers is not a list of alternatives. The same goes for fixes that differ in several symbols, each of which
//! can be replaced on its own: the combinations of independent choices are not further alternatives. Of each kind, the
//! best fix is shown, and the others are listed as its substitutes. One that selects what the best one selects, and turns
//! on more, is no choice and left out.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use kiln_kconfig::{Model, SymbolId};

use crate::{Fix, Setting, Substitute};

/// Returns up to `n_wanted` fixes, the best first; none has all the symbols of a better one.
pub(crate) fn chosen(
    model: &Model,
    mut found: Vec<Fix>,
    n_wanted: usize,
    is_selector: &dyn Fn(SymbolId) -> bool,
) -> Vec<Fix> {
    found.sort_by(|left, right| order(model, left, right));
    let mut kinds: Vec<Vec<Fix>> = Vec::new();
    let best = found.first().cloned();
    found.retain(|fix| best.as_ref().is_some_and(|best| fix.cost.is_of_class(&best.cost)));
    for fix in found {
        let has_all = |other: &Fix| symbols(other).is_subset(&symbols(&fix));
        if kinds.iter().flatten().any(has_all) {
            continue;
        }
        let is_more = |other: &Fix| {
            let swap = swap(other, &fix);
            swap.is_some_and(|swap| is_selector(swap.of) && is_selector(swap.setting.symbol)) && has_more(&fix, other)
        };
        if kinds.iter().flatten().any(is_more) {
            continue;
        }
        match kinds.iter_mut().find(|kind| swap(&kind[0], &fix).is_some()) {
            Some(kind) => kind.push(fix),
            None => kinds.push(vec![fix]),
        }
    }
    let mut apart: Vec<Vec<Fix>> = Vec::new();
    for kind in kinds {
        match apart.iter_mut().find(|other| is_mixed(other, &kind[0])) {
            Some(other) => other.extend(kind),
            None => apart.push(kind),
        }
    }
    let mut chosen = Vec::new();
    for mut kind in apart.into_iter().take(n_wanted.max(1)) {
        let rest = kind.split_off(1);
        kind[0].substitutes = rest.iter().filter_map(|other| swap(&kind[0], other)).collect();
        chosen.extend(kind);
    }
    chosen
}

/// Whether a fix turns on all that another one turns on, and more.
fn has_more(fix: &Fix, other: &Fix) -> bool {
    let (ours, theirs): (BTreeSet<&SymbolId>, BTreeSet<&SymbolId>) =
        (fix.raised.iter().collect(), other.raised.iter().collect());
    ours.len() > theirs.len() && theirs.is_subset(&ours)
}

/// Whether `fix` is the first of `kind` with several of its symbols replaced, each of which can be replaced on its own.
fn is_mixed(kind: &[Fix], fix: &Fix) -> bool {
    let (ours, theirs) = (symbols(&kind[0]), symbols(fix));
    let swaps: Vec<Substitute> = kind.iter().filter_map(|other| swap(&kind[0], other)).collect();
    let is_known =
        |new: &&SymbolId| swaps.iter().any(|swap| swap.setting.symbol == **new && !theirs.contains(&swap.of));
    let is_swapped =
        |gone: &&SymbolId| swaps.iter().any(|swap| swap.of == **gone && theirs.contains(&swap.setting.symbol));
    ours.len() == theirs.len()
        && theirs.difference(&ours).all(|new| is_known(&new))
        && ours.difference(&theirs).all(|gone| is_swapped(&gone))
}

/// Returns the number of kinds among these.
pub(crate) fn count(found: &[Fix]) -> usize {
    let mut heads: Vec<&Fix> = Vec::new();
    for fix in found {
        if !heads.iter().any(|head| swap(head, fix).is_some()) {
            heads.push(fix);
        }
    }
    heads.len()
}

/// Compares two fixes by cost, then by name.
pub(crate) fn order(model: &Model, left: &Fix, right: &Fix) -> Ordering {
    let names = |fix: &Fix| fix.settings.iter().map(|setting| model.name(setting.symbol).into_owned()).collect();
    let (left_names, right_names): (Vec<String>, Vec<String>) = (names(left), names(right));
    left.cost.cmp(&right.cost).then_with(|| left_names.cmp(&right_names))
}

fn symbols(fix: &Fix) -> BTreeSet<SymbolId> {
    fix.settings.iter().map(|setting| setting.symbol).collect()
}

/// Returns the setting of `other` that replaces one of `fix`; `None` when they differ in more than that.
fn swap(fix: &Fix, other: &Fix) -> Option<Substitute> {
    if fix.settings.len() != other.settings.len() {
        return None;
    }
    let (ours, theirs) = (symbols(fix), symbols(other));
    let mut gone = ours.difference(&theirs);
    let (Some(of), None) = (gone.next(), gone.next()) else { return None };
    let kept = |setting: &&Setting| ours.contains(&setting.symbol);
    // A shared symbol with another value makes it another alternative.
    let is_same = other.settings.iter().filter(kept).all(|setting| fix.settings.contains(setting));
    let new = other.settings.iter().find(|setting| !ours.contains(&setting.symbol))?;
    is_same.then(|| Substitute { of: *of, setting: new.clone() })
}
