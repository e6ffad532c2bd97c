//! `cargo xtask kconfig-matrix`: the native Kconfig engine against a tree's own `conf`, byte for byte.
//!
//! Both get the same variables, with the host's tools for every architecture, and ask the same shell; the engine's answers
//! are remembered from one comparison to the next.
//! What is compared: the file written, standard output, standard error, and the status.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use kiln_kconfig::{Dialect, Environment, Files, Host, Linux, Messages, Mode, Model, Type};

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kernel tree
    #[arg(long, value_name = "DIR")]
    tree: PathBuf,
    /// Only these architectures; may be repeated [default: all]
    #[arg(long, value_name = "ARCH")]
    arch: Vec<String>,
    /// At most this many defconfigs of each architecture
    #[arg(long, default_value_t = usize::MAX)]
    defconfigs: usize,
    /// Seeds of randconfig for each architecture
    #[arg(long, default_value_t = 20)]
    seeds: u32,
    /// Sets of random requests for each architecture
    #[arg(long, default_value_t = 10)]
    requests: u32,
    /// The tree's conf, when it is built already
    #[arg(long, value_name = "FILE")]
    conf: Option<PathBuf>,
    /// Work in this folder
    #[arg(long, value_name = "DIR", default_value = "target/kconfig-matrix")]
    work: PathBuf,
}

/// Runs it; fails when anything differs.
#[expect(clippy::print_stdout, reason = "a developer's tool says what differs")]
pub(crate) fn run(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.work)?;
    let tree = args.tree.canonicalize().with_context(|| format!("no tree {}", args.tree.display()))?;
    let work = args.work.canonicalize()?;
    let conf = match &args.conf {
        Some(conf) => conf.clone(),
        None => build_conf(&tree, &work)?,
    };
    let arches = if args.arch.is_empty() { arches(&tree)? } else { args.arch.clone() };
    let (mut n_same, mut n_differ) = (0, 0);
    for arch in arches {
        let machine = Machine::new(&tree, &work, &arch)?;
        let (model, said) = Model::parse("Kconfig", &machine, &machine, Dialect::of_tree(&machine));
        let model = model.with_context(|| format!("{arch}: {}", String::from_utf8_lossy(&said.stderr())))?;
        for job in jobs(&model, &tree, &arch, &work, args)? {
            let differences = compare(&model, &said, &machine, &conf, &job)?;
            if differences.is_empty() {
                n_same += 1;
            } else {
                n_differ += 1;
                println!("{arch} {}: {} differ", job.name, differences.join(", "));
            }
        }
        println!("{arch}: {n_same} same, {n_differ} differ so far");
    }
    ensure!(n_differ == 0, "{n_differ} of {} differ", n_same + n_differ);
    Ok(())
}

/// One comparison.
struct Job {
    name: String,
    mode: Mode,
    argument: String,
    variables: Vec<(&'static str, String)>,
    /// Content of the `.config` at the start.
    config: Option<Vec<u8>>,
}

fn build_conf(tree: &Path, work: &Path) -> Result<PathBuf> {
    let output = work.join("conf");
    std::fs::create_dir_all(&output)?;
    let status = Command::new("make")
        .arg("-C")
        .arg(tree)
        .arg(format!("O={}", output.display()))
        .args(["ARCH=x86", "allnoconfig"])
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "cannot build conf in {}", output.display());
    Ok(output.join("scripts/kconfig/conf"))
}

/// The folders of `arch/`.
fn arches(tree: &Path) -> Result<Vec<String>> {
    let mut arches = Vec::new();
    for entry in std::fs::read_dir(tree.join("arch"))? {
        let path = entry?.path();
        if path.join("Kconfig").exists()
            && let Some(name) = path.file_name().and_then(OsStr::to_str)
        {
            arches.push(name.to_owned());
        }
    }
    arches.sort();
    Ok(arches)
}

fn jobs(model: &Model, tree: &Path, arch: &str, work: &Path, args: &Args) -> Result<Vec<Job>> {
    let job = |name: &str, mode: Mode| Job {
        name: name.to_owned(),
        mode,
        argument: format!("--{name}"),
        variables: Vec::new(),
        config: None,
    };
    let mut jobs = vec![
        job("allnoconfig", Mode::AllNoConfig),
        job("allyesconfig", Mode::AllYesConfig),
        job("allmodconfig", Mode::AllModConfig),
        job("alldefconfig", Mode::AllDefConfig),
    ];
    for path in defconfigs(&tree.join("arch").join(arch))?.into_iter().take(args.defconfigs) {
        let name = path.display().to_string();
        let text = std::fs::read(&path)?;
        jobs.push(Job { argument: format!("--defconfig={name}"), ..job(&name, Mode::DefConfig(name.clone())) });
        let saving = Mode::SaveDefConfig("defconfig".to_owned());
        let argument = "--savedefconfig=defconfig".to_owned();
        jobs.push(Job { argument, config: Some(text.clone()), ..job(&format!("savedefconfig of {name}"), saving) });
        jobs.push(Job { config: Some(text), ..job("listnewconfig", Mode::ListNewConfig) });
    }
    for seed in 1..=args.seeds {
        let variables = vec![("KCONFIG_SEED", seed.to_string())];
        jobs.push(Job { variables, ..job("randconfig", Mode::RandConfig) });
    }
    for set in 0..args.requests {
        let seed = work.join(format!("requests-{arch}-{set}"));
        std::fs::write(&seed, requests(model, u64::from(set) + 1))?;
        let variables = vec![("KCONFIG_ALLCONFIG", seed.display().to_string())];
        let (name, mode) = match set % 4 {
            0 => ("allnoconfig", Mode::AllNoConfig),
            1 => ("alldefconfig", Mode::AllDefConfig),
            2 => ("allmodconfig", Mode::AllModConfig),
            _ => ("allyesconfig", Mode::AllYesConfig),
        };
        jobs.push(Job { variables, ..job(name, mode) });
    }
    Ok(jobs)
}

/// Every file below `folder` whose name ends in `defconfig`.
fn defconfigs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with("defconfig") && folder.ends_with("configs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Lines that set some symbols to values that fit more or less.
fn requests(model: &Model, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut out = String::new();
    for symbol in model.declared() {
        if draw(40) != 0 {
            continue;
        }
        let name = model.name(symbol);
        let value = match (model.type_of(symbol), draw(4)) {
            (Type::Bool | Type::Tristate, 0) => "n".to_owned(),
            (Type::Bool | Type::Tristate, 1) => "m".to_owned(),
            (Type::Bool | Type::Tristate, _) => "y".to_owned(),
            (Type::Int, _) => draw(100).to_string(),
            (Type::Hex, _) => format!("0x{:x}", draw(1 << 20)),
            (Type::String, _) => format!("\"text {}\"", draw(10)),
            (Type::Unknown, _) => "y".to_owned(),
        };
        out += &format!("CONFIG_{name}={value}\n");
    }
    out
}

/// Names of what differs.
fn compare(model: &Model, parsed: &Messages, machine: &Machine, conf: &Path, job: &Job) -> Result<Vec<&'static str>> {
    let folder = machine.work.join("run");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    if let Some(config) = &job.config {
        std::fs::write(folder.join(".config"), config)?;
    }
    let theirs = Command::new(conf)
        .arg(&job.argument)
        .arg("Kconfig")
        .current_dir(&folder)
        .env_clear()
        .envs(machine.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
        .envs(job.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", conf.display()))?;
    let name = if matches!(job.mode, Mode::SaveDefConfig(_)) { "defconfig" } else { ".config" };
    let their_config = std::fs::read(folder.join(name)).ok();
    let view = View { machine, job };
    let ours = kiln_kconfig::run(model, &job.mode, &view, &view);
    let our_config = ours.config.map(|(_, text)| text).or_else(|| job.config.clone());
    let mut differences = Vec::new();
    let mut check = |what, same: bool| {
        if !same {
            differences.push(what);
        }
    };
    check("status", theirs.status.code() == Some(i32::from(ours.status)));
    check("standard output", theirs.stdout == [parsed.stdout(), ours.stdout].concat());
    check("standard error", theirs.stderr == [parsed.stderr(), ours.stderr].concat());
    check("the file", ours.status != 0 || their_config == our_config);
    Ok(differences)
}

/// The tree and the variables that both programs see.
struct Machine {
    tree: PathBuf,
    work: PathBuf,
    variables: BTreeMap<String, Vec<u8>>,
    answers: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Machine {
    fn new(tree: &Path, work: &Path, arch: &str) -> Result<Machine> {
        let makefile = std::fs::read_to_string(tree.join("Makefile"))?;
        let value = |name: &str| {
            let of = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim().to_owned());
            makefile.lines().find_map(of).unwrap_or_default()
        };
        let numbers = [value("VERSION"), value("PATCHLEVEL"), value("SUBLEVEL")].join(".");
        let version = format!("{numbers}{}", value("EXTRAVERSION"));
        let says = |program: &str| {
            let output = Command::new(program).arg("--version").env("LC_ALL", "C").output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
        };
        let environment = Environment::linux(&Linux {
            arch,
            srctree: &tree.to_string_lossy(),
            version: &version,
            cross_compile: "",
            cc: None,
            ld: None,
            cc_version: &says("gcc"),
            rustc_version: &says("rustc"),
        });
        let mut variables: BTreeMap<String, Vec<u8>> =
            environment.variables.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        for name in ["PATH", "HOME"] {
            let Some(value) = std::env::var_os(name) else { bail!("{name} is not set") };
            variables.insert(name.to_owned(), value.as_bytes().to_vec());
        }
        Ok(Machine { tree: tree.to_owned(), work: work.to_owned(), variables, answers: RefCell::default() })
    }
}

impl Files for Machine {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        std::fs::read(self.tree.join(name)).ok().map(Arc::from)
    }
}

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.variables.get(name).cloned()
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        if let Some(answer) = self.answers.borrow().get(command) {
            return Ok(answer.clone());
        }
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(OsStr::from_bytes(command))
            .current_dir(&self.work)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
            .output()
            .map_err(|error| error.to_string())?;
        self.answers.borrow_mut().insert(command.to_vec(), output.stdout.clone());
        Ok(output.stdout)
    }
}

/// What one job sees.
struct View<'a> {
    machine: &'a Machine,
    job: &'a Job,
}

impl Files for View<'_> {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        match name {
            ".config" => self.job.config.as_deref().map(Arc::from),
            "include/config/auto.conf" => None,
            other => self.machine.read(other),
        }
    }
}

impl Host for View<'_> {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let own = self.job.variables.iter().find(|(known, _)| *known == name);
        own.map(|(_, value)| value.clone().into_bytes()).or_else(|| self.machine.variable(name))
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.machine.shell(command)
    }
}
