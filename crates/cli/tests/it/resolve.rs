//! `kiln resolve`, on a small tree.

use crate::sandbox::Sandbox;

const KCONFIG: &str = "config MODULES\n\tbool \"Modules\"\n\tmodules\nconfig NET\n\tbool \"Net\"\nconfig IPV6\n\tbool \"IPv6\"\n\
                       \tdepends on NET\n";

fn recipe(requests: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox
        .file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n")
        .file("tree/Kconfig", KCONFIG)
        .file("tree/scripts/kconfig/parser.y", "choice_members T_TRANSITIONAL")
        .file("tree/arch/x86/Makefile", "")
        .file("kiln.toml", format!("[kernel]\nsrc = \"./tree\"\narch = \"x86_64\"\n[kernel.config]\n{requests}"));
    sandbox
}

#[test]
fn the_config_is_printed_or_written() {
    let sandbox = recipe("NET = \"y\"\nIPV6 = \"y\"\n");
    let printed = sandbox.kiln(&["-q", "resolve"]).expect(0).stdout;
    assert!(printed.starts_with("#\n# Automatically generated file; DO NOT EDIT.\n"), "{printed}");
    assert!(printed.ends_with("# CONFIG_MODULES is not set\nCONFIG_NET=y\nCONFIG_IPV6=y\n"), "{printed}");
    let ran = sandbox.kiln(&["-q", "resolve", "-o", "out/x.config"]).expect(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(std::fs::read_to_string(sandbox.path().join("out/x.config")).unwrap(), printed);
}

#[test]
fn a_request_that_does_not_hold_keeps_it_back() {
    let sandbox = recipe("IPV6 = \"y\"\n");
    let ran = sandbox.kiln(&["-q", "resolve", "-o", "x.config"]).expect(1).says("error[unmet-dependency]: `IPV6`");
    assert_eq!(ran.stdout, "");
    assert!(!sandbox.path().join("x.config").exists());
    let ran = sandbox.kiln(&["-q", "resolve", "--allow-unmet"]).expect(1).says("error[unmet-dependency]");
    assert!(ran.stdout.ends_with("# CONFIG_NET is not set\n"), "{}", ran.stdout);
}

#[test]
fn several_findings_are_a_table_unless_details_are_wanted() {
    let sandbox = recipe("IPV6 = \"y\"\nMODULES = \"m\"\n");
    let table = sandbox.kiln(&["-q", "check"]).expect(1).says("error  IPV6 = \"y\"").says("needs NET [=n]");
    assert!(!table.stderr.contains("error["), "{}", table.block());
    for more in ["--details", "-v"] {
        sandbox
            .kiln(&["-q", more, "check"])
            .expect(1)
            .says("error[unmet-dependency]: `IPV6`")
            .says("error[wrong-type]");
    }
}
