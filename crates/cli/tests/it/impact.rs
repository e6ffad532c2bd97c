//! `kiln impact` and `kiln build --for`: what a change means for a deployed kernel.

use std::fs;
use std::path::PathBuf;

use kiln_testkit::assert_has;
use serde_json::Value;

use crate::sandbox::Sandbox;

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

/// A tree of a few objects, and a recipe for it with `requests`.
fn small(requests: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for (file, text) in [
        ("Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\nobj-y += net/\ncore-y := net/\n"),
        ("scripts/kconfig/conf.c", ""),
        ("scripts/Makefile.build", ""),
        ("arch/x86/Kconfig", ""),
        ("arch/x86/Makefile", ""),
        (
            "Kconfig",
            "config MODULES\n\tbool \"Modules\"\n\tmodules\n\tdefault y\nconfig CT\n\ttristate \"Tracking\"\n\
             config FAST\n\tbool \"Fast\"\nconfig MARK\n\tbool \"Mark\"\n",
        ),
        ("Kbuild", "obj-y += net/\n"),
        ("net/Makefile", "obj-y += core.o\nobj-$(CONFIG_CT) += ct.o\n"),
        ("net/core.c", "#include <linux/net.h>\n#if IS_ENABLED(CONFIG_CT)\n#endif\n"),
        ("net/ct.c", "#ifdef CONFIG_MARK\n#endif\n"),
        ("include/linux/net.h", "\n#ifdef CONFIG_MARK\n#endif\n"),
    ] {
        sandbox.file(&format!("tree/{file}"), text);
    }
    let kernel = "[kernel]\nsrc = \"tree\"\narch = \"x86_64\"\nbaseConfig = \"allnoconfig\"\n";
    sandbox.file("kiln.toml", format!("{kernel}\n[kernel.config]\nMODULES = \"y\"\n{requests}"));
    sandbox
}

#[test]
fn a_config_tells_no_more_than_it_knows() {
    let told = |requests: &str, config: &str| {
        let sandbox = small(requests);
        sandbox.file("their.config", config);
        let json = json(&sandbox.kiln(&["impact", "--from", "their.config", "--json"]).expect(0).stdout);
        (sandbox.kiln(&["impact", "--from", "their.config"]).expect(0), json)
    };
    // A source of vmlinux names the symbol; the module's objects are new.
    let (ran, report) = told("CT = \"m\"\n", "CONFIG_MODULES=y\n");
    let ran = ran
        .shows("compared with their.config, a config without a kernel in the store")
        .shows("CT unset -> m (requested)");
    let ran = ran.shows("CT: net/core.c:2: net/core.o").shows("is added: net/ct.o");
    ran.shows("more may be reached than is listed here").shows("verdict: not known: objects of vmlinux are reached");
    assert_eq!((&report["verdict"], &report["fits"]), (&"unknown".into(), &Value::Null), "{report:#}");
    // vmlinux gains an object.
    let (ran, report) = told("CT = \"y\"\n", "CONFIG_MODULES=y\nCONFIG_CT=m\n");
    ran.shows("verdict: new kernel, if it was built from this source");
    assert_eq!((&report["verdict"], &report["fits"]), (&"new-kernel".into(), &false.into()), "{report:#}");
    // Only a header and a module's source name it: that is not enough to conclude that modules fit.
    let (ran, report) = told("CT = \"m\"\nMARK = \"y\"\n", "CONFIG_MODULES=y\nCONFIG_CT=m\n");
    ran.shows("MARK: net/ct.c:1: net/ct.o")
        .shows("  MARK: include/linux/net.h:2")
        .shows("not known: headers are reached");
    assert_eq!((&report["verdict"], &report["headers"][0]["line"]), (&"unknown".into(), &2.into()), "{report:#}");
    // Nothing names it, and nothing changes.
    told("FAST = \"y\"\n", "CONFIG_MODULES=y\n").0.shows("not known: nothing of vmlinux is known to be reached");
    told("", "CONFIG_MODULES=y\n").0.shows("no symbol changes").shows("not known: no symbol changes, but");
}

#[test]
fn a_config_is_no_kernel() {
    let sandbox = small("");
    sandbox.file("their.config", "# CONFIG_CT is not set\n").file("text", "some text\n");
    for command in [["impact", "--exact", "--from", "their.config"].as_slice(), &["build", "--for", "their.config"]] {
        sandbox.kiln(command).expect(1).says("is a config, and no kernel in the store was built with it");
    }
    sandbox.kiln(&["impact", "--from", "text"]).expect(1).says("is neither a .config nor a result's manifest.json");
}

#[test]
fn a_kernel_that_is_out_there_is_not_built_again_to_compare() {
    let sandbox = small("");
    let ran = sandbox.kiln(&["build", "--verify", "--for", "latest"]).expect(2);
    ran.says("the argument '--verify' cannot be used with '--for <GENERATION|FILE>'");
}

#[test]
#[ignore = "slow: builds a kernel and boots it"]
fn new_modules_for_a_deployed_kernel() {
    assert_has(&["qemu-system-x86_64"]);
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", recipe(""));
    sandbox.kiln(&["build", "--out", "deployed"]).expect(0);
    sandbox.kiln(&["impact"]).expect(0).shows("no symbol changes").shows("verdict: nothing to do");
    let ran = sandbox.kiln(&["impact", "--from", "deployed/config"]).expect(0);
    ran.shows("which has that config").shows("verdict: nothing to do");

    // A built-in object depends on connection tracking: the seed warns about that.
    sandbox.file("kiln.toml", recipe("[kernel.config]\nNF_CONNTRACK_MARK = { force = \"y\" }\nHZ_1000 = \"y\"\n"));
    let report = json(&sandbox.kiln(&["impact", "--json"]).expect(0).stdout);
    assert_eq!(report["verdict"], "reached");
    assert_eq!(report["fits"], false);
    let place = |symbol: &str, file: &str| {
        let places = report["places"].as_array().expect("places").iter();
        places.filter(|place| place["symbol"] == symbol && place["file"] == file).count()
    };
    assert_eq!(place("HZ", "include/asm-generic/param.h"), 1, "{report:#}");

    // A file system that adds code to vmlinux.
    sandbox.file("kiln.toml", recipe("[kernel.config]\nEXT4_FS = \"m\"\n"));
    let ran = sandbox.kiln(&["impact"]).expect(0).shows("BUFFER_HEAD unset -> y (follows)");
    assert!(ran.stdout.contains("verdict: new kernel: "), "{}", ran.block());
    let ran = sandbox.kiln(&["build", "--for", "latest"]).expect(1).says("cannot be updated with modules alone");
    assert!(!ran.stderr.contains("compile"), "{}", ran.block());
    assert!(!sandbox.path().join("result").exists());

    // A member of a structure that only modules use.
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

    // Compiling has the same result, and the deployed kernel may also be named by its manifest.
    let ran = sandbox.kiln(&["impact", "--exact", "--from", "deployed/manifest.json"]).expect(0);
    ran.shows("1 new modules: net/netfilter/nft_tunnel.ko").shows("verdict: modules only");
}
