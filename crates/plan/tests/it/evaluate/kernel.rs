//! Source, toolchain, requests, loaders and checks: the values that `kernel`, `kmodloader` and `boot` accept.

use expect_test::expect;

use super::{finds, gives};
use crate::fixture::{Files, evaluated_for, findings};

#[test]
fn names_that_are_refused() {
    finds(
        r#"[kernel.config]
CONFIG_USB = "y"
"A B" = "y"
[kmodloader."../x"]
targets = ["nft_ct.ko", "net/nft_ct.ko.xz", "a b"]
dependencies = ["a b"]
parameters."a b" = "x"
parameters.ok = "x\ny"
[kmodloader."a b"]
[kmodloader.""]
[boot]
packages = ["Nftables"]
files."etc/x" = "./x"
"#,
        expect![[r#"
            error[name]: `CONFIG_USB` has the prefix of a `.config`
              option kernel.config.CONFIG_USB
              kiln.toml:2:1
              help: write `USB`
            error[name]: `A B` is not the name of a symbol
              option kernel.config."A B"
              kiln.toml:3:1
              help: a symbol's name has letters, digits and `_`
            error[name]: `../x` cannot be the name: a name cannot contain '.'; it may contain letters, digits, `-` and `_`
              option kmodloader."../x"
              kiln.toml:4:13
            error[name]: `a b` is not the name of a module
              option kmodloader."../x".parameters."a b"
              kiln.toml:7:12
              help: a module's name has letters, digits, `_` and `-`
            error[name]: `a b` cannot be the name: a name cannot contain ' '; it may contain letters, digits, `-` and `_`
              option kmodloader."a b"
              kiln.toml:9:13
            error[name]: `` cannot be the name: a name cannot be empty
              option kmodloader.""
              kiln.toml:10:13
            error[name]: `etc/x` is not the path of a file in the guest
              option boot.files.etc/x
              kiln.toml:13:7
              help: write it from `/` on, without `.`, `..` and doubled slashes
            error[type]: `kmodloader."../x".targets`: `nft_ct.ko` is not the name of a module
              option kmodloader."../x".targets
              kiln.toml:5:12
              help: write `nft_ct`: the name alone, without directory and `.ko`
            error[type]: `kmodloader."../x".targets`: `net/nft_ct.ko.xz` is not the name of a module
              option kmodloader."../x".targets
              kiln.toml:5:25
              help: write `nft_ct`: the name alone, without directory and `.ko`
            error[type]: `kmodloader."../x".targets`: `a b` is not the name of a module
              option kmodloader."../x".targets
              kiln.toml:5:45
              help: a module's name has letters, digits, `_` and `-`
            error[type]: `kmodloader."../x".dependencies`: `a b` is not the name of a service
              option kmodloader."../x".dependencies
              kiln.toml:6:17
              help: a service's name has letters, digits, `_`, `-`, `.`, `@` and `:`
            error[type]: `kmodloader."../x".parameters.ok`: the value is more than one line
              option kmodloader."../x".parameters.ok
              kiln.toml:8:17
            error[type]: `boot.packages`: `Nftables` is not the name of a Debian package
              option boot.packages
              kiln.toml:12:13
              help: a package's name has lower-case letters, digits, `+`, `-` and `.`
        "#]],
    );
}

#[test]
fn sources_that_are_refused() {
    finds(
        r#"[kernel]
src = { url = "ftp://x", sha256 = "abc" }
baseConfig = "allnoconfg"
makeTargets = ["-j4", "../x"]
arch = "x86"
#- b
"#,
        expect![[r#"
            error[type]: `kernel.src`: the URL begins with none of `https://`, `http://`, `file://`
              option kernel.src
              kiln.toml:2:15
            error[type]: `kernel.src`: a SHA-256 has 64 hexadecimal digits
              option kernel.src
              kiln.toml:2:35
              help: `sha256sum FILE` prints it
            error[type]: `kernel.arch`: there is no architecture `x86`
              option kernel.arch
              kiln.toml:5:8
              help: write `x86_64` or `i386`
            error[type]: `kernel.makeTargets`: `-j4` is not a target of make
              option kernel.makeTargets
              kiln.toml:4:16
            error[type]: `kernel.makeTargets`: `../x` is not a target of make
              option kernel.makeTargets
              kiln.toml:4:23
            error[type]: `kernel.baseConfig`: `allnoconfg` is not a base config
              option kernel.baseConfig
              kiln.toml:3:14
              help: did you mean `allnoconfig`?
        "#]],
    );
}

#[test]
fn toolchains() {
    finds(
        "[kernel]\ntoolchain = \"clang\"\n",
        expect![[r#"
        error[type]: `kernel.toolchain`: there is no toolchain `clang`
          option kernel.toolchain
          kiln.toml:2:13
          help: write `gcc`, `llvm`, or `llvm-N` for programs that are called `clang-N`
    "#]],
    );
    finds(
        "[kernel]\ntoolchain = \"gcc-12\"\n",
        expect![[r#"
        error[type]: `kernel.toolchain`: there is no toolchain `gcc-12`
          option kernel.toolchain
          kiln.toml:2:13
          help: write `gcc`; another one by the prefix of its programs, in `kernel.crossCompile`
    "#]],
    );
    finds(
        r#"imports = ["./board.toml"]
[kernel]
toolchain = "llvm-14"
#- board.toml
[kernel]
crossCompile = "mips-linux-gnu-"
"#,
        expect![[r#"
            error[stray-prefix]: `kernel.toolchain = "llvm-14"` takes no prefix
              option kernel.crossCompile
              board.toml:2:1 the prefix is written here
              kiln.toml:3:1 the toolchain here
              help: remove `kernel.crossCompile`: clang compiles for every machine, and `kernel.arch` selects the machine
        "#]],
    );
    finds("[kernel]\ntoolchain = \"llvm\"\ncrossCompile = \"\"\n", expect![[""]]);
    gives(
        "[kernel]\narch = \"arm64\"\ntoolchain = \"llvm-14\"\n",
        expect![[r#"
            [kernel]
            arch = "arm64"
              # kiln.toml:2:1
            baseConfig = "alldefconfig"
            baseValues = "written"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "llvm-14"
              # kiln.toml:3:1"#]],
    );
}

#[test]
fn source_tables() {
    finds(
        r#"imports = ["./a.toml", "./b.toml", "./c.toml"]
#- a.toml
[kernel]
src = { force = { url = "https://x" } }
#- b.toml
[kernel]
src = { force = { apt = "linux", git = "x" } }
#- c.toml
[kernel]
src = { force = { atp = "linux" } }
"#,
        expect![[r#"
            error[type]: `kernel.src`: `sha256` is missing
              option kernel.src
              a.toml:2:17
            error[type]: `kernel.src`: `apt` and `git` exclude each other
              option kernel.src
              b.toml:2:17
            error[type]: `kernel.src`: the table has none of `path`, `apt`, `url`, `git`
              option kernel.src
              c.toml:2:17
              help: did you mean `apt`?
        "#]],
    );
}

#[test]
fn a_check_needs_a_script() {
    finds(
        r#"[boot.checks.nft]
cleanup = "true"
"#,
        expect![[r#"
            error[missing-option]: the check `nft` has no `script`
              option boot.checks.nft.script
              kiln.toml:2:1 the check is written here
              help: a check is a script that the guest runs
        "#]],
    );
}

#[test]
fn without_modules_all_is_built_in() {
    gives(
        r#"imports = ["kiln:base"]
[kernel]
modular = false
[kernel.config]
A = "m"
B = "n"
[kernel.conditionalConfig.A]
C = "\"m\""
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            baseValues = "written"
            extraPatchPhase = "true"
            makeTargets = ["vmlinux"]
              # kiln:base:4:1
            modular = false
              # kiln.toml:3:1
            patches = []
            toolchain = "gcc"

            [kernel.conditionalConfig.A]
            C = "\"m\""
              # kiln.toml:8:1

            [kernel.config]
            A = "y"
              # kiln.toml:5:1 (not modular)
              # kiln.toml:5:1 overridden "m"
            B = "n"
              # kiln.toml:6:1
            BLK_DEV_INITRD = "n"
              # kiln:base:27:1 (default)
            C = "y"
              # kiln.toml:8:1 (not modular)
              # kiln.toml:8:1 overridden "\"m\"" because A is requested
            DEBUG_FS = "y"
              # kiln:base:11:1
            DEVTMPFS = "y"
              # kiln:base:29:1
            FW_LOADER = "y"
              # kiln:base:34:1
            FW_LOADER_COMPRESS = "y"
              # kiln:base:35:1
            FW_LOADER_USER_HELPER = "n"
              # kiln:base:37:1
            IKCONFIG = "y"
              # kiln:base:8:1
            IKCONFIG_PROC = "y"
              # kiln:base:9:1
            INET = "y"
              # kiln:base:18:1
            IPV6 = "y"
              # kiln:base:19:1
            KEXEC = "y"
              # kiln:base:14:1
            MODULES = "n"
              # kiln:base:44:1 when 'not(modular)'
            MODULE_SIG = "n"
              # kiln:base:45:1 when 'not(modular)'
            NET = "y"
              # kiln:base:16:1
            NETDEVICES = "y"
              # kiln:base:24:1
            PACKET = "y"
              # kiln:base:21:1
            PROC_FS = "y"
              # kiln:base:10:1
            SYSVIPC = "y"
              # kiln:base:22:1
            TMPFS = "y"
              # kiln:base:30:1
            TMPFS_POSIX_ACL = "y"
              # kiln:base:31:1
            TMPFS_XATTR = "y"
              # kiln:base:32:1
            UNIX = "y"
              # kiln:base:17:1"#]],
    );
}

#[test]
fn loaders() {
    gives(
        r#"[kmodloader.wlan]
targets = ["ath10k_pci", "ath10k_pci"]
dependencies = ["wlan-calibration"]
parameters.ath10k_core = "debug_mask=0"
blacklist = ["ath9k"]
[kmodloader.empty]
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            baseValues = "written"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "gcc"

            [kmodloader.empty]
            blacklist = []
            dependencies = []
            targets = []

            [kmodloader.wlan]
            blacklist = ["ath9k"]
              # kiln.toml:5:1
            dependencies = ["wlan-calibration"]
              # kiln.toml:3:1
            targets = ["ath10k_pci", "ath10k_pci"]
              # kiln.toml:2:1

            [kmodloader.wlan.parameters]
            ath10k_core = "debug_mask=0"
              # kiln.toml:4:12"#]],
    );
}

#[test]
fn the_source_must_agree_with_the_recipe() {
    let recipe = Files::parse("[kernel]\nversion = \"6.12\"\n");
    assert!(evaluated_for(&recipe, Some("6.12.117")).1.evaluated.is_some());
    let (sources, evaluation) = evaluated_for(&recipe, Some("6.1.3"));
    expect![[r#"
        error[version-mismatch]: the recipe gives version 6.12, but the source is 6.1.3
          option kernel.version
          kiln.toml:2:1 written here
          help: change `kernel.version`, or remove it
    "#]]
    .assert_eq(&findings(&sources, &evaluation.diagnostics));
}
