//! Guests, real ones and fakes.
//!
//! - `fake`: a QEMU that refuses, dies, hangs or is not there; no guest is booted
//! - `guest`: Debian's kernel is booted, and the verdict is right about what was done to it (slow)
//! - `sharing`: loaders that share modules, fail and are killed, in Debian's kernel (slow)
//! - `managers`: loaders under systemd, OpenRC and s6's oneshots, in Debian's kernel (slow)
//! - `debian`, `world`: what these need

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod debian;
mod fake;
mod guest;
mod managers;
mod sharing;
mod world;
