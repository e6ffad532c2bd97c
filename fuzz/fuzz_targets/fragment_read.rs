//! Config fragments: places are in the text, what was read can be written and read again, and as a recipe it evaluates.

#![no_main]

use std::collections::BTreeMap;

use kiln_diag::Sources;
use kiln_fuzz::recipe::evaluated;
use kiln_kconfig::fragment::{AfterUnset, Assignment, Line, amend, parse};
use kiln_kconfig::quote;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (read, _) = read(text);
    let values: Vec<String> = read.iter().map(written).collect();
    let line = |(assignment, value): (&Assignment, &String)| {
        (assignment.symbol.clone(), value.clone(), assignment.symbol_span.range().start)
    };
    let owned: Vec<(String, String, usize)> = read.iter().zip(&values).map(line).collect();
    // At the end of nothing, and in the places where they are.
    for (base, replaces) in [("", false), (text, true)] {
        let beside = |start: usize| replaces.then_some(start);
        let lines: Vec<Line<'_>> = owned
            .iter()
            .map(|(symbol, value, start)| Line { symbol, value, comment: "", beside: beside(*start), replaces })
            .collect();
        let amended = amend(base, &lines);
        let (again, faults) = self::read(&amended);
        assert!(replaces || faults == 0, "{amended} has faults");
        assert_eq!(meant(&again), meant(&read), "{amended}");
    }
    evaluated("r.config", text.as_bytes());
});

/// Reads a fragment; also gives the number of findings.
fn read(text: &str) -> (Vec<Assignment>, usize) {
    let mut sources = Sources::new();
    let file = sources.add("r.config", text);
    let fragment = parse(file, text, AfterUnset::Ignored);
    let (assignments, diagnostics) = (fragment.assignments, fragment.diagnostics);
    let labels = diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels).map(|label| label.span);
    let spans = assignments.iter().flat_map(|assignment| [assignment.symbol_span, assignment.value_span]);
    for span in labels.chain(spans) {
        assert!(text.get(span.range()).is_some(), "{span:?} is outside of the text");
    }
    (assignments, diagnostics.len())
}

/// The value as [`Line`] takes it.
fn written(assignment: &Assignment) -> String {
    if assignment.quoted { quote(&assignment.value) } else { assignment.value.clone() }
}

fn meant(assignments: &[Assignment]) -> BTreeMap<&str, (&str, bool)> {
    assignments.iter().map(|one| (one.symbol.as_str(), (one.value.as_str(), one.quoted))).collect()
}
