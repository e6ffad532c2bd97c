//! The time of a change of one symbol, compared with a clean build and plain `make` in its own directory; the time of a
//! build that has nothing to do; and how large a store is after twenty generations.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Args;
use super::measure::{Cost, Meter, median};
use crate::bench::machine;
use crate::incremental_matrix::release_kiln;
use crate::kconfig_matrix::find_tree;

/// The smallest kernel with a few modules.
const REQUESTS: &str = "64BIT = \"y\"\nMODULES = \"y\"\nEXPERT = \"y\"\nPRINTK = \"y\"\nCRC_CCITT = \"m\"\n\
                        CRC16 = \"m\"\nXZ_DEC = \"m\"\n";
/// One additional symbol: a module, and what built-in code reads of it.
const CHANGE: &str = "CRC8 = \"m\"\n";
/// The number of generations in the store.
const GENERATIONS: usize = 20;

/// Measures; returns the table.
pub(super) fn run(args: &Args) -> Result<String> {
    let tree = args.tree.clone().or_else(find_tree).context("no kernel tree: name one with --tree")?;
    let kiln = release_kiln()?;
    fs::create_dir_all(&args.work)?;
    let ground = Ground { tree: tree.canonicalize()?, kiln, dir: args.work.canonicalize()?.join("build") };
    let meter = Meter::new(&args.work.canonicalize()?)?;
    let _ = fs::remove_dir_all(&ground.dir);
    fs::create_dir_all(ground.dir.join("plain"))?;
    // The first build reads the tree; what is measured is the build alone.
    ground.recipe("")?;
    meter.run(&ground.kiln())?;
    for folder in ["store/work", "store/results"] {
        fs::remove_dir_all(ground.dir.join(folder))?;
    }
    let clean = meter.run(&ground.kiln())?;
    ground.take_config()?;
    let plain_clean = meter.run(&ground.make())?;
    ground.recipe(CHANGE)?;
    let change = meter.run(&ground.kiln())?;
    ground.take_config()?;
    let plain_change = meter.run(&ground.make())?;
    let nothing: Vec<Cost> = (0..args.rounds).map(|_| meter.run(&ground.kiln())).collect::<Result<_>>()?;
    let plain_nothing: Vec<Cost> = (0..args.rounds).map(|_| meter.run(&ground.make())).collect::<Result<_>>()?;
    let (nothing, plain_nothing) = (median(&nothing), median(&plain_nothing));
    for number in 3..=GENERATIONS {
        ground.recipe(&format!("{CHANGE}LOCALVERSION = \"-{number}\"\n"))?;
        meter.run(&ground.kiln())?;
    }
    let mut table = format!(
        "`cargo xtask bench build --rounds {}`: {}; {}, tinyconfig with modules; nothing to do: medians, page cache warm.\n\n\
         | | kiln: wall s | CPU s | plain `make` in place: wall s | CPU s |\n| --- | ---: | ---: | ---: | ---: |\n",
        args.rounds,
        machine(),
        ground.release()?
    );
    let rows = [
        ("clean build", clean, plain_clean),
        ("one symbol changed", change, plain_change),
        ("nothing to do", nothing, plain_nothing),
    ];
    for (name, ours, theirs) in rows {
        let seconds = |microseconds: u64| microseconds as f64 / 1e6;
        let [wall, cpu, their_wall, their_cpu] = [ours.wall, ours.cpu, theirs.wall, theirs.cpu].map(seconds);
        table.push_str(&format!("| {name} | {wall:.3} | {cpu:.3} | {their_wall:.3} | {their_cpu:.3} |\n"));
    }
    let size = |folder: &str| -> Result<f64> {
        Ok(kiln_store::directory::list(&ground.dir.join("store").join(folder))?.bytes() as f64 / f64::from(1 << 20))
    };
    table.push_str(&format!(
        "\nThe store after {GENERATIONS} generations: {:.0} MiB, of which {:.0} are results, {:.0} Kbuild's folder.\n",
        size("")?,
        size("results")?,
        size("work")?
    ));
    Ok(table)
}

/// A recipe with its store, and a directory for plain `make`.
struct Ground {
    tree: PathBuf,
    kiln: PathBuf,
    dir: PathBuf,
}

impl Ground {
    fn recipe(&self, more: &str) -> Result<()> {
        let text = format!(
            "[kernel]\nsrc = {:?}\narch = \"x86_64\"\nbaseConfig = \"tinyconfig\"\nmakeTargets = [\"bzImage\"]\n\
             [kernel.config]\n{REQUESTS}{more}",
            self.tree
        );
        Ok(fs::write(self.dir.join("kiln.toml"), text)?)
    }

    fn kiln(&self) -> Command {
        let mut command = Command::new(&self.kiln);
        command.args(["build", "--quiet", "--store", "store"]).current_dir(&self.dir);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &self.dir);
        command
    }

    fn make(&self) -> Command {
        let mut command = Command::new("make");
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        command.arg("-C").arg(&self.tree).arg(format!("O={}", self.dir.join("plain").display()));
        command.args(["-s", "ARCH=x86_64", &format!("-j{jobs}"), "bzImage", "modules"]).current_dir(&self.dir);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Copies the config that kiln built to plain make.
    fn take_config(&self) -> Result<()> {
        let config = fs::read(self.dir.join("result/config")).context("the result has no config")?;
        Ok(fs::write(self.dir.join("plain/.config"), config)?)
    }

    fn release(&self) -> Result<String> {
        let text = fs::read_to_string(self.dir.join("plain/include/config/kernel.release"))?;
        ensure!(!text.trim().is_empty(), "plain make built no kernel");
        Ok(format!("Linux {}", text.trim()))
    }
}
