//! TOML recipes: evaluating ends, findings are in the text, what is read can be written and read again, and a value
//! that is written into a recipe is there afterwards.

#![no_main]

use kiln_fuzz::recipe::{data, evaluated, toml_of};
use kiln_recipe::{Amendment, Data, amend};
use libfuzzer_sys::fuzz_target;

const PATH: [&str; 2] = ["kernel", "config"];

fuzz_target!(|bytes: &[u8]| {
    evaluated("r.toml", bytes);
    let Some(read) = data("r.toml", bytes) else { return };
    if let Some(written) = toml_of(&read) {
        let again = data("r.toml", written.as_bytes()).unwrap_or_else(|| panic!("{written} is no TOML"));
        assert!(again.same(&read), "{written} is not {read}");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let amendment =
        Amendment { key: "NET".to_owned(), value: "y".to_owned(), comment: "for A".to_owned(), beside: None };
    let Ok(amended) = amend(text, &PATH, &[amendment]) else { return };
    let again = data("r.toml", amended.as_bytes()).unwrap_or_else(|| panic!("{amended} is no TOML"));
    let value = PATH.iter().chain(&["NET"]).fold(Some(&again), |data, key| match data? {
        Data::Table(entries) => entries.iter().find(|entry| entry.key == *key).map(|entry| &entry.value.data),
        _ => None,
    });
    let inner = match value {
        Some(Data::Table(entries)) => entries
            .iter()
            .find(|entry| ["value", "default", "force"].contains(&entry.key.as_str()))
            .map(|entry| &entry.value.data),
        value => value,
    };
    let is_there = [value, inner].into_iter().flatten().any(|data| *data == Data::Text("y".to_owned()));
    assert!(is_there || matches!(value, Some(Data::Table(_))), "{amended} has no NET");
});
