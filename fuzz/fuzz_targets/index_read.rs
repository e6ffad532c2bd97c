//! No bytes of an index make its reader panic, and an index that can be read means the same when written again.

#![no_main]

use kiln_modgraph::{Layout, index};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reader) = index::Reader::new(bytes) {
        let _ = reader.get(b"pci:v00001234d*");
        let _ = reader.matching(b"pci:v00001234d00005678");
    }
    let Ok(trie) = index::read(bytes) else { return };
    for layout in [Layout::V30, Layout::V34] {
        // A key that a file has need not be one that depmod would write.
        let Ok(written) = index::write(&trie, layout) else { continue };
        assert_eq!(index::read(&written).as_ref(), Ok(&trie));
    }
});
