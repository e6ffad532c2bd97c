//! `cargo xtask arch-matrix`: the router of every machine, built and booted, as a table in Markdown.
//!
//! Each row is one run of `kiln build` and one of `kiln boot` on a recipe that imports `examples/router-MACHINE` and changes
//! only source and toolchain. Kernels are kept in kiln's store, so a second run compiles nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use kiln_assembly::manifest::Manifest;
use kiln_plan::Arch;

use crate::root;

/// What to build and boot.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only these machines; may be repeated [default: all that have an example]
    #[arg(long, value_name = "MACHINE")]
    arch: Vec<String>,
    /// The Debian packages of the kernels' sources; may be repeated
    #[arg(long, value_name = "PACKAGE", default_value = "linux-source-6.12")]
    source: Vec<String>,
    /// The store of kiln [default: the user's own]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The toolchain of the kernels: `gcc`, `llvm`, `llvm-14`
    #[arg(long, value_name = "NAME", default_value = "gcc")]
    toolchain: String,
    /// Install what a machine's kernel and boot need before it is built, as `kiln doctor --install` does
    #[arg(long)]
    install: bool,
}

/// The prefix of the examples' directories.
const PREFIX: &str = "router-";
const HEADING: &str = "| machine | Linux | compiler | verdict of `kiln boot` |\n|---|---|---|---|";

/// Runs it; fails when a machine does not build or boot, after all were tried.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool prints its table")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let built =
        Command::new(env!("CARGO")).args(["build", "--release", "--bin", "kiln"]).current_dir(root()).status()?;
    ensure!(built.success(), "kiln does not build");
    let examples = examples(&root().join("examples"))?;
    let unknown: Vec<&String> = args.arch.iter().filter(|arch| !examples.contains(arch)).collect();
    ensure!(unknown.is_empty(), "no example for {unknown:?}: there are {}", examples.join(", "));
    println!("{HEADING}");
    let mut failed = Vec::new();
    for machine in examples.iter().filter(|machine| args.arch.is_empty() || args.arch.contains(machine)) {
        for source in &args.source {
            match row(args, machine, source) {
                Ok(row) => println!("{row}"),
                Err(error) => {
                    println!("| {machine} | `{source}` | | failed |");
                    eprintln!("{machine}, {source}: {error:#}");
                    failed.push(format!("{machine}, {source}"));
                }
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join("; "));
    Ok(())
}

/// Returns the machines that have an example, by name.
fn examples(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_prefix(PREFIX)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn row(args: &Args, machine: &str, source: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let example = root().join("examples").join(format!("{PREFIX}{machine}")).join("kiln.toml");
    let recipe = format!(
        "imports = [{example:?}]\n\n[kernel]\nsrc = {{ value = {{ apt = {source:?} }}, priority = 80 }}\n\
         toolchain = {:?}\n",
        args.toolchain,
    );
    fs::write(folder.path().join("kiln.toml"), recipe)?;
    let kiln = |words: &[&str]| {
        let mut command = Command::new(root().join("target/release/kiln"));
        command.args(words).current_dir(folder.path()).stdin(Stdio::null()).stderr(Stdio::inherit());
        if let Some(store) = &args.store {
            command.arg("--store").arg(store);
        }
        command.output().with_context(|| format!("cannot run kiln {}", words.join(" ")))
    };
    if args.install {
        let ran = kiln(&["doctor", "--install"])?;
        ensure!(ran.status.success(), "kiln doctor: {}", String::from_utf8_lossy(&ran.stdout));
    }
    ensure!(kiln(&["build"])?.status.success(), "kiln build failed");
    let manifest = fs::read_to_string(folder.path().join("result/manifest.json"))?;
    let manifest = Manifest::from_json(&manifest)?;
    let booted = kiln(&["boot"])?;
    let said = String::from_utf8_lossy(&booted.stdout).into_owned();
    let verdict = said.lines().rev().find_map(|line| line.strip_prefix("verdict: "));
    let verdict = verdict.with_context(|| format!("kiln boot gave no verdict: {}", booted.status))?;
    ensure!(booted.status.success(), "{verdict}\n{said}");
    let skipped = said.lines().filter_map(|line| line.strip_prefix("skipped ")).map(str::trim);
    let skipped: String = skipped.map(|step| format!("; skipped: {step}")).collect();
    Ok(format!(
        "| {machine}, QEMU {} | {} (`{source}`) | {} | {}{skipped} |",
        board(machine),
        manifest.kernel.release,
        compiler(&manifest),
        shortened(verdict),
    ))
}

/// Returns the board that QEMU emulates, without its settings.
fn board(machine: &str) -> &'static str {
    let name = Arch::parse(machine).map_or(machine, |arch| arch.machine);
    kiln_boot::Machine::find(name).map_or("", |machine| machine.board.split(',').next().unwrap_or_default())
}

/// Returns the compiler's name and version, without its package.
fn compiler(manifest: &Manifest) -> String {
    let named = manifest.kernel.toolchain.first().map(String::as_str).unwrap_or_default();
    let (program, said) = named.split_once(": ").unwrap_or((named, named));
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let version: Vec<&str> = version.unwrap_or_default().split('.').take(2).collect();
    format!("{program} {}", version.join("."))
}

/// Returns `good: Linux 6.12.117 on arm, 113 of 113 steps in 21.6 s` without what the row contains already.
fn shortened(verdict: &str) -> String {
    let (word, rest) = verdict.split_once(": ").unwrap_or((verdict, ""));
    let steps = rest.split_once(", ").map_or(rest, |(_, steps)| steps);
    format!("{word}, {steps}")
}
