//! Reasons that lead to what can be changed, or say that nothing can.

use super::*;

/// Explains requests over everything off in a tree of one Kconfig file.
fn told(tree: &str, asked: &[(&str, &str)], expected: Expect) {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(tree.as_bytes()));
    let (model, messages) = Model::parse("Kconfig", &files, &Machine, Dialect::NEWEST);
    let model = model.unwrap_or_else(|| panic!("{messages:?}"));
    let requests: Vec<Request> = asked.iter().map(|(symbol, value)| Request::fixed(*symbol, *value)).collect();
    let resolved = resolve(&model, Base::AllNo, &requests);
    let config = Config::parse(&String::from_utf8_lossy(resolved.config_text()));
    let evaluation = resolved.into_evaluation();
    let mut declarations = Declarations::of(&model);
    let text = b"config ARM\n\tdef_bool y\n\tselect HAVE_XZ\n";
    let file = OtherFile { arch: "arm", path: "arch/arm/Kconfig", text };
    declarations.add_elsewhere(&file, b"", Dialect::NEWEST);
    let mut found = check(&requests, &config, &declarations);
    let known = Known { evaluation: &evaluation, requests: &requests, declarations: &declarations, past: &[] };
    found.iter_mut().for_each(|unmet| unmet.explain(&known));
    let mut out = String::new();
    for diagnostic in found.iter().map(|unmet| unmet.diagnostic(&|_, _| None)) {
        out.push_str(&format!("[{}]: {}\n", diagnostic.code, diagnostic.message));
        out.extend(diagnostic.notes.iter().map(|note| format!("  note: {note}\n")));
        let help = diagnostic.help.iter().filter(|help| !help.contains("mark it as optional"));
        out.extend(help.map(|help| format!("  help: {help}\n")));
    }
    expected.assert_eq(&out);
}

const CONDITIONAL: &str = "\
config ARCHY
\tdef_bool y
\tselect FEAT if PLUG
config FEAT
\tbool
config PLUG
\tbool \"plug\"
\tdepends on SOCKET
config SOCKET
\tbool \"socket\"
config REMOVE
\tbool \"remove\"
\tdepends on FEAT
config OTHER
\tbool \"other\"
\tselect BOTH if PLUG
config BOTH
\tbool
config USER
\tbool \"user\"
\tdepends on BOTH
";

#[test]
fn a_select_that_waits_for_its_condition() {
    told(
        CONDITIONAL,
        &[("REMOVE", "y"), ("SOCKET", "y")],
        expect![[r#"
        [unmet-dependency]: `REMOVE` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:11
          note: `REMOVE` needs FEAT [=n] (Kconfig:13)
          note:   `FEAT` has no prompt: `ARCHY`, which is `y`, selects it if PLUG [=n] (Kconfig:3): set `PLUG = "y"`
    "#]],
    );
    told(
        CONDITIONAL,
        &[("REMOVE", "y")],
        expect![[r#"
        [unmet-dependency]: `REMOVE` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:11
          note: `REMOVE` needs FEAT [=n] (Kconfig:13)
          note:   `FEAT` has no prompt: `ARCHY`, which is `y`, selects it if PLUG [=n] (Kconfig:3): set `PLUG = "y"`, and what that needs
          note:     `PLUG` needs SOCKET [=n] (Kconfig:8): set `SOCKET = "y"`
    "#]],
    );
    // Neither the selecting symbol nor its condition is enough alone.
    told(
        CONDITIONAL,
        &[("USER", "y"), ("SOCKET", "y")],
        expect![[r#"
        [unmet-dependency]: `USER` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:19
          note: `USER` needs BOTH [=n] (Kconfig:21)
          note:   `BOTH` has no prompt: it is on when another symbol selects it: `OTHER`; set it, and what it needs (Kconfig:17)
          note:     `OTHER` needs PLUG [=n] (Kconfig:16): set `PLUG = "y"`
    "#]],
    );
}

const NOTHING: &str = "\
config EXPERT
\tbool \"expert\"
config HAVE_GZIP
\tbool
config HAVE_XZ
\tbool
config NEVER
\tbool
config BY_NEVER
\tbool
config SELECTOR
\tbool \"selector\"
\tdepends on NEVER
\tselect BY_NEVER
config DEFAULTED
\tbool
\tdefault y if NEVER
choice
\tprompt \"compression\"
\tdepends on HAVE_GZIP || HAVE_XZ
config KERNEL_GZIP
\tbool \"gzip\"
\tdepends on HAVE_GZIP
config KERNEL_XZ
\tbool \"xz\"
\tdepends on HAVE_XZ
endchoice
config RT
\tbool \"rt\"
\tdepends on EXPERT && NEVER
config SECOND
\tbool \"second\"
\tdepends on EXPERT && BY_NEVER
config THIRD
\tbool \"third\"
\tdepends on DEFAULTED
config EITHER
\tbool \"either\"
\tdepends on NEVER || EXPERT
config ON
\tbool
\tdefault y if !EXPERT
";

#[test]
fn nothing_turns_it_on() {
    told(
        NOTHING,
        &[("RT", "y"), ("SECOND", "y"), ("THIRD", "y")],
        expect![[r#"
        [unmet-dependency]: `RT` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:28
          note: `RT` needs NEVER [=n] (Kconfig:30)
          note:   `NEVER` has no prompt, and nothing in this tree turns it on for this architecture (Kconfig:7)
          help: no request can turn that on in this tree: a patch (`kernel.patches`) or another version might
        [unmet-dependency]: `SECOND` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:31
          note: `SECOND` needs BY_NEVER [=n] (Kconfig:33)
          note:   `BY_NEVER` has no prompt, and nothing in this tree turns it on for this architecture (Kconfig:9)
          note:     `SELECTOR`, which is `n`, would select it if NEVER [=n] (Kconfig:14)
          help: no request can turn that on in this tree: a patch (`kernel.patches`) or another version might
        [unmet-dependency]: `THIRD` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:34
          note: `THIRD` needs DEFAULTED [=n] (Kconfig:36)
          note:   `DEFAULTED` has no prompt, and nothing in this tree turns it on for this architecture (Kconfig:15)
          note:     `DEFAULTED` needs NEVER [=n] (Kconfig:17)
          note:       `NEVER` has no prompt, and nothing in this tree turns it on for this architecture (Kconfig:7)
          help: no request can turn that on in this tree: a patch (`kernel.patches`) or another version might
    "#]],
    );
    told(
        NOTHING,
        &[("KERNEL_XZ", "y"), ("HAVE_XZ", "y")],
        expect![[r#"
        [unmet-dependency]: `KERNEL_XZ` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:24
          note: `KERNEL_XZ` needs HAVE_XZ [=n] (Kconfig:26)
          note:   `HAVE_XZ` has no prompt, and nothing in this tree turns it on for this architecture; it is selected for arm (Kconfig:5)
          help: it is for other machines: move it under `[when.'arch = "arm"'.kernel.config]`
        [no-prompt]: `HAVE_XZ` was requested as `y` but is not set: it has no prompt
          note: it is declared at Kconfig:5
          note: `HAVE_XZ` has no prompt, and nothing in this tree turns it on for this architecture; it is selected for arm (Kconfig:5)
          help: it is for other machines: move it under `[when.'arch = "arm"'.kernel.config]`
    "#]],
    );
    // A symbol that can be reached another way is not reported as unreachable.
    told(
        NOTHING,
        &[("EITHER", "y")],
        expect![[r#"
        [unmet-dependency]: `EITHER` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:37
          note: `EITHER` needs one of NEVER [=n] || EXPERT [=n] (Kconfig:39)
          note:   `EXPERT` can be turned on: set `EXPERT = "y"`
    "#]],
    );
    told(
        NOTHING,
        &[("ON", "n")],
        expect![[r#"
        [no-prompt]: `ON` was requested as `n` but is `y`: it has no prompt
          note: it is declared at Kconfig:40
          note: `ON` has no prompt, and its default is y if !EXPERT [=n] (Kconfig:42)
    "#]],
    );
}

const CHAIN: &str = "\
cc-option = $(shell,$(CC) $(1))
config TOP
\tbool \"top\"
\tdepends on A
config A
\tbool \"a\"
\tdepends on B
config B
\tbool \"b\"
\tdepends on C
config C
\tbool \"c\"
\tdepends on D
config D
\tbool \"d\"
\tdepends on E
config E
\tbool \"e\"
\tdepends on F
config F
\tbool \"f\"
\tdepends on G
config G
\tbool \"g\"
\tdepends on CC_HAS
config CC_HAS
\tdef_bool $(cc-option,-mit)
config WAY
\tbool \"way\"
\tdepends on CC_HAS || H
config H
\tbool \"h\"
\tdepends on I
config I
\tbool \"i\"
";

#[test]
fn a_tool_behind_many_dependencies() {
    told(
        CHAIN,
        &[("TOP", "y")],
        expect![[r#"
            [missing-tool-feature]: `TOP` was requested as `y` but is not set: this host's tools lack a feature that it needs
              note: it is declared at Kconfig:2
              note: `TOP` needs A [=n] (Kconfig:4): set `A = "y"`, and what that needs
              note:   `A` needs B [=n] (Kconfig:7): set `B = "y"`, and what that needs
              note:     `B` needs C [=n] (Kconfig:10): set `C = "y"`, and what that needs
              note:       `C` needs D [=n] (Kconfig:13): set `D = "y"`, and what that needs
              note:         `D` needs E [=n] (Kconfig:16): set `E = "y"`, and what that needs
              note:           `E` needs F [=n] (Kconfig:19): set `F = "y"`, and what that needs
              note:             `F` needs G [=n] (Kconfig:22): set `G = "y"`, and what that needs
              note:               `G` needs CC_HAS [=n] (Kconfig:25)
              note:                 `CC_HAS` is decided by this host's tools: the C compiler `gcc-12` was tested for support of `-mit` (Kconfig:27)
              help: no request can turn that on: use another version of the tool, or another toolchain (`kernel.toolchain`, `kernel.crossCompile`)
        "#]],
    );
    // Here a request is enough.
    told(
        CHAIN,
        &[("WAY", "y")],
        expect![[r#"
        [unmet-dependency]: `WAY` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:28
          note: `WAY` needs one of CC_HAS [=n] || H [=n] (Kconfig:30)
          note:   `H` is off: set `H = "y"`, and what that needs
          note:     `H` needs I [=n] (Kconfig:33): set `I = "y"`
          note:   `CC_HAS` is off
          note:     `CC_HAS` is decided by this host's tools: the C compiler `gcc-12` was tested for support of `-mit` (Kconfig:27)
    "#]],
    );
}

const COMPARED: &str = "\
config CLANG
\tdef_bool n
config VD
\tbool \"vdso\"
\tdepends on CLANG || \"$(CROSS_COMPAT)\" != \"\"
config BE
\tbool \"be\"
\tdepends on !VD && \"$(WANTED)\" = \"big\"
config OTHER
\tbool \"other\"
\tdepends on \"$(CC)\" = \"other\"
";

#[test]
fn a_variable_of_the_environment() {
    told(
        COMPARED,
        &[("VD", "y"), ("BE", "y"), ("OTHER", "y")],
        expect![[r#"
        [unmet-dependency]: `VD` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:3
          note: `VD` needs one of CLANG [=n] || "$(CROSS_COMPAT)" (empty) != "" (Kconfig:5)
          note:   "$(CROSS_COMPAT)" (empty) != "": `CROSS_COMPAT` is a variable of the environment (`kernel.environment.CROSS_COMPAT`)
          help: set `kernel.environment.CROSS_COMPAT`, or what it asks for otherwise
        [unmet-dependency]: `BE` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:6
          note: `BE` needs "$(WANTED)" (empty) = "big": `WANTED` is a variable of the environment (`kernel.environment.WANTED`) (Kconfig:8)
          help: set `kernel.environment.WANTED`, or what it asks for otherwise
        [unmet-dependency]: `OTHER` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:9
          note: `OTHER` needs "$(CC)" ("gcc-12") = "other" (Kconfig:11)
    "#]],
    );
}

const TOOLS: &str = "\
cc-info := $(shell,echo $(CC_VERSION_TEXT))
cc-option = $(shell,$(CC) $(1))
success = $(if-success,$(1),y,n)
if-success = $(shell,{ $(1); } >/dev/null 2>&1 && echo $(2) || echo $(3))
config CC_IS_CLANG
\tdef_bool $(success,test clang)
config HAS_LTO
\tdef_bool y
\tdepends on CC_IS_CLANG
\tdepends on $(success,$(NM) --help)
config LTO
\tbool \"lto\"
\tdepends on HAS_LTO
config GCC_PLUGINS
\tbool \"plugins\"
\tdepends on $(success,test -e $(shell,$(CC) -print-file-name=plugin)/include/plugin-version.h)
config CC_HAS_RANDSTRUCT
\tdef_bool $(cc-option,-frandomize-layout-seed-file=/dev/null)
config RANDSTRUCT_FULL
\tbool \"full\"
\tdepends on CC_HAS_RANDSTRUCT || GCC_PLUGINS
config PAHOLE_VERSION
\tint
\tdefault $(shell,scripts/pahole-version.sh $(PAHOLE))
config BTF
\tbool \"btf\"
\tdepends on PAHOLE_VERSION >= 116
config RUST_IS_AVAILABLE
\tdef_bool $(success,scripts/rust_is_available.sh)
config RUST
\tbool \"rust\"
\tdepends on RUST_IS_AVAILABLE
";

#[test]
fn a_tool_is_named_with_its_package() {
    told(
        TOOLS,
        &[("LTO", "y"), ("GCC_PLUGINS", "y"), ("RANDSTRUCT_FULL", "y"), ("BTF", "y"), ("RUST", "y")],
        expect![[r#"
            [missing-tool-feature]: `LTO` was requested as `y` but is not set: this host's tools lack a feature that it needs
              note: it is declared at Kconfig:11
              note: `LTO` needs HAS_LTO [=n] (Kconfig:13)
              note:   `HAS_LTO` has no prompt: only its defaults set it (Kconfig:7)
              note:     `HAS_LTO` needs CC_IS_CLANG [=n] (Kconfig:9)
              note:       `CC_IS_CLANG` is decided by this host's tools: `def_bool $(success,test clang)` (Kconfig:6)
              note:     `HAS_LTO` needs a feature that this host lacks: `depends on $(success,$(NM) --help)` (Kconfig:10)
              help: it needs Clang and LLD: set `kernel.toolchain = "llvm"`
            [missing-tool-feature]: `GCC_PLUGINS` was requested as `y` but is not set: this host's tools lack a feature that it needs
              note: it is declared at Kconfig:14
              note: `GCC_PLUGINS` needs a feature that this host lacks: `depends on $(success,test -e $(shell,$(CC) -print-file-name=plugin)/include/plugin-version.h)`, where CC is `gcc-12` (Kconfig:16)
              help: install the headers of the compiler's plugins: Debian package gcc-12-plugin-dev (`kiln doctor --install` does it)
            [missing-tool-feature]: `RANDSTRUCT_FULL` was requested as `y` but is not set: this host's tools lack a feature that it needs
              note: it is declared at Kconfig:19
              note: `RANDSTRUCT_FULL` needs one of CC_HAS_RANDSTRUCT [=n] || GCC_PLUGINS [=n] (Kconfig:21)
              note:   `GCC_PLUGINS` is off: set `GCC_PLUGINS = "y"`, and what that needs
              note:     `GCC_PLUGINS` needs a feature that this host lacks: `depends on $(success,test -e $(shell,$(CC) -print-file-name=plugin)/include/plugin-version.h)`, where CC is `gcc-12` (Kconfig:16)
              help: install the headers of the compiler's plugins: Debian package gcc-12-plugin-dev (`kiln doctor --install` does it)
            [missing-tool-feature]: `BTF` was requested as `y` but is not set: this host's tools lack a feature that it needs
              note: it is declared at Kconfig:25
              note: `BTF` needs PAHOLE_VERSION [=0] >= 116 [=n] (Kconfig:27)
              note:   `PAHOLE_VERSION` is `0`, decided by this host's tools: `default $(shell,scripts/pahole-version.sh $(PAHOLE))`, where PAHOLE is `pahole` (Kconfig:24)
              help: install the program `pahole`, or a newer one: Debian package pahole
            [missing-tool-feature]: `RUST` was requested as `y` but is not set: this host's tools lack a feature that it needs
              note: it is declared at Kconfig:30
              note: `RUST` needs RUST_IS_AVAILABLE [=n] (Kconfig:32)
              note:   `RUST_IS_AVAILABLE` is decided by this host's tools: `def_bool $(success,scripts/rust_is_available.sh)` (Kconfig:29)
              help: install `rustc`, the source of its library and `bindgen`, as new as Documentation/process/changes.rst says: Debian packages rustc, rust-src, bindgen (`kiln doctor --install` does it)
        "#]],
    );
}

const VIRTIO: &str = "\
config PCI
\tbool \"pci\"
config MENU
\tbool \"menu\"
config VIRTIO
\tbool
config VIRTIO_PCI
\tbool \"over pci\"
\tdepends on PCI
\tselect VIRTIO
config VIRTIO_MMIO
\tbool \"over mmio\"
\tdepends on MENU
\tselect VIRTIO
config BLK
\tbool \"blk\"
\tdepends on VIRTIO
config NET
\tbool \"net\"
\tdepends on VIRTIO_PCI || VIRTIO_MMIO
";

#[test]
fn the_way_that_the_recipe_takes() {
    told(
        VIRTIO,
        &[("VIRTIO_MMIO", "y"), ("BLK", "y"), ("NET", "y")],
        expect![[r#"
        [unmet-dependency]: `VIRTIO_MMIO` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:11
          note: `VIRTIO_MMIO` needs MENU [=n] (Kconfig:13): set `MENU = "y"`
        [unmet-dependency]: `BLK` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:15
          note: `BLK` needs VIRTIO [=n] (Kconfig:17)
          note:   `VIRTIO` has no prompt: it is on when `VIRTIO_MMIO`, which the recipe requests, selects it (Kconfig:14)
          note:     `VIRTIO_MMIO` needs MENU [=n] (Kconfig:13): set `MENU = "y"`
        [unmet-dependency]: `NET` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:18
          note: `NET` needs one of VIRTIO_PCI [=n] || VIRTIO_MMIO [=n] (Kconfig:20)
          note:   `VIRTIO_MMIO` is off: set `VIRTIO_MMIO = "y"`, and what that needs
          note:     `VIRTIO_MMIO` needs MENU [=n] (Kconfig:13): set `MENU = "y"`
    "#]],
    );
    // A request for `n` is no way.
    told(
        VIRTIO,
        &[("VIRTIO_MMIO", "n"), ("BLK", "y")],
        expect![[r#"
        [unmet-dependency]: `BLK` was requested as `y` but is not set: its dependencies are not met
          note: it is declared at Kconfig:15
          note: `BLK` needs VIRTIO [=n] (Kconfig:17)
          note:   `VIRTIO` has no prompt: it is on when another symbol selects it: `VIRTIO_MMIO`, `VIRTIO_PCI`; set one of them, and what that needs (Kconfig:5)
          note:     `VIRTIO_PCI` needs PCI [=n] (Kconfig:9): set `PCI = "y"`
    "#]],
    );
}

#[test]
fn names_of_other_versions() {
    let tree = "config MITIGATION_RETPOLINE\n\tbool \"retpoline\"\nconfig CFI_CLANG\n\tbool \"cfi\"\n\
                config SLUB\n\tdef_bool y\n";
    told(
        tree,
        &[("RETPOLINE", "y"), ("CFI", "y"), ("SLAB", "y"), ("DECNET", "y"), ("RETHUNK", "y")],
        expect![[r#"
        [renamed-symbol]: `RETPOLINE` is called `MITIGATION_RETPOLINE` in this kernel
          note: that is its name since Linux 6.9 (Kconfig:1)
          help: set `MITIGATION_RETPOLINE = "y"`
        [renamed-symbol]: `CFI` is called `CFI_CLANG` in this kernel
          note: that is its name before Linux 6.18 (Kconfig:3)
          help: set `CFI_CLANG = "y"`
        [unknown-symbol]: this kernel has no symbol `SLAB`
          note: since Linux 6.8, `SLUB` does its work
          help: did you mean `SLUB`?
        [unknown-symbol]: this kernel has no symbol `DECNET`
          note: Linux 6.1 removed it
          help: `kiln find WORD` searches names, prompts and files
        [unknown-symbol]: this kernel has no symbol `RETHUNK`
          note: Linux 6.9 renamed it to `MITIGATION_RETHUNK`
          help: `kiln find WORD` searches names, prompts and files
    "#]],
    );
}

#[test]
fn the_table_of_changes_is_sound() {
    let number = |version: &str| -> Vec<u32> { version.split('.').filter_map(|part| part.parse().ok()).collect() };
    for pair in CHANGES.windows(2) {
        let [before, after] = [&pair[0], &pair[1]].map(|change| (number(change.version), change.old));
        assert!(before < after, "{before:?} before {after:?}");
    }
    for change in CHANGES {
        assert_eq!(CHANGES.iter().filter(|other| other.old == change.old).count(), 1, "{}", change.old);
        if let Fate::Renamed(new) | Fate::Replaced(new) = change.fate {
            assert!(Change::of(new).is_none(), "{new} is gone too");
        }
    }
}
