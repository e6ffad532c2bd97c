//! Fixes through the public interface.
//!
//! `random`: on random small trees, the answer is the one of an exhaustive search (`exhaustive`).
//! `cases`: small trees written for one rule each.
//! `order`: small trees with several ways.

mod cases;
mod exhaustive;
mod order;
mod random;
mod tree;
