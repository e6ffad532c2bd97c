//! JSON recipes: evaluating ends, findings are in the text, and the same data in TOML means the same.

#![no_main]

use kiln_fuzz::recipe::{data, evaluated, toml_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    evaluated("r.json", bytes);
    let Some(read) = data("r.json", bytes) else { return };
    let Some(written) = toml_of(&read) else { return };
    let again = data("r.toml", written.as_bytes()).unwrap_or_else(|| panic!("{written} is no TOML"));
    assert!(again.same(&read), "{written} is not {read}");
});
