//! What the build crate does to the world: `doctor` on the host, `kbuild` and `resolve` on kernel trees; `sources`,
//! `patches` and `apt` into a store; `distill` on real configs; `outputs` of a kernel in miniature; `faults` on runs that are killed, interrupted, doubled or out of space.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene up has failed")]

mod distill;
mod doctor;
mod fake_kernel;
mod kbuild;
mod kernel;
mod outputs;
mod resolve;
mod slow;
