//! All that a landing must pass, in the order of what fails fastest.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{codegen, depmod_matrix, fix_matrix, kconfig_matrix, module_names, root, tidy};

/// Runs it; stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    tidy::run(&root())?;
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    codegen::run(&root(), true)?;
    // One run of this takes long: let it name all that fails.
    cargo(&["test", "--locked", "--workspace", "--no-fail-fast"])?;
    // Samples of the matrices: the smallest of the modules' kernels, and the kernel tree that slow tests leave.
    if std::env::var_os("SLOW_TESTS").is_some_and(|value| value == "1") {
        depmod_matrix::run(Some("cloud"))?;
        module_names::run(&module_names::Args::debians())?;
    }
    match kconfig_matrix::find_tree() {
        Some(_) => {
            kconfig_matrix::run(&kconfig_matrix::Args::sample())?;
            fix_matrix::run(&fix_matrix::Args::sample())
        }
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
