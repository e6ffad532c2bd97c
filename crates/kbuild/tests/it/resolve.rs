//! Resolves bases and requests on a kernel in miniature.

use expect_test::{Expect, expect};
use kiln_kbuild::resolve::{Base, BaseText, KconfigTree, ResolveError, config_of};
use kiln_kconfig::{BaseValues, Request};

use crate::fake_kernel::FakeKernel;

fn check(base: Base, requests: &[(&str, &str)], expected: Expect) {
    let kernel = FakeKernel::new();
    let before = kernel.snapshot();
    let out = kernel.out();
    let kconfig = KconfigTree::new(&kernel.tree(), &out, &kernel.target, &kernel.toolchain, None).unwrap();
    let requests: Vec<Request> = requests.iter().map(|(name, value)| Request::fixed(*name, *value)).collect();
    let parsed = kconfig.parse(&base, BaseValues::Written).unwrap();
    let config = config_of(&parsed.resolve(&requests).unwrap());
    let values: Vec<String> = config.iter().map(|(symbol, value)| format!("{symbol}={value}")).collect();
    expected.assert_eq(&values.join(" "));
    assert_eq!(config_of(&parsed.resolve(requests.iter().rev()).unwrap()), config, "their order counts for nothing");
    assert_eq!(kernel.snapshot(), before, "the tree was written to");
}

#[test]
fn bases_differ_in_what_nobody_requests() {
    check(Base::Alldefconfig, &[], expect![[r#"MODULES=y NAME="" NET=m X86=y"#]]);
    check(Base::Allnoconfig, &[("NAME", "my router"), ("USB", "m")], expect![[r#"NAME="my router" USB=y X86=y"#]]);
    check(Base::Tinyconfig, &[], expect![[r#"NAME="tiny" USB=y X86=y"#]]);
    check(Base::File("CONFIG_USB=m".to_owned()), &[("NET", "n")], expect![[r#"MODULES=y NAME="" USB=m X86=y"#]]);
}

#[test]
fn a_defconfig_is_a_file_or_a_target_and_requests_win() {
    let expected = || expect![[r#"MODULES=y NAME="file" NET=m X86=y"#]];
    check(Base::Defconfig("file_defconfig".to_owned()), &[("USB", "n")], expected());
    check(Base::Defconfig("made_defconfig".to_owned()), &[("USB", "n")], expected());
}

/// Resolves `USB = "n"` where `USB` gives `NET` its default, with either meaning of the base; returns both values of
/// `NET`, as the two meanings differ in nothing else.
fn net_without_usb(base: &Base) -> [Option<String>; 2] {
    let kernel = FakeKernel::new();
    let kconfig = "config USB\n\ttristate \"usb\"\n\tdefault y\nconfig NET\n\ttristate \"net\"\n\tdefault y if USB\n";
    kernel.write("kernel/Kconfig", kconfig);
    kernel.write("arch/x86/configs/file_defconfig", "CONFIG_USB=y\nCONFIG_NET=y\n");
    let out = kernel.out();
    let kconfig = KconfigTree::new(&kernel.tree(), &out, &kernel.target, &kernel.toolchain, None).unwrap();
    let request = [Request::fixed("USB", "n")];
    [BaseValues::Written, BaseValues::All].map(|values| {
        let parsed = kconfig.parse(base, values).unwrap();
        let config = config_of(&parsed.resolve(&request).unwrap());
        let other = config_of(&parsed.resolve_keeping(values.other(), &request).unwrap());
        let swapped = kconfig.parse(base, values.other()).unwrap();
        assert_eq!(other, config_of(&swapped.resolve(&request).unwrap()), "{base:?}");
        config.get("NET").map(str::to_owned)
    })
}

#[test]
fn a_value_of_the_base_outlives_the_default_that_it_equals() {
    let yes = || Some("y".to_owned());
    assert_eq!(net_without_usb(&Base::Alldefconfig), [None, yes()]);
    assert_eq!(net_without_usb(&Base::File("CONFIG_USB=y".to_owned())), [None, yes()]);
    // A base that a makefile puts together is a whole `.config`, so that it sets every value itself.
    assert_eq!(net_without_usb(&Base::Defconfig("made_defconfig".to_owned())), [yes(), yes()]);
    assert_eq!(net_without_usb(&Base::Defconfig("file_defconfig".to_owned())), [yes(), yes()]);
}

#[test]
fn strings_may_be_bare_or_quoted_and_what_a_type_does_not_take_has_no_effect() {
    check(Base::Allnoconfig, &[("NAME", "\"a b\""), ("NET", "bad")], expect![[r#"NAME="a b" X86=y"#]]);
    check(Base::Allnoconfig, &[("NAME", "a \"b\" \\"), ("NO_SUCH", "y")], expect![[r#"NAME="a \"b\" \\" X86=y"#]]);
}

fn base_text(kernel: &FakeKernel, base: &Base) -> Result<BaseText, ResolveError> {
    let out = kernel.out();
    KconfigTree::new(&kernel.tree(), &out, &kernel.target, &kernel.toolchain, None)?.base_text(base)
}

#[test]
fn nothing_breaks_out_of_its_line() {
    let kernel = FakeKernel::new();
    let out = kernel.out();
    let kconfig = KconfigTree::new(&kernel.tree(), &out, &kernel.target, &kernel.toolchain, None).unwrap();
    let parsed = kconfig.parse(&Base::Allnoconfig, BaseValues::Written).unwrap();
    for (symbol, value) in [("NAME", "a\nCONFIG_B=y"), ("NAME", "a\0"), ("NAME\nCONFIG_B", "y"), ("B=y", "y")] {
        let error = parsed.resolve(&[Request::fixed(symbol, value)]).map(|_| ()).unwrap_err();
        assert!(matches!(error, ResolveError::Unwritable { .. }), "{symbol} = {value}");
    }
}

#[test]
fn a_defconfig_that_is_not_there_is_told_with_the_nearest() {
    let kernel = FakeKernel::new();
    let ask = |name: &str| base_text(&kernel, &Base::Defconfig(name.to_owned())).unwrap_err();
    let text = ask("fil_defconfig").to_string();
    assert_eq!(text, "this kernel has no configuration `fil_defconfig` for x86; it has file_defconfig");
    for name in ["", "../../../etc/passwd", "/etc/passwd", "clean", "x; touch y_defconfig", "kernel/", ".hidden"] {
        assert!(matches!(ask(name), ResolveError::NoSuchBase { .. }), "{name}");
    }
}

#[test]
fn what_make_says_comes_back() {
    let kernel = FakeKernel::new();
    kernel.write("arch/x86/Makefile", "broken_defconfig:\n");
    let error = base_text(&kernel, &Base::Defconfig("broken_defconfig".to_owned())).unwrap_err();
    assert!(error.to_string().contains("kernel/Kconfig:3: syntax error"), "{error}");
}

#[test]
fn a_missing_flex_is_told_in_the_doctors_words() {
    let kernel = FakeKernel::new();
    kernel.write("scripts/kconfig/conf", "PATH=/nonexistent; flex\n");
    let error = base_text(&kernel, &Base::Defconfig("made_defconfig".to_owned())).unwrap_err();
    let ResolveError::Missing { missing } = &error else { panic!("{error}") };
    assert_eq!(missing[0].debian_package, "flex");
}

#[test]
fn declarations_see_the_architecture_and_tell_others_apart() {
    let kernel = FakeKernel::new();
    kernel.write("arch/x86/Kconfig", "config X86\n\tdef_bool y\nconfig BOTH\n\tbool\n");
    kernel
        .write("arch/arm/Kconfig", "config ARM_LPAE\n\tbool \"LPAE\"\nconfig BOTH\n\tbool\nsource \"gone/Kconfig\"\n");
    kernel
        .write("arch/arm/mach-a/Kconfig", "if ARM_LPAE\nconfig MACH\n\tbool \"m\"\n\tdefault $(cc-option,-m)\nendif\n");
    kernel.write("arch/arm64/Kconfig", "config ARM_LPAE\n\tbool\n");
    kernel.write("arch/arm64/dts/Kconfig", "config IN_DTS\n\tbool\n");
    kernel.write("scripts/Kconfig.include", "cc-option = $(shell,$(CC) $(1))\n");
    let out = kernel.out();
    let kconfig = KconfigTree::new(&kernel.tree(), &out, &kernel.target, &kernel.toolchain, None).unwrap();
    let parsed = kconfig.parse(&Base::Allnoconfig, BaseValues::Written).unwrap();
    let declared = parsed.all_declarations().unwrap();
    assert!(declared.get("X86").is_some() && declared.get("USB").is_some() && declared.get("ARM_LPAE").is_none());
    assert_eq!(declared.arches("ARM_LPAE"), ["arm", "arm64"]);
    let place = |symbol| declared.elsewhere(symbol).map(kiln_kconfig::Declaration::place);
    assert_eq!(place("MACH"), Some("arch/arm/mach-a/Kconfig:2".to_owned()));
    assert_eq!(place("IN_DTS"), None);
}
