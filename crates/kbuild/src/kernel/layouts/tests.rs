use std::ffi::OsString;

use expect_test::{Expect, expect};
use kiln_exec::find_program;

use super::*;
use crate::toolchain::{Host, Programs};

/// Compiles a tree of one source by the record in Kbuild's directory, with `compiler` under either config; compares the
/// structures of `a.h`.
fn check(compiler: &str, flags: &str, header: &str, configs: [&str; 2], expected: [&Expect; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let [tree, out, scratch] = ["tree", "out", "scratch"].map(|name| dir.path().join(name));
    for folder in [tree.join("include/linux"), out.join("net"), out.join("kernel"), scratch.clone()] {
        fs::create_dir_all(folder).unwrap();
    }
    // The existing files in Kbuild's directory must not matter.
    fs::create_dir_all(out.join("include/generated")).unwrap();
    fs::write(out.join("include/generated/autoconf.h"), "#error stale\n").unwrap();
    fs::write(tree.join("include/linux/kconfig.h"), "#include <generated/autoconf.h>\n").unwrap();
    fs::write(tree.join("include/a.h"), header).unwrap();
    fs::write(tree.join("a.c"), "#include <generated/bounds.h>\n#include <a.h>\nint a;\n").unwrap();
    let bounds = "#include <a.h>\n#ifdef CONFIG_MORE\n#define NUMBER 12\n#else\n#define NUMBER 4\n#endif\n\
                  int main(void) { asm volatile(\"\\n.ascii \\\"->BOUND %0 NUMBER\\\"\" : : \"i\" (NUMBER)); return 0; }\n";
    fs::write(tree.join("bounds.c"), bounds).unwrap();
    let common = format!(
        "{compiler} {flags} -nostdinc -I./include -I{tree}/include -include {tree}/include/linux/kconfig.h",
        tree = tree.display()
    );
    let note = |name: &str, command: String| fs::write(out.join(name), format!("savedcmd_x := {command}\n")).unwrap();
    note("net/.a.o.cmd", format!("{common} -Wp,-MMD,net/.a.o.d -c -o net/a.o {}/a.c ; false", tree.display()));
    note("kernel/.bounds.s.cmd", format!("{common} -S -o kernel/bounds.s {}/bounds.c", tree.display()));
    let before = listing(&out);

    let path: OsString = "/usr/bin:/bin".into();
    let toolchain = Toolchain::discover(&Host::new(path), &Programs::gnu("")).unwrap();
    let target = Target { arch: "x86_64".to_owned(), srcarch: "x86".to_owned(), programs: Programs::gnu("") };
    let configs = configs.map(Config::parse);
    let two = TwoConfigs::new((&tree, &out, &scratch), &target, &toolchain, [&configs[0], &configs[1]]).unwrap();
    for (found, expected) in two.structures("net/a.o").unwrap().into_iter().zip(expected) {
        let in_header = found.into_iter().filter(|structure| structure.file == "include/a.h");
        expected.assert_eq(&in_header.map(|structure| shown(&structure)).collect::<String>());
    }
    assert_eq!(listing(&out), before);
    assert!(matches!(two.structures("net/b.o"), Err(Unreadable::NoNote)));
}

fn listing(dir: &Path) -> Vec<PathBuf> {
    kiln_store::directory::list(dir).unwrap().files().iter().map(|file| file.path.clone()).collect()
}

fn shown(structure: &Structure) -> String {
    let member = |member: &kiln_modgraph::read::Member| {
        let place = match member.is_bit_field {
            true => format!("bit {}+{}", member.offset, member.size),
            false => format!("{}+{}", member.offset / 8, member.size / 8),
        };
        let of = member.of.as_ref().map_or(String::new(), |of| format!(" ({of})"));
        format!("    {} {place}{of}\n", member.name)
    };
    let members: String = structure.members.iter().map(member).collect();
    format!("{} {} bytes, line {}\n{members}", structure.title(), structure.size, structure.line)
}

const HEADER: &str = "\
typedef struct { int count; } atomic_t;
struct later;
struct inner {
\tatomic_t uses;
#ifdef CONFIG_MORE
\tlong extra;
#endif
};
struct outer {
\tchar name[CONFIG_LENGTH];
\tstruct inner ins[2];
\tunion {
\t\tstruct later *next;
\t\tstruct { unsigned low:3, high:7; };
\t};
\tstruct { short x, y; } at[3], one;
#ifdef BOUND
\tchar bound[BOUND];
#endif
};
";

#[test]
fn one_source_under_two_configs() {
    let old = expect![[r#"
        atomic_t 4 bytes, line 1
            count 0+4
        struct inner 4 bytes, line 3
            uses 0+4 (atomic_t)
        struct outer 56 bytes, line 9
            name 0+16
            ins 16+8 (struct inner)
            next 24+8
            low bit 192+3
            high bit 195+7
            at 32+12
            at[].x 32+2
            at[].y 34+2
            one.x 44+2
            one.y 46+2
            bound 48+4
    "#]];
    let new = expect![[r#"
        atomic_t 4 bytes, line 1
            count 0+4
        struct inner 16 bytes, line 3
            uses 0+4 (atomic_t)
            extra 8+8
        struct outer 88 bytes, line 9
            name 0+16
            ins 16+32 (struct inner)
            next 48+8
            low bit 384+3
            high bit 387+7
            at 56+12
            at[].x 56+2
            at[].y 58+2
            one.x 68+2
            one.y 70+2
            bound 72+12
    "#]];
    let configs = ["CONFIG_LENGTH=16\n", "CONFIG_LENGTH=16\nCONFIG_MORE=y\nCONFIG_UNUSED=m\n"];
    // Other 64-bit machines have the same layouts, and other relocations in their debug information.
    for compiler in ["gcc", "clang", "aarch64-linux-gnu-gcc", "riscv64-linux-gnu-gcc"] {
        if find_program("/usr/bin:/bin".as_ref(), Path::new(compiler)).is_some() {
            check(compiler, "-O2", HEADER, configs, [&old, &new]);
        }
    }
}

/// 32 bits, the other byte order, and addends in the bytes that are relocated.
#[test]
fn a_machine_of_another_kind() {
    let compiler = "mips-linux-gnu-gcc";
    if find_program("/usr/bin:/bin".as_ref(), Path::new(compiler)).is_some() {
        let configs = ["CONFIG_LENGTH=16\n", "CONFIG_LENGTH=16\nCONFIG_MORE=y\n"];
        check(
            compiler,
            "-O2",
            HEADER,
            configs,
            [
                &expect![[r#"
            atomic_t 4 bytes, line 1
                count 0+4
            struct inner 4 bytes, line 3
                uses 0+4 (atomic_t)
            struct outer 48 bytes, line 9
                name 0+16
                ins 16+8 (struct inner)
                next 24+4
                low bit 192+3
                high bit 195+7
                at 28+12
                at[].x 28+2
                at[].y 30+2
                one.x 40+2
                one.y 42+2
                bound 44+4
        "#]],
                &expect![[r#"
            atomic_t 4 bytes, line 1
                count 0+4
            struct inner 8 bytes, line 3
                uses 0+4 (atomic_t)
                extra 4+4
            struct outer 64 bytes, line 9
                name 0+16
                ins 16+16 (struct inner)
                next 32+4
                low bit 256+3
                high bit 259+7
                at 36+12
                at[].x 36+2
                at[].y 38+2
                one.x 48+2
                one.y 50+2
                bound 52+12
        "#]],
            ],
        );
    }
}

#[test]
fn a_config_as_c_sees_it() {
    let config =
        Config::parse("CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=\"a \\\" b\"\nCONFIG_D=-5\nCONFIG_E=0x10\nCONFIG_F=ff\n");
    expect![[r##"
        #define CONFIG_A 1
        #define CONFIG_B_MODULE 1
        #define CONFIG_C "a \" b"
        #define CONFIG_D -5
        #define CONFIG_E 0x10
        #define CONFIG_F 0xff
    "##]]
    .assert_eq(&autoconf(&config));
}

#[test]
fn numbers_that_a_compiler_leaves() {
    let assembly = "\t.file \"a\"\n#APP\n\t.ascii \"->NR_PAGEFLAGS $24 __NR_PAGEFLAGS\"\n.ascii \"->\"\n\
                    \t.ascii \"->#A comment\"\n\t.ascii \"->ARM #-8 x\"\n\t.ascii \"other\"\n";
    assert_eq!(offsets(assembly), "#define NR_PAGEFLAGS 24\n#define ARM -8\n");
}
