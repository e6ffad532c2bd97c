//! `kiln kconfig`: the native Kconfig engine as a replacement for a tree's own `scripts/kconfig/conf`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use kiln_exec::Sandbox;
use kiln_kbuild::kconfig::{LinuxTree, Machine};
use kiln_kbuild::toolchain::Programs;
use kiln_kconfig::{Host as _, Messages, Mode, Outcome};
use kiln_store::Store;

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Configure any Kconfig tree, byte for byte as its own conf does
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do
    #[arg(value_enum)]
    mode: ModeArg,
    /// Tree that contains the Kconfig files
    #[arg(long, value_name = "DIR", default_value = ".")]
    srctree: PathBuf,
    /// ARCH of a Linux tree; sets the variables that its makefile sets
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Directory with the sources of the project's conf, whose rules to follow [default: found in the tree]
    #[arg(long, value_name = "DIR")]
    dialect: Option<PathBuf>,
    /// Top Kconfig file
    #[arg(long, value_name = "FILE", default_value = "Kconfig")]
    kconfig: String,
    /// Read this .config, or for defconfig this minimal config [default: $KCONFIG_CONFIG, else .config]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write to this file [default: the .config, or for savedefconfig defconfig]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
#[expect(clippy::enum_variant_names, reason = "the modes are named as conf names them")]
enum ModeArg {
    /// Use the .config; new symbols get their defaults
    OldDefConfig,
    /// Use a minimal config
    DefConfig,
    /// Set as many symbols as possible to n
    AllNoConfig,
    /// Set as many symbols as possible to y
    AllYesConfig,
    /// Set as many symbols as possible to m
    AllModConfig,
    /// Set every symbol to its default
    AllDefConfig,
    /// Random values, from $KCONFIG_SEED
    RandConfig,
    /// Write the smallest config that gives the same .config
    SaveDefConfig,
    /// Print the symbols that the .config does not set
    ListNewConfig,
    /// Print those symbols with their help
    HelpNewConfig,
    /// Write the .config and the files that a build reads
    SyncConfig,
    /// Change y to m where possible
    Yes2ModConfig,
    /// Change m to y
    Mod2YesConfig,
    /// Change m to n
    Mod2NoConfig,
}

/// Runs it; the status is that of `conf`.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let machine = machine(context, args)?;
    if machine.known_dialect().is_none() {
        if let Some(directory) = &args.dialect {
            let text = format!("{}: no grammar of Kconfig (parser.y or zconf.y) in it", directory.display());
            return Err(Failure::Usage(text));
        }
        let text = format!(
            "{}: no sources of conf in it; assuming the rules of Linux 7.0. --dialect DIR names their directory.\n",
            args.srctree.display()
        );
        context.ui.text(text.as_bytes());
    }
    let (model, messages) = machine.parse(&args.kconfig).map_err(Failure::host)?;
    context.ui.result(&String::from_utf8_lossy(&messages.stdout()));
    context.ui.text(&messages.stderr());
    let Some(model) = model else {
        if let Some(hint) = other_dialect(&messages) {
            context.ui.text(hint.as_bytes());
        }
        return Ok(exit::FAULT);
    };
    let output = args.output.as_ref().map_or_else(|| "defconfig".to_owned(), |path| path.display().to_string());
    let input = args.config.as_ref().map(|path| path.display().to_string());
    let mode = match args.mode {
        ModeArg::DefConfig => {
            let name = input.ok_or_else(|| Failure::Usage("defconfig needs --config FILE".to_owned()))?;
            Mode::DefConfig(name)
        }
        ModeArg::SaveDefConfig => Mode::SaveDefConfig(output),
        ModeArg::OldDefConfig => Mode::OldDefConfig,
        ModeArg::AllNoConfig => Mode::AllNoConfig,
        ModeArg::AllYesConfig => Mode::AllYesConfig,
        ModeArg::AllModConfig => Mode::AllModConfig,
        ModeArg::AllDefConfig => Mode::AllDefConfig,
        ModeArg::RandConfig => Mode::RandConfig,
        ModeArg::ListNewConfig => Mode::ListNewConfig,
        ModeArg::HelpNewConfig => Mode::HelpNewConfig,
        ModeArg::SyncConfig => Mode::SyncConfig,
        ModeArg::Yes2ModConfig => Mode::Yes2ModConfig,
        ModeArg::Mod2YesConfig => Mode::Mod2YesConfig,
        ModeArg::Mod2NoConfig => Mode::Mod2NoConfig,
    };
    let outcome = kiln_kconfig::run(&model, &mode, &machine, &machine);
    context.ui.result(&String::from_utf8_lossy(&outcome.stdout));
    context.ui.text(&outcome.stderr);
    if outcome.status == 0 {
        write(&context.environment.current_dir, args, &outcome).map_err(Failure::host)?;
    }
    Ok(outcome.status)
}

/// Returns what to say about the first statement that only Kconfiglib knows.
fn other_dialect(messages: &Messages) -> Option<String> {
    let words = ["rsource", "osource", "orsource", "gsource", "grsource", "configdefault", "def_string", "def_int"];
    messages.iter().filter(|message| message.code == "unknown-statement").find_map(|message| {
        let word = message.text.split('"').nth(1)?;
        let is_other = words.contains(&word) || matches!(word, "warning" | "def_hex");
        let place = message.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        is_other.then(|| {
            format!(
                "{place}`{word}` is a word of Kconfiglib (Zephyr, ESP-IDF), which has its own dialect; kiln reads what \
                 the C program conf reads. Use the project's own tool for this tree.\n"
            )
        })
    })
}

/// Returns the tree, and the variables that its Kconfig files see: the caller's, and those of a kernel's makefiles.
fn machine(context: &Context<'_>, args: &Args) -> Result<Machine, Failure> {
    let current = &context.environment.current_dir;
    let srctree = current.join(&args.srctree);
    let fixed = ["ARCH", "SRCARCH", "KERNELVERSION", "srctree"];
    let mut variables = BTreeMap::new();
    for (name, value) in &context.environment.vars {
        let Some(name) = name.to_str() else { continue };
        if args.arch.is_none() || !fixed.contains(&name) {
            variables.insert(name.to_owned(), value.as_bytes().to_vec());
        }
    }
    let machine = match &args.arch {
        None => {
            variables.insert("srctree".to_owned(), srctree.as_os_str().as_bytes().to_vec());
            Machine::new(&srctree, current, variables)
        }
        Some(arch) => {
            let var = |name: &str| context.environment.vars.get(OsStr::new(name)).and_then(|value| value.to_str());
            let programs = match var("LLVM").filter(|value| !value.is_empty()) {
                Some(value) => Programs::Llvm { value: value.to_owned() },
                None => Programs::gnu(var("CROSS_COMPILE").unwrap_or_default()),
            };
            let tree = LinuxTree {
                srctree: &srctree,
                arch,
                programs: &programs,
                cc: var("CC"),
                ld: var("LD"),
                rustc: var("RUSTC"),
                path: &context.environment.path,
                // The caller's own `make` runs this tree.
                sandbox: &Sandbox::off(),
            };
            // Without a store the tools are run each time.
            let store = Store::open_with(&context.store_dir(), Arc::new(context.ui.clone())).ok();
            Machine::linux(&tree, current, &variables, store.as_ref()).map_err(Failure::fault)?
        }
    };
    let machine = match &args.dialect {
        Some(directory) => machine.with_program(&current.join(directory)),
        None => machine,
    };
    let machine = match &args.config {
        Some(config) if args.mode != ModeArg::DefConfig => {
            machine.with_variable("KCONFIG_CONFIG", config.as_os_str().as_bytes())
        }
        _ => machine,
    };
    Ok(match args.mode {
        ModeArg::RandConfig if machine.variable("KCONFIG_SEED").is_none() => {
            machine.with_variable("KCONFIG_SEED", seed().to_string().as_bytes())
        }
        _ => machine,
    })
}

/// Writes the files of a run, below the working directory.
fn write(current: &Path, args: &Args, outcome: &Outcome) -> anyhow::Result<()> {
    // As conf does it, for a makefile that is about to include them; a caller that names the files wants no others.
    let is_plain = args.config.is_none() && args.output.is_none();
    if let Some(auto) = &outcome.auto
        && (args.mode == ModeArg::SyncConfig || is_plain)
    {
        for name in &auto.touched {
            put(&current.join(name), b"")?;
        }
        for (name, text) in &auto.written {
            put(&current.join(name), text)?;
        }
    }
    let Some((name, text)) = &outcome.config else { return Ok(()) };
    let path = current.join(args.output.as_deref().unwrap_or(Path::new(name)));
    let old = kiln_file::read(&path).ok();
    if old.as_deref() == Some(text) {
        return Ok(());
    }
    if old.is_some() && args.mode != ModeArg::SaveDefConfig {
        let kept = beside(&path, ".old");
        std::fs::rename(&path, &kept).with_context(|| format!("cannot keep {}", path.display()))?;
    }
    put(&path, text)
}

/// Writes a file whole or not at all, and creates its directory.
pub(super) fn put(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    if path.is_dir() {
        return Err(anyhow!("{}: is a directory", path.display()));
    }
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let temporary = beside(path, ".tmp");
        std::fs::write(&temporary, text)?;
        std::fs::rename(&temporary, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Returns a seed from the clock.
fn seed() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.subsec_nanos() ^ since.as_secs() as u32)
}

/// Returns the path with `ending` after its name.
fn beside(path: impl AsRef<Path>, ending: &str) -> PathBuf {
    let mut name = path.as_ref().as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
