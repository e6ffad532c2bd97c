//! Cut, mutated and bomb-like files: an error or facts, never a panic, and no more memory than the input justifies.

use kiln_modgraph::index::{self, Reader};
use kiln_modgraph::read::{self, Fault};
use kiln_modgraph::{Graph, Inputs, Layout, ModuleInfo, depmod};
use kiln_testkit::{Architecture, Codec, Crcs, Endianness, Ko, Random};

fn samples() -> Vec<Vec<u8>> {
    let ko = |crcs| {
        let ko = Ko::new().export("a_symbol").export_as("other", 7, Some("SPACE"), true).want("wanted").crcs(crcs);
        ko.want_as("weak", None, true).info("alias", "pci:v*").info("softdep", "pre: a post: b").signed()
    };
    vec![
        ko(Crcs::Words).build(),
        ko(Crcs::None).machine(Architecture::Mips, Endianness::Big).build(),
        ko(Crcs::Absolute).machine(Architecture::PowerPc64, Endianness::Big).build(),
        ko(Crcs::Words).machine(Architecture::Arm, Endianness::Little).build(),
    ]
}

/// Reads, and uses the facts, if any.
fn digest(bytes: &[u8]) {
    if let Ok(info) = read::module("kernel/m.ko", bytes) {
        assert!(info.modinfo.iter().count() <= bytes.len());
        let _ = depmod(&graph(vec![info]), Layout::V34);
    }
}

fn graph(modules: Vec<ModuleInfo>) -> Graph {
    let (order, builtin, builtin_modinfo) = (None, None, None);
    Graph::build(Inputs { modules, order, builtin, builtin_modinfo, kernel_symbols: None, layout: Layout::V34 }).0
}

#[test]
fn cut_modules_are_errors() {
    for sample in samples() {
        for length in 0..sample.len() {
            digest(&sample[..length]);
        }
        let headers_cut = read::module("m.ko", &sample[..sample.len() / 2]).unwrap_err();
        assert!(matches!(headers_cut.fault, Fault::Truncated(_)), "{headers_cut:?}");
    }
    assert!(matches!(read::module("m.ko", &b""[..]).unwrap_err().fault, Fault::Empty));
    assert!(matches!(read::module("m.ko", &b"#!/bin/sh\n"[..]).unwrap_err().fault, Fault::NotElf));
}

#[test]
fn mutated_modules_do_not_panic() {
    let mut random = Random::new(42);
    for sample in samples() {
        for _ in 0..3000 {
            let mut bytes = sample.clone();
            for _ in 0..1 + random.below(6) {
                let at = random.below(bytes.len());
                bytes[at] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff, random.clone().bits() as u8]);
            }
            digest(&bytes);
        }
        // Headers are where offsets live: every byte of them in turn.
        let table = sample.len().saturating_sub(20 * 64);
        for at in (0..64).chain(table..sample.len()) {
            for value in [0, 1, 0xff] {
                let mut bytes = sample.clone();
                bytes[at] = value;
                digest(&bytes);
            }
        }
    }
}

#[test]
fn mutated_compressed_modules_do_not_panic() {
    let mut random = Random::new(43);
    let sample = &samples()[0];
    for codec in [Codec::Gzip, Codec::Xz, Codec::Zstd] {
        let packed = codec.pack(sample).unwrap();
        assert_eq!(read::module("m.ko", packed.as_slice()).unwrap().exports.len(), 2);
        let cut = read::module("m.ko", &packed[..packed.len() - 9]).unwrap_err();
        assert!(matches!(cut.fault, Fault::Compression { .. }), "{codec:?}: {cut:?}");
        for _ in 0..300 {
            let mut bytes = packed.clone();
            let at = random.below(bytes.len());
            bytes[at] = random.bits() as u8;
            digest(&bytes);
        }
    }
}

#[test]
fn bombs_are_stopped() {
    for codec in [Codec::Gzip, Codec::Xz, Codec::Zstd] {
        let packed = codec.pack(&vec![0; 32 << 20]).unwrap();
        let error = read::module("m.ko", packed.as_slice()).unwrap_err();
        assert!(matches!(error.fault, Fault::Bomb { limit, .. } if limit <= 16 << 20), "{codec:?}: {error:?}");
    }
}

/// A file of which every section is the whole file would be read over and over.
#[test]
fn overlapping_sections_are_an_error() {
    let mut ko = Ko::new().info("description", &"x".repeat(50_000));
    for number in 0..50 {
        ko = ko.export(&format!("symbol_{number}"));
    }
    let mut bytes = ko.build();
    let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let sections = usize::from(u16::from_le_bytes(bytes[60..62].try_into().unwrap()));
    let size = bytes.len() as u64;
    for section in 1..sections {
        let header = table + 64 * section;
        let symbols = u32::from_le_bytes(bytes[header + 4..header + 8].try_into().unwrap()) == 2;
        let names = section == usize::from(u16::from_le_bytes(bytes[62..64].try_into().unwrap()));
        if !symbols && !names {
            bytes[header + 24..header + 32].copy_from_slice(&0u64.to_le_bytes());
            bytes[header + 32..header + 40].copy_from_slice(&size.to_le_bytes());
        }
    }
    assert!(matches!(read::module("m.ko", bytes.as_slice()).unwrap_err().fault, Fault::Overlap));
}

/// A table of strings without an end: all names together have a gigabyte.
#[test]
fn names_without_an_end_are_an_error() {
    let mut ko = Ko::new();
    for number in 0..5000 {
        ko = ko.want_as(&format!("{number:09}"), None, false);
    }
    let mut bytes = ko.build();
    for at in 1..bytes.len() - 1 {
        if bytes[at] == 0 && bytes[at - 1].is_ascii_digit() && bytes[at + 1].is_ascii_digit() {
            bytes[at] = b'x';
        }
    }
    let fault = read::module("m.ko", bytes.as_slice()).map(|info| info.wants.len()).unwrap_err().fault;
    assert!(matches!(fault, Fault::Overlap), "{fault}");
}

/// Names are bytes of a file: a newline in one must not shift what the indexes have about others.
#[test]
fn newlines_in_names_stay_where_they_are() {
    let one = read::module("kernel/a\nb.ko", Ko::new().export("one\ntwo").build().as_slice()).unwrap();
    let other = read::module("kernel/z.ko", Ko::new().export("three").want("one\ntwo").build().as_slice()).unwrap();
    let files = depmod(&graph(vec![one, other]), Layout::V30).unwrap();
    let index = |name: &str| index::read(&files.iter().find(|(file, _)| *file == name).unwrap().1).unwrap();
    let symbols = index("modules.symbols.bin");
    assert_eq!(symbols.get(b"symbol:one\ntwo")[0].bytes, b"a\nb");
    assert_eq!(symbols.get(b"symbol:three")[0].bytes, b"z");
    let dependencies = index("modules.dep.bin");
    assert_eq!(dependencies.get(b"a\nb")[0].bytes, b"kernel/a\nb.ko:");
    assert_eq!(dependencies.get(b"z")[0].bytes, b"kernel/z.ko: kernel/a\nb.ko");
}

#[test]
fn mutated_indexes_do_not_panic() {
    let mut random = Random::new(44);
    let mut trie = index::Trie::new();
    for number in 0..200u32 {
        trie.insert(format!("pci:v{:04x}d*{}", number * 7919 % 512, number % 3), number, format!("module{number}"));
    }
    for layout in [Layout::V30, Layout::V34] {
        let bytes = index::write(&trie, layout).unwrap();
        for length in 0..bytes.len() {
            assert!(index::read(&bytes[..length]).is_err(), "cut at {length}");
        }
        for _ in 0..5000 {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.bits() as u8;
            }
            let _ = index::read(&bytes);
            if let Ok(reader) = Reader::new(&bytes) {
                let _ = reader.get(b"pci:v0001d*1");
                let _ = reader.matching(b"pci:v0001dxyz1");
            }
        }
    }
}

#[test]
fn keys_that_no_index_holds_are_an_error() {
    let module = |path, ko: Ko| read::module(path, ko.build().as_slice()).unwrap();
    for (ko, file) in [
        (Ko::new().info("alias", "caf\u{e9}-*"), "modules.alias.bin"),
        (Ko::new().export("\u{e9}t\u{e9}"), "modules.symbols.bin"),
    ] {
        let graph = graph(vec![module("kernel/fine.ko", Ko::new().export("x")), module("kernel/m.ko", ko)]);
        let error = depmod(&graph, Layout::V30).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {file} for kernel/m.ko"));
    }
}

/// A chain of soft dependencies as long as there are modules: no recursion may follow it.
#[test]
fn long_chains_do_not_overflow_the_stack() {
    let count = 20_000;
    let modules = (0..count).map(|number| {
        let mut info = ModuleInfo::unreadable(&format!("kernel/m{number}.ko"));
        info.modinfo = kiln_modgraph::Modinfo::new(format!("softdep=pre: m{}\0", number + 1).into_bytes());
        info
    });
    let graph = graph(modules.collect());
    let options = kiln_modgraph::ClosureOptions { vermagic: None, missing_namespaces_load: false, without: &[] };
    let closure = kiln_modgraph::closure(&graph, &["m0"], &options).unwrap();
    assert_eq!(closure.entries.len(), count);
    assert_eq!(closure.entries[0].module, format!("m{}", count - 1));
}
