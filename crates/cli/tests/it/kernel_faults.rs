//! What can go wrong with a real kernel tree: each case a clear error, a status, nothing lost.
//!
//! The tree is Debian's, fetched by kiln itself into the user's store; cases that must start empty have a small store
//! of their own and build the tree's `tinyconfig`.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use kiln_testkit::assert_has;

use crate::sandbox::{KERNEL_TOOLS, Ran, Sandbox};

const SOURCE: &str =
    "[kernel]\nsrc = { apt = \"linux-source-6.12\" }\narch = \"x86_64\"\nbaseConfig = \"tinyconfig\"\n";

/// The examples' recipe with another loader on top: its kernel is built already, or is built once for all tests.
fn with_loader(sandbox: &Sandbox, loader: &str) {
    let router = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/router-x86_64/kiln.toml");
    sandbox.file("kiln.toml", format!("imports = [{router:?}]\n{loader}\n"));
}

/// `kiln check` of requests that do not hold.
#[track_caller]
fn check(requests: &str, said: &[&str]) {
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", format!("{SOURCE}makeTargets = [\"bzImage\"]\n[kernel.config]\n{requests}"));
    for command in ["check", "build"] {
        let mut ran = sandbox.kiln(&["--details", command]).expect(1);
        for text in said {
            ran = ran.says(text);
        }
        assert!(!ran.stderr.contains("compile"), "nothing is compiled:\n{}", ran.stderr);
    }
    assert!(!sandbox.path().join("result").exists());
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn an_unmet_request_names_its_place_and_what_came_out() {
    let requests = "MODULES = \"y\"\nNF_CONNTRACK = \"m\"\n";
    check(requests, &["unmet-dependency", "NF_CONNTRACK", "kiln.toml:8:", "net/netfilter/Kconfig:"]);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn a_reason_is_followed_to_what_can_be_asked_for() {
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", format!("{SOURCE}[kernel.config]\nMODULES = \"y\"\nNET = \"y\"\nNF_CONNTRACK = \"m\"\n"));
    sandbox.kiln(&["check"]).expect(1).says("set `NETFILTER = \"y\"`").says("set `INET = \"y\"`");
    let ran = sandbox.kiln(&["why", "CONFIG_NF_CONNTRACK"]).expect(0);
    for text in ["NF_CONNTRACK = n", "m at kiln.toml:8:1 (won", "net/netfilter/Kconfig:", "NETFILTER [=n]", "to be m:"]
    {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.block());
    }
    let ran = sandbox.kiln(&["why", "--json", "HZ"]).expect(0);
    let why: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&why["version"], &why["why"]["type"]), (&1.into(), &"int".into()));
    assert!(why["why"]["because"][0]["text"].as_str().is_some_and(|text| text.contains("default")), "{why:#}");
    sandbox.kiln(&["why", "NETFILTR"]).expect(1).says("NETFILTER");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn a_module_without_modules_is_told_what_would_help() {
    check("NF_CONNTRACK = \"m\"\n", &["no-modules", "NF_CONNTRACK", "kiln.toml:7:", "MODULES", "modular"]);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn an_unknown_symbol_has_a_nearest_name() {
    check("NETFILTR = \"y\"\n", &["unknown-symbol", "NETFILTR", "NETFILTER", "kiln.toml:7:"]);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn all_faults_are_shown_at_once() {
    check("NF_CONNTRACK = \"m\"\nNETFILTR = \"y\"\n", &["NF_CONNTRACK", "NETFILTR"]);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn an_optional_request_may_stay_unmet() {
    let sandbox = Sandbox::with_shared_store();
    let request = "NF_CONNTRACK = { value = \"m\", optional = true }";
    sandbox.file("kiln.toml", format!("{SOURCE}makeTargets = [\"bzImage\"]\n[kernel.config]\n{request}\n"));
    sandbox.kiln(&["check"]).expect(0).says("NF_CONNTRACK");
}

#[test]
#[ignore = "slow: builds a kernel"]
fn a_target_that_does_not_exist() {
    let sandbox = Sandbox::with_shared_store();
    with_loader(&sandbox, "[kmodloader.x]\ntargets = [\"nft_masc\"]");
    sandbox.kiln(&["build"]).expect(1).says("unknown-target").says("nft_masq").says("kiln.toml:3:");
}

#[test]
#[ignore = "slow: builds a kernel"]
fn a_target_that_is_off_names_its_symbol() {
    let sandbox = Sandbox::with_shared_store();
    with_loader(&sandbox, "[kmodloader.x]\ntargets = [\"nft_queue\"]");
    sandbox.kiln(&["build"]).expect(1).says("target-off").says("NFT_QUEUE").says("net/netfilter/Makefile");
}

#[test]
#[ignore = "slow: builds a kernel"]
fn a_target_that_is_built_in_is_fine() {
    let sandbox = Sandbox::with_shared_store();
    with_loader(&sandbox, "[kmodloader.x]\ntargets = [\"unix\", \"nft_ct\"]");
    let ran = sandbox.kiln(&["build", "--json"]).expect(0);
    let manifest: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(manifest["loaders"]["x"]["builtin"], serde_json::json!(["unix"]));
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn a_compiler_that_is_not_there() {
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", format!("{SOURCE}makeTargets = [\"bzImage\"]\ncrossCompile = \"nowhere-linux-gnu-\"\n"));
    sandbox.kiln(&["build"]).expect(3).says("nowhere-linux-gnu-gcc").says("kiln doctor");
    let ran = sandbox.kiln(&["doctor"]).expect(3);
    assert!(ran.stdout.contains("nowhere-linux-gnu-gcc"), "{}", ran.block());
    sandbox.file("kiln.toml", format!("{SOURCE}makeTargets = [\"bzImage\"]\ntoolchain = \"llvm-99\"\n"));
    sandbox.kiln(&["build"]).expect(3).says("clang-99").says("Debian package clang-99").says("kiln doctor");
    let ran = sandbox.kiln(&["doctor"]).expect(3);
    for package in ["clang-99", "lld-99", "llvm-99"] {
        assert!(ran.stdout.contains(&format!("(Debian package {package})")), "{}", ran.block());
    }
}

#[test]
#[ignore = "slow: builds a kernel"]
fn a_source_that_does_not_compile_shows_the_first_error() {
    let sandbox = Sandbox::with_shared_store();
    let phase = "extraPatchPhase = \"echo 'int broken(void) { return nothing; }' >> init/version.c\"\n";
    sandbox.file("kiln.toml", format!("{SOURCE}{phase}makeTargets = [\"bzImage\"]\n"));
    let ran = sandbox.kiln(&["build"]).expect(4).says("init/version.c").says("nothing").says("log:");
    assert!(!ran.stderr.contains("make: ***"), "{}", ran.stderr);
    assert!(!sandbox.path().join("result").exists());
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn a_patch_that_does_not_apply_shows_its_hunk() {
    let sandbox = Sandbox::with_shared_store();
    let patch =
        "--- a/init/Kconfig\n+++ b/init/Kconfig\n@@ -1,3 +1,3 @@\n this was never\n-in the file\n+at all\n or so\n";
    sandbox.file("fix.patch", patch);
    sandbox.file("kiln.toml", format!("{SOURCE}patches = [\"*.patch\"]\nmakeTargets = [\"bzImage\"]\n"));
    sandbox.kiln(&["build"]).expect(1).says("fix.patch").says("-in the file");
}

/// Killed while it unpacks, while it compiles, and interrupted: the next run succeeds, and no child outlives the kill.
#[test]
#[ignore = "slow: builds a kernel"]
fn a_killed_build_is_taken_up_again() {
    assert_has(KERNEL_TOOLS);
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", format!("{SOURCE}makeTargets = [\"bzImage\"]\n"));
    let store = sandbox.path().join("store");

    let mut child = sandbox.start(&["check"]);
    wait_for("a tree being unpacked", || has_entry(&store.join("making"), "-source"));
    std::thread::sleep(Duration::from_secs(2));
    kill(&mut child, "KILL");
    assert!(!has_entry(&store.join("results"), "-source"), "a killed run leaves no result");
    sandbox.kiln(&["check"]).expect(0);

    for signal in ["KILL", "INT"] {
        let mut child = sandbox.start(&["build", "-j", "2"]);
        wait_for("a compiler", || compilers(&store) > 0);
        std::thread::sleep(Duration::from_secs(5));
        let status = kill(&mut child, signal);
        if signal == "INT" {
            assert_eq!(status.code(), Some(130));
        }
        wait_for("the end of all compilers", || compilers(&store) == 0);
        assert!(!sandbox.path().join("result").exists());
    }

    let first = sandbox.start(&["build", "--out", "first"]);
    let second = sandbox.start(&["build", "--out", "second"]);
    for mut child in [first, second] {
        assert_eq!(child.wait().expect("kiln ends").code(), Some(0));
    }
    let result = |name: &str| std::fs::read_link(sandbox.path().join(name)).expect("a result");
    assert_eq!(result("first"), result("second"));
    let ran: Ran = sandbox.kiln(&["build", "--json"]).expect(0);
    assert!(ran.stdout.contains("kernel/bzImage"));
}

#[track_caller]
fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while !there() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn has_entry(folder: &Path, ending: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(ending))
}

/// Returns the number of compilers that work in the store.
fn compilers(store: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_ours = processes.filter(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("cc1") && line.contains(&*store.to_string_lossy())
    });
    of_ours.count()
}

fn kill(child: &mut Child, signal: &str) -> std::process::ExitStatus {
    Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().expect("kill runs");
    child.wait().expect("kiln ends")
}
