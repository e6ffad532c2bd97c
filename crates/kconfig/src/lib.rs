//! Kconfig text to symbol model, values and .config.
