//! `kiln kconfig` on a tree of a few lines; the engine's own tests compare its bytes with those of `conf`.

use std::fs;

use crate::sandbox::Sandbox;

const TREE: &str = "\
mainmenu \"Small\"
config MODULES
\tbool \"modules\"
\tmodules
config NET
\ttristate \"net\"
\tdefault y
config HOST
\tstring
\tdefault \"$(shell,echo said)\"
";

fn tree() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("tree/Kconfig", TREE);
    sandbox
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_mode_writes_the_config_and_what_makefiles_include() {
    let sandbox = tree();
    let ran = sandbox.kiln(&["kconfig", "alldefconfig", "--srctree", "tree"]).expect(0);
    assert!(ran.stdout.contains("configuration written to .config"), "{}", ran.block());
    let config = read(&sandbox, ".config");
    assert!(config.ends_with("# CONFIG_MODULES is not set\nCONFIG_NET=y\nCONFIG_HOST=\"said\"\n"), "{config}");
    assert!(read(&sandbox, "include/config/auto.conf").contains("CONFIG_NET=y\n"));
    assert!(read(&sandbox, "include/generated/autoconf.h").contains("#define CONFIG_NET 1\n"));

    sandbox.file(".config", "CONFIG_MODULES=y\nCONFIG_NET=m\n");
    sandbox.kiln(&["kconfig", "olddefconfig", "--srctree", "tree"]).expect(0);
    assert!(read(&sandbox, ".config").contains("CONFIG_NET=m\n"));
    assert_eq!(read(&sandbox, ".config.old"), "CONFIG_MODULES=y\nCONFIG_NET=m\n");
    // Only syncconfig writes them again.
    assert!(read(&sandbox, "include/config/auto.conf").contains("CONFIG_NET=y\n"));
    sandbox.kiln(&["kconfig", "syncconfig", "--srctree", "tree"]).expect(0);
    assert!(read(&sandbox, "include/config/auto.conf").contains("CONFIG_NET=m\n"));

    sandbox.kiln(&["kconfig", "savedefconfig", "--srctree", "tree"]).expect(0);
    assert_eq!(read(&sandbox, "defconfig"), "CONFIG_MODULES=y\nCONFIG_NET=m\n");
}

#[test]
fn named_files_are_the_only_ones() {
    let sandbox = tree();
    sandbox.file("in.config", "# CONFIG_NET is not set\n");
    let args = ["kconfig", "olddefconfig", "--srctree", "tree", "--config", "in.config", "-o", "out/new.config"];
    sandbox.kiln(&args).expect(0);
    assert!(read(&sandbox, "out/new.config").contains("# CONFIG_NET is not set\n"));
    assert_eq!(read(&sandbox, "in.config"), "# CONFIG_NET is not set\n");
    assert!(!sandbox.path().join("include").exists() && !sandbox.path().join(".config").exists());
    let ran = sandbox.kiln(&["kconfig", "listnewconfig", "--srctree", "tree", "--config", "in.config"]).expect(0);
    assert_eq!(ran.stdout, "CONFIG_MODULES=n\n");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let sandbox = tree();
    sandbox.kiln(&["kconfig", "defconfig", "--srctree", "tree"]).expect(2).says("--config");
    sandbox.kiln(&["kconfig", "alldefconfig", "--srctree", "nowhere"]).expect(1).says("Kconfig");
    sandbox
        .kiln(&["kconfig", "alldefconfig", "--srctree", "tree", "--arch", "x86"])
        .expect(1)
        .says("not a kernel tree");
    sandbox.file("tree/Kconfig", "config A\n\tboolean A\nif A\n");
    sandbox.kiln(&["kconfig", "alldefconfig", "--srctree", "tree"]).expect(1).says("Kconfig:");
    assert!(!sandbox.path().join(".config").exists());
}

#[test]
fn the_rules_are_those_of_the_trees_own_program() {
    let sandbox = tree();
    let ran = sandbox.kiln(&["kconfig", "alldefconfig", "--srctree", "tree"]).expect(0);
    assert!(ran.stderr.contains("assuming the rules of Linux 7.0"), "{}", ran.block());
    // The sources in the working directory are another tree's.
    sandbox.file("scripts/kconfig/zconf.y", "choice_block common_stmt").file("scripts/kconfig/confdata.c", "old");
    sandbox.file("tree/support/kconfig/parser.y", "choice_members T_TRANSITIONAL");
    sandbox.file("tree/support/kconfig/confdata.c", "# end of end_check: No change to");
    sandbox.file("tree/support/kconfig/Makefile", "HOST_EXTRACFLAGS += -DCONFIG_=\\\"X_\\\"\n");
    let ran = sandbox.kiln(&["kconfig", "alldefconfig", "--srctree", "tree"]).expect(0);
    assert!(!ran.stderr.contains("assuming"), "{}", ran.block());
    assert!(read(&sandbox, ".config").contains("X_NET=y\n"));
    let args = ["kconfig", "alldefconfig", "--srctree", "tree", "--dialect", "scripts/kconfig"];
    sandbox.kiln(&args).expect(1).says("syntax error");
    sandbox.kiln(&["kconfig", "alldefconfig", "--srctree", "tree", "--dialect", "tree"]).expect(2).says("no grammar");
}

#[test]
fn words_of_another_program_are_named() {
    let sandbox = Sandbox::new();
    sandbox.file("tree/Kconfig", "mainmenu \"Z\"\nrsource \"sub/Kconfig\"\nconfig A\n\tbool \"a\"\n");
    let ran = sandbox.kiln(&["kconfig", "olddefconfig", "--srctree", "tree"]).expect(1);
    assert!(ran.stderr.contains("`rsource` is a word of Kconfiglib (Zephyr, ESP-IDF)"), "{}", ran.block());
}
