//! Recipes from their text to their typed values.
//!
//! `seed` compares with the original's own answers; `evaluate` has one case for each rule and each fault; `outputs` the
//! same for files made for boot loaders; `fuzz` makes random changes to sound recipes and checks only that nothing
//! panics.

mod evaluate;
mod fixture;
mod fuzz;
mod outputs;
mod seed;
