//! `kiln impact` and `kiln build --for`: what a change means for a kernel that is already out there.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::slow_tests;

/// The router's recipe with further requests and a loader.
fn recipe(more: &str) -> String {
    let router: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../examples/router-x86_64/kiln.toml"].iter().collect();
    let router = router.canonicalize().expect("the example is there");
    format!("imports = [{:?}]\n\n{more}", router.display().to_string())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn nothing_to_compare_with() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "[kernel]\narch = \"x86_64\"\nsrc = \"tree\"\n");
    sandbox
        .kiln(&["impact"])
        .expect(1)
        .says("has no generation `latest`")
        .says("`kiln build` makes the first generation");
    sandbox.kiln(&["impact", "--from", "7"]).expect(1).says("has no generation `7`").says("`kiln generations`");
    sandbox.file("other/manifest.json", "{}");
    sandbox.kiln(&["impact", "--from", "other"]).expect(1).says("manifest.json");
    sandbox.kiln(&["build", "--for", "7"]).expect(1);
}

#[test]
fn new_modules_for_a_deployed_kernel() {
    if !slow_tests() {
        return;
    }
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", recipe(""));
    sandbox.kiln(&["build", "--out", "deployed"]).expect(0);
    sandbox.kiln(&["impact"]).expect(0).shows("no symbol changes").shows("verdict: nothing to do");

    // A built-in object knows of connection tracking: what the seed warns of.
    sandbox.file("kiln.toml", recipe("[kernel.config]\nNF_CONNTRACK_MARK = { force = \"y\" }\nHZ_1000 = \"y\"\n"));
    let report = json(&sandbox.kiln(&["impact", "--json"]).expect(0).stdout);
    assert_eq!(report["verdict"], "reached");
    assert_eq!(report["fits"], false);
    let place = |symbol: &str, file: &str| {
        let places = report["places"].as_array().expect("places").iter();
        places.filter(|place| place["symbol"] == symbol && place["file"] == file).count()
    };
    assert_eq!(place("HZ", "include/asm-generic/param.h"), 1, "{report:#}");

    // A file system that brings code into vmlinux with it.
    sandbox.file("kiln.toml", recipe("[kernel.config]\nEXT4_FS = \"m\"\n"));
    let ran = sandbox.kiln(&["impact"]).expect(0).shows("BUFFER_HEAD unset -> y (follows)");
    assert!(ran.stdout.contains("verdict: new kernel: "), "{}", ran.block());
    let ran = sandbox.kiln(&["build", "--for", "latest"]).expect(1).says("cannot take just modules");
    assert!(!ran.stderr.contains("compile"), "{}", ran.block());
    assert!(!sandbox.path().join("result").exists());

    // A member of a structure that only modules know.
    sandbox.file("kiln.toml", recipe("[kernel.config]\nNF_CONNTRACK_MARK = { force = \"y\" }\n"));
    let report = json(&sandbox.kiln(&["impact", "--exact", "--json"]).expect(0).stdout);
    let layouts = report["exact"]["layouts"].as_array().expect("layouts");
    let conn = layouts.iter().find(|layout| layout["title"] == "struct nf_conn").expect("struct nf_conn");
    let mark = conn["members"].as_array().expect("members").iter().find(|member| member["name"] == "mark");
    assert_eq!(mark.expect("its member")["new"]["size"], 4, "{conn:#}");
    assert_eq!(conn["symbol"], "NF_CONNTRACK_MARK");
    assert_eq!(conn["file"], "include/net/netfilter/nf_conntrack.h");
    assert_eq!(report["exact"]["layoutsOf"]["unread"], Value::Array(Vec::new()), "{report:#}");

    // One module more.
    let tunnel = "[kernel.config]\nNFT_TUNNEL = \"m\"\n[kmodloader.tunnel]\ntargets = [\"nft_tunnel\"]\n";
    sandbox.file("kiln.toml", recipe(tunnel));
    let report = json(&sandbox.kiln(&["impact", "--json"]).expect(0).stdout);
    assert_eq!(report["verdict"], "modules-only", "{report:#}");
    assert_eq!(report["builtIn"], Value::Array(Vec::new()));
    sandbox.kiln(&["build", "--for", "deployed"]).expect(0);
    let file = |name: &str| fs::read(sandbox.path().join(name)).expect("a file");
    for name in ["kernel/vmlinux", "kernel/bzImage", "config", "System.map"] {
        assert!(file(&format!("result/{name}")) == file(&format!("deployed/{name}")), "{name}");
    }
    let verdict = json(&sandbox.kiln(&["boot", "--json"]).expect(0).stdout);
    let loads = |step: &&Value| step["name"] == "up" && step["outcome"] == "ok";
    let steps = verdict["steps"].as_array().expect("steps").iter().filter(loads);
    assert_ne!(steps.filter(|step| step.to_string().contains("tunnel")).count(), 0, "{verdict:#}");

    // Compiling says the same, and what is out there may also be named by its manifest.
    let ran = sandbox.kiln(&["impact", "--exact", "--from", "deployed/manifest.json"]).expect(0);
    ran.shows("1 modules that are new: net/netfilter/nft_tunnel.ko").shows("verdict: modules only");
}
