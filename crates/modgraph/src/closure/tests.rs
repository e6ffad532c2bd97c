use expect_test::{Expect, expect};
use kiln_testkit::Ko;

use super::*;
use crate::{Inputs, KernelSymbols, Layout, read};

const LOOSE: ClosureOptions<'_> = ClosureOptions { vermagic: None, missing_namespaces_load: false, without: &[] };

fn graph(modules: &[(&str, Ko)], symvers: Option<&str>) -> Graph {
    let read = |(path, ko): &(&str, Ko)| read::module(path, ko.build().as_slice()).unwrap();
    let inputs = Inputs {
        modules: modules.iter().map(read).collect(),
        order: None,
        builtin: Some(b"kernel/lib/crc-ccitt.ko\n"),
        builtin_modinfo: Some(b"crc_ccitt.alias=crypto-crc\0"),
        kernel_symbols: symvers.map(KernelSymbols::from_symvers),
        layout: Layout::V30,
    };
    Graph::build(inputs).0
}

/// Shows a closure, or its errors, one line each.
fn check(graph: &Graph, targets: &[&str], options: &ClosureOptions<'_>, expected: Expect) {
    let text = match closure(graph, targets, options) {
        Ok(closure) => show(&closure),
        Err(errors) => format!("{errors}\n"),
    };
    expected.assert_eq(&text);
}

fn show(closure: &Closure) -> String {
    let mut out = String::new();
    for entry in &closure.entries {
        let marks = [(!entry.load, " (not loaded)"), (!entry.unloadable, " (stays)")];
        let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, text)| *text).collect();
        let because: Vec<String> = entry.because.iter().map(why).collect();
        out.push_str(&format!("{}{marks}: {}\n", entry.module, because.join("; ")));
    }
    for used in &closure.builtin {
        let by = used.by.as_deref().unwrap_or("target");
        out.push_str(&format!("built in: {} is {} ({by})\n", used.word, used.builtin.join(" ")));
    }
    for unknown in &closure.unknown_softdeps {
        out.push_str(&format!("nobody is {} ({})\n", unknown.word, unknown.by));
    }
    for file in &closure.firmware {
        out.push_str(&format!("firmware {} ({})\n", file.name, file.module));
    }
    out
}

fn why(because: &Because) -> String {
    match because {
        Because::Target { word } => format!("target {word}"),
        Because::NeedsSymbol { by, symbol } => format!("{by} needs {symbol}"),
        Because::SoftdepPre { by, line } => format!("before {by} [{line}]"),
        Because::SoftdepPost { by, line } => format!("after {by} [{line}]"),
        Because::Weakdep { by, line } => format!("weak for {by} [{line}]"),
    }
}

#[test]
fn every_module_knows_why_it_is_there() {
    let graph = graph(
        &[
            ("kernel/nft-nat.ko", Ko::new().want("nf_nat").want("nft_core").info("softdep", "post: log-x")),
            ("kernel/nf_nat.ko", Ko::new().export("nf_nat").want("ct").info("softdep", "pre: helper crypto-crc")),
            ("kernel/nf_tables.ko", Ko::new().export("nft_core").info("firmware", "nft/*.bin")),
            ("kernel/conntrack.ko", Ko::new().export("ct").code(true, false)),
            ("kernel/helper.ko", Ko::new().want("ct").info("softdep", "pre: nobody")),
            ("kernel/log_x.ko", Ko::new().info("weakdep", "spare")),
            ("kernel/spare.ko", Ko::new().want("nft_core")),
        ],
        None,
    );
    check(
        &graph,
        &["nft_nat", "crc-ccitt"],
        &LOOSE,
        expect![[r#"
            conntrack (stays): helper needs ct; nf_nat needs ct
            nf_tables: nft_nat needs nft_core; spare needs nft_core
            helper: before nf_nat [pre: helper crypto-crc]
            nf_nat: nft_nat needs nf_nat
            nft_nat: target nft_nat
            log_x: after nft_nat [post: log-x]
            spare (not loaded): weak for log_x [spare]
            built in: crypto-crc is crc_ccitt (nf_nat)
            built in: crc-ccitt is crc_ccitt (target)
            nobody is nobody (helper)
            firmware nft/*.bin (nf_tables)
        "#]],
    );
}

#[test]
fn all_softdep_lines_count() {
    let btrfs =
        Ko::new().info("softdep", "pre: blake2b").info("softdep", "pre: sha256").info("softdep", "post: xxhash");
    let modules = ["blake2b", "sha256", "xxhash"].map(|name| (name, Ko::new()));
    let modules: Vec<(&str, Ko)> = [("btrfs", btrfs)].into_iter().chain(modules).collect();
    check(
        &graph(&modules, None),
        &["btrfs"],
        &LOOSE,
        expect![[r#"
            blake2b: before btrfs [pre: blake2b]
            sha256: before btrfs [pre: sha256]
            btrfs: target btrfs
            xxhash: after btrfs [post: xxhash]
        "#]],
    );
}

#[test]
fn soft_circles_end_and_hard_dependencies_come_first() {
    let graph = graph(
        &[
            ("user", Ko::new().want("base_symbol")),
            ("base", Ko::new().export("base_symbol").info("softdep", "pre: early")),
            ("early", Ko::new().want("base_symbol").info("softdep", "pre: user")),
        ],
        None,
    );
    check(
        &graph,
        &["user"],
        &LOOSE,
        expect![[r#"
            base: early needs base_symbol; user needs base_symbol
            early: before base [pre: early]
            user: target user; before early [pre: user]
        "#]],
    );
}

#[test]
fn aliases_are_targets_too() {
    let modules = [("a", Ko::new().info("alias", "fs-x-*")), ("b", Ko::new().info("alias", "fs_x_?"))];
    check(
        &graph(&modules, None),
        &["fs-x-1"],
        &LOOSE,
        expect![[r#"
            b: target fs-x-1
            a: target fs-x-1
        "#]],
    );
}

#[test]
fn all_that_a_kernel_would_refuse_is_said_at_once() {
    let kernel = "0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n\
                  0x00000002\tguarded\tvmlinux\tEXPORT_SYMBOL_GPL\tSPACE\n\
                  0x00000003\tforeign\tdrivers/other\tEXPORT_SYMBOL\t\n";
    let module = Ko::new()
        .want_as("printk", Some(9), false)
        .want_as("guarded", Some(2), false)
        .want_as("foreign", None, false)
        .want_as("gone", None, false)
        .want_as("perhaps", None, true)
        .want_as("inside", Some(5), false)
        .info("license", "Proprietary")
        .info("vermagic", "6.1.0 SMP mod_unload ");
    let other = Ko::new().export_as("inside", 4, Some("module:mod-*,x"), false).info("vermagic", "6.9 SMP preempt ");
    check(
        &graph(&[("module", module), ("other", other)], Some(kernel)),
        &["module", "modul", "nothing_like_it"],
        &ClosureOptions { vermagic: Some("6.9 SMP preempt "), missing_namespaces_load: false, without: &[] },
        expect![[r#"
            there is no module modul (did you mean module?)
            there is no module nothing_like_it
            module was compiled for the kernel "6.1.0 SMP mod_unload", not for "6.9 SMP preempt"
            module was compiled against printk of version 0x00000009, but the kernel image has 0x00000001
            module uses guarded of the namespace SPACE without importing it
            module has the licence "Proprietary", but uses the GPL-only symbol guarded
            module needs the symbol foreign, which nothing exports (drivers/other does, and is missing)
            module needs the symbol gone, which nothing exports
            module was compiled against inside of version 0x00000005, but other has 0x00000004
            module uses inside of the namespace module:mod-*,x without importing it
        "#]],
    );
}

#[test]
fn imports_and_names_open_namespaces() {
    let user = |name: &str| Ko::new().want_as("s", None, false).info("import_ns", name).info("license", "GPL");
    let owner = Ko::new().export_as("s", 1, Some("SPACE"), true);
    let named = Ko::new().export_as("s", 1, Some("module:kvm,kvm-int*"), false);
    assert!(closure(&graph(&[("user", user("SPACE")), ("o", owner.clone())], None), &["user"], &LOOSE).is_ok());
    assert!(closure(&graph(&[("user", user("OTHER")), ("o", owner)], None), &["user"], &LOOSE).is_err());
    assert!(closure(&graph(&[("kvm_intel", user("X")), ("o", named.clone())], None), &["kvm-intel"], &LOOSE).is_ok());
    assert!(closure(&graph(&[("kvm_amd", user("X")), ("o", named)], None), &["kvm-amd"], &LOOSE).is_err());
}

#[test]
fn versioned_modules_may_differ_in_the_release_only() {
    let check = |magic: &str, ko: Ko, expected: bool| {
        let graph = graph(&[("m", ko.info("vermagic", magic))], None);
        let options =
            ClosureOptions { vermagic: Some("6.1.1 SMP preempt "), missing_namespaces_load: false, without: &[] };
        assert_eq!(closure(&graph, &["m"], &options).is_ok(), expected, "{magic}");
    };
    check("6.1.0 SMP preempt ", Ko::new().want("x"), true);
    check("6.1.0 SMP preempt ", Ko::new(), false);
    check("6.1.1 SMP preempt ", Ko::new(), true);
    check("6.1.1 SMP ", Ko::new().want("x"), false);
}

#[test]
fn a_cycle_is_shown_with_its_symbols() {
    let graph =
        graph(&[("a", Ko::new().export("of_a").want("of_b")), ("b", Ko::new().export("of_b").want("of_a"))], None);
    let errors = closure(&graph, &["a"], &LOOSE).unwrap_err().errors;
    let [ClosureError::Cycle(cycle)] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!(cycle.to_string(), "b -> a -> b");
    assert_eq!(cycle.edges[0].symbols, ["of_a"]);
}
