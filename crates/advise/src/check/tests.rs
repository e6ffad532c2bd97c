use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_diag::{Diagnostic, FileId, Severity, Sources};
use kiln_kconfig::{Base, Dialect, Host, Model, OtherFile, Strength, resolve};

use super::*;

mod reasons;

struct Machine;

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            "CC" => Some(b"gcc-12".to_vec()),
            "CC_VERSION_TEXT" => Some(b"gcc-12 (Debian 12.2.0-14) 12.2.0".to_vec()),
            "PAHOLE" => Some(b"pahole".to_vec()),
            _ => None,
        }
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        let is_number = command.starts_with(b"scripts/pahole-version.sh");
        Ok(if is_number { b"0".to_vec() } else { b"n".to_vec() })
    }
}

/// A tree with one of each kind of reason.
const TREE: &str = "\
cc-option = $(shell,$(CC) $(1))
config MODULES
\tbool \"modules\"
\tmodules
config NET
\tbool \"net\"
config IPV6
\ttristate \"ipv6\"
\tdepends on NET
\tselect CRC
config CRC
\ttristate
config DRM
\ttristate \"drm\"
config I915
\ttristate \"i915\"
\tdepends on DRM
config WANTS_NET
\tbool \"wants net\"
\tselect NET
config PLAIN
\tbool \"plain\"
\tdepends on !NET
config HZ
\tint \"hz\"
\trange 100 1000 if NET
\trange 1 9
\tdefault 5
config NAME
\tstring \"name\"
\tdepends on NET
config CC_HAS_IT
\tdef_bool $(cc-option,-mit)
config TOOL
\tbool \"tool\"
\tdepends on CC_HAS_IT
config DIRECT
\tbool \"direct\"
\tdepends on $(cc-option,-mdirect)
config QCOM_DRIVER
\tbool \"driver\"
\tdepends on ARCH_QCOM
config ALWAYS
\tbool
\tdefault y
config HIDDEN
\tbool \"hidden\" if NET
\tdefault y
config OLD_NAME
\tbool
\ttransitional
config NEW_NAME
\tbool \"new\"
\tdefault OLD_NAME
choice
\tprompt \"pick\"
config A
\tbool \"a\"
config B
\tbool \"b\"
endchoice
if NET
menu \"Deep\"
\tdepends on IPV6
config DEEP
\tbool \"deep\"
endmenu
endif
config BLOCK
\tdef_bool y
if BLOCK
config COMPRESS
\tbool \"compress\"
if COMPRESS
config COMPRESS_XZ
\tbool \"xz\"
\tdefault y
config COMPRESS_ZSTD
\tbool \"zstd\"
endif
endif
config COMPILE_TEST
\tbool \"compile only\"
config QCOM_SOUND
\tbool \"sound\"
\tdepends on ARCH_QCOM && NET || COMPILE_TEST
";

fn model() -> Model {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(TREE.as_bytes()));
    let (model, messages) = Model::parse("Kconfig", &files, &Machine, Dialect::NEWEST);
    model.unwrap_or_else(|| panic!("{messages:?}"))
}

fn declarations(model: &Model) -> Declarations {
    let mut declarations = Declarations::of(model);
    for (arch, path, text) in [
        (
            "arm",
            "arch/arm/Kconfig",
            "# one\n# two\nconfig ARM_LPAE\n\tbool\n# five\n# six\n# seven\n# eight\nconfig ARCH_QCOM\n\tbool\n",
        ),
        ("arm64", "arch/arm64/Kconfig", "config ARCH_QCOM\n\tbool\n"),
    ] {
        declarations.add_elsewhere(&OtherFile { arch, path, text: text.as_bytes() }, b"", Dialect::NEWEST);
    }
    declarations
}

/// Resolves and checks requests in the form `SYMBOL=VALUE`, an optional one with a `?` after it; each has a line of its
/// own.
fn unmet(asked: &[&str]) -> (Sources, FileId, Vec<Unmet>, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let file = sources.add("kiln.toml", asked.join("\n"));
    let request = |(index, text): (usize, &&str)| {
        let (symbol, value) = text.trim_end_matches('?').split_once('=').unwrap();
        let origin = Some(sources.line_span(file, index as u32 + 1));
        Request {
            symbol: symbol.to_owned(),
            value: value.to_owned(),
            strength: if text.ends_with('?') { Strength::Optional } else { Strength::Required },
            origin,
        }
    };
    let requests: Vec<Request> = asked.iter().enumerate().map(request).collect();
    let model = model();
    let resolved = resolve(&model, Base::AllNo, &requests);
    let config = Config::parse(&String::from_utf8_lossy(resolved.config_text()));
    let evaluation = resolved.into_evaluation();
    let declarations = declarations(&model);
    let mut found = check(&requests, &config, &declarations);
    let known = Known { evaluation: &evaluation, requests: &requests, declarations: &declarations, past: &past() };
    found.iter_mut().for_each(|unmet| unmet.explain(&known));
    let groups = empty_groups(&model, &config, &requests, || evaluation.clone());
    let origin = |name: &str| requests.iter().find(|request| request.symbol == name).and_then(|request| request.origin);
    let groups: Vec<Diagnostic> = groups.iter().map(|group| group.diagnostic(origin(&group.symbol))).collect();
    (sources, file, found, groups)
}

fn met(asked: &[&str]) {
    let found = unmet(asked).2;
    assert!(found.is_empty(), "{asked:?}: {found:?}");
}

fn told(asked: &[&str], expected: Expect) {
    let (sources, _, found, groups) = unmet(asked);
    let mut out = String::new();
    for diagnostic in found.iter().map(|unmet| unmet.diagnostic(&|_, _| None)).chain(groups) {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "note" };
        out.push_str(&format!("{severity}[{}]: {}\n", diagnostic.code, diagnostic.message));
        for label in &diagnostic.labels {
            out.push_str(&format!("  {}: {}\n", sources.location(label.span), label.text));
        }
        out.extend(diagnostic.notes.iter().map(|note| format!("  note: {note}\n")));
        out.extend(diagnostic.help.iter().map(|help| format!("  help: {help}\n")));
    }
    expected.assert_eq(&out);
}

#[test]
fn a_request_is_met_when_its_value_holds() {
    met(&["NET=y", "MODULES=y", "IPV6=m", "TOOL=n", "NO_SUCH_SYMBOL=n", "ALWAYS=y"]);
    met(&["HZ=7"]);
    met(&["NET=y", "NAME=liminix \"x\""]);
    met(&["NET=y", "NAME="]);
    // A text that is absent is empty.
    met(&["NAME="]);
}

#[test]
fn unknown() {
    told(
        &["NETT=y", "QQQQ=y?"],
        expect![[r#"
            error[unknown-symbol]: this kernel has no symbol `NETT`
              kiln.toml:1:1: requested here
              help: did you mean `NET`?
            note[foreign-symbol]: this kernel has no symbol `QQQQ` and no similar name
              kiln.toml:2:1: requested here
              help: if a patch adds it, name the patch in `kernel.patches`; if not, remove the request
        "#]],
    );
}

#[test]
fn renamed() {
    told(
        &["OLD_NAME=y"],
        expect![[r#"
            error[renamed-symbol]: `OLD_NAME` is called `NEW_NAME` in this kernel
              kiln.toml:1:1: requested here
              note: it is declared at Kconfig:49
              note: `NEW_NAME` takes over its value (Kconfig:54)
              help: set `NEW_NAME = "y"`
        "#]],
    );
}

/// The symbols of an older version.
fn past() -> Vec<Catalogue> {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(OLDER.as_bytes()));
    let older = Model::parse("Kconfig", &files, &Machine, Dialect::NEWEST).0.expect("a model");
    vec![Catalogue::of(&older, "6.1.5")]
}

const OLDER: &str = "config PLAIN_OLD\n\tbool \"plain\"\nconfig GONE\n\tbool \"Support for what is gone\"\n";

#[test]
fn renamed_since_another_version() {
    told(
        &["PLAIN_OLD=y", "GONE=y"],
        expect![[r#"
            error[renamed-symbol]: `PLAIN_OLD` is called `PLAIN` in this kernel
              kiln.toml:1:1: requested here
              note: in Linux 6.1.5, which was resolved here before, `PLAIN_OLD` has the prompt "plain", which is `PLAIN`'s now (Kconfig:21)
              help: set `PLAIN = "y"`
            error[unknown-symbol]: this kernel has no symbol `GONE`
              kiln.toml:2:1: requested here
              note: Linux 6.1.5 has it: "Support for what is gone" in Kconfig
              help: `kiln find WORD` searches names, prompts and files
              help: or mark it as optional: `GONE = { value = "y", optional = true }`
        "#]],
    );
}

#[test]
fn of_another_architecture() {
    told(
        &["ARM_LPAE=y"],
        expect![[r#"
        error[other-arch-symbol]: `ARM_LPAE` exists only for `arm`
          kiln.toml:1:1: requested here
          note: it is declared at arch/arm/Kconfig:3
          help: move it under `[when.'arch = "arm"'.kernel.config]`
    "#]],
    );
    told(
        &["QCOM_DRIVER=y"],
        expect![[r#"
        error[unmet-dependency]: `QCOM_DRIVER` was requested as `y` but is not set: its dependencies are not met
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:40
          note: `QCOM_DRIVER` needs ARCH_QCOM [=n], which exists only for arm, arm64 (Kconfig:42)
          help: it is for other machines: move it under `[when.'any(arch = "arm", arch = "arm64")'.kernel.config]`
          help: or mark it as optional: `QCOM_DRIVER = { value = "y", optional = true }`
    "#]],
    );
    told(
        &["QCOM_SOUND=y"],
        expect![[r#"
        error[unmet-dependency]: `QCOM_SOUND` was requested as `y` but is not set: its dependencies are not met
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:84
          note: `QCOM_SOUND` needs one of ARCH_QCOM && NET [=n] || COMPILE_TEST [=n] (Kconfig:86)
          note:   `COMPILE_TEST` can be turned on, but only to test that it compiles: set `COMPILE_TEST = "y"`
          note:   `ARCH_QCOM` exists only for arm, arm64
          help: it is for other machines: move it under `[when.'any(arch = "arm", arch = "arm64")'.kernel.config]`
          help: or mark it as optional: `QCOM_SOUND = { value = "y", optional = true }`
    "#]],
    );
}

#[test]
fn wrong_type() {
    told(
        &[
            "NET=m",
            "HZ=fast",
            "DRM=yes",
            "I915=Module",
            "PLAIN=built-in",
            "WANTS_NET=off",
            "IPV6=",
            "HZ=",
            "TOOL=maybe",
        ],
        expect![[r#"
            error[wrong-type]: `NET` is a bool and cannot be `m`
              kiln.toml:1:1: requested here
              note: it is declared at Kconfig:5
              help: a bool is `y` or `n`
              help: set `NET = "y"`
            error[wrong-type]: `HZ` is an int and cannot be `fast`
              kiln.toml:2:1: requested here
              note: it is declared at Kconfig:24
              help: an int is a decimal number without zeros in front, `250`
            error[wrong-type]: `DRM` is a tristate and cannot be `yes`
              kiln.toml:3:1: requested here
              note: it is declared at Kconfig:13
              help: a tristate is `y`, `m` or `n`
              help: set `DRM = "y"`
            error[wrong-type]: `I915` is a tristate and cannot be `Module`
              kiln.toml:4:1: requested here
              note: it is declared at Kconfig:15
              help: a tristate is `y`, `m` or `n`
              help: set `I915 = "m"`
            error[wrong-type]: `PLAIN` is a bool and cannot be `built-in`
              kiln.toml:5:1: requested here
              note: it is declared at Kconfig:21
              help: a bool is `y` or `n`
              help: set `PLAIN = "y"`
            error[wrong-type]: `WANTS_NET` is a bool and cannot be `off`
              kiln.toml:6:1: requested here
              note: it is declared at Kconfig:18
              help: a bool is `y` or `n`
              help: set `WANTS_NET = "n"`
            error[wrong-type]: `IPV6` is a tristate and cannot be empty
              kiln.toml:7:1: requested here
              note: it is declared at Kconfig:7
              help: a tristate is `y`, `m` or `n`
              help: to turn it off, set `IPV6 = "n"`
            error[wrong-type]: `HZ` is an int and cannot be empty
              kiln.toml:8:1: requested here
              note: it is declared at Kconfig:24
              help: an int is a decimal number without zeros in front, `250`
            error[wrong-type]: `TOOL` is a bool and cannot be `maybe`
              kiln.toml:9:1: requested here
              note: it is declared at Kconfig:34
              help: a bool is `y` or `n`
        "#]],
    );
}

#[test]
fn a_number_that_is_none_to_kconfig() {
    told(
        &["NET=y", "NAME=y"],
        expect![[r#"
        error[wrong-type]: `NAME` is a string and cannot be `y`
          kiln.toml:2:1: requested here
          note: it is declared at Kconfig:29
          help: a string is any text
          help: to set the text `y` itself, write its quotes: `NAME = '"y"'`
    "#]],
    );
    met(&["NET=y", "NAME=\"y\""]);
    told(
        &["HZ=007"],
        expect![[r#"
        error[wrong-type]: `HZ` is an int and cannot be `007`
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:24
          help: an int is a decimal number without zeros in front, `250`
    "#]],
    );
}

#[test]
fn without_a_prompt() {
    told(
        &["CRC=y"],
        expect![[r#"
            error[no-prompt]: `CRC` was requested as `y` but is not set: it has no prompt
              kiln.toml:1:1: requested here
              note: it is declared at Kconfig:11
              note: `CRC` has no prompt: it is on when another symbol selects it: `IPV6`; set it, and what it needs (Kconfig:11)
              note:   `IPV6` needs NET [=n] (Kconfig:9): set `NET = "y"`
              help: or mark it as optional: `CRC = { value = "y", optional = true }`
        "#]],
    );
    told(
        &["ALWAYS=n"],
        expect![[r#"
        error[no-prompt]: `ALWAYS` was requested as `n` but is `y`: it has no prompt
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:43
          note: `ALWAYS` has no prompt, and its default is y (Kconfig:45)
          help: or mark it as optional: `ALWAYS = { value = "n", optional = true }`
    "#]],
    );
}

#[test]
fn what_it_depends_on_is_off() {
    told(
        &["IPV6=y"],
        expect![[r#"
        error[unmet-dependency]: `IPV6` was requested as `y` but is not set: its dependencies are not met
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:7
          note: `IPV6` needs NET [=n] (Kconfig:9): set `NET = "y"`
          help: or mark it as optional: `IPV6 = { value = "y", optional = true }`
    "#]],
    );
    told(
        &["DEEP=y"],
        expect![[r#"
        error[unmet-dependency]: `DEEP` was requested as `y` but is not set: its dependencies are not met
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:65
          note: `DEEP` needs NET [=n] (Kconfig:62): set `NET = "y"`
          note: `DEEP` needs IPV6 [=n] (Kconfig:64): set `IPV6 = "y"`, and what that needs
          help: or mark it as optional: `DEEP = { value = "y", optional = true }`
    "#]],
    );
    told(
        &["NAME=x"],
        expect![[r#"
        error[unmet-dependency]: `NAME` was requested as `x` but is not set: its dependencies are not met
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:29
          note: `NAME` needs NET [=n] (Kconfig:31): set `NET = "y"`
          help: or mark it as optional: `NAME = { value = "x", optional = true }`
    "#]],
    );
    told(
        &["HIDDEN=n"],
        expect![[r#"
            error[unmet-dependency]: `HIDDEN` was requested as `n` but is `y`: it is not visible
              kiln.toml:1:1: requested here
              note: it is declared at Kconfig:46
              note: `HIDDEN` can only be turned off where it is visible (Kconfig:47)
              note:   `HIDDEN` needs NET [=n] (Kconfig:47): set `NET = "y"`
              help: or mark it as optional: `HIDDEN = { value = "n", optional = true }`
        "#]],
    );
}

#[test]
fn what_it_depends_on_is_a_module() {
    told(
        &["MODULES=y", "DRM=m", "I915=y"],
        expect![[r#"
        error[limited-to-module]: `I915` was requested as `y` but is `m`: its dependencies limit it to `m`
          kiln.toml:3:1: requested here
          kiln.toml:2:1: and `DRM` was requested as `m` here
          note: it is declared at Kconfig:15
          note: `I915` needs DRM [=m] to be `y` (Kconfig:17): set `DRM = "y"`
          help: or set `I915 = "m"`
          help: or mark it as optional: `I915 = { value = "y", optional = true }`
    "#]],
    );
}

#[test]
fn selected() {
    told(
        &["MODULES=y", "NET=y", "IPV6=m", "CRC=n?"],
        expect![[r#"
            note[conflicting-requests]: `CRC` was requested as `n` but is `m`: `IPV6 = "m"` rules it out
              kiln.toml:4:1: requested here
              kiln.toml:3:1: and `IPV6` was requested as `m` here
              note: it is declared at Kconfig:11
              note: `IPV6`, which is `m`, selects `CRC` (Kconfig:10): set `IPV6 = "n"`
              help: change one of the requests
        "#]],
    );
    told(
        &["NET=n", "WANTS_NET=y"],
        expect![[r#"
        error[conflicting-requests]: `NET` was requested as `n` but is `y`: `WANTS_NET = "y"` rules it out
          kiln.toml:1:1: requested here
          kiln.toml:2:1: and `WANTS_NET` was requested as `y` here
          note: it is declared at Kconfig:5
          note: `WANTS_NET`, which is `y`, selects `NET` (Kconfig:20): set `WANTS_NET = "n"`
          help: change one of the requests
          help: or mark it as optional: `NET = { value = "n", optional = true }`
    "#]],
    );
}

#[test]
fn a_choice() {
    told(
        &["A=y", "B=y"],
        expect![[r#"
            error[lost-choice]: `A` was requested as `y` but is not set: its choice is set to `B`
              kiln.toml:1:1: requested here
              kiln.toml:2:1: and `B` was requested as `y` here
              note: it is declared at Kconfig:57
              note: exactly one member of the choice `pick` is on (Kconfig:55)
              help: keep one of the two requests, or write `A = { force = "y" }`: of requests with equal priority, the one whose name comes last wins
        "#]],
    );
    told(
        &["A=n", "B=n"],
        expect![[r#"
        error[lost-choice]: `A` was requested as `n` but is `y`: no other member of its choice can be set
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:57
          note: exactly one member of the choice `pick` is on (Kconfig:55)
          help: set another member of the choice instead of turning `A` off
          help: or mark it as optional: `A = { value = "n", optional = true }`
    "#]],
    );
}

#[test]
fn a_range() {
    told(
        &["HZ=12"],
        expect![[r#"
        error[out-of-range]: `HZ` was requested as `12` but is `9`: its range is 1 to 9
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:24
          note: range 1 9 (Kconfig:27)
          help: set a number in the range
          help: or mark it as optional: `HZ = { value = "12", optional = true }`
    "#]],
    );
    told(
        &["HZ=12", "NET=y"],
        expect![[r#"
        error[out-of-range]: `HZ` was requested as `12` but is `100`: its range is 100 to 1000
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:24
          note: range 100 1000 if NET [=y] (Kconfig:26)
          help: set a number in the range
          help: or mark it as optional: `HZ = { value = "12", optional = true }`
    "#]],
    );
}

#[test]
fn no_modules() {
    told(
        &["DRM=m"],
        expect![[r#"
        error[no-modules]: `DRM` cannot be `m` while `MODULES` is off
          kiln.toml:1:1: requested here
          note: it is declared at Kconfig:13
          note: there are no modules: `MODULES` is `n`: set `MODULES = "y"`
          help: or set `kernel.modular = false`, which builds what is `m` into the kernel
          help: or mark it as optional: `DRM = { value = "m", optional = true }`
    "#]],
    );
}

#[test]
fn the_hosts_tools() {
    told(
        &["TOOL=y", "DIRECT=y"],
        expect![[r#"
            error[missing-tool-feature]: `TOOL` was requested as `y` but is not set: this host's tools lack a feature that it needs
              kiln.toml:1:1: requested here
              note: it is declared at Kconfig:34
              note: `TOOL` needs CC_HAS_IT [=n] (Kconfig:36)
              note:   `CC_HAS_IT` is decided by this host's tools: the C compiler `gcc-12` was tested for support of `-mit` (Kconfig:33)
              help: no request can turn that on: use another version of the tool, or another toolchain (`kernel.toolchain`, `kernel.crossCompile`)
              help: or mark it as optional: `TOOL = { value = "y", optional = true }`
            error[missing-tool-feature]: `DIRECT` was requested as `y` but is not set: this host's tools lack a feature that it needs
              kiln.toml:2:1: requested here
              note: it is declared at Kconfig:37
              note: `DIRECT` needs a feature that this host lacks: the C compiler `gcc-12` was tested for support of `-mdirect` (Kconfig:39)
              help: no request can turn that on: use another version of the tool, or another toolchain (`kernel.toolchain`, `kernel.crossCompile`)
              help: or mark it as optional: `DIRECT = { value = "y", optional = true }`
        "#]],
    );
}

#[test]
fn two_requests() {
    told(
        &["NET=y", "PLAIN=y"],
        expect![[r#"
        error[conflicting-requests]: `PLAIN` was requested as `y` but is not set: `NET = "y"` rules it out
          kiln.toml:2:1: requested here
          kiln.toml:1:1: and `NET` was requested as `y` here
          note: it is declared at Kconfig:21
          note: `PLAIN` needs !NET [=y] (Kconfig:23): set `NET = "n"`
          help: change one of the requests
          help: or mark it as optional: `PLAIN = { value = "y", optional = true }`
    "#]],
    );
}

#[test]
fn a_group_with_nothing_in_it() {
    told(
        &["COMPRESS=y"],
        expect![[r#"
            note[empty-group]: `COMPRESS` is on, but every symbol below it is off
              kiln.toml:1:1: requested here
              note: `COMPRESS_XZ`, `COMPRESS_ZSTD` depend on it and are off (Kconfig:75)
              help: the kernel's own default is `COMPRESS_XZ = "y"`: set what you need
        "#]],
    );
    told(&["COMPRESS=y", "COMPRESS_ZSTD=y"], expect![[""]]);
}

#[test]
fn lines_are_pointed_at_when_their_text_is_at_hand() {
    let (sources, file, found, _) = unmet(&["IPV6=y"]);
    let place = |name: &str, line: u32| (name == "Kconfig" && line > 0).then(|| sources.line_span(file, 1));
    let diagnostic = found[0].diagnostic(&place);
    let labels: Vec<&str> = diagnostic.labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(labels, ["requested here", "declared here", "this condition is false"]);
}

#[test]
fn nearest_names_look_past_case_and_prefix() {
    let declarations = declarations(&model());
    assert_eq!(declarations.nearest("CONFIG_COMPRESS_XS", 1), ["COMPRESS_XZ"]);
    assert_eq!(declarations.nearest("ipv6", 1), ["IPV6"]);
    assert_eq!(declarations.nearest("MODULE", 1), ["MODULES"]);
}
