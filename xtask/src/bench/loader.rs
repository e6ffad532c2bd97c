//! The firewall loader of a built kernel: kiln, and the usual commands for the same.
//!
//! Usually all modules are copied, `depmod` is run over them, and `modprobe` lists what each target needs. kiln reads the
//! modules where they are, closes the loader, and writes its modules, their indexes and the services.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use kiln_assembly::closure::{ClosureInputs, close};
use kiln_kconfig::Config;
use kiln_makefile::ModuleRules;
use kiln_moddir::read_modules_dir;
use kiln_modgraph::{Layout, depmod, module_name};
use kiln_plan::Loader;
use kiln_plan::evaluate::Located;

use super::depmod::{columns, ratios};
use super::measure::{Cost, Meter, median};
use super::{Args, machine};
use crate::depmod_matrix::unpacked;
use crate::root;

/// The targets of the module `kiln:firewall`.
const TARGETS: [&str; 21] = [
    "nft_fib_ipv4",
    "nft_fib_ipv6",
    "nf_log_syslog",
    "nf_conntrack",
    "nf_defrag_ipv4",
    "nf_defrag_ipv6",
    "nf_nat",
    "nf_reject_ipv4",
    "nf_reject_ipv6",
    "nf_tables",
    "nft_chain_nat",
    "nft_ct",
    "nft_fib",
    "nft_limit",
    "nft_log",
    "nft_masq",
    "nft_nat",
    "nft_reject",
    "nft_reject_inet",
    "nft_reject_ipv4",
    "nft_reject_ipv6",
];

/// Runs the usual commands; the list of modules is left in `list`.
const USUAL: &str = r#"
set -e
mkdir -p "$OUT/lib/modules"
cp -r "$BASE/lib/modules/$RELEASE" "$OUT/lib/modules"
depmod -C /dev/null -b "$OUT" "$RELEASE"
for target in $TARGETS; do
    modprobe -C /dev/null -d "$OUT" -S "$RELEASE" --show-depends "$target"
done >"$OUT/list"
"#;

/// Close and write the firewall loader once
#[derive(Debug, clap::Args)]
pub(crate) struct OnceArgs {
    base: PathBuf,
    release: String,
    out: PathBuf,
}

/// Measures; returns the table.
pub(super) fn run(args: &Args) -> Result<String> {
    fs::create_dir_all(&args.work)?;
    let work = args.work.canonicalize()?;
    let meter = Meter::new(&work)?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "--package", "xtask"]).current_dir(root());
    ensure!(cargo.status()?.success(), "xtask does not build");
    let (base, release) = unpacked("bookworm", "amd64", "linux-image-amd64")?;
    let outs = ["usual", "ours"].map(|name| work.join("loader").join(name));
    let mut usual = Command::new("sh");
    usual.args(["-c", USUAL]).env("BASE", &base).env("RELEASE", &release).env("OUT", &outs[0]);
    usual.env("TARGETS", TARGETS.join(" ")).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let mut ours = Command::new(root().join("target/release/xtask"));
    ours.arg("bench-loader").arg(&base).arg(&release).arg(&outs[1]);
    let mut costs: [Vec<Cost>; 2] = [Vec::new(), Vec::new()];
    // The first round fills the page cache.
    for round in 0..=args.rounds {
        for ((command, out), costs) in [&usual, &ours].into_iter().zip(&outs).zip(&mut costs) {
            if out.exists() {
                fs::remove_dir_all(out)?;
            }
            let cost = meter.run(command)?;
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    let modules = same(&outs, &release)?;
    let [theirs, ours] = costs.map(|costs| median(&costs));
    let mut table = format!(
        "`cargo xtask bench loader --rounds {}`: {}; the firewall's {} modules of {release}; page cache warm, medians.\n\n\
         | program | wall ms | CPU ms | peak MiB |\n| --- | ---: | ---: | ---: |\n",
        args.rounds,
        machine(),
        modules
    );
    for (name, cost) in [("copy, `depmod`, one `modprobe` for each target", theirs), ("kiln", ours)] {
        table.push_str(&format!("| {name} | {} |\n", columns(cost)));
    }
    table.push_str(&format!("| times less | {} |\n", ratios(theirs, ours)));
    Ok(table)
}

/// Computes the loader's closure and writes its files.
pub(crate) fn once(args: &OnceArgs) -> Result<()> {
    let modules = args.base.join("lib/modules").join(&args.release);
    let graph = read_modules_dir(&modules, None)?.graph;
    let (rules, config) = (ModuleRules::new(), Config::parse("CONFIG_MODULES=y\nCONFIG_MODULE_UNLOAD=y\n"));
    let inputs = ClosureInputs {
        graph: &graph,
        rules: &rules,
        config: &config,
        requests: &BTreeMap::new(),
        modular: true,
        release: &args.release,
    };
    let target = |name: &&str| Located { value: (*name).to_owned(), origin: None };
    let loader = Loader {
        name: "firewall".to_owned(),
        targets: TARGETS.iter().map(target).collect(),
        dependencies: Vec::new(),
        parameters: BTreeMap::new(),
        blacklist: Vec::new(),
        origin: None,
    };
    let (closed, findings) = close(&inputs, &BTreeMap::from([(loader.name.clone(), loader)]));
    ensure!(!findings.has_errors(), "{findings:?}");
    let kept: Vec<_> = closed.iter().flat_map(|one| &one.closure.entries).map(|entry| entry.id).collect();
    let out = args.out.join("lib/modules").join(&args.release);
    for &id in &kept {
        let path = &graph.module(id).path;
        fs::create_dir_all(out.join(path).parent().unwrap_or(&out))?;
        fs::copy(modules.join(path), out.join(path))?;
    }
    for (name, bytes) in depmod(&graph.subset(&kept), Layout::V30)? {
        fs::write(out.join(name), bytes)?;
    }
    let (services, _) = kiln_service::graph(closed.into_iter().map(|one| one.spec).collect());
    for file in kiln_service::render(&services, "/lib/kmodloader") {
        let path = args.out.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(&args.out))?;
        fs::write(&path, &file.contents)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))?;
    }
    Ok(())
}

/// Checks that kiln's loader has all modules that modprobe lists; returns their number.
fn same([usual, ours]: &[PathBuf; 2], release: &str) -> Result<usize> {
    let list = fs::read_to_string(usual.join("list"))?;
    let theirs: BTreeSet<String> =
        list.lines().filter_map(|line| line.strip_prefix("insmod ")).map(|path| module_name(path.trim_end())).collect();
    let dep = fs::read_to_string(ours.join("lib/modules").join(release).join("modules.dep"))?;
    let ours: BTreeSet<String> = dep.lines().filter_map(|line| line.split(':').next()).map(module_name).collect();
    // modprobe drops all softdep lines of a module but the first.
    ensure!(theirs.is_subset(&ours) && !theirs.is_empty(), "{theirs:?} and {ours:?}");
    Ok(ours.len())
}
