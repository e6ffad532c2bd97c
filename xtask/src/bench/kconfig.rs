//! `olddefconfig` of a full `.config` on a Linux tree: kiln and the tree's own `conf`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kiln_kconfig::{Base, Dialect, Evaluation, Model, Request, SymbolId, Type, resolve};

use super::measure::{Cost, Meter, median};
use super::{Args, cache, machine, release_kiln};
use crate::kconfig_matrix::machine::Machine;
use crate::kconfig_matrix::oracle::Oracle;

const ARCH: &str = "x86_64";

/// Package and file of Debian's config for amd64.
const PACKAGE: &str = "linux-config-6.12";
const CONFIG: &str = "usr/src/linux-config-6.12/config.amd64_none_amd64.xz";

/// Changes that are tried one by one.
const CHANGES: usize = 20_000;
/// After each of these many changes, all values are compared with a fresh evaluation.
const CHECKED: usize = 200;

/// Measures; returns the table.
pub(super) fn run(args: &Args) -> Result<String> {
    let tree = args.tree.as_ref().context("`--tree DIR` says which tree to configure")?;
    let tree = tree.canonicalize().with_context(|| format!("no tree {}", tree.display()))?;
    fs::create_dir_all(&args.work)?;
    let work = args.work.canonicalize()?;
    let config = match &args.config {
        Some(config) => fs::read(config).with_context(|| format!("cannot read {}", config.display()))?,
        None => debian_config()?,
    };
    let own = tempfile::tempdir_in(&work)?;
    let oracle = Oracle::new(&tree, &work, own.path())?;
    let kiln = release_kiln()?;
    let machine_line = machine();
    let machine = Machine::new(&tree, own.path(), ARCH)?;
    let changes = changes(&machine, &config)?;
    machine.remember(&oracle.answers)?;
    let bench = Bench::new(own.path(), &tree, &oracle, &kiln, &config, &machine.variables)?;
    let costs = bench.rounds(args.rounds)?;
    Ok(table(&machine_line, &tree, args, &costs, &changes))
}

/// A measured program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contender {
    Conf,
    /// `conf` with every shell command answered from a cache.
    ConfAnswered,
    Warm,
    Cold,
}

impl Contender {
    const ALL: [Contender; 4] = [Contender::Conf, Contender::ConfAnswered, Contender::Warm, Contender::Cold];

    fn shown(self) -> &'static str {
        match self {
            Contender::Conf => "`conf`",
            Contender::ConfAnswered => "`conf`, shell commands answered from memory",
            Contender::Warm => "`kiln kconfig`, answers remembered",
            Contender::Cold => "`kiln kconfig`, nothing remembered",
        }
    }
}

struct Bench<'a> {
    meter: Meter,
    folder: PathBuf,
    tree: &'a Path,
    oracle: &'a Oracle,
    kiln: &'a Path,
    config: &'a [u8],
    variables: &'a BTreeMap<String, Vec<u8>>,
}

impl<'a> Bench<'a> {
    fn new(
        work: &Path,
        tree: &'a Path,
        oracle: &'a Oracle,
        kiln: &'a Path,
        config: &'a [u8],
        variables: &'a BTreeMap<String, Vec<u8>>,
    ) -> Result<Bench<'a>> {
        let folder = work.join("run");
        fs::create_dir_all(&folder)?;
        let bench = Bench { meter: Meter::new(work)?, folder, tree, oracle, kiln, config, variables };
        // The first run leaves `auto.conf`, which later ones find and leave alone.
        fs::write(bench.folder.join(".config"), config)?;
        bench.meter.run(&bench.command(Contender::ConfAnswered))?;
        Ok(bench)
    }

    fn command(&self, contender: Contender) -> Command {
        let is_kiln = matches!(contender, Contender::Warm | Contender::Cold);
        let mut command = Command::new(if is_kiln { self.kiln } else { &self.oracle.conf });
        if contender == Contender::ConfAnswered {
            // Only `conf` is to load it, not the program that measures.
            command = Command::new("/usr/bin/env");
            command.arg(format!("LD_PRELOAD={}", self.oracle.shim.display()));
            command.arg(format!("KCONFIG_ANSWERS={}", self.oracle.answers.display())).arg(&self.oracle.conf);
        }
        command.current_dir(&self.folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
        if is_kiln {
            let store = self.folder.join(if contender == Contender::Warm { "warm" } else { "cold" });
            command.arg("--store").arg(store).args(["kconfig", "olddefconfig", "--arch", ARCH, "--srctree"]);
            command.arg(self.tree);
        } else {
            command.args(["--olddefconfig", "Kconfig"]);
        }
        command
    }

    /// Returns the costs of each contender, a round at a time.
    fn rounds(&self, rounds: usize) -> Result<BTreeMap<Contender, Vec<Cost>>> {
        let mut costs: BTreeMap<Contender, Vec<Cost>> = BTreeMap::new();
        let mut result: Option<Vec<u8>> = None;
        // One round more than is counted: the first fills caches, and the store that stays.
        for round in 0..=rounds {
            for contender in Contender::ALL {
                let cold = self.folder.join("cold");
                if cold.exists() {
                    fs::remove_dir_all(&cold)?;
                }
                let file = self.folder.join(".config");
                fs::write(&file, self.config)?;
                let cost = self.meter.run(&self.command(contender))?;
                let made = fs::read(&file)?;
                let same = *result.get_or_insert_with(|| made.clone()) == made;
                ensure!(same, "{} makes another .config than the others", contender.shown());
                if round > 0 {
                    costs.entry(contender).or_default().push(cost);
                }
            }
        }
        Ok(costs)
    }
}

/// Returns Debian's config, downloaded once.
fn debian_config() -> Result<Vec<u8>> {
    let folder = cache()?.join(PACKAGE);
    let file = folder.join(CONFIG);
    if !file.exists() {
        let download = tempfile::tempdir_in(cache()?)?;
        let fetched = Command::new("apt-get").args(["download", PACKAGE]).current_dir(download.path()).status()?;
        ensure!(fetched.success(), "apt-get cannot download {PACKAGE}: give a config with `--config FILE`");
        let Some(deb) = fs::read_dir(download.path())?.find_map(|entry| Some(entry.ok()?.path())) else {
            bail!("apt-get downloaded nothing for {PACKAGE}");
        };
        let unpacked = Command::new("dpkg-deb").arg("-x").arg(deb).arg(&folder).status()?;
        ensure!(unpacked.success(), "cannot unpack {PACKAGE}");
    }
    let output = Command::new("xz").arg("-dc").arg(&file).output().context("cannot run xz")?;
    ensure!(output.status.success(), "cannot read {}", file.display());
    Ok(output.stdout)
}

/// Returns the times of single changes, shortest first.
fn changes(machine: &Machine, config: &[u8]) -> Result<Vec<Duration>> {
    let (model, said) = Model::parse("Kconfig", machine, machine, Dialect::of_tree(machine));
    let model = model.with_context(|| String::from_utf8_lossy(&said.stderr()).into_owned())?;
    let base = [("config", config)];
    let mut values = resolve(&model, Base::Configs(&base), &[]).into_evaluation();
    let symbols: Vec<SymbolId> = model.declared().collect();
    // The first change builds the index.
    let first = values.unset(symbols[0]);
    values.undo(first);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut given: Vec<(String, String)> = Vec::new();
    let mut times = Vec::with_capacity(CHANGES);
    while times.len() < CHANGES {
        let symbol = symbols[draw(symbols.len())];
        let value = match model.type_of(symbol) {
            Type::Bool | Type::Tristate => ["y", "m", "n"][draw(3)].to_owned(),
            Type::Int | Type::Hex => draw(100).to_string(),
            _ => format!("text {}", draw(5)),
        };
        let start = Instant::now();
        let Ok(change) = values.set(symbol, &value) else { continue };
        times.push(start.elapsed());
        // Most are reverted, so that the configuration stays a usable one.
        if draw(8) != 0 {
            values.undo(change);
        } else {
            let name = model.name(symbol).into_owned();
            given.retain(|(other, _)| *other != name);
            given.push((name, value));
        }
        if times.len() % CHECKED == 0 {
            check(&values, &symbols, &base, &given)?;
        }
    }
    times.sort_unstable();
    Ok(times)
}

/// Fails when a value differs from that of a fresh evaluation.
fn check(
    values: &Evaluation<'_>,
    symbols: &[SymbolId],
    base: &[(&str, &[u8])],
    given: &[(String, String)],
) -> Result<()> {
    let requests: Vec<Request> = given.iter().map(|(name, value)| Request::fixed(name, value)).collect();
    let fresh = resolve(values.model(), Base::Configs(base), &requests);
    for symbol in symbols {
        let seen = |values: &Evaluation<'_>| {
            (values.value_of(*symbol).into_owned(), values.visibility(*symbol), values.is_written(*symbol))
        };
        let name = values.model().name(*symbol);
        ensure!(seen(values) == seen(&fresh), "after {given:?}: {name} is {:?}, not {:?}", seen(values), seen(&fresh));
    }
    Ok(())
}

fn table(
    machine: &str,
    tree: &Path,
    args: &Args,
    costs: &BTreeMap<Contender, Vec<Cost>>,
    changes: &[Duration],
) -> String {
    let medians: BTreeMap<Contender, Cost> =
        costs.iter().map(|(contender, costs)| (*contender, median(costs))).collect();
    let name = tree.file_name().unwrap_or_default().to_string_lossy();
    let mut out = format!(
        "`cargo xtask bench kconfig --tree {name} --rounds {}`, olddefconfig of a full .config for {ARCH}.\n\
         {machine}.\n\n\
         | | wall ms | CPU ms | peak MiB | wall: times as fast as `conf` | as `conf` answered | CPU: as `conf` | as `conf` answered |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
        args.rounds
    );
    let (conf, answered) = (medians[&Contender::Conf], medians[&Contender::ConfAnswered]);
    for (contender, cost) in &medians {
        let ratio = |theirs: u64, ours: u64| theirs as f64 / ours.max(1) as f64;
        out += &format!(
            "| {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |\n",
            contender.shown(),
            cost.wall as f64 / 1000.0,
            cost.cpu as f64 / 1000.0,
            cost.memory as f64 / 1024.0,
            ratio(conf.wall, cost.wall),
            ratio(answered.wall, cost.wall),
            ratio(conf.cpu, cost.cpu),
            ratio(answered.cpu, cost.cpu),
        );
    }
    let at = |part: usize| changes[(changes.len() - 1) * part / 100].as_secs_f64() * 1e6;
    out += &format!(
        "\nOne change of {} drawn at random, in the developer's build: median {:.1} µs, 99th percentile {:.1} µs, \
         longest {:.1} µs; every {CHECKED}th state was equal to a fresh evaluation.\n",
        changes.len(),
        at(50),
        at(99),
        at(100)
    );
    out
}
