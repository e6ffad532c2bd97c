//! Effects of fetching: `sources`, `patches` and `apt` into a store; `faults` on runs that are killed,
//! interrupted, doubled or out of space.

mod apt;
mod faults;
mod ground;
mod patches;
mod server;
mod sources;
