//! A kernel tree of a few files, whose makefile makes a kernel of the modules in the tree.
//!
//! A module is described in lines of `key: value`. `exports` and `uses` name a symbol, with its properties in
//! parentheses (`GPL only`, `namespace NAME`; `of another kernel`); `machine` is `i386` or `x86_64`; all else is `modinfo`.

use kiln_testkit::{Architecture, Endianness, Ko};

use crate::sandbox::Sandbox;

const FILES: &[(&str, &str)] = &[
    ("linux/Makefile", MAKEFILE),
    ("linux/Kconfig", "config MODULES\n\tbool \"Loadable modules\"\n\tmodules\n\tdefault y\n"),
    ("linux/scripts/kconfig/parser.y", "choice_members T_TRANSITIONAL"),
    ("linux/scripts/modules.sh", MODULES),
    ("linux/arch/x86/Kconfig", ""),
    ("linux/arch/x86/Makefile", ""),
];

const MAKEFILE: &str = r"VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 1
EXTRAVERSION =

syncconfig:
	@:
vmlinux:
	@mkdir -p $(O)/include/config; echo 6.12.1 > $(O)/include/config/kernel.release
	@cp $(O)/.config $(O)/include/config/auto.conf
	@echo vmlinux > $(O)/vmlinux; touch $(O)/System.map
bzImage: vmlinux
	@cp $(O)/vmlinux $(O)/bzImage
modules: vmlinux
	@cd $(O) && sh $(CURDIR)/scripts/modules.sh $(CURDIR)
";

const MODULES: &str = r#"
cp -r "$1/Module.symvers" . 2>/dev/null || : > Module.symvers
: > modules.builtin; : > modules.builtin.modinfo
(cd "$1" && find . -name '*.ko' | sed 's|^\./||' | sort) > modules.order
while IFS= read -r module; do
    mkdir -p "$(dirname "$module")"
    cp "$1/$module" "$module"
done < modules.order
"#;

/// Writes the tree into `linux`.
pub(crate) fn write(sandbox: &Sandbox) {
    for (name, text) in FILES {
        sandbox.file(name, text);
    }
}

/// Writes a file, or a module from its description; the `Kbuild` beside a module lists it, so that the tree builds it.
pub(crate) fn write_file(sandbox: &Sandbox, name: &str, text: &str) -> Result<(), String> {
    let Some(path) = name.strip_suffix(".ko") else {
        sandbox.file(name, text);
        return Ok(());
    };
    sandbox.file(name, module(text)?);
    let (directory, module) = path.rsplit_once('/').unwrap_or((".", path));
    let kbuild = format!("{directory}/Kbuild");
    let listed = std::fs::read_to_string(sandbox.path().join(&kbuild)).unwrap_or_default();
    sandbox.file(&kbuild, format!("{listed}obj-m += {module}.o\n"));
    Ok(())
}

fn module(description: &str) -> Result<Vec<u8>, String> {
    let mut ko = Ko::new();
    if !description.contains("license: ") {
        ko = ko.info("license", "GPL");
    }
    if !description.contains("vermagic: ") {
        ko = ko.info("vermagic", "6.12.1 SMP");
    }
    for line in description.lines() {
        let (key, value) = line.split_once(": ").ok_or_else(|| format!("`{line}` is no `key: value`"))?;
        let (symbol, remark) = match value.split_once(" (") {
            Some((symbol, remark)) => (symbol, remark.trim_end_matches(')')),
            None => (value, ""),
        };
        ko = match (key, remark) {
            ("exports", "") => ko.export(symbol),
            ("exports", "GPL only") => ko.export_as(symbol, Ko::crc_of(symbol), None, true),
            ("exports", remark) => match remark.strip_prefix("namespace ") {
                Some(namespace) => ko.export_as(symbol, Ko::crc_of(symbol), Some(namespace), false),
                None => return Err(format!("`{line}` is not understood")),
            },
            ("uses", "") => ko.want(symbol),
            ("uses", "of another kernel") => ko.want_as(symbol, Some(!Ko::crc_of(symbol)), false),
            ("uses", _) => return Err(format!("`{line}` is not understood")),
            ("machine", _) if value == "i386" => ko.machine(Architecture::I386, Endianness::Little),
            ("machine", _) if value == "x86_64" => ko,
            ("machine", _) => return Err(format!("`{line}`: no such machine here")),
            _ => ko.info(key, value),
        };
    }
    Ok(ko.build())
}
