//! Guests, real ones and fakes.
//!
//! - `fake`: what becomes of a QEMU that refuses, dies, hangs or is not there; no guest is booted
//! - `guest`: Debian's kernel is booted, and the verdict is right about what was done to it; with `SLOW_TESTS=1`
//! - `sharing`: loaders that share modules, fail and are killed, in Debian's kernel; with `SLOW_TESTS=1`
//! - `managers`: loaders under systemd, OpenRC and s6's oneshots, in Debian's kernel; with `SLOW_TESTS=1`
//! - `debian`, `world`: what those need

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod debian;
mod fake;
mod guest;
mod managers;
mod sharing;
mod world;
