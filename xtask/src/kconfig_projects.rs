//! `cargo xtask kconfig-projects`: the native Kconfig engine against the `conf` of other projects, byte for byte.
//!
//! The trees are not part of kiln. Each project's `conf` is built from its own sources, in a directory of its own; then
//! both it and the engine write a `.config` for the modes, for random values and for the project's sample configs.

mod program;
mod project;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kiln_kbuild::kconfig::Machine;
use kiln_kconfig::{Mode, Model};

use program::Program;
use project::{PROJECTS, Project};

/// Which projects.
#[derive(Debug, clap::Args)]
#[command(after_help = project::WHERE)]
pub(crate) struct Args {
    /// Directory that has the projects' unpacked trees, each under the project's name [default: kiln-tests/projects in
    /// the user's cache directory]
    #[arg(long, value_name = "DIR")]
    trees: Option<PathBuf>,
    /// Only these projects; may be repeated [default: all whose tree is there]
    #[arg(long, value_name = "NAME")]
    project: Vec<String>,
    /// At most this many sample configs of each project, spread over all of them
    #[arg(long, default_value_t = 20)]
    samples: usize,
    /// Seeds of randconfig for each project
    #[arg(long, default_value_t = 5)]
    seeds: u32,
    /// Keep what differs in this directory
    #[arg(long, value_name = "DIR", default_value = "target/kconfig-projects")]
    work: PathBuf,
}

/// Runs them; fails when anything differs.
#[expect(clippy::print_stdout, reason = "a developer's tool says what differs")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let trees = match &args.trees {
        Some(trees) => trees.clone(),
        None => {
            crate::kconfig_matrix::cache().context("no home directory: name the trees with --trees")?.join("projects")
        }
    };
    let wanted = |project: &&Project| args.project.is_empty() || args.project.iter().any(|name| name == project.name);
    let mut total = (0, 0);
    for project in PROJECTS.iter().filter(wanted) {
        let tree = trees.join(project.name);
        if !tree.is_dir() {
            ensure!(args.project.is_empty(), "{}: no such tree", tree.display());
            println!("{:12} no tree {}", project.name, tree.display());
            continue;
        }
        let mut bench = Bench::new(project, &tree.canonicalize()?, args)?;
        bench.all(args)?;
        println!("{:12} {:5} same {:5} differ", project.name, bench.n_same, bench.n_differ);
        total = (total.0 + bench.n_same, total.1 + bench.n_differ);
    }
    println!("{:12} {:5} same {:5} differ", "all", total.0, total.1);
    ensure!(total.0 + total.1 > 0, "no trees in {}", trees.display());
    ensure!(total.1 == 0, "{} of {} differ", total.1, total.0 + total.1);
    Ok(())
}

/// A project with both programs.
struct Bench<'p> {
    project: &'p Project,
    program: Program,
    model: Model,
    variables: BTreeMap<String, Vec<u8>>,
    tree: PathBuf,
    scratch: tempfile::TempDir,
    kept: PathBuf,
    n_same: usize,
    n_differ: usize,
}

impl<'p> Bench<'p> {
    fn new(project: &'p Project, tree: &Path, args: &Args) -> Result<Bench<'p>> {
        let tree = tree.join(project.top);
        let scratch = tempfile::tempdir()?;
        let program = Program::build(&tree, project).with_context(|| format!("{}: no conf", project.name))?;
        let variables = project.variables(&tree, scratch.path())?;
        let current = if project.runs_in_tree { &tree } else { scratch.path() };
        let machine = Machine::new(&tree, current, variables.clone());
        ensure!(machine.known_dialect().is_some(), "{}: no dialect", project.name);
        let (model, said) = machine.parse(project.entry)?;
        let Some(model) = model else { bail!("{}: {}", project.name, String::from_utf8_lossy(&said.stderr())) };
        let kept = args.work.join(project.name);
        Ok(Bench { project, program, model, variables, tree, scratch, kept, n_same: 0, n_differ: 0 })
    }

    fn all(&mut self, args: &Args) -> Result<()> {
        for (mode, name) in [
            (Mode::AllNoConfig, "allnoconfig"),
            (Mode::AllYesConfig, "allyesconfig"),
            (Mode::AllModConfig, "allmodconfig"),
        ] {
            self.compare(name, name, &mode, None)?;
        }
        if self.program.is_oldest {
            return Ok(());
        }
        let full = self.compare("alldefconfig", "alldefconfig", &Mode::AllDefConfig, None)?;
        self.follow("alldefconfig", &full)?;
        for seed in 1..=args.seeds {
            self.variables.insert("KCONFIG_SEED".to_owned(), seed.to_string().into_bytes());
            let label = format!("randconfig-{seed}");
            let full = self.compare(&label, "randconfig", &Mode::RandConfig, None)?;
            self.follow(&label, &full)?;
        }
        let samples = self.project.samples(&self.tree)?;
        let step = samples.len().div_ceil(args.samples.max(1)).max(1);
        for sample in samples.iter().step_by(step) {
            let text = std::fs::read(sample)?;
            let label = sample.strip_prefix(&self.tree).unwrap_or(sample).display().to_string().replace('/', "_");
            let full = self.compare(&label, "defconfig", &Mode::DefConfig("sample".to_owned()), Some(&text))?;
            self.follow(&label, &full)?;
        }
        Ok(())
    }

    /// Compares what is done with a full config: the minimal one, and updating one that has lost lines.
    fn follow(&mut self, label: &str, full: &[u8]) -> Result<()> {
        let label = |what: &str| format!("{label}-{what}");
        self.compare(&label("save"), "savedefconfig", &Mode::SaveDefConfig("minimal".to_owned()), Some(full))?;
        let lines = full.split_inclusive(|byte| *byte == b'\n').enumerate();
        let partial: Vec<u8> = lines.filter(|(index, _)| index % 3 != 1).flat_map(|(_, line)| line.to_vec()).collect();
        self.compare(&label("old"), "olddefconfig", &Mode::OldDefConfig, Some(&partial))?;
        Ok(())
    }

    /// Runs both; returns the file that the project's own program wrote.
    #[expect(clippy::print_stdout, reason = "a developer's tool says what differs")]
    fn compare(&mut self, label: &str, mode: &str, native: &Mode, input: Option<&[u8]>) -> Result<Vec<u8>> {
        let scratch = self.scratch.path().to_owned();
        let config = scratch.join(".config");
        let prepare = || -> Result<()> {
            for name in [".config", ".config.old", "minimal"] {
                let _ = std::fs::remove_file(scratch.join(name));
            }
            if let Some(text) = input {
                std::fs::write(&config, text)?;
                std::fs::write(scratch.join("sample"), text)?;
            }
            Ok(())
        };
        prepare()?;
        let current = if self.project.runs_in_tree { self.tree.as_path() } else { scratch.as_path() };
        self.program.run(mode, self.project.entry, current, &self.variables, &scratch)?;
        let written = if mode == "savedefconfig" { scratch.join("minimal") } else { config.clone() };
        let expected =
            std::fs::read(&written).with_context(|| format!("{}: no file for {label}", self.project.name))?;
        prepare()?;
        let machine = Machine::new(&self.tree, &scratch, self.variables.clone());
        let outcome = kiln_kconfig::run(&self.model, native, &machine, &machine);
        let found = outcome.config.filter(|_| outcome.status == 0).map(|(_, text)| text).unwrap_or_default();
        let body = |text: &[u8]| if self.program.is_oldest { without_heading(text) } else { text.to_vec() };
        if body(&expected) == body(&found) {
            self.n_same += 1;
        } else {
            self.n_differ += 1;
            println!("{:12} differs: {label}", self.project.name);
            std::fs::create_dir_all(&self.kept)?;
            std::fs::write(self.kept.join(format!("{label}.conf")), &expected)?;
            std::fs::write(self.kept.join(format!("{label}.kiln")), &found)?;
        }
        Ok(expected)
    }
}

/// The text without the heading, in which the oldest programs write the time.
fn without_heading(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').skip_while(|line| line.starts_with(b"#\n"));
    lines.skip_while(|line| **line != *b"#\n").flatten().copied().collect()
}
