//! Expressions of `when` blocks: places are in the text, what is read can be written and read again, and `not` and
//! `all` mean what they say.

#![no_main]

use std::ops::Range;

use kiln_diag::Sources;
use kiln_fuzz::recipe::evaluated;
use kiln_recipe::{Condition, Facts, Fault, Modules, Predicate, Section, Tree, merge};
use libfuzzer_sys::fuzz_target;

/// A key's length decides: every third is not known.
struct ByLength;

impl Facts for ByLength {
    fn check(&self, _: &Predicate) -> Result<(), Fault> {
        Ok(())
    }

    fn holds(&self, predicate: &Predicate, _: &Tree) -> Result<bool, Fault> {
        let length = predicate.key.len() + predicate.value.as_ref().map_or(0, String::len);
        if length % 3 == 0 { Err(Fault::new("not known")) } else { Ok(length % 3 == 1) }
    }
}

fuzz_target!(|text: &str| {
    let check = |range: &Range<usize>| assert!(text.get(range.clone()).is_some(), "{range:?} is outside of the text");
    let condition = match Condition::parse(text) {
        Ok(condition) => condition,
        Err(fault) => return check(&fault.range),
    };
    condition.predicates().into_iter().for_each(|predicate| check(&predicate.range));
    let written = show(&condition);
    let again = Condition::parse(&written).unwrap_or_else(|fault| panic!("{written}: {fault:?}"));
    assert_eq!(show(&again), written);

    let (tree, _) = merge(&Section { entries: Vec::new() }, &Modules::default(), &ByLength, &Sources::new());
    let holds = |condition: &Condition| condition.holds(&ByLength, &tree).map_err(|_| ());
    let expected = holds(&condition);
    assert_eq!(holds(&again), expected, "{written}");
    // Two levels more may be too deep.
    if let Ok(opposite) = Condition::parse(&format!("not(all({text},))")) {
        assert_eq!(holds(&opposite).map(|holds| !holds), expected, "{written}");
    }
    evaluated("r.toml", format!("[when.'''{text}'''.kernel.config]\nNET = \"y\"\n").as_bytes());
});

fn show(condition: &Condition) -> String {
    let list = |list: &[Condition]| list.iter().map(show).collect::<Vec<_>>().join(", ");
    match condition {
        Condition::All(inner) => format!("all({})", list(inner)),
        Condition::Any(inner) => format!("any({})", list(inner)),
        Condition::Not(inner) => format!("not({})", show(inner)),
        Condition::Is(Predicate { key, value: None, .. }) => key.clone(),
        Condition::Is(Predicate { key, value: Some(value), .. }) if value.contains('"') => format!("{key} = '{value}'"),
        Condition::Is(Predicate { key, value: Some(value), .. }) => format!("{key} = \"{value}\""),
    }
}
