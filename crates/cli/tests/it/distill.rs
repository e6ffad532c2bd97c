//! `kiln distill`, on a small tree.

use crate::sandbox::Sandbox;
use crate::unmet::kernel_tree;

const KCONFIG: &str = "\
mainmenu \"Small\"
config MODULES
\tbool \"Modules\"
\tmodules
menu \"Networking\"
menuconfig NET
\tbool \"Networking support\"
\tdefault y
if NET
config IPV6
\ttristate \"IPv6\"
\tselect CRC
config NAME
\tstring \"Name\"
\tdefault \"none\"
endif
endmenu
config CRC
\ttristate \"CRC\"
";

/// A directory that kiln takes for a kernel tree.
fn tree() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox
        .file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n")
        .file("tree/Kconfig", KCONFIG)
        .file("tree/scripts/kconfig/parser.y", "choice_members T_TRANSITIONAL")
        .file("tree/arch/x86/Makefile", "");
    sandbox
}

const TREE: [&str; 4] = ["--srctree", "tree", "--arch", "x86_64"];

fn distill(sandbox: &Sandbox, args: &[&str]) -> crate::sandbox::Ran {
    sandbox.kiln(&[&["distill"][..], args, &TREE].concat())
}

const CONFIG: &str = "# a comment\nCONFIG_MODULES=y\nCONFIG_NET=y\nCONFIG_IPV6=m\nCONFIG_NAME=\"\"\nCONFIG_CRC=m\n\
                      CONFIG_SWCONFIG=y\n# CONFIG_GONE is not set\n";

#[test]
fn what_is_implied_is_left_out_and_what_is_unknown_is_listed() {
    let sandbox = tree();
    sandbox.file("old.config", CONFIG);
    let ran = distill(&sandbox, &["old.config"]).expect(0);
    let body = ran.stdout.split_once("\n[kernel]\n").expect("a recipe").1;
    let body = body.replace("src = \"DIR/tree\"", "src = TREE");
    let expected = "src = TREE\narch = \"x86_64\"\nbaseConfig = \"alldefconfig\"\n\n[kernel.config]\n# Top\nMODULES = \"y\"  # Modules\n\n\
                    # Networking > Networking support\nIPV6 = \"m\"  # IPv6\nNAME = \"\\\"\\\"\"  # Name\n\n\
                    # Of old.config, not known to Linux 6.12.1:\n#   SWCONFIG = y\n";
    assert_eq!(body, expected);
    let ran = ran.says("old.config: 3 of 7 lines are redundant; requests that remain: 3").says("not known");
    assert!(ran.stderr.contains("SWCONFIG") && !ran.stderr.contains("GONE"), "{}", ran.block());
}

#[test]
fn the_recipe_gives_the_same_config() {
    let sandbox = tree();
    sandbox.file("old.config", CONFIG);
    for base in ["alldefconfig", "allnoconfig"] {
        let output = format!("{base}.toml");
        distill(&sandbox, &["old.config", "--base", base, "-o", &output]).expect(0);
        sandbox.kiln(&["check", "--recipe", &output]).expect(0);
        let again = sandbox.kiln(&["distill", &output, "--recipe", &output]).expect(0);
        let requests = |text: &str| {
            text.lines()
                .filter(|line| line.contains(" = ") && !line.starts_with('#'))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let written = std::fs::read_to_string(sandbox.path().join(&output)).expect("recipe");
        let tidied = written.replace(&sandbox.path().display().to_string(), "DIR");
        assert_eq!(requests(&again.stdout), requests(&tidied), "distilling it again changes nothing");
        distill(&sandbox, &["old.config", "-o", &output]).expect(1).says("already exists");
    }
}

#[test]
fn a_list_of_requests_goes_over_the_base() {
    let sandbox = tree();
    sandbox.file(
        "device.json",
        r#"{ "merged": { "NET": "y", "IPV6": "y", "CRC": "y", "SWCONFIG": "y", "NAME": "\"x\"" } }"#,
    );
    let ran = distill(&sandbox, &["device.json", "--base", "allnoconfig", "--json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&json["version"], &json["lines"]), (&1.into(), &5.into()));
    assert_eq!(json["requests"], serde_json::json!({ "NET": "y", "IPV6": "y", "NAME": "x" }));
    assert_eq!(json["unknown"], serde_json::json!({ "SWCONFIG": "y" }));
}

#[test]
fn files_that_are_no_config() {
    let sandbox = tree();
    sandbox.file("garbled.config", "CONFIG_NET=y\nwhat is this\n").file("binary", b"\x7fELF\xff\xfe").file("empty", "");
    sandbox.file("list.json", "{ \"NET\": true }").file("cut.json", "{ \"NET\": ");
    for (file, said) in [
        ("binary", "binary:1: byte 4 is not UTF-8"),
        ("empty", "empty sets no symbol"),
        ("list.json", "`NET` is not a symbol with a value"),
        ("cut.json", "cut.json is not JSON"),
        ("gone", "cannot read gone"),
        ("tree", "cannot read tree"),
    ] {
        let ran = distill(&sandbox, &[file]).expect(1).says(said);
        assert_eq!(ran.stdout, "");
    }
    // As conf, which warns and goes on.
    let ran = distill(&sandbox, &["garbled.config"]).expect(0).says("garbled.config:2:1");
    assert!(ran.stderr.contains("warning[fragment-syntax]"), "{}", ran.block());
    sandbox.file("fine.config", "CONFIG_NET=y\n");
    distill(&sandbox, &["fine.config", "--base", "nonsense"]).expect(1).says("nonsense");
    distill(&sandbox, &["fine.config", "--base", "no_defconfig"]).expect(1).says("no_defconfig");
}

/// `make savedefconfig` keeps no fewer lines of a defconfig than `kiln distill` (slow).
#[test]
#[ignore = "slow: downloads a kernel's source"]
fn no_more_than_savedefconfig() {
    let tree = kernel_tree();
    let sandbox = Sandbox::with_shared_store();
    let config = tree.join("arch/x86/configs/x86_64_defconfig").display().to_string();
    let tree = ["--srctree", &tree.display().to_string(), "--arch", "x86_64"].map(str::to_owned);
    let tree: Vec<&str> = tree.iter().map(String::as_str).collect();
    let save = ["kconfig", "savedefconfig", "--config", &config, "-o", "saved"];
    sandbox.kiln(&[&save[..], &tree].concat()).expect(0);
    let saved = std::fs::read_to_string(sandbox.path().join("saved")).expect("a defconfig");
    let ran = sandbox.kiln(&[&["distill", &config, "--json"][..], &tree].concat()).expect(0);
    let distilled: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let n_requests = distilled["requests"].as_object().expect("requests").len();
    assert!(n_requests > 100 && n_requests <= saved.lines().count(), "{n_requests} of {}", saved.lines().count());
}
