//! What the build crate does to the world: `doctor` on the host, `kbuild` and `resolve` on kernel trees; `sources`,
//! `patches` and `apt` into a store; `distill` on real configs; `outputs` of a kernel in miniature; `faults` on runs that are killed, interrupted, doubled or out of space.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene up has failed")]

mod apt;
mod conf;
mod distill;
mod doctor;
mod fake_kernel;
mod faults;
mod ground;
mod kbuild;
mod kernel;
mod outputs;
mod patches;
mod resolve;
mod server;
mod slow;
mod sources;
