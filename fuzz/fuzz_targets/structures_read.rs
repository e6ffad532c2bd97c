//! Objects with debug information, and archives of objects: reading ends, and says the same twice.

#![no_main]

use kiln_impact::Layouts;
use kiln_modgraph::read::{archive_members, memory_digest, structures};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(memory_digest(bytes), memory_digest(bytes));
    archive_members(bytes);
    let Ok(found) = structures(bytes) else { return };
    for structure in &found {
        assert!(!structure.name.is_empty(), "{structure:?} has no name");
        assert!(structure.title().ends_with(&structure.name));
    }
    let mut layouts = Layouts::default();
    layouts.add([found.clone(), found]);
    assert!(layouts.files().is_empty(), "structures differ from themselves");
});
