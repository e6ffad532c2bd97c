//! Tests that run the rendered scripts and services.
//!
//! - `device`: a simulated device: a fake kernel, and the rendered scripts adapted to it
//! - `protocol`: sharing and failing, case by case, under every available shell
//! - `storm`: random sequences of calls, kills and outsiders, checked against invariants
//! - `full_run`: a `/run` that is full or read-only
//! - `managers`: the checkers of shells and service managers
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests of scripts start shells and look at files")]

mod device;
mod full_run;
mod managers;
mod protocol;
mod storm;
