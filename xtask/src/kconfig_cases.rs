//! `cargo xtask kconfig-cases`: the cases of a tree's own scripts/kconfig/tests, run with the native engine.
//!
//! The cases are Python and stay where they are; they find a `conf` that is this program again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use kiln_kconfig::{Dialect, Files, Host, Mode, Model};

/// Which cases.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kernel tree, unpacked [default: as for kconfig-matrix]
    #[arg(long, value_name = "DIR")]
    tree: Option<PathBuf>,
}

/// What `conf` is called with.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfArgs {
    /// The tree that says which version's rules hold
    tree: PathBuf,
    /// `--MODE` or `--MODE=FILE`
    #[arg(allow_hyphen_values = true)]
    mode: String,
    /// The Kconfig file
    kconfig: String,
}

const PLAY: &str = include_str!("kconfig_cases/play.py");
/// The cases type newlines without end; none of their dialogues is longer.
const MAX_ANSWERS: usize = 1000;

/// Runs them; fails when one does.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tree = args.tree.clone().or_else(crate::kconfig_matrix::find_tree);
    let tree = tree.context("no unpacked kernel tree in the caches: name one with --tree")?.canonicalize()?;
    let folder = tempfile::tempdir()?;
    let conf = folder.path().join("scripts/kconfig/conf");
    std::fs::create_dir_all(folder.path().join("scripts/kconfig"))?;
    let program = std::env::current_exe()?;
    let script = format!("#!/bin/sh\nexec '{}' kconfig-conf '{}' \"$@\"\n", program.display(), tree.display());
    std::fs::write(&conf, script)?;
    std::fs::set_permissions(&conf, std::fs::Permissions::from_mode(0o755))?;
    let play = folder.path().join("play.py");
    std::fs::write(&play, PLAY)?;
    let tests = tree.join("scripts/kconfig/tests");
    let status = Command::new("python3").arg(&play).arg(&tests).current_dir(folder.path()).status();
    ensure!(status.context("cannot run python3")?.success(), "some cases failed");
    Ok(())
}

/// Does what `conf` does; returns its status.
pub(crate) fn conf(args: &ConfArgs) -> Result<u8> {
    let machine = Machine { current: std::env::current_dir()?, variables: std::env::vars_os().collect() };
    let tree = |name: &str| std::fs::read(args.tree.join(name)).ok().map(Arc::from);
    let (model, said) = Model::parse(&args.kconfig, &machine, &machine, Dialect::of_tree(&tree));
    std::io::stdout().write_all(&said.stdout())?;
    std::io::stderr().write_all(&said.stderr())?;
    let Some(model) = model else { return Ok(1) };
    let outcome = kiln_kconfig::run(&model, &mode(&args.mode)?, &machine, &machine);
    std::io::stdout().write_all(&outcome.stdout)?;
    std::io::stderr().write_all(&outcome.stderr)?;
    if outcome.status == 0
        && let Some((name, text)) = outcome.config.filter(|_| !outcome.unchanged)
    {
        write(&machine.current.join(name), &text)?;
    }
    Ok(outcome.status)
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

fn mode(argument: &str) -> Result<Mode> {
    let (name, value) = argument.split_once('=').unwrap_or((argument, "defconfig"));
    Ok(match name {
        "--olddefconfig" => Mode::OldDefConfig,
        "--oldconfig" => Mode::OldConfig(answers()?),
        "--oldaskconfig" => Mode::OldAskConfig(answers()?),
        "--allnoconfig" => Mode::AllNoConfig,
        "--allyesconfig" => Mode::AllYesConfig,
        "--allmodconfig" => Mode::AllModConfig,
        "--alldefconfig" => Mode::AllDefConfig,
        "--randconfig" => Mode::RandConfig,
        "--listnewconfig" => Mode::ListNewConfig,
        "--helpnewconfig" => Mode::HelpNewConfig,
        "--defconfig" => Mode::DefConfig(value.to_owned()),
        "--savedefconfig" => Mode::SaveDefConfig(value.to_owned()),
        _ => bail!("no mode `{argument}`"),
    })
}

fn answers() -> Result<Vec<u8>> {
    let mut answers = Vec::new();
    let mut input = std::io::stdin().lock();
    for _ in 0..MAX_ANSWERS {
        if input.read_until(b'\n', &mut answers)? == 0 {
            break;
        }
    }
    Ok(answers)
}

/// Reads from the working directory, then from `$srctree`.
struct Machine {
    current: PathBuf,
    variables: BTreeMap<OsString, OsString>,
}

impl Files for Machine {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        let here = std::fs::read(self.current.join(name));
        let srctree = self.variables.get(&OsString::from("srctree"));
        let text = here.or_else(|error| srctree.map_or(Err(error), |tree| std::fs::read(Path::new(tree).join(name))));
        text.ok().map(Arc::from)
    }
}

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.variables.get(&OsString::from(name)).map(|value| value.clone().into_vec())
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        let command = OsString::from_vec(command.to_vec());
        let output = Command::new("/bin/sh").arg("-c").arg(command).stderr(std::process::Stdio::inherit()).output();
        output.map(|output| output.stdout).map_err(|error| error.to_string())
    }
}
