//! The indexes of a whole Debian kernel: kiln and kmod's `depmod`, on plain modules and on modules compressed with xz.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::measure::{Cost, Meter, median};
use super::{Args, machine, release_kiln};
use crate::depmod_matrix::unpacked;

/// Suite and package of the modules that are indexed.
const KERNELS: [(&str, &str); 2] = [("bookworm", "linux-image-amd64"), ("bookworm-backports", "linux-image-amd64")];

/// Measures; returns the table.
pub(super) fn run(args: &Args) -> Result<String> {
    fs::create_dir_all(&args.work)?;
    let work = args.work.canonicalize()?;
    let meter = Meter::new(&work)?;
    let kiln = release_kiln()?;
    let depmod = Command::new("depmod").arg("--version").output().context("cannot run depmod")?;
    let depmod = String::from_utf8_lossy(&depmod.stdout).lines().next().unwrap_or_default().to_owned();
    let mut table = format!(
        "`cargo xtask bench depmod --rounds {}`: {}; {depmod}; page cache warm, medians.\n\n\
         | kernel | program | wall ms | CPU ms | peak MiB |\n| --- | --- | ---: | ---: | ---: |\n",
        args.rounds,
        machine()
    );
    for (suite, package) in KERNELS {
        let (base, release) = unpacked(suite, "amd64", package)?;
        // Debian's kmod 30 has no -o: it writes next to the modules.
        let ours = work.join("depmod");
        let mut commands = [Command::new("depmod"), Command::new(&kiln)];
        commands[1].args(["depmod", "-o"]).arg(&ours);
        for command in &mut commands {
            command.args(["-C", "/dev/null", "-b"]).arg(&base).arg(&release);
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        }
        let mut costs: [Vec<Cost>; 2] = [Vec::new(), Vec::new()];
        // The first round fills the page cache.
        for round in 0..=args.rounds {
            for (command, costs) in commands.iter().zip(&mut costs) {
                let cost = meter.run(command)?;
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
        same(&base, &ours, &release)?;
        let [theirs, ours] = costs.map(|costs| median(&costs));
        for (name, cost) in [("`depmod`", theirs), ("`kiln depmod`", ours)] {
            table.push_str(&format!("| {release} | {name} | {} |\n", columns(cost)));
        }
        table.push_str(&format!("| {release} | times less | {} |\n", ratios(theirs, ours)));
    }
    Ok(table)
}

pub(super) fn columns(cost: Cost) -> String {
    let ms = |micros: u64| format!("{:.0}", micros as f64 / 1000.0);
    format!("{} | {} | {:.1}", ms(cost.wall), ms(cost.cpu), cost.memory as f64 / 1024.0)
}

pub(super) fn ratios(theirs: Cost, ours: Cost) -> String {
    let times = |theirs: u64, ours: u64| format!("{:.1}", theirs as f64 / ours.max(1) as f64);
    let (wall, cpu) = (times(theirs.wall, ours.wall), times(theirs.cpu, ours.cpu));
    format!("{wall} | {cpu} | {}", times(theirs.memory, ours.memory))
}

/// Speed counts only for the same bytes.
fn same(theirs: &Path, ours: &Path, release: &str) -> Result<()> {
    let folder = |out: &Path| out.join("lib/modules").join(release);
    for entry in fs::read_dir(folder(ours))? {
        let name = entry?.file_name();
        let equal = fs::read(folder(ours).join(&name))? == fs::read(folder(theirs).join(&name))?;
        ensure!(equal, "{} of {release} differs", name.display());
    }
    Ok(())
}
