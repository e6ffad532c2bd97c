use expect_test::{Expect, expect};

use super::*;
use crate::toolchain::Programs;

fn scan_of(files: &[(&str, &str)]) -> Declarations {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("arch")).unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let target = Target { arch: "x86_64".into(), srcarch: "x86".into(), programs: Programs::gnu("") };
    scan(dir.path(), &target).unwrap()
}

fn check(text: &str, symbols: &[&str], expected: Expect) {
    let declared = scan_of(&[("Kconfig", text)]);
    let mut out = String::new();
    for symbol in symbols {
        match declared.get(symbol) {
            None => out.push_str(&format!("{symbol}: none\n")),
            Some(found) => out.push_str(&format!(
                "{symbol}: {:?} {:?} depends {:?} at {}\n",
                found.symbol_type,
                found.prompt,
                found.depends,
                found.place()
            )),
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
\tdepends on C
config HIDDEN
\tdef_tristate y
config LATE
\tprompt 'later' if NET
\tint
\tdepends on \\
\t\tD
config NONE
",
        &["NET", "HIDDEN", "LATE", "NONE", "NO"],
        expect![[r#"
            NET: Bool Some("Networking \"support\"") depends ["A && B", "C"] at Kconfig:1
            HIDDEN: Tristate None depends [] at Kconfig:5
            LATE: Int Some("later") depends ["D"] at Kconfig:7
            NONE: Unknown None depends [] at Kconfig:12
            NO: none
        "#]],
    );
}

#[test]
fn help_text_declares_nothing() {
    check(
        "\
config A
\tbool
\thelp
\t  Say Y to

\t  config B
\t    bool
config C
\tstring
",
        &["A", "B", "C"],
        expect![[r#"
            A: Bool None depends [] at Kconfig:1
            B: none
            C: String None depends [] at Kconfig:8
        "#]],
    );
}

#[test]
fn what_a_block_says_is_not_its_last_entrys() {
    check(
        "config A\n\tbool\nchoice\n\tprompt \"which\"\n\tdepends on X\nendchoice\n# config B\nconfig C # not a name\n",
        &["A", "B", "C"],
        expect![[r#"
            A: Bool None depends [] at Kconfig:1
            B: none
            C: none
        "#]],
    );
}

#[test]
fn sources_are_followed_and_other_architectures_told_apart() {
    let declared = scan_of(&[
        ("Kconfig", "source \"arch/$(SRCARCH)/Kconfig\"\nsource \"gone/Kconfig\"\nsource \"lib/Kconfig\"\n"),
        ("lib/Kconfig", "source \"Kconfig\"\nconfig CRC\n\ttristate \"crc\"\n"),
        ("arch/x86/Kconfig", "config X86\n\tbool\nconfig BOTH\n\tbool\n"),
        ("arch/arm/Kconfig", "config ARM_LPAE\n\tbool\nconfig BOTH\n\tbool\n"),
        ("arch/arm/mach-a/Kconfig", "config MACH\n\tbool\n"),
        ("arch/arm64/Kconfig", "config ARM_LPAE\n\tbool\n"),
    ]);
    assert!(declared.get("X86").is_some() && declared.get("CRC").is_some() && declared.get("ARM_LPAE").is_none());
    assert_eq!(declared.arches("ARM_LPAE"), ["arm", "arm64"]);
    assert_eq!(declared.elsewhere("MACH").map(Declaration::place), Some("arch/arm/mach-a/Kconfig:1".to_owned()));
    assert_eq!(declared.len(), 3);
}
