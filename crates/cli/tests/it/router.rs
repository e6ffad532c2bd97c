//! The examples, built and booted as in the README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kiln_testkit::assert_has;
use serde_json::Value;

use crate::sandbox::Sandbox;

fn example(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../examples", name, "kiln.toml"].iter().collect();
    path.canonicalize().expect("the example is there").display().to_string()
}

/// Builds and boots; returns the manifest and the verdict.
fn build_and_boot(sandbox: &Sandbox, recipe: &str) -> (Value, Value) {
    let built = sandbox.kiln(&["build", "--recipe", recipe, "--json"]).expect(0);
    let booted = sandbox.kiln(&["boot", "--recipe", recipe, "--json"]).expect(0);
    let json = |text: &str| serde_json::from_str(text).expect("JSON");
    (json(&built.stdout), json(&booted.stdout))
}

fn outcomes<'a>(verdict: &'a Value, name: &str) -> Vec<&'a Value> {
    let steps = verdict["steps"].as_array().expect("steps");
    steps.iter().filter(|step| step["name"] == name).collect()
}

#[test]
#[ignore = "slow: builds a kernel and boots it"]
fn the_x86_64_router_builds_boots_and_loads_its_firewall() {
    assert_has(&["modprobe", "qemu-system-x86_64"]);
    let sandbox = Sandbox::with_shared_store();
    let (manifest, verdict) = build_and_boot(&sandbox, &example("router-x86_64"));
    assert_eq!(verdict["ok"], true, "{verdict:#}");
    for name in ["up", "up-again", "live", "check", "kept", "down", "gone", "foreign-kept", "alias"] {
        let steps = outcomes(&verdict, name);
        assert!(!steps.is_empty(), "no step `{name}`");
        assert!(steps.iter().all(|step| step["outcome"] == "ok"), "{steps:#?}");
    }
    let said: Vec<&str> =
        verdict["transcript"].as_array().expect("lines").iter().filter_map(|line| line["text"].as_str()).collect();
    for rule in ["masquerade", "ct state", "fib saddr", "log prefix", "reject"] {
        assert!(said.iter().any(|line| line.contains(rule)), "the kernel listed no rule with `{rule}`");
    }
    assert_layout(&sandbox.path().join("result"), &manifest);
    closures_are_modprobes(&sandbox.path().join("result"), &manifest);
    nothing_left_to_do(&sandbox);
}

#[test]
#[ignore = "slow: builds a kernel and boots it"]
fn the_aarch64_router_builds_and_boots() {
    assert_has(&["aarch64-linux-gnu-gcc", "qemu-system-aarch64"]);
    let sandbox = Sandbox::with_shared_store();
    let (_, verdict) = build_and_boot(&sandbox, &example("router-aarch64"));
    assert_eq!(verdict["ok"], true, "{verdict:#}");
    assert_eq!(verdict["machine"], "aarch64");
}

/// The files of DESIGN's result, and no module that was not requested.
fn assert_layout(result: &Path, manifest: &Value) {
    let release = manifest["kernel"]["release"].as_str().expect("release");
    for name in ["config", "System.map", "manifest.json", "kernel/vmlinux", "kernel/bzImage"] {
        assert!(result.join(name).is_file(), "{name}");
    }
    for manager in ["s6-rc/kmodloader-firewall/up", "systemd/kmodloader-firewall.service", "openrc/kmodloader-firewall"]
    {
        assert!(result.join("services").join(manager).is_file(), "{manager}");
    }
    let mut wanted = BTreeSet::new();
    for loader in manifest["loaders"].as_object().expect("loaders").values() {
        wanted.extend(loader["modules"].as_array().expect("modules").iter().map(|module| path_of(module).to_owned()));
    }
    let mut found = BTreeSet::new();
    collect(result, &result.join("lib/modules").join(release), &mut found);
    assert_eq!(found, wanted);
}

fn path_of(module: &Value) -> &str {
    module["path"].as_str().expect("path")
}

fn collect(top: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(top, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            found.insert(path.strip_prefix(top).expect("below").display().to_string());
        }
    }
}

/// The oracle: the modules that kmod's modprobe would load for the same targets from the shipped indexes.
fn closures_are_modprobes(result: &Path, manifest: &Value) {
    let release = manifest["kernel"]["release"].as_str().expect("release");
    for (name, loader) in manifest["loaders"].as_object().expect("loaders") {
        let mut theirs = BTreeSet::new();
        for target in loader["targets"].as_array().expect("targets") {
            let target = target.as_str().expect("a name");
            let output = std::process::Command::new("modprobe")
                .args(["--config", "/dev/null", "--show-depends", "--set-version", release, "--dirname"])
                .arg(result)
                .arg(target)
                .output()
                .expect("modprobe runs");
            assert!(output.status.success(), "{target}: {}", String::from_utf8_lossy(&output.stderr));
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                if let Some((_, path)) = line.split_once("insmod ") {
                    let base = path.split_whitespace().next().and_then(|path| path.rsplit('/').next()).expect("a path");
                    theirs.insert(base.trim_end_matches(".ko").replace('-', "_"));
                }
            }
        }
        let modules = loader["modules"].as_array().expect("modules");
        let hard = modules.iter().filter(|module| module["soft"] != true && module["loaded"] == true);
        let ours: BTreeSet<String> = hard.map(|module| module["name"].as_str().expect("name").to_owned()).collect();
        let all: BTreeSet<String> =
            modules.iter().map(|module| module["name"].as_str().expect("name").to_owned()).collect();
        assert!(ours.is_subset(&theirs), "{name}: {ours:?} against {theirs:?}");
        assert!(theirs.is_subset(&all), "{name}: {theirs:?} against {all:?}");
    }
}

/// A second build finds everything in the store.
fn nothing_left_to_do(sandbox: &Sandbox) {
    let before = std::fs::read_link(sandbox.path().join("result")).expect("link");
    let ran = sandbox.kiln(&["build", "--recipe", &example("router-x86_64")]).expect(0);
    assert!(!ran.stderr.contains("compile"), "{}", ran.stderr);
    assert_eq!(std::fs::read_link(sandbox.path().join("result")).expect("link"), before);
}
