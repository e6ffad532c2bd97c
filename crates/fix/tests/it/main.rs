//! Fixes through the public interface.
//!
//! `random`: on random small trees, the answer is the one of an exhaustive search.
//! `cases`: small trees written for one rule each.

mod cases;
mod random;
mod tree;
