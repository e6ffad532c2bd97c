//! Which of many fixes are shown.
//!
//! Fixes that differ in one symbol are one kind: where one driver would do as well as another to have their bus, a list of
//! drivers is no list of ways. So are those that differ in several for each of which alone another would do: choices that
//! have nothing to do with each other make no further way. Of each kind the best is shown, and the others are named with
//! it; where there is room left, they are shown too.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use kiln_kconfig::{Model, SymbolId};

use crate::{Fix, Instead, Setting};

/// Up to `n_wanted` fixes, the best first; none has all the symbols of a better one.
pub(crate) fn chosen(model: &Model, mut found: Vec<Fix>, n_wanted: usize) -> Vec<Fix> {
    found.sort_by(|left, right| order(model, left, right));
    let mut kinds: Vec<Vec<Fix>> = Vec::new();
    for fix in found {
        let has_all = |other: &Fix| symbols(other).is_subset(&symbols(&fix));
        if kinds.iter().flatten().any(has_all) {
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
    let kinds = apart;
    let n_wanted = n_wanted.max(1);
    let mut room = n_wanted.saturating_sub(kinds.len());
    let mut chosen = Vec::new();
    for mut kind in kinds.into_iter().take(n_wanted) {
        let n_shown = 1 + room.min(kind.len() - 1);
        room -= n_shown - 1;
        let rest = kind.split_off(n_shown);
        kind[0].instead = rest.iter().filter_map(|other| swap(&kind[0], other)).collect();
        chosen.extend(kind);
    }
    chosen.sort_by(|left, right| order(model, left, right));
    chosen
}

/// Whether `fix` is the first of `kind` with several of its symbols swapped, for each of which alone that would do.
fn is_mixed(kind: &[Fix], fix: &Fix) -> bool {
    let (ours, theirs) = (symbols(&kind[0]), symbols(fix));
    let swaps: Vec<Instead> = kind.iter().filter_map(|other| swap(&kind[0], other)).collect();
    let is_known =
        |new: &&SymbolId| swaps.iter().any(|swap| swap.setting.symbol == **new && !theirs.contains(&swap.of));
    let is_swapped =
        |gone: &&SymbolId| swaps.iter().any(|swap| swap.of == **gone && theirs.contains(&swap.setting.symbol));
    ours.len() == theirs.len()
        && theirs.difference(&ours).all(|new| is_known(&new))
        && ours.difference(&theirs).all(|gone| is_swapped(&gone))
}

/// How many kinds there are among these.
pub(crate) fn count(found: &[Fix]) -> usize {
    let mut heads: Vec<&Fix> = Vec::new();
    for fix in found {
        if !heads.iter().any(|head| swap(head, fix).is_some()) {
            heads.push(fix);
        }
    }
    heads.len()
}

/// The better one first: what costs less, then by name.
pub(crate) fn order(model: &Model, left: &Fix, right: &Fix) -> Ordering {
    let names = |fix: &Fix| fix.settings.iter().map(|setting| model.name(setting.symbol).into_owned()).collect();
    let (left_names, right_names): (Vec<String>, Vec<String>) = (names(left), names(right));
    left.cost.cmp(&right.cost).then_with(|| left_names.cmp(&right_names))
}

fn symbols(fix: &Fix) -> BTreeSet<SymbolId> {
    fix.settings.iter().map(|setting| setting.symbol).collect()
}

/// The setting of `other` that takes the place of one of `fix`, when that is all they differ in.
fn swap(fix: &Fix, other: &Fix) -> Option<Instead> {
    if fix.settings.len() != other.settings.len() {
        return None;
    }
    let (ours, theirs) = (symbols(fix), symbols(other));
    let mut gone = ours.difference(&theirs);
    let (Some(of), None) = (gone.next(), gone.next()) else { return None };
    let kept = |setting: &&Setting| ours.contains(&setting.symbol);
    // A shared symbol with another value makes it another way.
    let is_same = other.settings.iter().filter(kept).all(|setting| fix.settings.contains(setting));
    let new = other.settings.iter().find(|setting| !ours.contains(&setting.symbol))?;
    is_same.then(|| Instead { of: *of, setting: new.clone() })
}
