//! `cargo xtask fix-matrix`: fixes of random requests, each tried with the tree's own `conf`.
//!
//! Half of the draws take their values from a random configuration, so that a fix is known to exist; the other half are
//! random symbols and values, which may contradict each other or the tree. Every fourth symbol is a number or a string.
//! Fixes are searched over the values that the base writes in half of the draws of either kind, and over all values of
//! the whole `.config` in the other half.
//!
//! The report counts the outcomes, the fixes that are proved to be the best, those that are drastic (with, after a slash,
//! those of them that are not proved to be the best), those that hold under one meaning of the base only, and has the time
//! without reading the tree. What fails the run: a fix with which `conf` does not meet every request that is not set
//! aside; a fix of which the engine and `conf` do not say the same under the other meaning; a request that is set aside
//! where a fix is known to exist.

mod command;
mod draw;
mod ground;
mod peer;
mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kiln_fix::{Budget, Fix, Outcome, Problem, Solution};
use kiln_kconfig::{BaseValues, Dialect, Evaluation, Model};

use crate::kconfig_matrix::machine::Machine;
use crate::kconfig_matrix::oracle::Oracle;
use command::Commands;
use draw::Draw;
use ground::{Case, Ground, Judge};
use report::{End, Report};

/// What to draw.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Kernel tree, unpacked; may be repeated [default: the newest that slow tests or a build left in kiln's caches]
    #[arg(long, value_name = "DIR")]
    tree: Vec<PathBuf>,
    /// Only these architectures; may be repeated [default: x86, arm64, arm, mips, riscv]
    #[arg(long, value_name = "ARCH")]
    arch: Vec<String>,
    /// Draws for each architecture and base
    #[arg(long, default_value_t = 40)]
    draws: u64,
    /// Seed of the first draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Time limit for one fix, in seconds
    #[arg(long, default_value_t = 10.0)]
    deadline: f64,
    /// A quick run: x86 and arm64 with five draws for each base
    #[arg(long)]
    sample: bool,
    /// Run every draw as whole commands of this kiln too, and print how long they take
    #[arg(long, value_name = "FILE")]
    kiln: Option<PathBuf>,
    /// Compare the fixes of single requests with those of kconfig-mcp, which this Python can import
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Show every draw
    #[arg(long)]
    verbose: bool,
    /// Keep the tree's conf in this directory
    #[arg(long, value_name = "DIR", default_value = "target/kconfig-matrix")]
    work: PathBuf,
}

impl Args {
    /// Returns the arguments of the quick comparison with the tree in the caches.
    pub(crate) fn sample() -> Args {
        Args {
            tree: Vec::new(),
            arch: Vec::new(),
            draws: 0,
            seed: 0,
            deadline: 10.0,
            sample: true,
            kiln: None,
            peer: None,
            verbose: false,
            work: crate::root().join("target/kconfig-matrix"),
        }
    }
}

/// Runs it.
#[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut args = args.clone();
    if args.sample {
        (args.draws, args.arch) = (5, ["x86", "arm64"].map(str::to_owned).to_vec());
    }
    if args.arch.is_empty() {
        args.arch = ["x86", "arm64", "arm", "mips", "riscv"].map(str::to_owned).to_vec();
    }
    if args.tree.is_empty() {
        let newest = crate::kconfig_matrix::find_tree();
        args.tree.push(newest.context("no unpacked kernel tree in the caches: name one with --tree")?);
    }
    let mut whole = Report::default();
    let mut compared = peer::Compared::default();
    for tree in &args.tree {
        let tree = tree.canonicalize().with_context(|| format!("no tree {}", tree.display()))?;
        println!("{}", tree.display());
        println!("{}", if args.peer.is_some() { peer::Compared::HEAD } else { Report::HEAD });
        std::fs::create_dir_all(&args.work).with_context(|| args.work.display().to_string())?;
        let work = args.work.canonicalize()?;
        let folder = tempfile::Builder::new().prefix("fix-").tempdir_in(&work)?;
        let oracle = Oracle::new(&tree, &work, folder.path())?;
        let mut commands = args.kiln.as_ref().map(|kiln| Commands::new(kiln, &tree, folder.path())).transpose()?;
        for arch in &args.arch {
            let machine = Machine::new(&tree, folder.path(), arch)?;
            let (model, said) = Model::parse("Kconfig", &machine, &machine, Dialect::of_tree(&machine));
            let Some(model) = model else { bail!("{arch}: {}", String::from_utf8_lossy(&said.stderr())) };
            machine.remember(&oracle.answers)?;
            let mut judge = Judge::new(&model, oracle.serve(&machine)?, folder.path().join("job"));
            let grounds = ground::all(&tree, arch, &mut judge)?;
            if let Some(python) = &args.peer {
                compared.add(peer::run(&args, python, &machine, &mut judge, &grounds)?);
                continue;
            }
            let mut bench = Bench { args: &args, model: &model, judge };
            for (index, ground) in (0..).zip(&grounds) {
                let seed = args.seed + index * args.draws;
                let report = bench.base(ground, arch, seed, commands.as_mut())?;
                println!("{}", report.line(&format!("{arch} {}", ground.name)));
                whole.add(report);
            }
        }
        if let Some(commands) = commands {
            print!("{}", commands.lines());
        }
    }
    if args.peer.is_some() {
        println!("{}", compared.line("all"));
        ensure!(compared.n_wrong == 0, "{} fixes are wrong", compared.n_wrong);
        return Ok(());
    }
    println!("{}", whole.line("all"));
    ensure!(whole.n_wrong == 0, "{} answers are wrong", whole.n_wrong);
    Ok(())
}

struct Bench<'a> {
    args: &'a Args,
    model: &'a Model,
    judge: Judge<'a>,
}

impl Bench<'_> {
    #[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
    fn base(&mut self, ground: &Ground, arch: &str, seed: u64, mut commands: Option<&mut Commands>) -> Result<Report> {
        let mut report = Report::default();
        for number in seed..seed + self.args.draws {
            // Of the four numbers in a row, two are sound, and one of those two has either meaning.
            let values = if number % 4 < 2 { BaseValues::Written } else { BaseValues::All };
            let draw = Draw::new(&ground.resolve(self.model, values, &[]), number);
            let (end, seconds) = self.one(ground, values, &draw, &mut report)?;
            report.count(&draw, end, seconds);
            if let Some(commands) = commands.as_deref_mut()
                && values == BaseValues::Written
                && !commands.run(ground, arch, &draw, end)?
            {
                println!("{} {}: {} -> {end:?}, and the command ends otherwise", ground.name, number, draw.text());
            }
        }
        Ok(report)
    }

    /// Returns the outcome of a draw, and the seconds of its fix.
    #[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
    fn one(&mut self, ground: &Ground, values: BaseValues, draw: &Draw, report: &mut Report) -> Result<(End, f64)> {
        let model = self.model;
        let spent = processor_seconds();
        let Solution { set_aside, outcome } =
            solve(&ground.resolve(model, values, &draw.requests), draw, self.args.deadline);
        let seconds = processor_seconds() - spent;
        let mut end = match &outcome {
            _ if !set_aside.is_empty() && draw.is_sound => End::Wrong,
            Outcome::Holds if !set_aside.is_empty() => End::Contradiction,
            Outcome::Fixes(_) if !set_aside.is_empty() => End::Contradiction,
            Outcome::Holds => End::Holds,
            Outcome::Fixes(fixes) if fixes.first().is_some_and(|fix| fix.is_smallest) => End::Smallest,
            Outcome::Fixes(_) => End::Fixed,
            Outcome::OutOfTime(Some(_)) => End::Late,
            Outcome::OutOfTime(None) | Outcome::NoMemory(_) => End::Unsolved,
        };
        let fixes = fixes_of(outcome);
        if let Some(fix) = fixes.first().filter(|fix| fix.cost.is_drastic) {
            report.n_drastic += 1;
            report.n_drastic_unproved += usize::from(!fix.is_smallest);
        }
        let is_aside = |name: &str| set_aside.iter().any(|one| draw.requests[one.request].symbol == name);
        let mut holds_once = false;
        for fix in &fixes {
            let case = Case { ground, values, requests: &draw.requests, settings: &fix.settings };
            let mut unmet = self.judge.conf(&case)?;
            unmet.retain(|one| !is_aside(one.split_once('=').map_or("", |(name, _)| name)));
            if !unmet.is_empty() {
                println!("with {} conf gives not {}", draw::shown(model, &fix.settings), unmet.join(" "));
                end = End::Wrong;
            }
            let case = Case { values: values.other(), ..case };
            let other = self.judge.conf(&case)?;
            let predicted = self.judge.engine(&case);
            if other != predicted {
                let (conf, engine) = (other.join(" "), predicted.join(" "));
                println!(
                    "with {} and {}, conf gives not {conf:?}, the engine not {engine:?}",
                    draw::shown(model, &fix.settings),
                    values.other().name()
                );
                end = End::Wrong;
            }
            holds_once |= other.iter().any(|one| !is_aside(one.split_once('=').map_or("", |(name, _)| name)));
        }
        report.n_one_meaning += usize::from(holds_once);
        if self.args.verbose || end == End::Wrong {
            let found: Vec<String> = fixes.iter().map(|fix| draw::shown(model, &fix.settings)).collect();
            let values = values.name();
            println!("{} {} {values}: {} -> {end:?} {found:?} {seconds:.3} s", ground.name, draw.number, draw.text());
        }
        Ok((end, seconds))
    }
}

/// Searches for fixes of a draw over values that have its requests, for `seconds` at most.
fn solve(now: &Evaluation<'_>, draw: &Draw, seconds: f64) -> Solution {
    let budget = Budget { deadline: Some(Instant::now() + Duration::from_secs_f64(seconds)), steps: None };
    kiln_fix::fix(&Problem { now, requests: &draw.requests, kept: &[], budget, n_wanted: 3 })
}

/// Returns the fixes, the best first.
fn fixes_of(outcome: Outcome) -> Vec<Fix> {
    match outcome {
        Outcome::Fixes(fixes) => fixes,
        Outcome::OutOfTime(fix) => fix.into_iter().collect(),
        Outcome::Holds | Outcome::NoMemory(_) => Vec::new(),
    }
}

/// Returns this process's processor time, including its threads that have ended, in steps of 10 ms: other processes of
/// the machine are not in it.
fn processor_seconds() -> f64 {
    processor_of([11, 12])
}

/// Returns the processor time of programs that this process ran to their end, likewise.
fn processor_seconds_of_children() -> f64 {
    processor_of([13, 14])
}

fn processor_of(fields: [usize; 2]) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, from the 12th: user and system time of its own and of its children, in hundredths.
    let words: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let hundredths = |index: usize| words.get(index).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
    fields.map(hundredths).iter().sum::<f64>() / 100.0
}
