use expect_test::{Expect, expect};
use kiln_modgraph::{Inputs, KernelSymbols, Layout, read};
use kiln_testkit::{Crcs, Ko};

use super::*;
use kiln_plan::evaluate::Located;

const MAGIC: &str = "6.12.1 SMP mod_unload ";

const MAKEFILE: &str = "\
obj-$(CONFIG_USER) += user.o
obj-$(CONFIG_GIVER) += giver.o
obj-$(CONFIG_OFF) += off-too.o
obj-$(CONFIG_IMAGE) += image.o
";

fn loader(name: &str, targets: &[&str]) -> Loader {
    let located = |word: &&str| Located { value: (*word).to_owned(), origin: None };
    Loader {
        name: name.to_owned(),
        targets: targets.iter().map(located).collect(),
        dependencies: Vec::new(),
        parameters: BTreeMap::new(),
        blacklist: Vec::new(),
        origin: None,
    }
}

/// Closes a loader with these targets over modules of one kernel, in which another module owns the symbol `gift`.
fn close_over(modules: &[(&str, Ko)], name: &str, targets: &[&str]) -> (Vec<LoaderClosure>, Diagnostics) {
    close_loader(modules, loader(name, targets))
}

fn close_loader(modules: &[(&str, Ko)], loader: Loader) -> (Vec<LoaderClosure>, Diagnostics) {
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
    let config = Config::parse("CONFIG_MODULES=y\nCONFIG_MODULE_UNLOAD=y\nCONFIG_IMAGE=y\n");
    let inputs = ClosureInputs {
        graph: &graph,
        rules: &rules,
        config: &config,
        requests: &BTreeMap::new(),
        modular: true,
        release: "6.12.1",
    };
    close(&inputs, &BTreeMap::from([(loader.name.clone(), loader)]))
}

fn check(modules: &[(&str, Ko)], targets: &[&str], expected: Expect) {
    check_loader(modules, loader("net", targets), expected);
}

fn check_loader(modules: &[(&str, Ko)], loader: Loader, expected: Expect) {
    let (closed, findings) = close_loader(modules, loader);
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

#[test]
fn another_version_of_a_symbol_names_the_option_of_its_owner() {
    check(
        &[
            ("drivers/giver.ko", ko().export_as("gift", 7, None, false).crcs(Crcs::Words)),
            ("drivers/user.ko", ko().want_as("gift", Some(8), false)),
        ],
        &["user"],
        expect![[r#"
            crc-mismatch: loader `net` cannot work: user was compiled against gift of version 0x00000008, but giver has 0x00000007
              the module was built against another kernel; build both in one run (`kernel.config.GIVER` builds giver)
        "#]],
    );
}

#[test]
fn a_namespace_that_is_not_imported_is_refused() {
    check(
        &[
            ("drivers/giver.ko", ko().export_as("gift", 7, Some("SPACE"), false).crcs(Crcs::Words)),
            ("drivers/user.ko", ko().want_as("gift", Some(7), false)),
        ],
        &["user"],
        expect![[r#"
            missing-namespace: loader `net` cannot work: user uses gift of the namespace SPACE without importing it
              the module's source needs MODULE_IMPORT_NS, or the kernel MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS
        "#]],
    );
}

#[test]
fn a_circle_of_modules_is_shown_with_its_symbols() {
    check(
        &[
            ("drivers/giver.ko", ko().export("gift").want("thanks")),
            ("drivers/user.ko", ko().export("thanks").want("gift")),
        ],
        &["user"],
        expect![[r#"
            module-cycle: loader `net` cannot work: modules depend on each other: giver -> user -> giver
              giver needs user for thanks
              user needs giver for gift
        "#]],
    );
}

/// The seed named a service for all its targets, and hit the limit of a name at the thirteenth.
#[test]
fn no_list_of_targets_makes_a_name_longer() {
    let names: Vec<String> = (0..400).map(|number| format!("{number:0>50}")).collect();
    let paths: Vec<String> = names.iter().map(|name| format!("drivers/{name}.ko")).collect();
    let modules: Vec<(&str, Ko)> = paths.iter().map(|path| (path.as_str(), ko())).collect();
    let targets: Vec<&str> = names.iter().map(String::as_str).collect();
    let longest = "x".repeat(53);
    let (closed, findings) = close_over(&modules, &longest, &targets);
    assert!(findings.is_empty(), "{findings:?}");
    let (graph, _) = kiln_service::graph(closed.into_iter().map(|one| one.spec).collect());
    let mut managers = BTreeSet::new();
    for file in kiln_service::render(&graph, "/lib/kmodloader") {
        let parts: Vec<&str> = file.path.split('/').collect();
        if let ["services", manager, service, ..] = parts[..] {
            managers.insert(manager.to_owned());
            assert!(service.trim_end_matches(".service").len() <= 64, "{}", file.path);
        }
    }
    assert_eq!(managers.len(), 4, "{managers:?}");
    let (closed, findings) = close_over(&modules, &"x".repeat(54), &targets);
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!((closed.len(), codes), (0, vec!["bad-loader-name"]));
}

#[test]
fn a_blacklist_leaves_soft_dependencies_out() {
    let modules = [
        ("drivers/user.ko", ko().want("gift").info("softdep", "pre: helper post: after")),
        ("drivers/giver.ko", ko().export("gift")),
        ("drivers/helper.ko", ko().want("deep").info("softdep", "pre: more")),
        ("drivers/deep.ko", ko().export("deep")),
        ("drivers/more.ko", ko()),
        ("drivers/after.ko", ko()),
    ];
    let without = |names: &[&str]| {
        let blacklist = names.iter().map(|name| Located { value: (*name).to_owned(), origin: None });
        Loader { blacklist: blacklist.collect(), ..loader("net", &["user", "image"]) }
    };
    check_loader(
        &modules,
        without(&["helper"]),
        expect![[r#"
        loads giver user after; built in: image
    "#]],
    );
    check_loader(
        &modules,
        without(&["more", "after"]),
        expect![[r#"
        loads giver deep helper user; built in: image
    "#]],
    );
    check_loader(
        &modules,
        without(&["giver", "user", "image", "off-too", "aftr", "deep"]),
        expect![[r#"
        void-blacklist: loader `net` cannot leave `giver` out: `user` needs it for `gift`
          remove it from `blacklist`, or `user` from what the loader loads
        void-blacklist: loader `net` loads `user` although it blacklists it: it is one of its targets
          remove it from `targets`, or from `blacklist`; only hotplug does not load it
        void-blacklist: `image` is part of the kernel image: no blacklist can leave it out
          remove it from `blacklist`, or build `image` as a module
        void-blacklist: there is no module `aftr` in this kernel that a blacklist could leave out
          did you mean `after`?
        void-blacklist: loader `net` cannot leave `deep` out: `helper` needs it for `deep`
          remove it from `blacklist`, or `helper` from what the loader loads
        loads giver deep more helper user after; built in: image
    "#]],
    );
}

#[test]
fn parameters_that_a_module_does_not_have_are_found() {
    let modules = [
        ("drivers/user.ko", ko().info("parm", "limit:the most").info("parmtype", "depth:uint").parameter("by_call")),
        ("drivers/giver.ko", ko()),
    ];
    let mut given = loader("net", &["user", "giver"]);
    let text = "limit=1 by-call=2 depth=\"3 4\" dyndbg=+p async_probe limt=5 \"deep\"=6";
    given.parameters.insert("user".to_owned(), Located { value: text.to_owned(), origin: None });
    given.parameters.insert("giver".to_owned(), Located { value: "x".to_owned(), origin: None });
    check_loader(
        &modules,
        given,
        expect![[r#"
        unknown-parameter: module `giver` has no parameter `x`
          `giver` has no parameters
        unknown-parameter: module `user` has no parameter `limt`
          it has by_call, depth, limit
        unknown-parameter: module `user` has no parameter `deep`
          it has by_call, depth, limit
        loads user giver; built in: 
    "#]],
    );
}
