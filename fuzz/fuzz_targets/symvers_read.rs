//! `Module.symvers` and `System.map`: every line's symbol is found, and two texts differ the same way from both sides.

#![no_main]

use kiln_impact::{BuildRecord, ExportChange, compare};
use kiln_modgraph::KernelSymbols;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let symbols = KernelSymbols::from_symvers(text);
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [crc, name, module, ..] = fields[..] else { continue };
        // A name that begins with a dot is looked up without it.
        if !crc.starts_with("0x") || u32::from_str_radix(&crc[2..], 16).is_err() || name.starts_with('.') {
            continue;
        }
        let found = symbols.get(name).unwrap_or_else(|| panic!("{name} is not found"));
        assert!(module != "vmlinux" || found.module.is_none(), "the image's {name} is found in a module");
        assert_eq!(symbols.image(name).is_some(), found.module.is_none());
    }
    KernelSymbols::from_system_map(text);

    let record = BuildRecord::new("", Vec::new());
    let exports = |one, two| compare(&record, &record, [one, two]).exports;
    assert_eq!(exports(text, text), []);
    let half = text.lines().take(text.lines().count() / 2).fold(String::new(), |half, line| half + line + "\n");
    let turned = exports(&half, text).into_iter().map(|change| match change {
        ExportChange::Added(name) => ExportChange::Removed(name),
        ExportChange::Removed(name) => ExportChange::Added(name),
        changed => changed,
    });
    assert_eq!(turned.collect::<Vec<_>>(), exports(text, &half));
});
