//! All that a landing must pass, in the order of what fails fastest.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{codegen, kconfig_matrix, root, tidy};

/// Runs it; stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    tidy::run(&root())?;
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    codegen::run(&root(), true)?;
    // One run of this takes long: let it name all that fails.
    cargo(&["test", "--locked", "--workspace", "--no-fail-fast"])?;
    // Slow tests leave a kernel tree.
    match kconfig_matrix::find_tree() {
        Some(_) => kconfig_matrix::run(&kconfig_matrix::Args::sample()),
        None => Ok(()),
    }
}

#[expect(clippy::print_stderr, reason = "a developer's tool says what it runs")]
fn cargo(args: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", args.join(" "));
    let status = Command::new(env!("CARGO")).args(args).current_dir(root()).status().context("cannot run cargo")?;
    ensure!(status.success(), "`cargo {}` failed: {status}", args.join(" "));
    Ok(())
}
