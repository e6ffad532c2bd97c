//! Compares the results of a kept build directory with those of clean builds, byte for byte.
//!
//! A few random configs are drawn, each is built once in an empty directory, and then one directory is taken through
//! them back and forth. After each step every file of the kernel step is compared: vmlinux, the image, System.map,
//! Module.symvers, and every module as it is installed. Both sides are `kiln build` with stores of their own.

mod draw;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use kiln_kbuild::kernel::RECORD_FILE;
use kiln_store::directory;

use crate::kconfig_matrix::{find_tree, requests::Chance};
use crate::root;
use draw::Config;

/// Walk a kept build folder among random configs, and compare each result with a clean build's
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kernel tree [default: the one that slow tests leave]
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Number of configs
    #[arg(long, default_value_t = 7)]
    configs: usize,
    /// Number of steps among them
    #[arg(long, default_value_t = 30)]
    steps: usize,
    /// Build only the first config clean, and go on in that folder: every second step leads back to it, and is compared
    #[arg(long)]
    back: bool,
    /// Seed of the configs and of the steps
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of compilers that run at once
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// This kiln [default: the checkout's, built for release]
    #[arg(long, value_name = "FILE")]
    kiln: Option<PathBuf>,
    /// Work in this directory
    #[arg(long, value_name = "DIR", default_value = "target/incremental")]
    work: PathBuf,
}

/// A store with its recipe.
struct Side<'a> {
    args: &'a Args,
    kiln: &'a Path,
    dir: PathBuf,
}

/// The files of a build, by path: the digest of each.
type Files = BTreeMap<PathBuf, String>;

/// Runs all steps; fails at the end when any file differed.
#[expect(clippy::print_stdout, reason = "a developer's tool prints its table")]
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(args.configs >= 2, "more than one config is needed");
    let tree = args.tree.clone().or_else(find_tree).context("no kernel tree: name one with --tree")?;
    let tree = tree.canonicalize().with_context(|| tree.display().to_string())?;
    let kiln = args.kiln.clone().map_or_else(release_kiln, Ok)?;
    let _ = fs::remove_dir_all(&args.work);
    let side = |name: &str| Side { args, kiln: &kiln, dir: args.work.join(name) };
    let (clean, kept) = (side("clean"), side(if args.back { "clean" } else { "kept" }));
    let mut chance = Chance::new(args.seed);
    let configs = draw::configs(&mut chance, args.configs);
    let mut way = draw::way(&mut chance, configs.len(), args.steps);
    if args.back {
        way = (0..args.steps).map(|step| if step % 2 == 0 { 1 + step / 2 % (configs.len() - 1) } else { 0 }).collect();
    }

    let mut expected: Vec<Option<Files>> = configs.iter().map(|_| None).collect();
    let (mut from, mut different) = (0, 0);
    for (number, to) in [0].into_iter().chain(way).enumerate() {
        if expected[to].is_none() && (number == 0 || !args.back) {
            clean.forget("work")?;
            let started = Instant::now();
            expected[to] = Some(clean.build(&configs[to], &tree)?);
            println!("clean  {:>5.0} s  config {to}: {}", started.elapsed().as_secs_f64(), configs[to].name());
        }
        let started = Instant::now();
        // An existing result would be used, and nothing compiled.
        kept.forget("results")?;
        let found = kept.build(&configs[to], &tree)?;
        let wrong = expected[to].as_ref().map(|expected| differing(expected, &found));
        let verdict = match &wrong {
            None => format!("to come back from: {}", configs[to].name()),
            Some(wrong) if wrong.is_empty() => "same".to_owned(),
            Some(wrong) => format!("DIFFERENT: {}", wrong.join(", ")),
        };
        println!(
            "step {number:>2} {:>5.0} s  config {from} -> {to}: {} files, {verdict}",
            started.elapsed().as_secs_f64(),
            found.len()
        );
        different += usize::from(wrong.is_some_and(|wrong| !wrong.is_empty()));
        from = to;
    }
    println!("{} steps among {} configs, {different} with different bytes", args.steps, configs.len());
    ensure!(different == 0, "a kept build directory gives other results than a clean one");
    Ok(())
}

impl Side<'_> {
    /// Builds, and reads all files of the kernel step.
    fn build(&self, config: &Config, tree: &Path) -> Result<Files> {
        fs::create_dir_all(&self.dir)?;
        let tree = tree.to_str().context("the tree's path is no text")?;
        fs::write(self.dir.join("kiln.toml"), config.recipe(tree))?;
        let mut command = Command::new(self.kiln);
        command.args(["build", "--quiet", "--store", "store", "--jobs", &self.args.jobs.to_string()]);
        let output = command.current_dir(&self.dir).output().context("cannot run kiln")?;
        ensure!(output.status.success(), "{}: {}", config.name(), String::from_utf8_lossy(&output.stderr));
        let recipe = fs::read_to_string(self.dir.join("result/manifest.json"))?;
        let kernels = fs::read_dir(self.dir.join("store/results"))?.flatten();
        let of_this = |name: &str| name.strip_suffix("-kernel").is_some_and(|key| recipe.contains(key));
        let kernel = kernels
            .map(|entry| entry.path())
            .find(|path| path.file_name().and_then(std::ffi::OsStr::to_str).is_some_and(of_this));
        digests(&kernel.context("the store has no kernel")?.join("out"))
    }

    /// Removes a directory of the store.
    fn forget(&self, name: &str) -> Result<()> {
        match fs::remove_dir_all(self.dir.join("store").join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => bail!("{}: {error}", self.dir.display()),
            _ => Ok(()),
        }
    }
}

fn digests(dir: &Path) -> Result<Files> {
    let mut files = Files::new();
    // The record also names what earlier configs left in the directory; no device gets it.
    let counts = |file: &&directory::Found| file.kind == directory::Kind::File && file.path != Path::new(RECORD_FILE);
    for file in directory::list(dir)?.files().iter().filter(counts) {
        let digest = kiln_store::digest::Sha256::of_file(&dir.join(&file.path))?;
        files.insert(file.path.clone(), digest.to_string());
    }
    ensure!(files.contains_key(Path::new("kernel/vmlinux")), "{} has no vmlinux", dir.display());
    Ok(files)
}

/// Returns files that one side lacks or that differ.
fn differing(expected: &Files, found: &Files) -> Vec<String> {
    let names: std::collections::BTreeSet<&PathBuf> = expected.keys().chain(found.keys()).collect();
    let differing = names.into_iter().filter(|name| expected.get(*name) != found.get(*name));
    differing.map(|name| name.display().to_string()).collect()
}

/// Returns the checkout's kiln, built for release.
pub(crate) fn release_kiln() -> Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--release", "--bin", "kiln"])
        .current_dir(root())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "kiln does not build: {status}");
    Ok(root().join("target/release/kiln"))
}
