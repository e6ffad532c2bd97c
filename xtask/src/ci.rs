//! All that a landing must pass, in the order of what fails fastest.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{codegen, depmod_matrix, fix_matrix, kconfig_matrix, module_names, root, tidy};

/// Runs it, without what is slow when `is_quick`; stops at the first that fails.
pub(crate) fn run(is_quick: bool) -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    tidy::run(&root())?;
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    codegen::run(&root(), true)?;
    // One run of this takes long: let it name all that fails.
    let tests = ["test", "--locked", "--workspace", "--no-fail-fast"];
    if is_quick {
        return cargo(&tests);
    }
    cargo(&[&tests[..], &["--", "--include-ignored"]].concat())?;
    // Samples of the matrices: the smallest of the modules' kernels, and the kernel tree that slow tests leave.
    depmod_matrix::run(Some("cloud"))?;
    module_names::run(&module_names::Args::debians())?;
    kconfig_matrix::run(&kconfig_matrix::Args::sample())?;
    fix_matrix::run(&fix_matrix::Args::sample())
}

#[expect(clippy::print_stderr, reason = "a developer's tool says what it runs")]
fn cargo(args: &[&str]) -> Result<()> {
    eprintln!("$ cargo {}", args.join(" "));
    let status = Command::new(env!("CARGO")).args(args).current_dir(root()).status().context("cannot run cargo")?;
    ensure!(status.success(), "`cargo {}` failed: {status}", args.join(" "));
    Ok(())
}
