//! Small random module trees, compared byte for byte with the real `depmod`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kiln_modgraph::{ClosureOptions, DepmodError, Graph, Inputs, Layout, closure, depmod, read};
use kiln_testkit::{Architecture, Codec, Crcs, Endianness, Ko, Random};

use crate::oracle;

/// A random tree: files relative to the directory of the release.
struct Tree {
    files: Vec<(String, Vec<u8>)>,
    names: Vec<String>,
}

const MACHINES: [(Architecture, Endianness); 7] = [
    (Architecture::X86_64, Endianness::Little),
    (Architecture::I386, Endianness::Little),
    (Architecture::Aarch64, Endianness::Little),
    (Architecture::Arm, Endianness::Little),
    (Architecture::Mips, Endianness::Big),
    (Architecture::PowerPc64, Endianness::Big),
    (Architecture::Riscv64, Endianness::Little),
];

#[test]
fn indexes_equal_depmods() {
    if !oracle::is_here() {
        return;
    }
    for seed in 0..100 {
        let tree = tree(&mut Random::new(seed), false);
        let dir = tempfile::tempdir().unwrap();
        let root = tree.write(dir.path());
        let output = oracle::depmod(dir.path(), oracle::VERSION);
        let graph = tree.graph();
        match depmod(&graph, Layout::V30) {
            Ok(files) => {
                assert!(output.status.success(), "seed {seed}: {output:?}");
                for (name, bytes) in files {
                    let expected = fs::read(root.join(name)).unwrap();
                    let (found, expected) = (bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
                    assert_eq!(found, expected, "seed {seed}: {name}");
                }
            }
            Err(DepmodError::Cycle { count, .. }) => {
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(!output.status.success(), "seed {seed}");
                assert!(text.contains(&format!("Found {count} modules in dependency cycles!")), "seed {seed}: {text}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}

#[test]
fn closures_equal_modprobes() {
    if !oracle::is_here() {
        return;
    }
    let mut compared = 0;
    for seed in 1000..1025 {
        let tree = tree(&mut Random::new(seed), true);
        let dir = tempfile::tempdir().unwrap();
        tree.write(dir.path());
        if !oracle::depmod(dir.path(), oracle::VERSION).status.success() {
            continue;
        }
        let graph = tree.graph();
        for name in &tree.names {
            let expected = oracle::show_depends(dir.path(), oracle::VERSION, name).unwrap();
            let options = ClosureOptions { vermagic: None, missing_namespaces_load: true, without: &[] };
            let found = closure(&graph, &[name], &options).unwrap();
            let order: Vec<&str> = found.load_order().map(|entry| &*entry.module).collect();
            let found: BTreeSet<&str> = order.iter().copied().collect();
            let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
            assert_eq!(found, expected, "seed {seed}: {name}");
            assert_eq!(found.len(), order.len(), "seed {seed}: {name} has a repeat");
            assert_valid(&graph, &order);
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} closures were compared");
}

/// Checks that every module comes after all modules that it needs.
pub(crate) fn assert_valid(graph: &Graph, order: &[&str]) {
    let mut loaded = BTreeSet::new();
    for name in order {
        for edge in graph.needs(graph.find(name).unwrap()) {
            let needed = &*graph.module(edge.to).name;
            assert!(loaded.contains(needed), "{name} comes before {needed}");
        }
        loaded.insert(*name);
    }
}

impl Tree {
    fn write(&self, base: &Path) -> std::path::PathBuf {
        let root = base.join("lib/modules").join(oracle::VERSION);
        for (path, bytes) in &self.files {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        root
    }

    fn graph(&self) -> Graph {
        let file = |name: &str| self.files.iter().find(|(path, _)| path == name).map(|(_, bytes)| bytes.as_slice());
        let modules = self.files.iter().filter(|(path, _)| kiln_modgraph::is_module_file(path));
        let inputs = Inputs {
            modules: modules.map(|(path, bytes)| read::module(path, bytes.as_slice()).unwrap()).collect(),
            order: file("modules.order"),
            builtin: file("modules.builtin"),
            builtin_modinfo: file("modules.builtin.modinfo"),
            kernel_symbols: None,
            layout: Layout::V30,
        };
        Graph::build(inputs).0
    }
}

/// Makes a tree; a `gentle` one has at most one softdep line a module and no cycle over softdeps, since `modprobe`
/// reads no second line.
fn tree(random: &mut Random, gentle: bool) -> Tree {
    let count = 1 + random.below(30);
    let (architecture, endianness) = *random.pick(&MACHINES);
    let crcs = *random.pick(&[Crcs::None, Crcs::Words, Crcs::Absolute]);
    let mut names = BTreeSet::new();
    while names.len() < count {
        names.insert(format!(
            "{}{}{}",
            random.pick(&["a", "net", "nf-x", "snd_y"]),
            random.pick(&["-", "_", ""]),
            random.below(500)
        ));
    }
    let mut folded = BTreeSet::new();
    let names: Vec<String> = names.into_iter().filter(|name| folded.insert(name.replace('-', "_"))).collect();
    let mut files = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let ko = module(random, &names, index, gentle).machine(architecture, endianness).crcs(crcs);
        let codec = *random.pick(&[Codec::Plain, Codec::Plain, Codec::Xz, Codec::Zstd]);
        let folder = random.pick(&["kernel/net", "kernel/fs/a-b", "extra", "kernel"]);
        files.push((format!("{folder}/{name}.ko{}", codec.ending()), codec.pack(&ko.build()).unwrap()));
    }
    lists(random, &mut files);
    Tree { files, names }
}

fn module(random: &mut Random, names: &[String], index: usize, gentle: bool) -> Ko {
    let mut ko = Ko::new();
    for export in 0..random.below(4) {
        ko = ko.export(&format!("sym_{index}_{export}"));
    }
    if random.one_in(8) {
        ko = ko.export(&format!("shared_{}", random.below(3)));
    }
    for _ in 0..random.below(6) {
        let from = if random.one_in(120) { random.below(names.len()) } else { random.below(index.max(1)) };
        if from != index {
            let name = format!("sym_{from}_{}", random.below(4));
            ko = ko.want_as(&name, random.one_in(3).then(|| Ko::crc_of(&name)), random.one_in(5));
        }
    }
    ko = ko.want_version("module_layout");
    if index > 3 && random.one_in(6) {
        ko = ko.want(&format!("shared_{}", random.below(2)));
    }
    for _ in 0..random.below(4) {
        ko = ko.info("alias", &alias(random));
    }
    if random.one_in(6) {
        ko = ko.raw_info(b"\0\0\0novalue\0");
    }
    let softdeps = if gentle { usize::from(random.one_in(4)) } else { random.below(3) };
    for _ in 0..softdeps {
        let word = if random.one_in(4) { "not-there" } else { &**random.pick(&names[..index.max(1)]) };
        ko = ko.info(
            "softdep",
            &format!("{}pre: {word} post: {}", random.pick(&["", "word "]), random.pick(&names[..index.max(1)])),
        );
    }
    if random.one_in(3) {
        ko = ko.info("alias", "devname:a/node");
        if random.one_in(2) {
            let numbers: [&str; 3] = ["char-major-10-200", "block-major-7-*", "char-major-5-1x"];
            let number: &&str = random.pick(&numbers);
            ko = ko.info("alias", number);
        }
    }
    ko.info("license", "GPL")
}

fn alias(random: &mut Random) -> String {
    let parts = ["pci:v*", "of:N*T*Ca-b", "x", "-y-", "[0-9a-f]", "d0000", "usb:v", "?", "z]", "[q", " ", "crypto-"];
    (0..1 + random.below(4)).map(|_| *random.pick(&parts)).collect()
}

fn lists(random: &mut Random, files: &mut Vec<(String, Vec<u8>)>) {
    let mut order = String::new();
    for (path, _) in files.iter() {
        let plain = kiln_modgraph::uncompressed(path).to_owned();
        for _ in 0..random.below(3) {
            let at = if order.is_empty() { 0 } else { random.below(order.matches('\n').count() + 1) };
            let at = order.match_indices('\n').nth(at).map_or(order.len(), |(at, _)| at + 1);
            order.insert_str(at, &format!("{plain}\n"));
        }
    }
    if random.one_in(10) {
        order.push_str("kernel/cut.ko");
    }
    if !random.one_in(10) {
        files.push(("modules.order".to_owned(), order.into_bytes()));
    }
    if !random.one_in(10) {
        let builtin = *random.pick(&["", "kernel/a/vfat-x.ko\nkernel/b/ext4.ko\n", "kernel/one.ko\n\nkernel/one.ko\n"]);
        files.push(("modules.builtin".to_owned(), builtin.as_bytes().to_vec()));
    }
    if !random.one_in(10) {
        let records: [&[u8]; 3] = [
            b"",
            b"ext4.license=GPL\0ext4.alias=fs-ext4\0ext4.alias=ext[23]\0",
            b"a.alias=x-*\0b.alias=x-*\0a.parm=debug:int\0c.alias=bad]\0",
        ];
        let record: &&[u8] = random.pick(&records);
        files.push(("modules.builtin.modinfo".to_owned(), record.to_vec()));
    }
}
