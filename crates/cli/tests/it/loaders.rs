//! Loaders and their modules, from a recipe to the findings of `kiln check` and `kiln build`, in a small tree.

use crate::sandbox::Sandbox;
use crate::small_tree;

const KCONFIG: &str = r#"config MODULES
	bool "Loadable modules"
	modules
	default y

config NLS
	tristate

config VFAT_FS
	tristate "VFAT fs support"
	select NLS

config NLS_CODEPAGE_437
	tristate "Codepage 437"
	depends on NLS

config NF_CONNTRACK
	tristate "Connection tracking"

config NF_CONNTRACK_FTP
	tristate "FTP protocol support"
	depends on NF_CONNTRACK

config NFT_CT
	tristate "nf_tables connection tracking"
	depends on NF_CONNTRACK
"#;

const MAKEFILES: &[(&str, &str)] = &[
    (
        "linux/fs/Makefile",
        "obj-$(CONFIG_VFAT_FS) += vfat.o\nobj-$(CONFIG_NLS) += nls_base.o\nobj-$(CONFIG_NLS_CODEPAGE_437) += nls_cp437.o\n",
    ),
    (
        "linux/net/Makefile",
        "obj-$(CONFIG_NF_CONNTRACK) += nf_conntrack.o\nobj-$(CONFIG_NF_CONNTRACK_FTP) += nf_conntrack_ftp.o\n\
         obj-$(CONFIG_NFT_CT) += nft_ct.o\n",
    ),
];

const FAT: &[(&str, &str)] = &[
    ("linux/fs/vfat.ko", "uses: load_nls\n"),
    ("linux/fs/nls_base.ko", "exports: load_nls\nexports: register_nls\n"),
    ("linux/fs/nls_cp437.ko", "uses: register_nls\n"),
];

const FIREWALL: &[(&str, &str)] = &[
    ("linux/net/nf_conntrack.ko", "exports: nf_ct_get\n"),
    ("linux/net/nf_conntrack_ftp.ko", "uses: nf_ct_get\n"),
    ("linux/net/nft_ct.ko", "uses: nf_ct_get\n"),
];

/// Returns a directory with a recipe over a tree that has these modules.
fn sandbox(recipe: &str, modules: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    small_tree::write(&sandbox);
    sandbox.file("linux/Kconfig", KCONFIG);
    let head = "[kernel]\nsrc = \"./linux\"\narch = \"x86_64\"\nbaseConfig = \"allnoconfig\"\n\n";
    sandbox.file("kiln.toml", format!("{head}{recipe}"));
    for (name, text) in MAKEFILES.iter().chain(modules) {
        small_tree::write_file(&sandbox, name, text).expect("a module");
    }
    sandbox
}

/// Returns the part of standard error that follows the progress.
fn warnings(text: &str) -> &str {
    &text[text.find("warning[").expect("a warning")..]
}

#[test]
fn a_requested_module_that_no_loader_takes_is_a_warning() {
    let recipe = "[kernel.config]\nMODULES = \"y\"\nVFAT_FS = \"m\"\nNLS_CODEPAGE_437 = \"m\"\n\n\
                  [kmodloader.fat]\ntargets = [\"vfat\"]\n";
    let sandbox = sandbox(recipe, FAT);
    let ran = sandbox.kiln(&["build"]).expect(0).says("warning[unloaded-module]: `NLS_CODEPAGE_437` builds the module");
    let ran = ran.says("kiln.toml:9:1").says("add `nls_cp437` to `kmodloader.fat.targets`");
    let ran = ran.shows("1 module is built and in no loader: nls_cp437");
    assert!(!ran.stderr.contains("VFAT_FS"), "{}", ran.block());
    let checked = sandbox.kiln(&["check"]).expect(0);
    assert_eq!(warnings(&checked.stderr), warnings(&ran.stderr));
    checked.shows("1 module is built and in no loader: nls_cp437");
    let ran = sandbox.kiln(&["check", "--json"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(shown["leftOut"], serde_json::json!(["nls_cp437"]));
    sandbox.kiln(&["modules"]).expect(0).shows("1 module is built and in no loader: nls_cp437\n");
    let ran = sandbox.kiln(&["modules", "--json"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(shown["leftOut"], serde_json::json!(["nls_cp437"]));
}

#[test]
fn a_helper_is_for_the_loader_of_the_module_that_it_needs() {
    let recipe = "[kernel.config]\nMODULES = \"y\"\nNF_CONNTRACK = \"m\"\nNF_CONNTRACK_FTP = \"m\"\nNFT_CT = \"m\"\n\n\
                  [kmodloader.a-link]\n[kmodloader.firewall]\ntargets = [\"nft_ct\"]\n";
    let sandbox = sandbox(recipe, FIREWALL);
    let ran = sandbox.kiln(&["build"]).expect(0).says("add `nf_conntrack_ftp` to `kmodloader.firewall.targets`");
    assert_eq!(ran.stderr.matches("warning[").count(), 1, "{}", ran.block());
    assert_eq!(warnings(&sandbox.kiln(&["check"]).expect(0).stderr), warnings(&ran.stderr));
    let taken = recipe.replace("[\"nft_ct\"]", "[\"nft_ct\", \"nf_conntrack_ftp\"]");
    let ran = self::sandbox(&taken, FIREWALL).kiln(&["build"]).expect(0);
    assert!(!ran.block().contains("loader takes") && !ran.stdout.contains("in no loader"), "{}", ran.block());
}

/// Runs `check` and `build` on a recipe of which nothing can be compiled: both print the same findings.
fn check_and_build(recipe: &str, said: &[&str]) {
    let sandbox = sandbox(recipe, &[]);
    let mut check = sandbox.kiln(&["--details", "check"]).expect(1);
    let build = sandbox.kiln(&["--details", "build"]).expect(1);
    for text in said {
        check = check.says(text);
    }
    let errors = |text: &str| text.split("\n\n").filter(|part| part.starts_with("error")).collect::<String>();
    assert_eq!(errors(&check.stderr), errors(&build.stderr));
    let images =
        std::process::Command::new("find").arg(sandbox.path().join("store")).args(["-name", "vmlinux"]).output();
    assert_eq!(images.expect("find runs").stdout, b"", "nothing is compiled");
}

#[test]
fn check_finds_targets_that_do_not_exist_or_are_off() {
    let recipe = "[kernel.config]\nMODULES = \"y\"\n\n[kmodloader.vpn]\ntargets = [\"nft_cd\"]\n\
                  [kmodloader.vpn2]\ntargets = [\"nft_ct\"]\n";
    check_and_build(
        recipe,
        &[
            "error[unknown-target]: there is no module `nft_cd` in this kernel",
            "kiln.toml:10:12",
            "did you mean `nft_ct`?",
            "error[target-off]: module `nft_ct` is not built: `NFT_CT` is off",
            "kiln.toml:12:12",
            "net/Makefile:3 builds it",
            "set `kernel.config.NFT_CT = \"m\"`",
        ],
    );
}

#[test]
fn check_finds_extra_modules_outputs_and_firmware() {
    let recipe = "extraModules = [{ src = \"./nowhere\" }]\n[kernel.config]\nMODULES = \"y\"\n\n\
                  [hardware]\nfirmwareCompression = \"zstd\"\n";
    check_and_build(recipe, &["error[bad-extra-module]: there is no `", "error[unreadable-compression]"]);
    let recipe = "[kernel.config]\nMODULES = \"y\"\n[hardware]\nfirmware = [\"./fw\"]\n\
                  [boot]\nfiles.\"/etc/x\" = \"./x\"\n";
    let ran = sandbox(recipe, &[]).kiln(&["check"]).expect(0);
    ran.says("warning[unreadable-file]: there is no directory `DIR/fw`").says("there is no `DIR/x`");
}

/// The makefiles of extra modules are read, and sources of built modules for aliases.
#[test]
fn names_from_elsewhere_are_no_faults() {
    let recipe = "extraModules = [{ src = \"./mine\" }]\n[kernel.config]\nMODULES = \"y\"\nNF_CONNTRACK = \"m\"\n\n\
                  [kmodloader.a]\ntargets = [\"mine\", \"ip_conntrack\"]\n";
    let sandbox = sandbox(recipe, FIREWALL);
    sandbox.file("mine/Kbuild", "obj-m := mine.o\n").file("mine/mine.c", "");
    sandbox.file("linux/net/nf_conntrack.c", "MODULE_ALIAS(\"ip_conntrack\");\n");
    let ran = sandbox.kiln(&["check"]).expect(0);
    assert!(!ran.stderr.contains("unknown-target"), "{}", ran.block());
}

#[test]
fn firmware_of_built_in_drivers_is_looked_up() {
    let builtin =
        "r8169.license=GPL\0r8169.firmware=rtl_nic/a.fw\0r8169.firmware=rtl_nic/b.fw\0e100.firmware=e100/c.bin\0";
    let recipe = "[kernel.config]\nMODULES = \"y\"\nNF_CONNTRACK = \"m\"\n\n\
                  [hardware]\nfirmware = [\"./fw\"]\n[kmodloader.nic]\ntargets = [\"nf_conntrack\"]\n";
    let with = |recipe: &str| {
        let sandbox = sandbox(recipe, FIREWALL);
        let script = sandbox.path().join("linux/scripts/modules.sh");
        let text = std::fs::read_to_string(&script).expect("the script");
        let text = text.replace(": > modules.builtin.modinfo", "cp \"$1/builtin.modinfo\" modules.builtin.modinfo");
        let text = text.replace(": > modules.builtin;", "echo kernel/drivers/net/r8169.ko > modules.builtin;");
        sandbox.file("linux/scripts/modules.sh", text).file("linux/builtin.modinfo", builtin);
        sandbox.file("linux/drivers/net/Makefile", "obj-y += r8169.o\n").file("fw/rtl_nic/a.fw", "a");
        sandbox
    };
    let sandbox = with(recipe);
    let ran = sandbox.kiln(&["build"]).expect(0).says("warning[missing-firmware]: 2 firmware files were not found");
    drop(ran.says("`r8169` may request rtl_nic/b.fw").says("`e100` may request e100/c.bin"));
    assert!(sandbox.path().join("result/lib/firmware/rtl_nic/a.fw").exists());
    // A driver that a loader names has to have its files, as a module would.
    let named = with(&recipe.replace("[\"nf_conntrack\"]", "[\"r8169\"]"));
    let ran =
        named.kiln(&["--details", "build"]).expect(1).says("error[missing-firmware]: no firmware file `rtl_nic/b.fw`");
    drop(ran.says("which `r8169` may request (loader `nic`)"));
}

#[test]
fn soft_dependencies_that_lead_nowhere_are_shown_with_their_symbol() {
    let recipe = "[kernel.config]\nMODULES = \"y\"\nVFAT_FS = \"m\"\n\n[kmodloader.fat]\ntargets = [\"vfat\"]\n";
    let modules = [("linux/fs/vfat.ko", "softdep: pre: nls_cp437 no_such_module\nweakdep: nft_ct\n")];
    let sandbox = sandbox(recipe, &modules);
    sandbox.kiln(&["build"]).expect(0).shows("3 soft dependencies are not built (see `kiln modules`)");
    let ran = sandbox.kiln(&["modules"]).expect(0);
    let ran = ran.shows("soft dependency of vfat; not built; `NLS_CODEPAGE_437` would build it");
    let ran = ran.shows("soft dependency of vfat; no module of this kernel by that name");
    drop(ran.shows("`NFT_CT` would build it"));
    let ran = sandbox.kiln(&["modules", "--json"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let missing = &shown["loaders"]["fat"]["missingSoftdeps"][0];
    let expected = serde_json::json!({ "word": "nls_cp437", "by": "vfat", "symbols": ["NLS_CODEPAGE_437"] });
    assert_eq!(*missing, expected);
}
