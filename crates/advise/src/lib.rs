//! Questions about a recipe and the kernel that it configures.
//!
//! [`check()`] finds requests that do not hold, [`why`] the reasons for a value, [`remedy`] the further requests with
//! which all hold, [`amend`] writes them into the recipe, [`distill`] finds the fewest requests that produce a config,
//! and [`names`] looks up modules, symbols, prompts and source files by one another. No file is read or written here.

pub mod amend;
pub mod check;
pub mod distill;
pub mod names;
pub mod remedy;
pub mod why;

pub use check::{Unmet, UnmetKind, check};
