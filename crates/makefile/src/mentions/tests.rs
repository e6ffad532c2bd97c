use super::*;

fn effects(file: &str, text: &str, symbol: &str) -> Vec<String> {
    let top = "include $(srctree)/scripts/Makefile.compiler\ninclude-$(CONFIG_KASAN) += scripts/Makefile.kasan\n\
               \t$(MAKE) -f $(srctree)/scripts/Makefile.vmlinux\n\t$(srctree)/scripts/setlocalversion\n";
    let mut mentions = Mentions::new("x86", top, "include $(srctree)/scripts/Makefile.lib\n");
    mentions.add(file, text, &BTreeSet::from([symbol.to_owned()]));
    let shown = |effect: &Effect| {
        let kind = if effect.is_membership { "" } else { "how " };
        match &effect.scope {
            Scope::Product(path) => format!("{}: {kind}{path}", effect.line),
            Scope::Below(folder) => format!("{}: {kind}{folder}*", effect.line),
            Scope::Rules(file) => format!("{}: {kind}rules of {file}", effect.line),
            Scope::Link => format!("{}: {kind}link", effect.line),
            Scope::Everything => format!("{}: {kind}everything", effect.line),
        }
    };
    mentions.of(symbol).iter().map(shown).collect()
}

fn check(text: &str, symbol: &str, expected: &[&str]) {
    assert_eq!(effects("net/x/Makefile", text, symbol), expected, "{text}");
}

#[test]
fn lists_of_objects() {
    check("obj-$(CONFIG_A) += a.o sub/ # b.o\n", "A", &["1: net/x/a.o", "1: net/x/sub/*"]);
    check(
        "obj-$(CONFIG_A) += a.o\na-y := b.o \\\n c.o\na-$(CONFIG_B) += d.o\n",
        "A",
        &["1: net/x/b.o", "1: net/x/c.o", "1: net/x/d.o", "1: net/x/a.o"],
    );
    check("obj-y += a.o\na-$(CONFIG_B) += d.o\n", "B", &["2: net/x/a.o", "2: net/x/d.o"]);
    check("a-objs-$(CONFIG_B) += d.o\n", "B", &["1: net/x/a.o", "1: net/x/d.o"]);
    check("obj-$(CONFIG_A) += $(more-y)\n", "A", &["1: net/x/*"]);
    check("obj-$(CONFIG_AB) += a.o\n", "A", &[]);
    check("dtb-$(CONFIG_A) += board.dtb\n", "A", &["1: net/x/board.dtb"]);
}

#[test]
fn branches_hang_on_their_conditions() {
    let text = "ifdef CONFIG_A\nobj-y += a.o\nelse ifeq ($(CONFIG_B),y)\nobj-y += b.o\nelse\nobj-m += c.o\nendif\nobj-y += d.o\n";
    check(text, "A", &["2: net/x/a.o", "4: net/x/b.o", "6: net/x/c.o"]);
    // The first branch does not depend on B; counting it over-estimates only where conditions nest.
    check(text, "B", &["4: net/x/b.o", "6: net/x/c.o"]);
}

#[test]
fn flags() {
    check("ccflags-$(CONFIG_A) += -DX\n", "A", &["1: how net/x/*"]);
    check("CFLAGS_a.o := $(if $(CONFIG_A),-DX)\n", "A", &["1: how net/x/a.o"]);
    check("KASAN_SANITIZE_sub/a_b.o := $(CONFIG_A)\n", "A", &["1: how net/x/sub/a_b.o"]);
    check("something := $(CONFIG_A)\n", "A", &["1: how net/x/*", "1: how rules of net/x/Makefile"]);
    check("$(obj)/a.h: x FORCE\n\techo $(CONFIG_A)\n", "A", &["2: how net/x/*", "2: how rules of net/x/Makefile"]);
}

#[test]
fn files_that_all_objects_hang_on() {
    let everything = ["1: how everything"];
    for file in
        ["Makefile", "arch/x86/Makefile", "arch/x86/Makefile.um", "scripts/Makefile.lib", "scripts/Makefile.kasan"]
    {
        assert_eq!(effects(file, "KBUILD_CFLAGS += $(CONFIG_A)\n", "A"), everything, "{file}");
    }
    assert_eq!(effects("Kbuild", "x := $(CONFIG_A)\n", "A"), ["1: how rules of Kbuild"]);
    assert_eq!(effects("arch/x86/Makefile", "drivers-$(CONFIG_A) += arch/x86/pci/\n", "A"), ["1: arch/x86/pci/*"]);
    assert_eq!(effects("scripts/Makefile.vmlinux", "x := $(CONFIG_A)\n", "A"), ["1: how link"]);
    for file in ["arch/x86/board/Platform", "arch/x86/Kbuild.platforms"] {
        assert_eq!(effects(file, "cflags-$(CONFIG_A) += -DX\n", "A"), everything, "{file}");
    }
    assert_eq!(effects("scripts/setlocalversion", "echo $CONFIG_A\n", "A"), everything);
    assert_eq!(effects("scripts/link-vmlinux.sh", "if is_enabled CONFIG_A; then\n", "A"), ["1: how link"]);
    assert_eq!(effects("kernel/gen.sh", "echo CONFIG_A\n", "A"), ["1: how kernel/*"]);
}

#[test]
fn what_is_included_reaches_those_who_include_it() {
    let mut mentions = Mentions::new("arm64", "", "");
    mentions.note_includes("arch/arm64/kernel/vdso/Makefile", "include $(srctree)/lib/vdso/Makefile\n");
    mentions.note_includes("net/x/Makefile", "include $(src)/../y/flags.mk\n");
    let about = BTreeSet::from(["A".to_owned()]);
    mentions.add("lib/vdso/Makefile", "x := $(CONFIG_A)\n", &about);
    mentions.add("net/y/flags.mk", "ccflags-$(CONFIG_A) += -DX\n", &about);
    let folders: Vec<&Scope> = mentions.of("A").iter().map(|effect| &effect.scope).collect();
    for folder in ["lib/vdso/", "arch/arm64/kernel/vdso/", "net/y/", "net/x/"] {
        assert!(folders.contains(&&Scope::Below(folder.to_owned())), "{folder}: {folders:?}");
    }
}

#[test]
fn recipes_scripts_and_indented_lists() {
    assert_eq!(effects("a/Makefile", "ifdef CONFIG_A\n\tobj-y += b.o\nendif\n", "A"), ["2: a/b.o"]);
    let recipe = "b.h: c.h\n\tobj-y += $(CONFIG_A)\n";
    assert_eq!(effects("a/Makefile", recipe, "A"), ["2: how a/*", "2: how rules of a/Makefile"]);
    let script = "# CONFIG_A \\\n\tx ${CONFIG_A#y} \\\n  $CONFIG_A\n";
    assert_eq!(effects("scripts/link.sh", script, "A"), ["2: how link", "3: how link"]);
}
