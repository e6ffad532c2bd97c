use super::*;
use crate::record::{FileRef, Product};

use ProductKind::{Aid, BuiltIn, Module};

/// `path kind symbols | made reads | tree reads`, for each product.
fn record(products: &[(&str, ProductKind, &str, &str, &str)]) -> BuildRecord {
    let words = |text: &str| -> Vec<String> { text.split_ascii_whitespace().map(str::to_owned).collect() };
    let product = |&(path, kind, symbols, made, tree): &(&str, ProductKind, &str, &str, &str)| {
        let made = words(made).into_iter().map(|path| FileRef { path, made: true });
        let reads = made.chain(words(tree).into_iter().map(|path| FileRef { path, made: false })).collect();
        Product { path: path.to_owned(), kind, digest: None, symbols: words(symbols), reads }
    };
    BuildRecord::new("6.12", products.iter().map(product).collect())
}

fn sample() -> BuildRecord {
    record(&[
        ("net/core.o", BuiltIn, "NF_CONNTRACK", "include/generated/bounds.h", "net/core.c"),
        ("net/x.o", Module, "X", "", "net/x.c"),
        ("net/x.ko", Module, "", "net/x.o net/x.mod.o", ""),
        ("net/x.mod.o", Module, "", "net/x.mod.c", ""),
        ("kernel/bounds.s", Aid, "NR_CPUS", "", "kernel/bounds.c"),
        ("include/generated/bounds.h", Aid, "", "kernel/bounds.s", "Kbuild"),
        ("kernel/configs.o", BuiltIn, "", ".config", "kernel/configs.c"),
        ("lib/left.o", Aid, "LEFT", "", "lib/left.c"),
        ("vmlinux", ProductKind::Link, "", "vmlinux.o", ""),
    ])
}

fn objects(list: &[(&str, bool)]) -> Objects {
    list.iter().map(|(path, built_in)| ((*path).to_owned(), *built_in)).collect()
}

fn check(before: &str, after: &str, makefile: &str, lists: [&Objects; 2], verdict: Verdict, reached: &[&str]) {
    let (before, after) = (Config::parse(before), Config::parse(after));
    let changes = changes(&before, &after);
    let mut mentions = Mentions::new("x86", "", "");
    mentions.add("net/Makefile", makefile, &changes.iter().map(|change| change.symbol.clone()).collect());
    let impact = reach(&sample(), &changes, &mentions, lists[0], lists[1], &after);
    let found: Vec<&str> =
        impact.reached.keys().map(String::as_str).filter(|path| *path != "kernel/configs.o").collect();
    assert_eq!((impact.verdict(), found.as_slice()), (verdict, reached), "{makefile}");
}

#[test]
fn what_a_change_reaches() {
    let none = Objects::new();
    let with_y = objects(&[("net/core.o", true), ("net/x.o", false), ("net/y.o", false)]);
    let without = objects(&[("net/core.o", true), ("net/x.o", false)]);
    check("CONFIG_A=y\n", "CONFIG_A=y\n", "", [&none, &none], Verdict::Nothing, &[]);
    check("", "CONFIG_NF_CONNTRACK=m\n", "", [&none, &none], Verdict::Reached, &["net/core.o"]);
    check("CONFIG_X=m\n", "", "", [&none, &none], Verdict::ModulesOnly, &["net/x.ko", "net/x.o"]);
    check(
        "CONFIG_NR_CPUS=2\n",
        "CONFIG_NR_CPUS=4\n",
        "",
        [&none, &none],
        Verdict::Reached,
        &["include/generated/bounds.h", "kernel/bounds.s", "net/core.o"],
    );
    check("", "CONFIG_Y=m\n", "obj-$(CONFIG_Y) += y.o\n", [&without, &with_y], Verdict::ModulesOnly, &["net/y.o"]);
    let built_in = objects(&[("net/core.o", true), ("net/x.o", false), ("net/y.o", true)]);
    check("", "CONFIG_Y=y\n", "obj-$(CONFIG_Y) += y.o\n", [&without, &built_in], Verdict::NewKernel, &["net/y.o"]);
    let left = objects(&[("net/core.o", true), ("net/x.o", false), ("lib/left.o", true)]);
    check("", "CONFIG_LEFT=y\n", "", [&without, &left], Verdict::NewKernel, &["lib/left.o"]);
    let moved = objects(&[("net/core.o", true), ("net/x.o", true)]);
    check("CONFIG_Q=m\n", "CONFIG_Q=y\n", "", [&without, &moved], Verdict::NewKernel, &["net/x.ko", "net/x.o"]);
}

#[test]
fn flags_and_folders() {
    let without = objects(&[("net/core.o", true), ("net/x.o", false)]);
    let all = ["net/core.o", "net/x.ko", "net/x.mod.o", "net/x.o"];
    check("", "CONFIG_D=y\n", "ccflags-$(CONFIG_D) += -DD\n", [&without, &without], Verdict::Reached, &all);
    check(
        "",
        "CONFIG_D=y\n",
        "CFLAGS_x.o += -DD$(CONFIG_D)\n",
        [&without, &without],
        Verdict::ModulesOnly,
        &["net/x.ko", "net/x.o"],
    );
    // A directory whose lists were understood is reached only where they change; another one as a whole.
    check("", "CONFIG_D=y\n", "obj-$(CONFIG_D) += ./\n", [&without, &without], Verdict::ModulesOnly, &[]);
    check("", "CONFIG_D=y\n", "obj-$(CONFIG_D) += ./\n", [&Objects::new(), &without], Verdict::Reached, &all);
}

/// The exports of vmlinux then depend on all modules, new ones included.
#[test]
fn trimmed_exports_follow_the_modules() {
    let without = objects(&[("net/core.o", true), ("net/x.o", false)]);
    let with_y = objects(&[("net/core.o", true), ("net/x.o", false), ("net/y.o", false)]);
    let trimmed = |config: &str| format!("CONFIG_TRIM_UNUSED_KSYMS=y\n{config}");
    let verdict = |before: &str, after: &str, lists: [&Objects; 2]| {
        let [before, after] = [before, after].map(|text| Config::parse(&trimmed(text)));
        let mentions = Mentions::new("x86", "", "");
        reach(&sample(), &changes(&before, &after), &mentions, lists[0], lists[1], &after).verdict()
    };
    assert_eq!(verdict("", "CONFIG_Y=m\n", [&without, &with_y]), Verdict::Reached);
    assert_eq!(verdict("CONFIG_X=m\n", "", [&without, &objects(&[("net/core.o", true)])]), Verdict::Reached);
    assert_eq!(verdict("", "CONFIG_X=y\n", [&without, &without]), Verdict::Reached);
    assert_eq!(verdict("", "CONFIG_OTHER=y\n", [&without, &without]), Verdict::ModulesOnly);
}

#[test]
fn a_copy_of_the_config_is_no_reason_for_a_new_kernel() {
    let (before, after) = (Config::parse("CONFIG_X=m\n"), Config::parse(""));
    let nothing = Objects::new();
    let impact = reach(&sample(), &changes(&before, &after), &Mentions::new("x86", "", ""), &nothing, &nothing, &after);
    assert!(impact.copies().any(|copy| copy.path == "kernel/configs.o"));
    assert_eq!(impact.verdict(), Verdict::ModulesOnly);
}
