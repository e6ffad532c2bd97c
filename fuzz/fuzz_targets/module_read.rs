//! No bytes of a module file make the reader panic or hold much memory, and what is read can be indexed and closed.

#![no_main]

use kiln_modgraph::{ClosureOptions, Graph, Inputs, Layout, closure, depmod, index, read, symbol_faults};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(info) = read::module("kernel/fuzz.ko", bytes) else { return };
    let name = info.name.clone();
    let inputs = Inputs {
        modules: vec![info],
        order: Some(bytes),
        builtin: Some(bytes),
        builtin_modinfo: Some(bytes),
        kernel_symbols: None,
        layout: Layout::V34,
    };
    let (graph, _) = Graph::build(inputs);
    let _ = closure(&graph, &[&name], &ClosureOptions { vermagic: None, missing_namespaces_load: false, without: &[] });
    let _ = symbol_faults(&graph);
    for layout in [Layout::V30, Layout::V34] {
        let Ok(files) = depmod(&graph, layout) else { continue };
        for (file, bytes) in files.iter().filter(|(file, bytes)| file.ends_with(".bin") && !bytes.is_empty()) {
            index::read(bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
});
