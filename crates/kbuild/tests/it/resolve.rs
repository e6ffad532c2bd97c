//! Resolving, with a fake kernel's `conf`.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use kiln_kbuild::resolve::{Base, ResolveError, Resolver, TreeConf};

use crate::fake_kernel::FakeKernel;

fn requests(requests: &[(&str, &str)]) -> BTreeMap<String, String> {
    requests.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn check(base: Base, asked: &[(&str, &str)], expected: Expect) {
    let kernel = FakeKernel::new();
    let before = kernel.snapshot();
    let conf = TreeConf::new(&kernel.tree(), &kernel.out(), &kernel.target, &kernel.toolchain).unwrap();
    let resolved = conf.resolve(&base, &requests(asked)).unwrap();
    expected.assert_eq(&resolved.config_text);
    assert_eq!(conf.resolve(&base, &requests(asked)).unwrap(), resolved, "the second answer differs");
    assert_eq!(kernel.snapshot(), before, "the tree was written to");
}

#[test]
fn bases_differ_in_what_nobody_asked_for() {
    check(
        Base::Alldefconfig,
        &[],
        expect![[r#"
        #
        # Fake
        #
        CONFIG_MODULES=y
        CONFIG_NET=m
        # CONFIG_USB is not set
        CONFIG_NAME=""
    "#]],
    );
    check(
        Base::Allnoconfig,
        &[("NAME", "my router"), ("USB", "m")],
        expect![[r#"
        #
        # Fake
        #
        CONFIG_MODULES=y
        # CONFIG_NET is not set
        CONFIG_USB=m
        CONFIG_NAME="my router"
    "#]],
    );
    check(
        Base::Tinyconfig,
        &[],
        expect![[r#"
        #
        # Fake
        #
        CONFIG_MODULES=y
        # CONFIG_NET is not set
        CONFIG_USB=y
        CONFIG_NAME="tiny"
    "#]],
    );
    check(
        Base::File("CONFIG_USB=m".to_owned()),
        &[("NET", "n")],
        expect![[r#"
        #
        # Fake
        #
        CONFIG_MODULES=y
        # CONFIG_NET is not set
        CONFIG_USB=m
        CONFIG_NAME=""
    "#]],
    );
}

#[test]
fn a_defconfig_is_a_file_or_a_target_and_requests_win() {
    for name in ["file_defconfig", "made_defconfig"] {
        check(
            Base::Defconfig(name.to_owned()),
            &[("USB", "n")],
            expect![[r#"
            #
            # Fake
            #
            CONFIG_MODULES=y
            CONFIG_NET=m
            # CONFIG_USB is not set
            CONFIG_NAME="file"
        "#]],
        );
    }
}

#[test]
fn a_defconfig_that_is_not_there_is_told_with_the_nearest() {
    let kernel = FakeKernel::new();
    let conf = TreeConf::new(&kernel.tree(), &kernel.out(), &kernel.target, &kernel.toolchain).unwrap();
    let ask = |name: &str| conf.resolve(&Base::Defconfig(name.to_owned()), &BTreeMap::new()).unwrap_err();
    let text = ask("fil_defconfig").to_string();
    assert_eq!(text, "this kernel has no configuration `fil_defconfig` for x86; it has file_defconfig");
    for name in ["", "../../../etc/passwd", "/etc/passwd", "clean", "x; touch y_defconfig", "kernel/", ".hidden"] {
        assert!(matches!(ask(name), ResolveError::NoSuchBase { .. }), "{name}");
    }
}

#[test]
fn what_kconfig_says_comes_back() {
    let kernel = FakeKernel::new();
    let conf = TreeConf::new(&kernel.tree(), &kernel.out(), &kernel.target, &kernel.toolchain).unwrap();
    let resolved = conf.resolve(&Base::Allnoconfig, &requests(&[("NET", "bad")])).unwrap();
    assert_eq!(resolved.warnings, ["symbol value 'bad' invalid for NET"]);

    kernel.write("arch/x86/Makefile", "broken_defconfig:\n");
    let error = conf.resolve(&Base::Defconfig("broken_defconfig".to_owned()), &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("kernel/Kconfig:3: syntax error"), "{error}");
}

#[test]
fn a_missing_flex_is_told_in_the_doctors_words() {
    let kernel = FakeKernel::new();
    kernel.write("scripts/kconfig/conf", "PATH=/nonexistent; flex\n");
    let conf = TreeConf::new(&kernel.tree(), &kernel.out(), &kernel.target, &kernel.toolchain).unwrap();
    let error = conf.resolve(&Base::Allnoconfig, &BTreeMap::new()).unwrap_err();
    let ResolveError::Missing { missing } = &error else { panic!("{error}") };
    assert_eq!(missing[0].debian_package, "flex");
}

#[test]
fn declarations_see_the_architecture() {
    let kernel = FakeKernel::new();
    let conf = TreeConf::new(&kernel.tree(), &kernel.out(), &kernel.target, &kernel.toolchain).unwrap();
    let declared = conf.declarations().unwrap();
    assert!(declared.get("X86").is_some() && declared.get("USB").is_some());
    assert_eq!(declared.arches("ARM_LPAE"), ["arm"]);
}
