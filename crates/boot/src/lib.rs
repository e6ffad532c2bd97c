//! Boots a result in QEMU and gives a verdict.
