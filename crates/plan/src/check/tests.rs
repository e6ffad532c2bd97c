use expect_test::{Expect, expect};
use kiln_diag::{FileId, Sources};

use super::*;

const CONFIG: &str = "\
# Linux
CONFIG_MODULES=y
CONFIG_NET=y
CONFIG_IPV6=m
CONFIG_USB=y
# CONFIG_SOUND is not set
CONFIG_HZ=250
CONFIG_PHYS=0x400
CONFIG_NAME=\"liminix \\\"x\\\"\"
";

fn declarations() -> Declarations {
    let mut declarations = Declarations::new();
    let entry = |symbol_type, prompt: Option<&str>, depends: &[&str], line| Declaration {
        symbol_type,
        prompt: prompt.map(str::to_owned),
        depends: depends.iter().map(|text| (*text).to_owned()).collect(),
        file: "net/Kconfig".to_owned(),
        line,
    };
    use SymbolType::{Bool, Hex, Int, String, Tristate};
    for (name, symbol_type) in
        [("MODULES", Bool), ("NET", Bool), ("USB", Tristate), ("HZ", Int), ("PHYS", Hex), ("NAME", String)]
    {
        declarations.add(name, entry(symbol_type, Some("prompt"), &[], 1));
    }
    declarations.add("IPV6", entry(Tristate, Some("IPv6"), &["NET"], 5));
    declarations.add("SOUND", entry(Tristate, Some("Sound"), &["HAS_IOMEM", "PCI"], 7));
    declarations.add("HAS_IOMEM", entry(Bool, None, &[], 9));
    declarations.add_elsewhere("ARM_LPAE", "arm", entry(Bool, None, &[], 3));
    declarations
}

fn span() -> (Sources, FileId) {
    let mut sources = Sources::new();
    let file = sources.add("kiln.toml", "request\n");
    (sources, file)
}

fn unmet(symbol: &str, value: &str, optional: bool, config: &str) -> Vec<Unmet> {
    let (sources, file) = span();
    let origin = Some(sources.line_span(file, 1));
    let request = Request { symbol: symbol.to_owned(), value: value.to_owned(), optional, origin };
    check(&[request], &ConfigValues::parse(config), &declarations())
}

fn met(symbol: &str, value: &str) {
    let unmet = unmet(symbol, value, false, CONFIG);
    assert!(unmet.is_empty(), "{symbol} = {value}: {unmet:?}");
}

fn told(symbol: &str, value: &str, optional: bool, config: &str, expected: Expect) {
    let mut out = String::new();
    for unmet in unmet(symbol, value, optional, config) {
        let diagnostic = unmet.diagnostic(&|_, _| None);
        assert_eq!(diagnostic.option.as_deref(), Some(format!("kernel.config.{symbol}").as_str()));
        out.push_str(&format!("{:?}[{}]: {}\n", diagnostic.severity, diagnostic.code, diagnostic.message));
        out.extend(diagnostic.help.iter().map(|help| format!("  help: {help}\n")));
    }
    expected.assert_eq(&out);
}

#[test]
fn a_request_is_met_when_its_value_holds() {
    met("NET", "y");
    met("IPV6", "m");
    met("SOUND", "n");
    met("HAS_IOMEM", "n");
    met("NO_SUCH_SYMBOL", "n");
    met("HZ", "250");
    met("HZ", "0250");
    met("PHYS", "0x00000400");
    met("PHYS", "400");
    met("PHYS", "0X400");
    met("NAME", "liminix \"x\"");
    met("NAME", "\"liminix \\\"x\\\"\"");
}

#[test]
fn another_value_is_told_with_the_symbols_own_conditions() {
    told(
        "SOUND",
        "y",
        false,
        CONFIG,
        expect![[r#"
        Error[unmet-request]: `SOUND` was asked to be `y` and came out unset
          help: it is declared at net/Kconfig:7
          help: its own entry says: depends on HAS_IOMEM && PCI
          help: or allow it: `SOUND = { value = "y", optional = true }`
    "#]],
    );
    told(
        "IPV6",
        "y",
        false,
        CONFIG,
        expect![[r#"
        Error[unmet-request]: `IPV6` was asked to be `y` and came out as `m`
          help: it is declared at net/Kconfig:5
          help: its own entry says: depends on NET
          help: something it depends on is `m`: make that `y`, or ask for `IPV6 = "m"`
          help: or allow it: `IPV6 = { value = "y", optional = true }`
    "#]],
    );
    told(
        "USB",
        "n",
        false,
        CONFIG,
        expect![[r#"
        Error[unmet-request]: `USB` was asked to be `n` and came out as `y`
          help: it is declared at net/Kconfig:1
          help: something that is on selects it, or it has no prompt where this configuration can see it
          help: or allow it: `USB = { value = "n", optional = true }`
    "#]],
    );
    told(
        "HAS_IOMEM",
        "y",
        false,
        CONFIG,
        expect![[r#"
        Error[unmet-request]: `HAS_IOMEM` was asked to be `y` and came out unset
          help: it is declared at net/Kconfig:9
          help: it has no prompt, so it cannot be set directly: only a default or another symbol's `select` sets it
          help: or allow it: `HAS_IOMEM = { value = "y", optional = true }`
    "#]],
    );
    told(
        "HZ",
        "100",
        false,
        CONFIG,
        expect![[r#"
        Error[unmet-request]: `HZ` was asked to be `100` and came out as `250`
          help: it is declared at net/Kconfig:1
          help: or allow it: `HZ = { value = "100", optional = true }`
    "#]],
    );
}

#[test]
fn a_module_that_is_built_in_is_unmet() {
    told(
        "USB",
        "m",
        false,
        CONFIG,
        expect![[r#"
        Error[unmet-request]: `USB` was asked to be `m` and came out as `y`
          help: it is declared at net/Kconfig:1
          help: something that is built in selects it: ask for `USB = "y"`
          help: or allow it: `USB = { value = "m", optional = true }`
    "#]],
    );
    told(
        "USB",
        "m",
        true,
        CONFIG,
        expect![[r#"
        Note[unmet-request]: `USB` was asked to be `m` and came out as `y`
          help: it is declared at net/Kconfig:1
          help: something that is built in selects it: ask for `USB = "y"`
          help: or allow it: `USB = { value = "m", optional = true }`
    "#]],
    );
}

#[test]
fn modules_need_modules() {
    told(
        "USB",
        "m",
        false,
        "CONFIG_USB=y\n",
        expect![[r#"
        Error[unmet-request]: `USB` cannot be `m` while `MODULES` is off
          help: set `MODULES = "y"`
          help: or set `kernel.modular = false`, which builds what is `m` into the kernel
    "#]],
    );
}

#[test]
fn symbols_that_are_not_there() {
    told(
        "NETT",
        "y",
        false,
        CONFIG,
        expect![[r#"
        Error[unknown-symbol]: this kernel has no symbol `NETT`
          help: did you mean `NET`?
    "#]],
    );
    told(
        "QQQQ",
        "y",
        true,
        CONFIG,
        expect![[r#"
        Note[unknown-symbol]: this kernel has no symbol `QQQQ`
    "#]],
    );
    told(
        "ARM_LPAE",
        "y",
        false,
        CONFIG,
        expect![[r#"
        Error[other-arch-symbol]: `ARM_LPAE` exists only for `arm`
          help: it is declared at net/Kconfig:3
          help: move it under `[when.'arch = "arm"'.kernel.config]`
    "#]],
    );
}

#[test]
fn values_that_a_type_does_not_have() {
    told(
        "NET",
        "m",
        false,
        CONFIG,
        expect![[r#"
        Error[wrong-type]: `NET` is a bool and cannot be `m`
          help: it is declared at net/Kconfig:1
          help: a bool is `y` or `n`
    "#]],
    );
    for (symbol, value) in
        [("USB", "yes"), ("HZ", "0x10"), ("HZ", "y"), ("HZ", "+1"), ("PHYS", "zz"), ("PHYS", "+1"), ("HZ", "n")]
    {
        let found = unmet(symbol, value, false, CONFIG);
        assert!(
            matches!(found.as_slice(), [Unmet { kind: UnmetKind::WrongType { .. }, .. }]),
            "{symbol} = {value}: {found:?}"
        );
    }
}

#[test]
fn the_declaration_is_pointed_at_when_its_text_is_at_hand() {
    let (sources, file) = span();
    let place = |name: &str, line: u32| (name == "net/Kconfig" && line == 5).then(|| sources.line_span(file, 1));
    let diagnostic = unmet("IPV6", "y", false, CONFIG)[0].diagnostic(&place);
    let labels: Vec<&str> = diagnostic.labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(labels, ["asked for here", "declared here"]);
}

#[test]
fn nearest_names_look_past_case_and_prefix() {
    let declarations = declarations();
    assert_eq!(declarations.nearest("CONFIG_SOUND", 1), ["SOUND"]);
    assert_eq!(declarations.nearest("ipv6", 1), ["IPV6"]);
    assert_eq!(declarations.nearest("MODULE", 1), ["MODULES"]);
}
