//! `cargo xtask bench`: the time and memory of kiln, compared with those of the programs that it replaces.
//!
//! A benchmark runs all contenders in turn, once each per round, so that other load of the machine affects all of them;
//! the medians over the rounds are shown. Contenders must have the same result, or the benchmark fails.
//! To add one, write a module with a function as [`Run`] and name it in [`BENCHES`].

mod build;
mod depmod;
mod kconfig;
pub(crate) mod loader;
mod measure;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::root;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Benchmarks to run [default: all]
    name: Vec<String>,
    /// Kernel tree
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Full .config for it [default: Debian's for amd64, downloaded]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Rounds
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Work in this directory
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    work: PathBuf,
    /// Write the tables to this file too, in place of what it held of the same benchmarks
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Runs one benchmark; returns its table as markdown.
type Run = fn(&Args) -> Result<String>;

const BENCHES: &[(&str, Run)] =
    &[("build", build::run), ("depmod", depmod::run), ("loader", loader::run), ("kconfig", kconfig::run)];

/// Runs the requested benchmarks.
#[expect(clippy::print_stdout, reason = "a developer's tool prints its table")]
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(unknown) = args.name.iter().find(|name| BENCHES.iter().all(|(known, _)| known != *name)) {
        let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        bail!("no benchmark is called `{unknown}`; there are: {}", known.join(", "));
    }
    for (name, bench) in BENCHES {
        if !args.name.is_empty() && !args.name.iter().any(|asked| asked == name) {
            continue;
        }
        let table = bench(args)?;
        println!("{table}");
        if let Some(file) = &args.record {
            record(file, name, &table)?;
        }
    }
    Ok(())
}

/// Puts a table under its heading, in place of the existing one.
fn record(file: &PathBuf, name: &str, table: &str) -> Result<()> {
    let old = fs::read_to_string(file).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
    let section = format!("## {name}\n\n{}\n", table.trim_end());
    let start = format!("## {name}\n");
    let text = match old.find(&start) {
        Some(at) => {
            let rest = &old[at + start.len()..];
            let end = rest.find("\n## ").map_or("", |end| &rest[end..]);
            format!("{}{section}{end}", &old[..at])
        }
        None => format!("{}\n\n{section}", old.trim_end()),
    };
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Describes the machine in one line.
fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let model = value("model name").unwrap_or_else(|| "unknown processor".to_owned());
    format!("{model}, {cores} cores; load average at the start {load}")
}

/// Returns the cache directory of developers' downloads.
fn cache() -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("HOME is not set")?;
    let cache = cache.join("kiln-tests");
    fs::create_dir_all(&cache)?;
    Ok(cache)
}

/// Builds the program that is measured.
fn release_kiln() -> Result<PathBuf> {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "--bin", "kiln"]).current_dir(root());
    if !cargo.status()?.success() {
        bail!("kiln does not build");
    }
    Ok(root().join("target/release/kiln"))
}
