use expect_test::{Expect, expect};
use kiln_modgraph::{Inputs, KernelSymbols, Layout, read};
use kiln_testkit::Ko;

use super::*;
use crate::evaluate::Located;

const MAGIC: &str = "6.12.1 SMP mod_unload ";

const MAKEFILE: &str = "\
obj-$(CONFIG_USER) += user.o
obj-$(CONFIG_GIVER) += giver.o
obj-$(CONFIG_OFF) += off-too.o
obj-$(CONFIG_IMAGE) += image.o
";

/// Closes a loader with these targets over modules of one kernel, of which the symbol `gift` is another module's.
fn check(modules: &[(&str, Ko)], targets: &[&str], expected: Expect) {
    let read = |(path, ko): &(&str, Ko)| read::module(path, ko.build().as_slice()).unwrap();
    let inputs = Inputs {
        modules: modules.iter().map(read).collect(),
        order: None,
        builtin: None,
        builtin_modinfo: None,
        kernel_symbols: Some(KernelSymbols::from_symvers("0x00000000\tgift\tdrivers/giver\tEXPORT_SYMBOL\t\n")),
        layout: Layout::V30,
    };
    let graph = Graph::build(inputs).0;
    let mut rules = ModuleRules::new();
    rules.add("drivers/Makefile", MAKEFILE);
    let config = ConfigValues::parse("CONFIG_MODULES=y\nCONFIG_MODULE_UNLOAD=y\nCONFIG_IMAGE=y\n");
    let closing = Closing { graph: &graph, rules: &rules, config: &config, modular: true, release: "6.12.1" };
    let located = |word: &&str| Located { value: (*word).to_owned(), origin: None };
    let loader = Loader {
        name: "net".to_owned(),
        targets: targets.iter().map(located).collect(),
        dependencies: Vec::new(),
        parameters: BTreeMap::new(),
        blacklist: Vec::new(),
        origin: None,
    };
    let (closed, findings) = close(&closing, &BTreeMap::from([("net".to_owned(), loader)]));
    let mut shown = String::new();
    for finding in findings.iter() {
        shown.push_str(&format!("{}: {}\n", finding.code, finding.message));
        finding.help.iter().for_each(|help| shown.push_str(&format!("  {help}\n")));
    }
    for one in &closed {
        let names: Vec<&str> = one.closure.load_order().map(|entry| entry.module.as_str()).collect();
        shown.push_str(&format!("loads {}; built in: {}\n", names.join(" "), one.builtin.join(" ")));
    }
    expected.assert_eq(&shown);
}

fn ko() -> Ko {
    Ko::new().info("vermagic", MAGIC)
}

#[test]
fn targets_are_told_apart() {
    let modules = [("drivers/giver.ko", ko().export("gift")), ("drivers/user.ko", ko().want("gift"))];
    check(
        &modules,
        &["user", "image"],
        expect![[r#"
        loads giver user; built in: image
    "#]],
    );
    check(
        &modules,
        &["off-too", "usre"],
        expect![[r#"
        target-off: module `off-too` is not built: `OFF` is off
          set `kernel.config.OFF = "m"`
        unknown-target: there is no module `usre` in this kernel
          did you mean `user`?
    "#]],
    );
}

#[test]
fn a_symbol_without_its_module_names_the_option() {
    check(
        &[("drivers/user.ko", ko().want("gift"))],
        &["user"],
        expect![[r#"
        unresolved-symbol: loader `net` cannot work: user needs the symbol gift, which nothing exports (drivers/giver does, and is missing)
          set `kernel.config.GIVER = "m"`
    "#]],
    );
}

#[test]
fn a_module_for_another_kernel_is_refused() {
    let stranger = Ko::new().info("vermagic", "6.11.0 SMP mod_unload ");
    let modules = [("a.ko", ko()), ("b.ko", ko()), ("extra/stranger.ko", stranger)];
    check(
        &modules,
        &["stranger"],
        expect![[r#"
        vermagic-mismatch: loader `net` cannot work: stranger was compiled for the kernel "6.11.0 SMP mod_unload", not for "6.12.1 SMP mod_unload"
          the module was built for another kernel; build both in one run
    "#]],
    );
    check(
        &modules,
        &["a"],
        expect![[r#"
        loads a; built in: 
    "#]],
    );
}
