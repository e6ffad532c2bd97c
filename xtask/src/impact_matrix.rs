//! `cargo xtask impact-matrix`: what `kiln impact` predicts, compared with what a build then changes.
//!
//! Starting from a recipe's config, random symbols are given another value one after the other. Each time
//! `kiln impact` reports what is reached, the recipe is built, and the records of both builds are compared, object by
//! object. An object that has changed although that was not predicted fails the run.
//! `--symbol` takes given symbols instead; `--load` builds each change that fits for the first kernel, with a loader for
//! the new modules, and boots it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use kiln_impact::{BuildRecord, ProductKind};
use kiln_kbuild::kernel::read_record;
use serde_json::Value;

use crate::kconfig_matrix::requests::Chance;

/// What to draw.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The recipe to begin with
    #[arg(long, value_name = "FILE", default_value = "examples/router-x86_64/kiln.toml")]
    recipe: PathBuf,
    /// Number of symbols to draw
    #[arg(long, default_value_t = 100)]
    flips: u32,
    /// Seed of the first draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Change this symbol to this value instead of drawing (`DUMMY=m`); may be repeated
    #[arg(long, value_name = "SYMBOL=VALUE")]
    symbol: Vec<String>,
    /// Go back to the recipe's own config before each change, instead of going on from the last one
    #[arg(long)]
    back: bool,
    /// Load what fits into the first kernel, in QEMU
    #[arg(long)]
    load: bool,
    /// Keep results in this directory
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Work in this directory
    #[arg(long, value_name = "DIR", default_value = "target/impact-matrix")]
    work: PathBuf,
    /// The kiln to test [default: the one beside this program]
    #[arg(long, value_name = "FILE")]
    kiln: Option<PathBuf>,
}

/// How often another symbol is drawn before the run gives up.
const TRIES: u32 = 200;

/// Where the runs happen.
struct Ground {
    kiln: PathBuf,
    work: PathBuf,
    base: PathBuf,
    store: Option<PathBuf>,
}

/// A finished build.
struct State {
    requests: Vec<(String, String)>,
    config: String,
    record: BuildRecord,
}

/// The outcome of one change.
#[derive(Debug, Default)]
struct Row {
    change: String,
    verdict: String,
    exact: String,
    reached: usize,
    changed: usize,
    missed: Vec<String>,
    quick_ms: u128,
    build_s: f64,
    loaded: Option<Loaded>,
}

/// What became of the new modules in the kernel from before the change.
#[derive(Debug)]
enum Loaded {
    Yes,
    /// It loaded them, and one found no device in QEMU's machine that it drives.
    NoDevice,
    /// It does not boot without them, either: an earlier change removed what the guest needs.
    NoBoot,
    /// The verdict of the boot says why.
    No(String),
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let ground = Ground::new(args)?;
    let first = ground.build(&[])?;
    let mut state = ground.state(Vec::new(), &first)?;
    let mut random = Chance::new(args.seed);
    let mut rows = Vec::new();
    let given: Vec<(String, String)> = args
        .symbol
        .iter()
        .map(|text| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect::<Option<_>>()
        .context("a change is SYMBOL=VALUE")?;
    let n_changes = if given.is_empty() { args.flips as usize } else { given.len() };
    for n in 0..n_changes {
        if args.back && n > 0 {
            state = ground.state(Vec::new(), &ground.build(&[])?)?;
        }
        let requests = match given.get(n) {
            Some(change) => with(&state.requests, change),
            None => ground.draw(&state, &mut random)?,
        };
        let (row, next) = ground.change(&state, requests, args.load)?;
        show(&row);
        rows.push(row);
        state = next;
    }
    report(&rows)
}

impl Ground {
    fn new(args: &Args) -> Result<Ground> {
        let beside = std::env::current_exe().context("where this program is")?.with_file_name("kiln");
        let kiln = args.kiln.clone().unwrap_or(beside);
        let kiln =
            kiln.canonicalize().with_context(|| format!("{}: `cargo build --bin kiln` makes it", kiln.display()))?;
        fs::create_dir_all(&args.work)?;
        let base = args.recipe.canonicalize().with_context(|| args.recipe.display().to_string())?;
        let work = args.work.canonicalize()?;
        let store = args.store.as_ref().map(std::path::absolute).transpose()?;
        Ok(Ground { kiln, work, base, store })
    }

    /// Writes the recipe with requests that override all others.
    fn write(&self, requests: &[(String, String)], loader: &[String]) -> Result<()> {
        let mut text = format!("imports = [{:?}]\n\n[kernel.config]\n", self.base.display().to_string());
        for (symbol, value) in requests {
            text.push_str(&format!("{symbol} = {{ force = {value:?} }}\n"));
        }
        if !loader.is_empty() {
            text.push_str(&format!("\n[kmodloader.drawn]\ntargets = {loader:?}\n"));
        }
        Ok(fs::write(self.work.join("kiln.toml"), text)?)
    }

    fn kiln(&self, args: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.kiln);
        command.args(args).arg("--quiet").current_dir(&self.work);
        if let Some(store) = &self.store {
            command.arg("--store").arg(store);
        }
        command.output().context("cannot run kiln")
    }

    fn json(&self, args: &[&str]) -> Result<Value> {
        let output = self.kiln(args)?;
        let said = [&output.stderr, &output.stdout].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
        ensure!(output.status.success(), "kiln {}: {}\n{said}", args.join(" "), output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn build(&self, requests: &[(String, String)]) -> Result<Value> {
        self.write(requests, &[])?;
        self.json(&["build", "--json"])
    }

    fn state(&self, requests: Vec<(String, String)>, manifest: &Value) -> Result<State> {
        let key = manifest["kernel"]["keys"]["kernel"].as_str().context("the manifest names the kernel")?;
        let store = self.work.join("result").canonicalize()?;
        let results = store.ancestors().nth(2).context("a result is in the store")?;
        let dir = results.join(format!("{key}-kernel")).join("out");
        let record = read_record(&dir).map_err(|(path, error)| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(State { requests, config: fs::read_to_string(dir.join("config"))?, record })
    }

    /// Returns a change that the tree's Kconfig accepts.
    fn draw(&self, state: &State, random: &mut Chance) -> Result<Vec<(String, String)>> {
        let lines: Vec<&str> = state.config.lines().filter(|line| choices(line).is_some()).collect();
        for _ in 0..TRIES {
            let Some((symbol, values)) = choices(lines[random.draw(lines.len() as u64) as usize]) else { continue };
            // Not every symbol can be a module: the other value is tried next.
            let first = random.draw(values.len() as u64) as usize;
            for at in [first, values.len() - 1 - first] {
                let requests = with(&state.requests, &(symbol.to_owned(), values[at].to_owned()));
                self.write(&requests, &[])?;
                if self.kiln(&["check"])?.status.success() {
                    return Ok(requests);
                }
            }
        }
        bail!("no symbol of {TRIES} could be changed")
    }

    fn change(&self, state: &State, requests: Vec<(String, String)>, load: bool) -> Result<(Row, State)> {
        self.write(&requests, &[])?;
        let begun = Instant::now();
        let quick = self.json(&["impact", "--json"])?;
        let quick_ms = begun.elapsed().as_millis();
        let begun = Instant::now();
        let exact = self.json(&["impact", "--exact", "--json"])?;
        let build_s = begun.elapsed().as_secs_f64();
        let word = |value: &Value| value["verdict"].as_str().unwrap_or_default().to_owned();
        let mut row = Row { verdict: word(&quick), exact: word(&exact), quick_ms, build_s, ..Row::default() };
        row.change = requests.last().map(|(symbol, value)| format!("{symbol}={value}")).unwrap_or_default();
        if load && exact["fits"] == true {
            row.loaded = self.load(state, &requests, &exact)?;
        }
        let next = self.state(requests.clone(), &self.build(&requests)?)?;
        let reached: BTreeSet<&str> = ["builtIn", "modules", "configCopies"]
            .iter()
            .flat_map(|list| quick[list].as_array().into_iter().flatten())
            .filter_map(|one| one["path"].as_str())
            .collect();
        let changed = differences(&state.record, &next.record);
        row.reached = reached.iter().filter(|path| path.ends_with(".o")).count();
        row.missed = changed.iter().filter(|path| !reached.contains(path.as_str())).cloned().collect();
        row.changed = changed.len();
        Ok((row, next))
    }

    /// Loads the new modules into the kernel before the change; `None` when there is none.
    fn load(&self, state: &State, requests: &[(String, String)], exact: &Value) -> Result<Option<Loaded>> {
        let modules = exact["exact"]["addedModules"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let name = |path: &str| path.rsplit('/').next().and_then(|name| name.strip_suffix(".ko")).map(str::to_owned);
        let names: Vec<String> = modules.filter_map(name).collect();
        if names.is_empty() {
            return Ok(None);
        }
        self.write(requests, &names)?;
        let built = self.kiln(&["build", "--for", "latest", "--out", "result-for"])?;
        ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let verdict = self.boot()?;
        let mut steps = verdict["steps"].as_array().into_iter().flatten();
        let failed = steps.find(|step| step["outcome"] == "failed").and_then(|step| step["detail"].as_str());
        Ok(Some(match failed {
            _ if verdict["ok"] == true => Loaded::Yes,
            // `ENODEV` comes from a driver's own code, once the kernel has linked it.
            Some(detail) if detail.ends_with("No such device") => Loaded::NoDevice,
            None if !self.boots(state)? => Loaded::NoBoot,
            _ => Loaded::No(format!("{} {}", failed.unwrap_or_default(), verdict["reasons"])),
        }))
    }

    /// Whether the kernel before the change boots as it was built.
    fn boots(&self, state: &State) -> Result<bool> {
        self.write(&state.requests, &[])?;
        let built = self.kiln(&["build", "--for", "latest", "--out", "result-for"])?;
        ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Ok(self.boot()?["ok"] == true)
    }

    /// Boots what was built for the kernel before the change, and returns the verdict.
    fn boot(&self) -> Result<Value> {
        let booted = self.kiln(&["boot", "--result", "result-for", "--json"])?;
        serde_json::from_slice(&booted.stdout).with_context(|| String::from_utf8_lossy(&booted.stderr).into_owned())
    }
}

/// Returns the symbol of a `.config`'s line that is off, or on as a tristate, with the values that it may take instead.
fn choices(line: &str) -> Option<(&str, &'static [&'static str])> {
    if let Some(symbol) = line.strip_prefix("# CONFIG_").and_then(|rest| rest.strip_suffix(" is not set")) {
        return Some((symbol, &["m", "y"]));
    }
    let (symbol, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
    match value {
        "y" => Some((symbol, &["n", "m"])),
        "m" => Some((symbol, &["n", "y"])),
        _ => None,
    }
}

fn with(requests: &[(String, String)], change: &(String, String)) -> Vec<(String, String)> {
    let others = requests.iter().filter(|(symbol, _)| *symbol != change.0).cloned();
    others.chain([change.clone()]).collect()
}

/// Returns objects of vmlinux and of modules that are not in both records with one digest; module descriptions follow
/// from the rest.
fn differences(one: &BuildRecord, two: &BuildRecord) -> Vec<String> {
    let objects = |record: &BuildRecord| -> BTreeSet<(String, ProductKind, Option<[u8; 16]>)> {
        (0..record.len())
            .map(|product| (record.path(product).to_owned(), record.kind(product), record.digest(product)))
            .filter(|(path, kind, _)| {
                matches!(kind, ProductKind::BuiltIn | ProductKind::Module) && path.ends_with(".o")
            })
            .filter(|(path, ..)| !path.ends_with(".mod.o"))
            .collect()
    };
    let (one, two) = (objects(one), objects(two));
    one.symmetric_difference(&two).map(|(path, ..)| path.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

#[expect(clippy::print_stdout, reason = "a developer's tool shows its findings")]
fn show(row: &Row) {
    let loaded = match &row.loaded {
        None => String::new(),
        Some(Loaded::Yes) => ", loads".to_owned(),
        Some(Loaded::NoDevice) => ", loads and finds no device".to_owned(),
        Some(Loaded::NoBoot) => ", does not boot before the change either".to_owned(),
        Some(Loaded::No(why)) => format!(", DOES NOT LOAD: {why}"),
    };
    println!(
        "{}: {} then {}; {} reached, {} changed, {} missed{loaded}; {} ms, {:.0} s",
        row.change,
        row.verdict,
        row.exact,
        row.reached,
        row.changed,
        row.missed.len(),
        row.quick_ms,
        row.build_s
    );
    row.missed.iter().for_each(|path| println!("  missed: {path}"));
}

#[expect(clippy::print_stdout, reason = "a developer's tool shows its findings")]
fn report(rows: &[Row]) -> Result<()> {
    let sum = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    let (reached, changed, missed) = (sum(|row| row.reached), sum(|row| row.changed), sum(|row| row.missed.len()));
    let mut quick: Vec<u128> = rows.iter().map(|row| row.quick_ms).collect();
    quick.sort_unstable();
    let wrong = rows.iter().filter(|row| row.verdict == "modules-only" && row.exact == "new-kernel").count();
    let loaded = |is: fn(&Loaded) -> bool| rows.iter().filter(|row| row.loaded.as_ref().is_some_and(is)).count();
    let refused = loaded(|loaded| matches!(loaded, Loaded::No(_)));
    println!("\n| | |\n|---|---|");
    println!("| changes | {} |", rows.len());
    println!("| objects that changed | {changed} |");
    println!("| objects that were reached | {reached} |");
    println!("| objects that changed and were not reached | {missed} |");
    println!("| `modules only` that were not | {wrong} |");
    for verdict in ["nothing", "modules-only", "same-bytes", "new-kernel"] {
        println!("| {verdict}, compiled | {} |", rows.iter().filter(|row| row.exact == verdict).count());
    }
    println!("| new modules loaded into the kernel before | {} |", loaded(|loaded| matches!(loaded, Loaded::Yes)));
    println!(
        "| taken by it, and their device is not there | {} |",
        loaded(|loaded| matches!(loaded, Loaded::NoDevice))
    );
    println!("| it does not boot without them either | {} |", loaded(|loaded| matches!(loaded, Loaded::NoBoot)));
    println!("| refused by it | {refused} |");
    println!("| quick answer, median | {} ms |", quick.get(quick.len() / 2).copied().unwrap_or_default());
    ensure!(missed == 0, "{missed} changed objects were not predicted");
    ensure!(wrong == 0 && refused == 0, "{wrong} verdicts were wrong, of {refused} the modules did not load");
    Ok(())
}
