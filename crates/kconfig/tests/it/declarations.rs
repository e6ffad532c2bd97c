//! The declarations of the parsed tree, and of other architectures' files read alone.

use expect_test::{Expect, expect};
use kiln_kconfig::{Declarations, Dialect, OtherFile};

const MACROS: &[u8] = b"\
if-success = $(shell,{ $(1); } >/dev/null 2>&1 && echo \"$(2)\" || echo \"$(3)\")
success = $(if-success,$(1),y,n)
cc-option = $(success,trap \"rm -rf .tmp\" EXIT; $(CC) $(1) -c -x c /dev/null)
$(error-if,$(success,test -z \"$(CC)\"),no compiler)
";

fn check(text: &str, symbols: &[&str], expected: Expect) {
    let mut declared = Declarations::new();
    let file = OtherFile { arch: "arm", path: "arch/arm/Kconfig", text: text.as_bytes() };
    declared.add_elsewhere(&file, MACROS, Dialect::NEWEST);
    let mut out = String::new();
    for symbol in symbols {
        match declared.elsewhere(symbol) {
            None => out.push_str(&format!("{symbol}: none\n")),
            Some(found) => {
                out.push_str(&format!("{symbol}: {:?} {:?} at {}\n", found.symbol_type, found.prompt, found.place()))
            }
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn entries_have_type_prompt_and_place() {
    check(
        "\
menuconfig NET
\tbool \"Networking \\\"support\\\"\"
\tdepends on A && B
config HIDDEN
\tdef_tristate y
config LATE
\tprompt 'later' if NET
\tint
\tdepends on \\
\t\tD
",
        &["NET", "HIDDEN", "LATE", "A", "NO"],
        expect![[r#"
            NET: Bool Some("Networking \"support\"") at arch/arm/Kconfig:1
            HIDDEN: Tristate None at arch/arm/Kconfig:4
            LATE: Int Some("later") at arch/arm/Kconfig:6
            A: none
            NO: none
        "#]],
    );
}

#[test]
fn help_text_and_comments_declare_nothing() {
    check(
        "config A\n\tbool\n\thelp\n\t  Say Y to\n\n\t  config B\n\t    bool\n# config D\n\tbool\nconfig C\n\tstring\n",
        &["A", "B", "C", "D"],
        expect![[r#"
            A: Bool None at arch/arm/Kconfig:1
            B: none
            C: String None at arch/arm/Kconfig:10
            D: none
        "#]],
    );
}

#[test]
fn macros_and_sourced_files_are_not_needed() {
    check(
        "source \"arch/$(SRCARCH)/mach/Kconfig\"\nconfig A\n\tdef_bool $(cc-option,-mfoo)\nsource \"x/Kconfig\"\n",
        &["A"],
        expect![[r#"
            A: Bool None at arch/arm/Kconfig:2
        "#]],
    );
    check("config A\n\tbool\nendmenu\n", &["A"], expect![["A: none\n"]]);
}
