use expect_test::{Expect, expect};
use kiln_diag::Sources;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "expect! makes values")]
fn check(text: &str, expected: Expect) {
    let mut sources = Sources::new();
    let file = sources.add("f", text);
    let Fragment { assignments, diagnostics, .. } = parse(file, text, AfterUnset::MakesComment);
    let mut out = String::new();
    for assignment in &assignments {
        let Assignment { symbol, value, quoted, .. } = assignment;
        let at = sources.location(assignment.symbol_span);
        let written = (sources.snippet(assignment.symbol_span), sources.snippet(assignment.value_span));
        out += &format!("{at} {symbol} = {value:?}{} {written:?}\n", if *quoted { " quoted" } else { "" });
    }
    for diagnostic in &diagnostics {
        let at = sources.location(diagnostic.labels[0].span);
        out += &format!("{at} {:?} {}\n", diagnostic.severity, diagnostic.message);
        out.extend(diagnostic.help.iter().map(|help| format!("  {help}\n")));
    }
    expected.assert_eq(&out);
}

#[test]
fn values_of_each_kind() {
    check(
        "# a comment\n\nCONFIG_A=y\r\n  CONFIG_B = m \n# CONFIG_C is not set\n#CONFIG_D=y\nCONFIG_E=-12\nCONFIG_F=0x1F\n\
         CONFIG_G=\"a \\\"b\\\\ #c\"\nCONFIG_H=\"\"",
        expect![[r#"
            f:3:1 A = "y" ("CONFIG_A", "y")
            f:5:3 C = "n" ("CONFIG_C", "is not set")
            f:7:1 E = "-12" ("CONFIG_E", "-12")
            f:8:1 F = "0x1F" ("CONFIG_F", "0x1F")
            f:9:1 G = "a \"b\\ #c" quoted ("CONFIG_G", "\"a \\\"b\\\\ #c\"")
            f:10:1 H = "" quoted ("CONFIG_H", "\"\"")
            f:4:3 Warning not a setting: Kconfig ignores this line
              a setting starts at the start of its line; remove the blanks
        "#]],
    );
}

#[test]
fn the_last_of_two_lines_wins() {
    check(
        "CONFIG_A=y\nCONFIG_B=y\n# CONFIG_A is not set\n",
        expect![[r#"
            f:2:1 B = "y" ("CONFIG_B", "y")
            f:3:3 A = "n" ("CONFIG_A", "is not set")
            f:3:3 Warning `CONFIG_A` is set more than once; the last line holds
        "#]],
    );
}

#[test]
fn lines_that_are_no_requests() {
    check(
        "CONFIG_A\nB=y\nCONFIG_=y\nCONFIG_A B=y\nCONFIG_A=yes\nCONFIG_A=\nCONFIG_A=Y\nCONFIG_A=ttyS0\nCONFIG_A=\"x\n\
         CONFIG_A=\"x\" y\n[kernel]\nx y = 3\n\u{e9}CONFIG_Z=y\nCONFIG_A=\"x\\",
        expect![[r#"
            f:10:1 A = "x" quoted ("CONFIG_A", "\"x\"")
            f:1:1 Warning not a setting: Kconfig ignores this line
              a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`
            f:2:1 Warning not a setting: Kconfig ignores this line
              in a fragment the name has its prefix: `CONFIG_B`
            f:3:1 Warning not the name of a symbol: Kconfig ignores this line
              a name has letters, digits, `_` and `-`
            f:4:1 Warning not the name of a symbol: Kconfig ignores this line
              a name has letters, digits, `_` and `-`
            f:5:11 Warning Kconfig ignores this part of the value
              write `y`
            f:6:10 Warning not a value: Kconfig ignores this line
              write `n`, `""` for an empty string, or `# CONFIG_X is not set`
            f:7:10 Warning not a value: Kconfig ignores this line
              write `y`
            f:8:10 Warning not a value: Kconfig ignores this line
              a value is `y`, `m`, `n`, a number, or a string: `"ttyS0"`
            f:9:10 Warning not a value: Kconfig ignores this line
              end it with `"`, and write `\"` for a quote inside
            f:10:14 Warning Kconfig ignores this part of the value
              write `\"` for a quote inside a string
            f:10:1 Warning `CONFIG_A` is set more than once; the last line holds
            f:11:1 Warning not a setting: Kconfig ignores this line
              a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`
            f:12:1 Warning not a setting: Kconfig ignores this line
              a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`
            f:13:1 Warning not a setting: Kconfig ignores this line
              a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`
            f:14:10 Warning not a value: Kconfig ignores this line
              end it with `"`, and write `\"` for a quote inside
        "#]],
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    check(
        "\u{feff}CONFIG_A=y\n",
        expect![[r#"
            f:1:2 Warning not a setting: Kconfig ignores this line
              the file starts with a byte order mark, which Kconfig takes for a part of its first line; remove it
        "#]],
    );
}
