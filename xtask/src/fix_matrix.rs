//! `cargo xtask fix-matrix`: fixes of random requests, each tried with the tree's own `conf`.
//!
//! Half of the draws take their values from a random configuration, so that a fix is known to exist; the other half are
//! random symbols and values, which may contradict each other or the tree. Every fourth symbol is a number or a string.
//! The report counts the outcomes, the fixes that are proved to be the best and those that are drastic, and has the time
//! without reading the tree. A fix with which `conf` does not meet every request that is not set aside, or a request that
//! is set aside where a fix is known to exist, fails the run.

mod command;
mod draw;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kiln_fix::{Budget, Outcome, Problem, Setting, Solution};
use kiln_kconfig::{Base, Dialect, Model, Request, Type, resolve};

use crate::kconfig_matrix::machine::Machine;
use crate::kconfig_matrix::oracle::{Oracle, Server};
use command::Commands;
use draw::Draw;
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
            verbose: false,
            work: crate::root().join("target/kconfig-matrix"),
        }
    }
}

/// A base config of the tree.
struct Ground {
    name: &'static str,
    mode: &'static str,
    text: Vec<u8>,
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
    for tree in &args.tree {
        let tree = tree.canonicalize().with_context(|| format!("no tree {}", tree.display()))?;
        println!("{}", tree.display());
        println!("{}", Report::HEAD);
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
            let server = oracle.serve(&machine)?;
            let mut bench =
                Bench { args: &args, model: &model, server, folder: folder.path().join("job"), n_drastic: 0 };
            for ground in grounds(&tree, arch)? {
                let report = bench.base(&ground, arch, commands.as_mut())?;
                println!("{}", report.line(&format!("{arch} {}", ground.name)));
                whole.add(report);
            }
        }
        if let Some(commands) = commands {
            print!("{}", commands.lines());
        }
    }
    println!("{}", whole.line("all"));
    ensure!(whole.n_wrong == 0, "{} answers are wrong", whole.n_wrong);
    Ok(())
}

/// Returns the bases of an architecture.
fn grounds(tree: &Path, arch: &str) -> Result<Vec<Ground>> {
    let configs = tree.join("arch").join(arch).join("configs");
    let names = ["defconfig", "x86_64_defconfig", "multi_v7_defconfig", "malta_defconfig"];
    let file = names.iter().map(|name| configs.join(name)).find(|file| file.exists());
    let file = file.with_context(|| format!("{} has no defconfig that is known", configs.display()))?;
    let text = std::fs::read(&file).with_context(|| file.display().to_string())?;
    Ok(vec![
        Ground { name: "allnoconfig", mode: "allnoconfig", text: Vec::new() },
        Ground { name: "defconfig", mode: "alldefconfig", text },
        Ground { name: "alldefconfig", mode: "alldefconfig", text: Vec::new() },
    ])
}

struct Bench<'a> {
    args: &'a Args,
    model: &'a Model,
    server: Server,
    folder: PathBuf,
    /// Draws whose best fix is drastic.
    n_drastic: usize,
}

impl Bench<'_> {
    #[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
    fn base(&mut self, ground: &Ground, arch: &str, mut commands: Option<&mut Commands>) -> Result<Report> {
        let mut report = Report::default();
        for number in self.args.seed..self.args.seed + self.args.draws {
            let configs = [("base", ground.text.as_slice())];
            let draw = Draw::new(self.model, number, base(ground, &configs));
            let (end, seconds) = self.one(ground, &draw)?;
            report.count(&draw, end, seconds);
            report.n_drastic += std::mem::take(&mut self.n_drastic);
            if let Some(commands) = commands.as_deref_mut()
                && !commands.run(ground, arch, &draw, end)?
            {
                println!("{} {}: {} -> {end:?}, and the command ends otherwise", ground.name, number, draw.text());
            }
        }
        Ok(report)
    }

    #[expect(clippy::print_stdout, reason = "a developer's tool says what it found")]
    fn one(&mut self, ground: &Ground, draw: &Draw) -> Result<(End, f64)> {
        let model = self.model;
        let text = text(model, &ground.text, &draw.requests, &[]);
        let configs = [("base", text.as_slice())];
        let (started, spent) = (Instant::now(), processor_seconds());
        let now = resolve(model, base(ground, &configs), &[]).into_evaluation();
        let deadline = Some(started + Duration::from_secs_f64(self.args.deadline));
        let budget = Budget { deadline, steps: None };
        let problem = Problem { now: &now, requests: &draw.requests, kept: &[], budget, n_wanted: 3 };
        let Solution { set_aside, outcome } = kiln_fix::fix(&problem);
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
        let fixes = match &outcome {
            Outcome::Fixes(fixes) => fixes.clone(),
            Outcome::OutOfTime(fix) => fix.iter().cloned().collect(),
            _ => Vec::new(),
        };
        self.n_drastic += usize::from(fixes.first().is_some_and(|fix| fix.cost.is_drastic));
        let is_aside = |name: &str| set_aside.iter().any(|one| draw.requests[one.request].symbol == name);
        for fix in &fixes {
            let mut unmet = self.unmet(ground, &draw.requests, &fix.settings)?;
            unmet.retain(|one| !is_aside(one.split_once('=').map_or("", |(name, _)| name)));
            if !unmet.is_empty() {
                println!("with {} conf gives not {}", draw::shown(model, &fix.settings), unmet.join(" "));
                end = End::Wrong;
            }
        }
        if self.args.verbose || end == End::Wrong {
            let found: Vec<String> = fixes.iter().map(|fix| draw::shown(model, &fix.settings)).collect();
            println!("{} {}: {} -> {end:?} {found:?} {seconds:.3} s", ground.name, draw.number, draw.text());
        }
        Ok((end, seconds))
    }

    /// Returns the requests that the tree's own `conf` does not meet with the settings.
    fn unmet(&mut self, ground: &Ground, requests: &[Request], settings: &[Setting]) -> Result<Vec<String>> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)?;
        }
        std::fs::create_dir_all(self.folder.join("include/config"))?;
        std::fs::write(self.folder.join("include/config/auto.conf"), "")?;
        let seed = self.folder.join("seed");
        std::fs::write(&seed, text(self.model, &ground.text, requests, settings))?;
        let variables = [("KCONFIG_ALLCONFIG", seed.display().to_string())];
        let status = self.server.run(&self.folder, &format!("--{}", ground.mode), &variables)?;
        ensure!(status == 0, "conf ended with {status}");
        let config = std::fs::read_to_string(self.folder.join(".config"))?;
        let wanted = requests.iter().map(|request| {
            let altered = settings.iter().find(|setting| self.model.name(setting.symbol) == request.symbol);
            (&request.symbol, altered.map_or(&request.value, |setting| &setting.value))
        });
        let mut unmet = Vec::new();
        for (name, value) in wanted {
            let type_ = type_of(self.model, name);
            let line = line(type_, name, value);
            let is_off = value == "n" && type_.is_logic();
            let has = |start: &str| config.lines().any(|line| line.starts_with(start));
            let is_met = if is_off {
                !has(&format!("CONFIG_{name}="))
            } else {
                config.lines().any(|one| one == line.trim_end())
            };
            if !is_met {
                unmet.push(format!("{name}={value}"));
            }
        }
        Ok(unmet)
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

fn base<'a>(ground: &Ground, configs: &'a [(&'a str, &'a [u8])]) -> Base<'a> {
    if ground.mode == "allnoconfig" { Base::ConfigsOverAllNo(configs) } else { Base::Configs(configs) }
}

/// Returns the base, then requests and settings in the order of their names, as `kiln check` applies them.
fn text(model: &Model, base: &[u8], requests: &[Request], settings: &[Setting]) -> Vec<u8> {
    let is_kept = |request: &&Request| settings.iter().all(|setting| model.name(setting.symbol) != request.symbol);
    let kept = requests.iter().filter(is_kept).map(|request| (request.symbol.clone(), request.value.as_str()));
    let added = settings.iter().map(|setting| (model.name(setting.symbol).into_owned(), setting.value.as_str()));
    let mut all: Vec<(String, &str)> = kept.chain(added).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    // As in a recipe, a request replaces the base's line.
    let mut text = Vec::new();
    for line in base.split_inclusive(|byte| *byte == b'\n') {
        let starts =
            |name: &str, start: &str, end: &str| line.starts_with(format!("{start}CONFIG_{name}{end}").as_bytes());
        if !all.iter().any(|(name, _)| starts(name, "", "=") || starts(name, "# ", " is not set")) {
            text.extend_from_slice(line);
        }
    }
    text.push(b'\n');
    for (name, value) in all {
        text.extend_from_slice(line(type_of(model, &name), &name, value).as_bytes());
    }
    text
}

fn type_of(model: &Model, name: &str) -> Type {
    model.find(name).map_or(Type::Unknown, |symbol| model.type_of(symbol))
}

fn line(type_: Type, name: &str, value: &str) -> String {
    match type_ {
        Type::Bool | Type::Tristate if value == "n" => format!("# CONFIG_{name} is not set\n"),
        Type::String => format!("CONFIG_{name}=\"{}\"\n", value.replace('\\', "\\\\").replace('"', "\\\"")),
        _ => format!("CONFIG_{name}={value}\n"),
    }
}
