//! Everything that a change must pass before it is merged, what fails fastest first.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{codegen, dependencies, depmod_matrix, fix_matrix, kconfig_matrix, module_names, root, tidy};

/// Runs it, without the slow parts when `is_quick`; stops at the first that fails.
pub(crate) fn run(is_quick: bool) -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    tidy::run(&root())?;
    dependencies::run(&root())?;
    // The fuzz targets are outside of the workspace, so nothing else notices that their lock file is out of date.
    cargo(&["fetch", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml"])?;
    // `.codespellrc` has the files and the words.
    run_program(&mut Command::new("codespell")).context("spelling; `scripts/test` installs codespell")?;
    cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    document()?;
    codegen::run(&root(), true)?;
    // A run takes long, so it names everything that fails.
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

fn cargo(args: &[&str]) -> Result<()> {
    run_program(Command::new(env!("CARGO")).args(args))
}

/// Builds the documentation for readers of the code; a broken link fails.
fn document() -> Result<()> {
    let args = ["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"];
    run_program(Command::new(env!("CARGO")).args(args).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs a program in the workspace's top directory; fails unless it succeeds.
#[expect(clippy::print_stderr, reason = "a developer's tool says what it runs")]
fn run_program(command: &mut Command) -> Result<()> {
    let words: Vec<_> = [command.get_program()].into_iter().chain(command.get_args()).collect();
    let line = words.join(std::ffi::OsStr::new(" ")).to_string_lossy().into_owned();
    eprintln!("$ {line}");
    let status = command.current_dir(root()).status().with_context(|| format!("cannot run `{line}`"))?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}
