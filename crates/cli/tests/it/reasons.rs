//! Variables of the environment, empty texts and requests of kiln's own modules, on a small tree.

use crate::sandbox::Sandbox;

const KCONFIG: &str = "config MODULES\n\tbool \"Modules\"\n\tmodules\nconfig VDSO\n\tbool \"vdso\"\n\
                       \tdepends on \"$(CROSS_COMPAT)\" != \"\"\nconfig SEEN\n\tstring\n\
                       \tdefault \"$(shell,echo $CROSS_COMPAT)\"\nconfig LOCALVERSION\n\tstring \"version\"\n\
                       \tdefault \"-distribution\"\n";

fn recipe(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox
        .file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n")
        .file("tree/Kconfig", KCONFIG)
        .file("tree/scripts/kconfig/parser.y", "choice_members T_TRANSITIONAL")
        .file("tree/arch/x86/Makefile", "")
        .file("kiln.toml", format!("[kernel]\nsrc = \"./tree\"\narch = \"x86_64\"\n{text}"));
    sandbox
}

#[test]
fn a_variable_of_the_recipe_is_seen_by_every_command() {
    let sandbox = recipe("[kernel.config]\nVDSO = \"y\"\n");
    sandbox
        .kiln(&["-q", "check"])
        .expect(1)
        .says("`VDSO` needs \"$(CROSS_COMPAT)\" (empty) != \"\"")
        .says("set `kernel.environment.CROSS_COMPAT`");
    let with = |value: &str| {
        let text = format!("[kernel.config]\nVDSO = \"y\"\n[kernel.environment]\nCROSS_COMPAT = \"{value}\"\n");
        sandbox.file("kiln.toml", format!("[kernel]\nsrc = \"./tree\"\narch = \"x86_64\"\n{text}"));
    };
    // Each value has a result of its own, whatever is cached.
    for value in ["arm-none-", "other-", "arm-none-"] {
        with(value);
        sandbox.kiln(&["-q", "check"]).expect(0);
        let resolved = sandbox.kiln(&["-q", "resolve"]).expect(0).stdout;
        assert!(resolved.contains("CONFIG_VDSO=y\n"), "{resolved}");
        assert!(resolved.contains(&format!("CONFIG_SEEN=\"{value}\"\n")), "{resolved}");
        let why = sandbox.kiln(&["-q", "why", "VDSO"]).expect(0).stdout;
        assert!(why.starts_with("VDSO = y\n"), "{why}");
        let fixed = sandbox.kiln(&["-q", "fix"]).expect(0).stdout;
        assert!(!fixed.contains("VDSO ="), "{fixed}");
    }
    with("");
    sandbox.kiln(&["-q", "check"]).expect(1).says("error[unmet-dependency]: `VDSO`");
}

#[test]
fn variables_that_kiln_sets_are_refused() {
    for (name, help) in [
        ("ARCH", "set `kernel.arch`"),
        ("CC", "set `kernel.toolchain`"),
        ("KCONFIG_ALLCONFIG", "set `kernel.baseConfig`"),
        ("KBUILD_BUILD_USER", "remove it"),
        ("PATH", "remove it"),
    ] {
        let sandbox = recipe(&format!("[kernel.environment]\n{name} = \"x\"\n"));
        sandbox.kiln(&["-q", "check"]).expect(1).says(&format!("error[name]: `{name}` is set by kiln")).says(help);
    }
}

#[test]
fn an_empty_text_is_a_value() {
    let sandbox = recipe("[kernel.config]\nLOCALVERSION = \"\"\n");
    sandbox.kiln(&["-q", "check"]).expect(0);
    let resolved = sandbox.kiln(&["-q", "resolve"]).expect(0).stdout;
    assert!(resolved.contains("CONFIG_LOCALVERSION=\"\"\n"), "{resolved}");
    let sandbox = recipe("[kernel.config]\nMODULES = \"\"\n");
    sandbox.kiln(&["-q", "check"]).expect(1).says("cannot be empty").says("to turn it off, set `MODULES = \"n\"`");
}

#[test]
fn optional_requests_of_shipped_modules_are_not_reported() {
    let text = "[kernel.config]\nGONE_SYMBOL = { value = \"y\", optional = true }\n";
    let own = recipe(text).kiln(&["-q", "check"]).expect(0);
    assert!(own.stderr.contains("GONE_SYMBOL"), "{}", own.stderr);
    let sandbox = recipe(text);
    let imports = format!("imports = [\"kiln:qemu\"]\n[kernel]\nsrc = \"./tree\"\narch = \"x86_64\"\n{text}");
    sandbox.file("kiln.toml", imports);
    let ran = sandbox.kiln(&["-q", "check"]);
    let notes = ran.stderr.split("note[").skip(1);
    assert_eq!(notes.filter(|note| !note.contains("GONE_SYMBOL")).count(), 0, "{}", ran.stderr);
}
