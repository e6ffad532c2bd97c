//! Debian's kernels (slow): all indexes and all closures against `depmod` and `modprobe`.
//!
//! The package that `linux-image-cloud-amd64` stands for is downloaded once into the user's cache directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_modgraph::{Because, ClosureOptions, Graph, Inputs, Layout, closure, depmod, read};
use kiln_testkit::assert_has;

use crate::oracle;
use crate::random_trees::assert_valid;

#[test]
#[ignore = "slow: downloads a kernel"]
fn a_debian_kernels_indexes_and_closures() {
    assert_has(&["apt-cache", "apt-get", "depmod", "dpkg-deb", "modprobe"]);
    assert!(oracle::is_here(), "depmod is not of kmod 30: `scripts/test` on Debian 12 has that");
    let (base, version) = unpacked("linux-image-cloud-amd64");
    let root = base.join("lib/modules").join(&version);
    assert!(oracle::depmod(&base, &version).status.success());
    let graph = graph(&root);
    for (name, bytes) in depmod(&graph, Layout::V30).unwrap() {
        assert!(bytes == fs::read(root.join(name)).unwrap(), "{name} differs");
    }
    let options = ClosureOptions { vermagic: None, missing_namespaces_load: false, without: &[] };
    let mut more = 0;
    for (_, info) in graph.modules() {
        let found = closure(&graph, &[&info.name], &options).unwrap();
        let order: Vec<&str> = found.load_order().map(|entry| &*entry.module).collect();
        assert_valid(&graph, &order);
        let listed = oracle::show_depends(&base, &version, &info.name).unwrap();
        let found_set: BTreeSet<&str> = order.iter().copied().collect();
        let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
        assert!(listed.is_subset(&found_set), "{}: {listed:?} against {found_set:?}", info.name);
        // Whatever modprobe does not list has to come from softdep lines after a module's first.
        if found_set != listed {
            more += 1;
            let soft = |because: &Because| matches!(because, Because::SoftdepPre { .. } | Because::SoftdepPost { .. });
            let lost = found.entries.iter().filter(|entry| entry.load && !listed.contains(&*entry.module));
            assert!(lost.clone().any(|entry| entry.because.iter().any(soft)), "{}", info.name);
            let repeats = found_set
                .iter()
                .any(|name| graph.module(graph.find(name).unwrap()).modinfo.values("softdep").count() > 1);
            assert!(repeats, "{} has no module with several softdep lines", info.name);
        }
    }
    assert!(more > 0, "no closure shows the loss of softdep lines");
}

fn graph(root: &Path) -> Graph {
    let mut modules = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if kiln_modgraph::is_module_file(path.to_str().unwrap()) {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                modules.push(read::module(&relative, fs::read(&path).unwrap().as_slice()).unwrap());
            }
        }
    }
    let list = |name: &str| fs::read(root.join(name)).ok();
    let (order, builtin, builtin_modinfo) =
        (list("modules.order"), list("modules.builtin"), list("modules.builtin.modinfo"));
    let inputs = Inputs {
        modules,
        order: order.as_deref(),
        builtin: builtin.as_deref(),
        builtin_modinfo: builtin_modinfo.as_deref(),
        kernel_symbols: None,
        layout: Layout::V30,
    };
    Graph::build(inputs).0
}

/// Downloads and unpacks the kernel package that a package depends on; returns its directory and release.
fn unpacked(package: &str) -> (PathBuf, String) {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let cache = cache.join("kiln-tests");
    fs::create_dir_all(&cache).unwrap();
    let depends = run(Command::new("apt-cache").args(["depends", "--important", package]));
    let concrete = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let version = concrete.unwrap().to_owned();
    let base = cache.join(format!("linux-image-{version}"));
    if !base.join("complete").exists() {
        let work = tempfile::tempdir_in(&cache).unwrap();
        run(Command::new("apt-get").current_dir(work.path()).args(["download", &format!("linux-image-{version}")]));
        let deb = fs::read_dir(work.path()).unwrap().find_map(|entry| Some(entry.ok()?.path())).unwrap();
        run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&base));
        fs::write(base.join("complete"), "").unwrap();
    }
    (base, version)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
