use expect_test::{Expect, expect};
use kiln_kconfig::{Config, Request, Strength};
use kiln_modgraph::{Inputs, Layout, read};
use kiln_plan::evaluate::Located;
use kiln_testkit::Ko;

use super::*;
use crate::closure::{ClosureInputs, close};

const MAKEFILE: &str = "\
obj-$(CONFIG_NF_CONNTRACK) += nf_conntrack.o
obj-$(CONFIG_NF_CONNTRACK_FTP) += nf_conntrack_ftp.o
obj-$(CONFIG_NFT_CT) += nft_ct.o
obj-$(CONFIG_VETH) += veth.o
obj-$(CONFIG_PAIR) += pair-a.o pair-b.o
";

fn modules() -> Vec<(&'static str, Ko)> {
    vec![
        ("kernel/net/nf_conntrack.ko", Ko::new().export("track")),
        ("kernel/net/nf_conntrack_ftp.ko", Ko::new().want("track")),
        ("kernel/net/nft_ct.ko.xz", Ko::new().want("track")),
        ("kernel/net/veth.ko", Ko::new()),
        ("kernel/net/pair-a.ko", Ko::new()),
        ("kernel/net/pair-b.ko", Ko::new()),
    ]
}

fn requests(symbols: &[&str]) -> BTreeMap<String, MergedRequest> {
    let request = |symbol: &&str| {
        let request =
            Request { symbol: (*symbol).to_owned(), value: "m".to_owned(), strength: Strength::Required, origin: None };
        let merged = MergedRequest { request, won: Vec::new(), lost: Vec::new(), because: None, overridden: None };
        ((*symbol).to_owned(), merged)
    };
    symbols.iter().map(request).collect()
}

fn loaders(of: &[(&str, &[&str])]) -> BTreeMap<String, Loader> {
    let located = |word: &&str| Located { value: (*word).to_owned(), origin: None };
    let loader = |(name, targets): &(&str, &[&str])| Loader {
        name: (*name).to_owned(),
        targets: targets.iter().map(located).collect(),
        dependencies: Vec::new(),
        parameters: BTreeMap::new(),
        blacklist: Vec::new(),
        origin: None,
    };
    of.iter().map(|one| (one.0.to_owned(), loader(one))).collect()
}

fn check(symbols: &[&str], of: &[(&str, &[&str])], expected: Expect) {
    let inputs = Inputs {
        modules: modules().iter().map(|(path, ko)| read::module(path, ko.build().as_slice()).unwrap()).collect(),
        order: None,
        builtin: None,
        builtin_modinfo: None,
        kernel_symbols: None,
        layout: Layout::V30,
    };
    let graph = Graph::build(inputs).0;
    let mut rules = ModuleRules::new();
    rules.add("net/Makefile", MAKEFILE);
    let config = Config::parse("CONFIG_MODULES=y\n");
    let loaders = loaders(of);
    let inputs = ClosureInputs {
        graph: &graph,
        rules: &rules,
        config: &config,
        requests: &BTreeMap::new(),
        modular: true,
        release: "6.12.1",
    };
    let (closed, findings) = close(&inputs, &loaders);
    assert!(findings.is_empty(), "{findings:?}");
    let division = divide(&graph, &rules, &closed);
    let names: Vec<String> = division.left_out.iter().map(|one| one.module.clone()).collect();
    let mut shown = match line(&names, 3) {
        none if none.is_empty() => String::new(),
        line => format!("{line}\n"),
    };
    for finding in warnings(&division, &requests(symbols), &loaders).iter() {
        shown.push_str(&format!("{}: {}\n", finding.code, finding.message));
        finding.notes.iter().chain(&finding.help).for_each(|line| shown.push_str(&format!("  {line}\n")));
    }
    expected.assert_eq(&shown);
}

#[test]
fn a_request_that_no_loader_takes_names_the_loader_that_shares_most() {
    check(
        &["NF_CONNTRACK", "NF_CONNTRACK_FTP"],
        &[("firewall", &["nft_ct"]), ("links", &["veth"])],
        expect![[r#"
            3 modules are built and in no loader: nf_conntrack_ftp, pair_a, pair_b
            unloaded-module: `NF_CONNTRACK_FTP` builds the module `nf_conntrack_ftp`, but no loader takes it
              add `nf_conntrack_ftp` to `kmodloader.firewall.targets`
              or remove the request for `NF_CONNTRACK_FTP`
        "#]],
    );
}

#[test]
fn without_a_related_loader_all_are_named() {
    check(
        &["PAIR", "VETH"],
        &[("a", &["nf_conntrack"]), ("b", &["nft_ct"])],
        expect![[r#"
        4 modules are built and in no loader: nf_conntrack_ftp, pair_a, pair_b and 1 more
        unloaded-module: `PAIR` builds the modules `pair_a`, `pair_b`, but no loader takes any of them
          add `pair_a`, `pair_b` to `kmodloader.a.targets` or `kmodloader.b.targets`
          or remove the request for `PAIR`
        unloaded-module: `VETH` builds the module `veth`, but no loader takes it
          add `veth` to `kmodloader.a.targets` or `kmodloader.b.targets`
          or remove the request for `VETH`
    "#]],
    );
    check(
        &["VETH"],
        &[],
        expect![[r#"
        6 modules are built and in no loader: nf_conntrack, nf_conntrack_ftp, nft_ct and 3 more
        unloaded-module: `VETH` builds the module `veth`, but no loader takes it
          make a loader: `kmodloader.NAME.targets = ["veth"]`
          or remove the request for `VETH`
    "#]],
    );
}

/// A symbol can build several modules; the loader took what it wanted of them.
#[test]
fn one_module_of_a_symbol_is_enough() {
    check(
        &["PAIR"],
        &[("a", &["pair-b"])],
        expect![[r#"
        5 modules are built and in no loader: nf_conntrack, nf_conntrack_ftp, nft_ct and 2 more
    "#]],
    );
}

#[test]
fn what_is_taken_is_not_listed() {
    let all: &[&str] = &["nf_conntrack_ftp", "nft_ct", "veth", "pair_a", "pair_b"];
    check(&["PAIR", "VETH", "NF_CONNTRACK"], &[("all", all)], expect![[""]]);
}

#[test]
fn a_long_list_is_one_finding() {
    let names: Vec<String> = (0..9).map(|number| format!("S{number}")).collect();
    let left_out =
        |name: &String| LeftOut { module: name.to_lowercase(), symbols: BTreeSet::from([name.clone()]), near: None };
    let division = Division { left_out: names.iter().map(left_out).collect(), taken: BTreeSet::new() };
    let symbols: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = warnings(&division, &requests(&symbols), &BTreeMap::new());
    let found: Vec<&Diagnostic> = found.iter().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "9 requests build modules that no loader takes");
    assert_eq!((found[0].notes.len(), found[0].notes[8].as_str()), (9, "S8: s8"));
    assert_eq!(warnings(&division, &requests(&symbols[..8]), &BTreeMap::new()).len(), 8);
}
