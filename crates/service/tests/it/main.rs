//! The rendered scripts and services at work.
//!
//! - `device`: a made-up device: a fake kernel, and the rendered scripts turned towards it
//! - `protocol`: sharing and failing, case by case, under every shell at hand
//! - `storm`: random sequences of calls, kills and outsiders, checked against what must always hold
//! - `full_run`: a `/run` that is full or read-only
//! - `managers`: the checkers of shells and service managers
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests of scripts start shells and look at files")]

mod device;
mod full_run;
mod managers;
mod protocol;
mod storm;
