//! Checks of the crates that the workspace depends on.
//!
//! Each dependency that a manifest declares is used (`unused`), its licence is on the list (`licences`), it builds with the
//! declared minimum Rust (`rust_version`), and there is one version of it (`duplicates`).
//! The facts are `cargo metadata`'s. `cargo deny` and `cargo machete` answer more questions, but they would have to be
//! compiled in every CI run; these checks are compiled with the rest of this crate.

mod duplicates;
mod licences;
mod rust_version;
mod unused;

use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

/// Runs all checks on the workspace at `root`.
#[expect(clippy::print_stderr, reason = "a developer's tool shows its findings")]
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = metadata(root)?;
    let mut findings = unused::check(&metadata)?;
    findings.extend(licences::check(&metadata));
    findings.extend(rust_version::check(&metadata));
    findings.extend(duplicates::check(&metadata));
    for finding in &findings {
        eprintln!("dependencies: {finding}");
    }
    if findings.is_empty() { Ok(()) } else { bail!("{} findings", findings.len()) }
}

/// Reads the packages of `Cargo.lock`, for every platform.
fn metadata(root: &Path) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.cargo_path(env!("CARGO")).manifest_path(root.join("Cargo.toml")).other_options(["--locked".to_owned()]);
    command.exec().context("cargo metadata")
}
