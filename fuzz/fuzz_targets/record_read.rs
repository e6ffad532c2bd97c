//! Build records: no bytes make a record that points outside of itself, and what is read is read again when written.

#![no_main]

use kiln_impact::{BuildRecord, compare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = BuildRecord::decode(bytes) else { return };
    for product in 0..record.len() {
        let _ = (record.path(product), record.kind(product), record.digest(product));
        let _ = (record.symbols(product).count(), record.reads(product).count());
        assert!(record.find(record.path(product)).is_some(), "a product has no number");
        assert!(record.below(record.path(product)).next().is_some(), "a product is not below its own path");
    }
    let written = record.encode();
    let again = BuildRecord::decode(&written).expect("what was written can be read");
    assert_eq!(again, record);
    assert_eq!(again.encode(), written);
    assert!(compare(&record, &again, ["", ""]).same_objects(), "a record differs from itself");
});
