//! Public behaviour of the engine.
//!
//! - `ahead`: shell commands that are known before any is run
//! - `cases`: every file of `tests/cases/`: small Kconfig trees with what `conf` prints and writes for them
//! - `changes`: single values changed, against fresh evaluations
//! - `chance`: those trees, damaged
//! - `declarations`: what files declare, those of other architectures too
//! - `hostile`: input made to hurt
//! - `questions`: what a model can be asked

mod ahead;
mod cases;
mod chance;
mod changes;
mod declarations;
mod hostile;
mod questions;
