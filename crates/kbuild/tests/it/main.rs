//! Tests with effects: `doctor` on the host, `make`, `kernel` and `resolve` on kernel trees, `distill` on real configs.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene up has failed")]

mod conf;
mod distill;
mod doctor;
mod fake_kernel;
mod kernel;
mod make;
mod resolve;
mod slow;
