//! One case for each rule and each fault, as text.

mod files;
mod kernel;
mod options;
mod when;

use expect_test::Expect;
use kiln_plan::evaluate;

use crate::fixture::{Files, evaluated, evaluated_for, findings};

/// Returns all findings for `recipe`.
fn finds(recipe: &str, expect: Expect) {
    let (sources, evaluation) = evaluated(&Files::parse(recipe));
    expect.assert_eq(&findings(&sources, &evaluation.diagnostics));
}

/// Returns a sound recipe's values, as `kiln eval` prints them.
fn gives(recipe: &str, expect: Expect) {
    let (sources, evaluation) = evaluated(&Files::parse(recipe));
    let said = findings(&sources, &evaluation.diagnostics);
    let evaluated = evaluation.evaluated.unwrap_or_else(|| panic!("{said}"));
    let text = evaluate::text(&evaluated, &sources, true);
    // Values that every recipe has by default are left out.
    let noise = |part: &&str| !part.starts_with("[boot]") && !part.starts_with("[hardware]");
    expect.assert_eq(&text.split("\n\n").filter(noise).collect::<Vec<_>>().join("\n\n"));
}

/// Returns the requests, one per line.
fn requests(recipe: &str, version: Option<&str>) -> String {
    let (sources, evaluation) = evaluated_for(&Files::parse(recipe), version);
    let said = findings(&sources, &evaluation.diagnostics);
    let kernel = evaluation.evaluated.unwrap_or_else(|| panic!("{said}")).kernel;
    let line = |request: &evaluate::MergedRequest| format!("{}={}", request.symbol, request.value);
    kernel.requests.values().map(line).collect::<Vec<_>>().join(" ")
}
