//! The output when there is a config to compare with, and no kernel.

use std::fmt::Write as _;

use kiln_impact::{Because, Verdict};
use kiln_pipeline::{ConfigOnly, Resolved};
use serde_json::{Value, json};

use super::{BareConfig, N_LINES, changed_symbols, changes_as_json, more, places_as_json, reached, reached_as_json};

/// What a config does not contain.
const LIMITS: &str = "a config alone does not tell which source and compiler the kernel was built with, or what \
                      objects read through headers and generated files: more may be reached than is listed here\n";

pub(super) fn text(resolved: &Resolved<'_>, config: &BareConfig, told: &ConfigOnly, all: bool) -> String {
    let mut text = format!("compared with {}, a config without a kernel in the store\n", config.path.display());
    changed_symbols(&mut text, resolved, &told.report.changes, all);
    if !told.report.impact.reached.is_empty() {
        reached(&mut text, &told.report, all);
    }
    if !told.headers.is_empty() {
        text.push_str("headers that name these symbols; the objects that read them are not known:\n");
        let n_shown = if all { told.headers.len() } else { N_LINES };
        for place in told.headers.iter().take(n_shown) {
            let _ = writeln!(text, "  {}: {}:{}", place.symbol, place.file, place.line);
        }
        more(&mut text, told.headers.len(), n_shown);
    }
    text.push_str(LIMITS);
    let _ = writeln!(text, "verdict: {}", sentence(told));
    text
}

/// Whether vmlinux gains, loses or exchanges objects: then nothing else can make it the same.
fn is_new_kernel(told: &ConfigOnly) -> bool {
    told.report.verdict() == Verdict::NewKernel
}

fn sentence(told: &ConfigOnly) -> &'static str {
    let is_other = |because: &Because| matches!(because, Because::Added | Because::Removed | Because::Moved);
    let names_built_in = told.report.impact.built_in().any(|reached| !is_other(&reached.because));
    match () {
        () if told.report.changes.is_empty() => {
            "not known: no symbol changes, but a config does not say that source and compiler are the same"
        }
        () if is_new_kernel(told) => {
            "new kernel, if it was built from this source: objects are added to vmlinux, removed from it, or move \
             between it and modules"
        }
        () if names_built_in => {
            "not known: objects of vmlinux are reached; build that config, and compare with `--exact`"
        }
        () if !told.headers.is_empty() => {
            "not known: headers are reached that objects of vmlinux may read; build that config to have a record of them"
        }
        () => "not known: nothing of vmlinux is known to be reached; build that config to have a record that proves it",
    }
}

pub(super) fn as_json(resolved: &Resolved<'_>, config: &BareConfig, told: &ConfigOnly) -> Value {
    let is_new = is_new_kernel(told);
    json!({
        "version": 1,
        "from": { "name": config.path.display().to_string(), "release": null, "kernel": null },
        "to": { "version": resolved.tree.version.to_string(), "arch": resolved.target.arch },
        "foreign": null,
        "changes": changes_as_json(resolved, &told.report.changes),
        "builtIn": reached_as_json(&mut told.report.impact.built_in()),
        "modules": reached_as_json(&mut told.report.impact.modules()),
        "configCopies": reached_as_json(&mut told.report.impact.copies()),
        "places": places_as_json(&told.report.places),
        "headers": places_as_json(&told.headers),
        "exact": null,
        "verdict": if is_new { "new-kernel" } else { "unknown" },
        "fits": is_new.then_some(false),
    })
}
