use expect_test::expect;
use kiln_testkit::{Architecture, Codec, Crcs, Endianness, Ko};

use super::*;

const MACHINES: [(Architecture, Endianness); 6] = [
    (Architecture::X86_64, Endianness::Little),
    (Architecture::I386, Endianness::Little),
    (Architecture::Mips, Endianness::Big),
    (Architecture::Mips64, Endianness::Little),
    (Architecture::S390x, Endianness::Big),
    (Architecture::Sparc64, Endianness::Big),
];

fn sample() -> Ko {
    Ko::new()
        .info("alias", "pci:v*")
        .raw_info(b"\0\0")
        .info("depends", "a-b,c")
        .export_as("given", 0x1234_5678, Some("SPACE"), true)
        .export_as("plain", 0x9abc_def0, None, false)
        .want_as("taken", Some(0xdead_beef), false)
        .want_as("weak", None, true)
        .want_version("module_layout")
}

#[test]
fn the_facts_are_the_same_for_all_machines_and_codecs() {
    for crcs in [Crcs::Words, Crcs::Absolute] {
        for (architecture, endianness) in MACHINES {
            for codec in Codec::ALL {
                let packed = codec.pack(&sample().machine(architecture, endianness).crcs(crcs).build()).unwrap();
                let info = module("kernel/some-mod.ko", packed.as_slice()).unwrap();
                let case = format!("{architecture:?} {codec:?} {crcs:?}");
                assert_eq!(info.name, "some_mod", "{case}");
                assert_eq!(info.file_size, packed.len() as u64, "{case}");
                let machine = info.machine.unwrap();
                assert_eq!(machine.big_endian, endianness == Endianness::Big, "{case}");
                let exports: Vec<_> =
                    info.exports.iter().map(|e| (&*e.name, e.crc, e.namespace.as_deref(), e.gpl_only)).collect();
                let expected =
                    [("given", Some(0x1234_5678), Some("SPACE"), true), ("plain", Some(0x9abc_def0), None, false)];
                assert_eq!(exports, expected, "{case}");
                let wants: Vec<_> = info.wants.iter().map(|want| (want.name, want.crc, want.weak)).collect();
                let layout = Some(Ko::crc_of("module_layout"));
                let expected =
                    [("taken", Some(0xdead_beef), false), ("weak", None, true), ("module_layout", layout, false)];
                assert_eq!(wants, expected, "{case}");
                assert_eq!(info.modinfo.depends(), ["a_b", "c"], "{case}");
                assert!(info.versioned && !info.signed && info.has_init && info.has_exit, "{case}");
            }
        }
    }
}

#[test]
fn without_versions_every_string_of_the_section_is_an_export() {
    let info = module("m.ko", sample().crcs(Crcs::None).build().as_slice()).unwrap();
    let names: Vec<&str> = info.exports.iter().map(|export| &*export.name).collect();
    assert_eq!(names, ["given", "SPACE", "plain"]);
    assert!(!info.versioned);
}

#[test]
fn init_exit_signature_and_size() {
    let check = |ko: Ko| {
        let info = module("m.ko", ko.build().as_slice()).unwrap();
        format!("{} {} {} {}\n", info.unloadable(), info.has_init, info.signed, info.loaded_size)
    };
    let shown: String = [
        check(Ko::new()),
        check(Ko::new().code(true, false)),
        check(Ko::new().code(false, false).signed()),
        check(Ko::new().info("vermagic", "6.1 SMP mod_unload ").text_size(100)),
        check(Ko::new().info("vermagic", "6.1 SMP ")),
    ]
    .concat();
    expect![[r#"
        true true false 16
        false true false 16
        true false true 16
        true true false 100
        false true false 16
    "#]]
    .assert_eq(&shown);
}

#[test]
fn an_executable_is_no_module() {
    let mut bytes = sample().build();
    bytes[16] = 2;
    assert!(matches!(module("m.ko", bytes.as_slice()).unwrap_err().fault, Fault::NotRelocatable(2)));
}

/// Counts the bytes that are read: a big module must not be read whole.
#[test]
fn only_what_holds_facts_is_read() {
    struct Counting(Vec<u8>, std::cell::Cell<u64>);
    impl ReadAt for Counting {
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read_at(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
            self.1.set(self.1.get() + range.end - range.start);
            self.0.as_slice().read_at(range)
        }
    }
    let source = Counting(sample().text_size(1 << 20).build(), std::cell::Cell::new(0));
    assert_eq!(module("m.ko", &source).unwrap().exports.len(), 2);
    assert!(source.1.get() < 16 << 10, "{} bytes were read", source.1.get());
}
