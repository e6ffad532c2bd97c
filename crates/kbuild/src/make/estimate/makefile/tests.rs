use super::*;
use crate::toolchain::Programs;

fn listed(config: &str, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let target = Target { arch: "x86_64".into(), srcarch: "x86".into(), programs: Programs::gnu("") };
    let objects = objects(dir.path(), &target, &Config::parse(config));
    (objects.linked.into_iter().collect(), objects.modules.into_keys().collect())
}

fn check(config: &str, makefile: &str, linked: &[&str], modules: &[&str]) {
    let (found, found_modules) = listed(config, &[("Kbuild", "obj-y += a/\n"), ("a/Makefile", makefile)]);
    assert_eq!((found, found_modules), (owned(linked), owned(modules)), "{config} in\n{makefile}");
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn lists_follow_the_configuration() {
    let text = "obj-y := x.o\nobj-$(CONFIG_A) += p.o q.o # r.o\nobj-$(CONFIG_B) += \\\n\ts.o\n";
    check("", text, &["a/x.o"], &[]);
    check("CONFIG_A=y\nCONFIG_B=m\n", text, &["a/p.o", "a/q.o", "a/s.o", "a/x.o"], &["a/s"]);
}

#[test]
fn composite_objects_are_their_parts() {
    let text = "obj-$(CONFIG_A) += mod.o\nmod-y := one.o\nmod-$(CONFIG_B) += two.o\nmod-objs += sub/three.o\n";
    check("CONFIG_A=m\n", text, &["a/one.o", "a/sub/three.o"], &["a/mod"]);
    check("CONFIG_A=y\nCONFIG_B=y\n", text, &["a/one.o", "a/sub/three.o", "a/two.o"], &[]);
}

#[test]
fn conditionals_and_functions() {
    check("CONFIG_A=y\n", "ifdef CONFIG_A\nobj-y += a.o\nelse\nobj-y += b.o\nendif\n", &["a/a.o"], &[]);
    check(
        "",
        "ifeq ($(CONFIG_A),y)\nobj-y += a.o\nelse ifeq ($(CONFIG_B),)\nobj-y += b.o\nelse\nobj-y += c.o\nendif\n",
        &["a/b.o"],
        &[],
    );
    check("CONFIG_A=m\n", "obj-$(subst m,y,$(CONFIG_A)) += a.o\n", &["a/a.o"], &[]);
    check(
        "CONFIG_A=y\nCONFIG_B=y\n",
        "ifeq ($(CONFIG_A)$(CONFIG_B),yy)\nobj-y := $(addprefix s/, t.o u.o)\nendif\n",
        &["a/s/t.o", "a/s/u.o"],
        &[],
    );
    check("", "names := p q\nobj-y := $(names:%=%.o)\n", &[], &[]);
    check("", "names := p.c q.c\nobj-y := $(names:.c=.o)\n", &["a/p.o", "a/q.o"], &[]);
    check("", "define rule\nobj-y += no.o\nendef\nobj-y += $(if $(CONFIG_A),a.o,b.o)\n", &["a/b.o"], &[]);
}

#[test]
fn a_folder_that_is_a_module_holds_only_modules() {
    let (linked, modules) = listed(
        "CONFIG_A=m\n",
        &[("Kbuild", "obj-$(CONFIG_A) += a/\n"), ("a/Makefile", "obj-y += built_in.o\nobj-m += module.o\n")],
    );
    assert_eq!((linked, modules), (owned(&["a/module.o"]), owned(&["a/module"])));
}

#[test]
fn text_that_refers_to_itself_or_does_not_end_is_survived() {
    check("", "obj-y = $(obj-y) x.o\nA = $(A\nobj-y += $(\n", &["a/x.o"], &[]);
    check("", "obj-y += ./ ../a/\nendif\nelse\nendef\n", &[], &[]);
}

#[test]
fn the_architecture_adds_its_lists() {
    let (linked, _) = listed(
        "",
        &[
            ("Makefile", "libs-y := lib/\n"),
            ("arch/x86/Makefile", "libs-y += arch/x86/lib/\n"),
            ("arch/x86/lib/Makefile", "lib-y := memcpy.o\n"),
            ("Kbuild", "obj-y += $(ARCH_LIB)\n"),
            ("lib/Makefile", "obj-y := crc.o\n"),
        ],
    );
    assert_eq!(linked, owned(&["arch/x86/lib/memcpy.o", "lib/crc.o"]));
}
