//! `cargo xtask kconfig-matrix`: the native Kconfig engine against a tree's own `conf`, byte for byte.
//!
//! Both get the same variables, with the host's tools for every architecture. For each architecture, `conf` runs once as
//! make would start it. After that its own objects parse the tree once, with the shell's answers cached, and every
//! further job is a copy of that process: a job takes a tenth of a second instead of a second.
//! What is compared: the file written, `auto.conf` and related files, standard output, standard error, and the status.

mod comparison;
mod jobs;
pub(crate) mod machine;
pub(crate) mod oracle;
mod over_base;
pub(crate) mod requests;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use kiln_kconfig::{Dialect, Model};

use comparison::Bench;
use machine::Machine;
use oracle::Oracle;

/// What to compare.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Kernel tree, unpacked [default: the newest that slow tests or a build left in kiln's caches]
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
    /// Only these architectures; may be repeated [default: all]
    #[arg(long, value_name = "ARCH")]
    arch: Vec<String>,
    /// At most this many defconfigs of each architecture
    #[arg(long, default_value_t = usize::MAX)]
    defconfigs: usize,
    /// Seeds of randconfig for each architecture
    #[arg(long, default_value_t = 20)]
    seeds: u32,
    /// Sets of random requests, shared by the architectures
    #[arg(long, default_value_t = 300)]
    requests: u32,
    /// A quick run: x86 and arm64 with two defconfigs, two seeds and eight sets of requests each
    #[arg(long)]
    sample: bool,
    /// Keep what is built and what differs in this directory; each run has its own directory in it
    #[arg(long, value_name = "DIR", default_value = "target/kconfig-matrix")]
    work: PathBuf,
}

impl Args {
    /// Returns the arguments of the quick comparison with the tree in the caches.
    pub(crate) fn sample() -> Args {
        Args {
            tree: None,
            arch: Vec::new(),
            defconfigs: 0,
            seeds: 0,
            requests: 0,
            sample: true,
            work: crate::root().join("target/kconfig-matrix"),
        }
    }
}

/// The result of an architecture.
#[derive(Debug, Default)]
struct Tally {
    n_same: usize,
    n_differ: usize,
}

/// Runs it; fails when anything differs.
#[expect(clippy::print_stdout, reason = "a developer's tool says what differs")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut args = args.clone();
    if args.sample {
        (args.defconfigs, args.seeds, args.requests) = (2, 2, 16);
        args.arch = ["x86", "arm64"].map(str::to_owned).to_vec();
    }
    let tree = match &args.tree {
        Some(tree) => tree.canonicalize().with_context(|| format!("no tree {}", tree.display()))?,
        None => find_tree().context("no unpacked kernel tree in the caches: name one with --tree")?,
    };
    std::fs::create_dir_all(&args.work).with_context(|| args.work.display().to_string())?;
    let work = args.work.canonicalize()?;
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&work)?;
    let kept = work.join(format!("differs-{}", std::process::id()));
    // Thousands of empty files come and go, which takes longer on a disk's file system than the rest.
    let memory = Path::new("/dev/shm");
    let scratch =
        tempfile::Builder::new().prefix("kconfig-matrix-").tempdir_in(if memory.is_dir() { memory } else { &work })?;
    let oracle = Oracle::new(&tree, &work, folder.path())?;
    let arches = if args.arch.is_empty() { arches(&tree)? } else { args.arch.clone() };
    let n_requests = args.requests.div_ceil(arches.len().max(1) as u32);
    println!("{}", tree.display());
    let mut whole = Tally::default();
    for arch in arches {
        let started = Instant::now();
        let machine = Machine::new(&tree, scratch.path(), &arch)?;
        let (model, said) = Model::parse("Kconfig", &machine, &machine, Dialect::of_tree(&machine));
        let Some(model) = model else { bail!("{arch}: {}", String::from_utf8_lossy(&said.stderr())) };
        machine.remember(&oracle.answers)?;
        let mut bench = Bench::new(&model, &said, &machine, &oracle, &kept);
        jobs::all(&mut bench, &tree.join("arch").join(&arch), &args, n_requests)?;
        let tally = bench.tally;
        println!(
            "{arch:12} {:5} same {:5} differ {:7.1} s",
            tally.n_same,
            tally.n_differ,
            started.elapsed().as_secs_f64()
        );
        whole.n_same += tally.n_same;
        whole.n_differ += tally.n_differ;
    }
    println!("{:12} {:5} same {:5} differ", "all", whole.n_same, whole.n_differ);
    ensure!(whole.n_differ == 0, "{} of {} differ", whole.n_differ, whole.n_same + whole.n_differ);
    Ok(())
}

/// Returns the directory for what slow tests keep, in the user's cache directory.
pub(crate) fn cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("kiln-tests"))
}

/// Finds a tree that slow tests left in the user's cache directory.
pub(crate) fn find_tree() -> Option<PathBuf> {
    let mut trees: Vec<PathBuf> =
        std::fs::read_dir(cache()?).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    trees.retain(|tree| tree.join("scripts/kconfig/conf.c").exists() && tree.join("arch/x86/Kconfig").exists());
    trees.sort();
    trees.pop()
}

/// Returns the directories of `arch/`.
fn arches(tree: &Path) -> Result<Vec<String>> {
    let mut arches = Vec::new();
    for entry in std::fs::read_dir(tree.join("arch"))? {
        let path = entry?.path();
        if path.join("Kconfig").exists()
            && let Some(name) = path.file_name().and_then(std::ffi::OsStr::to_str)
        {
            arches.push(name.to_owned());
        }
    }
    arches.sort();
    Ok(arches)
}
