use kiln_testkit::{Architecture, Endianness, Ko};

use super::*;
use crate::read;

fn build(modules: &[(&str, Ko)], order: &[u8], layout: Layout) -> (Graph, Diagnostics) {
    let modules = modules.iter().map(|(path, ko)| read::module(path, ko.build().as_slice()).unwrap()).collect();
    let (builtin, builtin_modinfo) = (Some(&b"kernel/lib/zlib-x.ko\n"[..]), Some(&b"zlib_x.alias=zip-*\0"[..]));
    Graph::build(Inputs { modules, order: Some(order), builtin, builtin_modinfo, kernel_symbols: None, layout })
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.modules().map(|(_, info)| info.name.as_str()).collect()
}

#[test]
fn repeated_lines_of_the_order_count_last_in_30_and_first_in_34() {
    let modules = ["a.ko", "b.ko", "c.ko.xz"].map(|path| (path, Ko::new()));
    let order = b"a.ko\nc.ko\nb.ko\na.ko\n";
    assert_eq!(names(&build(&modules, order, Layout::V30).0), ["c", "b", "a"]);
    assert_eq!(names(&build(&modules, order, Layout::V34).0), ["a", "c", "b"]);
}

#[test]
fn the_later_owner_of_a_symbol_wins_and_it_is_said() {
    let modules = [("a.ko", Ko::new().export("s")), ("b.ko", Ko::new().export("s")), ("c.ko", Ko::new().want(".s"))];
    let (graph, findings) = build(&modules, b"b.ko\na.ko\nc.ko\n", Layout::V30);
    let user = graph.find("c").unwrap();
    assert_eq!(graph.module(graph.needs(user)[0].to).name, "a");
    let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["b.ko and a.ko both export s: the latter is used"]);
}

#[test]
fn odd_inputs_are_said() {
    let foreign = Ko::new().machine(Architecture::Arm, Endianness::Little);
    let modules = [("x/a-b.ko", Ko::new()), ("y/a_b.ko", Ko::new()), ("z.ko", Ko::new()), ("arm.ko", foreign)];
    let (graph, findings) = build(&modules, b"cut", Layout::V30);
    assert_eq!(graph.module(graph.find("a-b").unwrap()).path, "x/a-b.ko");
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!(codes, ["duplicate-module", "broken-module-order", "foreign-module"]);
}

#[test]
fn words_are_looked_up_in_modprobes_order() {
    let modules = [
        ("net-x.ko", Ko::new().export("symbol_x").info("alias", "zlib-x")),
        ("other.ko", Ko::new().info("alias", "net-x").info("alias", "pci:v*d1-*").info("alias", "a[b-c]d")),
    ];
    let (graph, _) = build(&modules, b"", Layout::V30);
    let check = |word: &str, source: Source, expected: &str| {
        let found = graph.resolve(word).unwrap();
        let modules = found.modules.iter().map(|&id| graph.module(id).name.clone());
        let names: Vec<String> = modules.chain(found.builtin.iter().cloned()).collect();
        assert_eq!((found.source, names.join(" ").as_str()), (source, expected), "{word}");
    };
    check("net_x", Source::Name, "net_x");
    check("symbol:symbol_x", Source::Symbol, "net_x");
    check("pci:v77d1-9", Source::Alias, "other");
    check("acd", Source::Alias, "other");
    // The alias of a module goes before the image's own name.
    check("zlib_x", Source::Alias, "net_x");
    check("zip-7", Source::BuiltinAlias, "zlib_x");
    assert_eq!(graph.resolve("nothing"), None);
}

#[test]
fn a_subset_is_what_a_build_of_just_those_gives() {
    let modules = [
        ("a.ko", Ko::new().want("of_b").want("of_c")),
        ("b.ko", Ko::new().export("of_b").want("of_c")),
        ("c.ko", Ko::new().export("of_c")),
        ("d.ko", Ko::new().want("of_b").info("alias", "x")),
    ];
    let order = b"d.ko\nc.ko\na.ko\nb.ko\n";
    let (graph, _) = build(&modules, order, Layout::V30);
    let keep: Vec<ModuleId> = ["c", "a", "b"].iter().filter_map(|name| graph.find(name)).collect();
    let (expected, _) = build(&modules[..3], order, Layout::V30);
    let files = |graph: &Graph| crate::depmod(graph, Layout::V34).unwrap();
    assert_eq!(files(&graph.subset(&keep)), files(&expected));
}

#[test]
fn modules_below_a_cycle_are_in_none() {
    let modules = [
        ("a.ko", Ko::new().export("of_a").want("of_b").want("of_c")),
        ("b.ko", Ko::new().export("of_b").want("of_a")),
        ("c.ko", Ko::new().export("of_c")),
        ("user.ko", Ko::new().want("of_a")),
    ];
    let (graph, _) = build(&modules, b"", Layout::V30);
    assert_eq!(graph.cyclic_count(), 2);
    let cycles: Vec<String> = graph.cycles().iter().map(Cycle::to_string).collect();
    assert_eq!(cycles.len(), 1, "{cycles:?}");
}

/// Without versions every string of `__ksymtab_strings` counts as a symbol, that of a namespace too, as in depmod.
#[test]
fn a_namespace_of_two_modules_is_no_double_export() {
    let in_space = |symbol: &str| {
        Ko::new()
            .crcs(kiln_testkit::Crcs::None)
            .export_as(symbol, 0, Some("SPACE"), false)
            .export_as("same", 0, None, false)
    };
    let read = |(path, ko): (&str, Ko)| crate::read::module(path, ko.build().as_slice()).unwrap();
    let inputs = Inputs {
        modules: [("a.ko", in_space("of_a")), ("b.ko", in_space("of_b"))].map(read).into(),
        order: None,
        builtin: None,
        builtin_modinfo: None,
        kernel_symbols: None,
        layout: Layout::V30,
    };
    let (graph, findings) = Graph::build(inputs);
    let double: Vec<&str> =
        findings.iter().map(|finding| finding.message.as_str()).filter(|m| m.contains("both")).collect();
    assert_eq!(double, ["b.ko and a.ko both export same: the latter is used"]);
    assert!(graph.owner("SPACE").is_some(), "depmod's index has it");
}
