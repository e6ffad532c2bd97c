//! The harm that a fix does: what it moves beside what is requested.
//!
//! | what a fix does to a symbol | weight |
//! |---|---|
//! | turns it off, where it has a prompt and no other member of its choice takes its place | 32 |
//! | lowers it from `y` to `m`, likewise, where modules are enabled without the fix | 4 |
//! | turns off or lowers any other | 1 |
//! | turns it on, or raises it from `m` to `y` | 1 |
//! | changes a number or a string | 1 |
//! | requests it, without moving it | 1 |
//!
//! A symbol that is requested already does not count. Fixes are compared by the *grade* of the sum first, so that a few symbols more
//! or less do not decide: below 32, below 256, below 2,048 and so on.

use kiln_kconfig::{Evaluation, SymbolId, Tristate};

/// The grade from which on a fix is drastic.
const DRASTIC: u32 = 2;

/// The end of the first grade.
pub(crate) const FIRST: usize = 32;

/// The end of the second grade.
pub(crate) const SECOND: usize = FIRST * 8;

const LOST: usize = 32;
const LOWERED: usize = 4;

/// Returns the grade of a harm.
pub(crate) fn grade(harm: usize) -> u32 {
    let mut grade = 0;
    let mut end = FIRST;
    while harm >= end {
        grade += 1;
        end = end.saturating_mul(8);
        if end == usize::MAX {
            break;
        }
    }
    grade
}

/// Whether a grade is one of large consequences.
pub(crate) fn is_drastic(grade: u32) -> bool {
    grade >= DRASTIC
}

/// Returns the weight of a symbol's move.
pub(crate) fn weight(before: &Evaluation<'_>, after: &Evaluation<'_>, symbol: SymbolId) -> usize {
    let model = before.model();
    if !model.type_of(symbol).is_logic() || after.tristate(symbol) > before.tristate(symbol) {
        return 1;
    }
    let is_replaced = model.choice_of(symbol).is_some_and(|choice| {
        model.members_of(choice).into_iter().any(|member| after.tristate(member) != Tristate::No)
    });
    if is_replaced || model.prompt(symbol).is_none() {
        return 1;
    }
    // With modules disabled, whatever is to be `m` is `y`.
    let has_modules = before.tristate(model.modules()) != Tristate::No;
    match after.tristate(symbol) {
        Tristate::No => LOST,
        _ if has_modules => LOWERED,
        _ => 1,
    }
}
