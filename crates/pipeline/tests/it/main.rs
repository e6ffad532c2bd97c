//! Outputs of a kernel in miniature.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene up has failed")]

mod outputs;
