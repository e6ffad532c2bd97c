//! Public behaviour of the engine.
//!
//! - `ahead`: shell commands that are known before any is run
//! - `cases`: every file of `tests/cases/`: small Kconfig trees with what `conf` prints and writes for them
//! - `changes`: single values changed, against fresh evaluations
//! - `chance`: those trees, randomly damaged
//! - `declarations`: the declarations of files, those of other architectures too
//! - `fragments`: fragments against the reader of a `.config`
//! - `hostile`: hostile input
//! - `questions`: queries on a model

mod ahead;
mod cases;
mod chance;
mod changes;
mod declarations;
mod fragments;
mod hostile;
mod questions;
