use expect_test::{Expect, expect};

use super::*;

fn check(log: &str, expected: Expect) {
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let failure = find(&lines);
    expected.assert_eq(&format!("{:?} making {:?}\n{}\n", failure.kind, failure.target, failure.context.join("\n")));
}

#[test]
fn the_first_compiler_error_is_told_whatever_other_jobs_say() {
    check(
        "  CC      kernel/fork.o
  CC      net/core/sock.o
In file included from ../net/core/sock.c:91:
../net/core/sock.c: In function 'sock_init':
../net/core/sock.c:10:2: warning: unused variable 'a' [-Wunused-variable]
../net/core/sock.c:12:9: error: 'missing' undeclared (first use in this function)
   12 |  return missing;
      |         ^~~~~~~
make[4]: *** [../scripts/Makefile.build:229: net/core/sock.o] Error 1
  CC      kernel/exit.o
make[3]: *** [../scripts/Makefile.build:478: net/core] Error 2
make[3]: *** Waiting for unfinished jobs....
  CC      kernel/signal.o
../kernel/signal.c:1:1: error: late
make[4]: *** [../scripts/Makefile.build:229: kernel/signal.o] Error 1
make: *** [Makefile:224: __sub-make] Error 2
",
        expect![[r#"
            Compiler making Some("net/core/sock.o")
            In file included from ../net/core/sock.c:91:
            ../net/core/sock.c: In function 'sock_init':
            ../net/core/sock.c:10:2: warning: unused variable 'a' [-Wunused-variable]
            ../net/core/sock.c:12:9: error: 'missing' undeclared (first use in this function)
               12 |  return missing;
                  |         ^~~~~~~
        "#]],
    );
}

#[test]
fn an_error_of_the_linker_behind_progress_of_its_own() {
    check(
        "  LD      vmlinux.o
  MODPOST vmlinux.symvers
  LD      .tmp_vmlinux1
ld: net/core/dev.o: in function `netif_rx':
dev.c:(.text+0x12): undefined reference to `nf_hook'
  BTF     .btf.vmlinux.bin.o
make[2]: *** [../scripts/Makefile.vmlinux:34: vmlinux] Error 1
make: *** [Makefile:224: __sub-make] Error 2
",
        expect![[r#"
            Linker making Some("vmlinux")
            ld: net/core/dev.o: in function `netif_rx':
            dev.c:(.text+0x12): undefined reference to `nf_hook'
        "#]],
    );
}

#[test]
fn modpost_names_the_symbol() {
    check(
        "  MODPOST Module.symvers
WARNING: modpost: missing MODULE_DESCRIPTION() in lib/x.o
ERROR: modpost: \"nf_hook\" [net/a.ko] undefined!
make[3]: *** [../scripts/Makefile.modpost:145: Module.symvers] Error 1
",
        expect![[r#"
            Modpost making Some("Module.symvers")
            WARNING: modpost: missing MODULE_DESCRIPTION() in lib/x.o
            ERROR: modpost: "nf_hook" [net/a.ko] undefined!
        "#]],
    );
}

#[test]
fn a_target_without_a_rule() {
    check(
        "  CC      a.o\nmake[1]: *** No rule to make target 'bzimage'.  Stop.\nmake: *** [Makefile:224: __sub-make] Error 2\n",
        expect![[r#"
            NoRule making None
            make[1]: *** No rule to make target 'bzimage'.  Stop.
        "#]],
    );
}

#[test]
fn missing_programs_are_named() {
    for (line, name) in [
        ("/bin/sh: 1: flex: not found", "flex"),
        ("/bin/sh: line 1: bc: command not found", "bc"),
        ("make[3]: bison: No such file or directory", "bison"),
        ("env: 'perl': No such file or directory", "perl"),
        ("scripts/Kconfig.include:39: C compiler 'aarch64-linux-gnu-gcc' not found", "aarch64-linux-gnu-gcc"),
    ] {
        let lines = [line, "make[1]: *** [scripts/Makefile.host:9: x] Error 127"].map(str::to_owned);
        assert_eq!(find(&lines).kind, FailureKind::MissingProgram(name.to_owned()), "{line}");
    }
}

#[test]
fn a_probe_that_fails_on_purpose_is_passed_over() {
    check(
        "\
/bin/sh: 1: pahole: not found
  CC      a.o
a.c:1:1: error: x
make[1]: *** [Makefile:1: a.o] Error 1
",
        expect![[r#"
            Compiler making Some("a.o")
            a.c:1:1: error: x
        "#]],
    );
}

#[test]
fn a_header_of_the_host_is_told_from_one_of_the_kernel() {
    let kind = |line: &str| find(&[line.to_owned(), "make: *** [Makefile:1: a.o] Error 1".to_owned()]).kind;
    assert_eq!(
        kind("../scripts/sign-file.c:25:10: fatal error: openssl/opensslv.h: No such file or directory"),
        FailureKind::MissingHeader("openssl/opensslv.h".to_owned())
    );
    assert_eq!(kind("../a.c:1:10: fatal error: linux/nothing.h: No such file or directory"), FailureKind::Compiler);
}

#[test]
fn other_kinds() {
    let kind = |line: &str| find(&[line.to_owned(), "make: *** [Makefile:1: a.o] Error 1".to_owned()]).kind;
    for (line, expected) in [
        ("../a.S:3: Error: no such instruction: `foo'", FailureKind::Compiler),
        ("a.c:9:1: internal compiler error: in foo, at bar.c:1", FailureKind::Compiler),
        ("gcc: fatal error: Killed signal terminated program cc1", FailureKind::Killed),
        ("/tmp/x.s: Assembler messages: fatal error: No space left on device", FailureKind::NoSpace),
        ("ld: cannot find -lelf: No such file or directory", FailureKind::Linker),
        ("init/Kconfig:12: syntax error", FailureKind::Other),
    ] {
        assert_eq!(kind(line), expected, "{line}");
    }
}

#[test]
fn there_is_always_an_answer() {
    check(
        "",
        expect![[r#"
        Other making None

    "#]],
    );
    check(
        "a\nb\n\n",
        expect![[r#"
        Other making None
        a
        b

    "#]],
    );
    check(
        "  GEN     x\nthe script is unhappy\nmake: *** [Makefile:3: x] Error 9\n",
        expect![[r#"
        Other making Some("x")
        the script is unhappy
    "#]],
    );
}

#[test]
fn progress_lines() {
    for (line, object) in [
        ("  CC      kernel/fork.o", Some("kernel/fork.o")),
        ("  CC [M]  net/a.o", Some("net/a.o")),
        ("  HOSTCC  scripts/basic/fixdep", Some("scripts/basic/fixdep")),
        ("   12 |  return missing;", None),
        ("  CC", None),
        ("In function 'a'", None),
        ("  UPD     include/generated/compile.h", Some("include/generated/compile.h")),
    ] {
        assert_eq!(progress_object(line), object, "{line}");
    }
}
