use expect_test::{Expect, expect};
use kiln_kconfig::{Declaration, Declarations};

use super::*;

fn declared(symbols: &[(&str, Type)]) -> Declarations {
    let mut declared = Declarations::new();
    for &(name, symbol_type) in symbols {
        let declaration =
            Declaration { symbol_type, prompt: None, depends: Vec::new(), file: "Kconfig".into(), line: 1 };
        declared.add(name, declaration);
    }
    declared
}

fn check(requests: &[(&str, &str)], expected: Expect) {
    let types =
        declared(&[("B", Type::Bool), ("T", Type::Tristate), ("I", Type::Int), ("H", Type::Hex), ("S", Type::String)]);
    let requests = requests.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut seed = Seed { mode: Mode::Allnoconfig, text: String::new() };
    seed.append(&requests, &|symbol| types.symbol_type(symbol)).unwrap();
    expected.assert_eq(&seed.text);
}

#[test]
fn values_are_written_as_their_types_want() {
    check(
        &[("B", "y"), ("T", "n"), ("I", "250"), ("H", "0x400"), ("S", "liminix")],
        expect![[r#"
            CONFIG_B=y
            CONFIG_H=0x400
            CONFIG_I=250
            CONFIG_S="liminix"
            # CONFIG_T is not set
        "#]],
    );
}

#[test]
fn strings_may_be_bare_or_quoted() {
    check(
        &[("S", "\"a b\"")],
        expect![[r#"
        CONFIG_S="a b"
    "#]],
    );
    check(
        &[("S", "a \"b\" \\")],
        expect![[r#"
        CONFIG_S="a \"b\" \\"
    "#]],
    );
    check(
        &[("S", "y")],
        expect![[r#"
        CONFIG_S="y"
    "#]],
    );
    check(
        &[("S", "")],
        expect![[r#"
        CONFIG_S=""
    "#]],
    );
}

#[test]
fn an_unknown_symbol_is_written_by_the_look_of_its_value() {
    check(
        &[("X", "y"), ("Y", "-12"), ("Z", "text")],
        expect![[r#"
        CONFIG_X=y
        CONFIG_Y=-12
        CONFIG_Z="text"
    "#]],
    );
}

#[test]
fn nothing_breaks_out_of_its_line() {
    for (symbol, value) in [("S", "a\nCONFIG_B=y"), ("S", "a\0"), ("S\nCONFIG_B", "y"), ("B=y", "y")] {
        let requests = BTreeMap::from([(symbol.to_owned(), value.to_owned())]);
        let mut seed = Seed { mode: Mode::Allnoconfig, text: String::new() };
        let error = seed.append(&requests, &|_| Type::Unknown).unwrap_err();
        assert!(matches!(error, ResolveError::Unwritable { .. }), "{symbol} = {value}");
    }
}

#[test]
fn requests_follow_the_base_and_take_the_place_of_its_lines() {
    let mut seed = Seed {
        mode: Mode::Alldefconfig,
        text: "CONFIG_A=y\nCONFIG_AA=\"# CONFIG_A is not set\"\n# CONFIG_B is not set\nCONFIG_C=y".to_owned(),
    };
    seed.append(&BTreeMap::from([("A".to_owned(), "n".to_owned()), ("B".to_owned(), "y".to_owned())]), &|_| {
        Type::Unknown
    })
    .unwrap();
    let expected = "CONFIG_AA=\"# CONFIG_A is not set\"\nCONFIG_C=y\n# CONFIG_A is not set\nCONFIG_B=y\n";
    assert_eq!(seed.text, expected);
}

#[test]
fn warnings_keep_their_lines_and_lose_our_file() {
    let said = "\
/o/.kiln/seed.config:3:warning: override: reassigning to symbol A
/o/.kiln/seed.config:4:warning: symbol value 'm' invalid for B

WARNING: unmet direct dependencies detected for C
  Depends on [n]: NET [=n]
  Selected by [y]:
  - D [=y] && E [=y]
arch/x86/Kconfig:7:warning: defaults for choice values not supported
#
# configuration written to .config
#
";
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let found = warnings(&lines, Path::new("/o/.kiln/seed.config"));
    let expected = expect![[r#"
        symbol value 'm' invalid for B
        unmet direct dependencies detected for C
          Depends on [n]: NET [=n]
          Selected by [y]:
          - D [=y] && E [=y]
        arch/x86/Kconfig:7: defaults for choice values not supported"#]];
    expected.assert_eq(&found.join("\n"));
}
