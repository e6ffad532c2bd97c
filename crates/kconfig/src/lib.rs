//! Kconfig text to symbol model, values and `.config`.
//!
//! [`fragment`] reads the lines that a user writes to ask for something.

pub mod fragment;
