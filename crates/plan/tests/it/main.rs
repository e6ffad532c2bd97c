//! Recipes from their text to what they ask for.
//!
//! `seed` judges by the original's own answers; `evaluate` has one case for each rule and each fault; `outputs` the same for what is
//! made for boot loaders; `fuzz` changes
//! sound recipes by chance and asks only that nothing panics.

mod evaluate;
mod fixture;
mod fuzz;
mod outputs;
mod seed;
