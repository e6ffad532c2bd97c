//! Public behaviour of the engine.
//!
//! - `cases`: every file of `tests/cases/`: small Kconfig trees with what `conf` prints and writes for them
//! - `chance`: those trees, damaged
//! - `hostile`: input made to hurt
//! - `questions`: what a model can be asked

mod cases;
mod chance;
mod hostile;
mod questions;
