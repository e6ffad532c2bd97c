//! Diagnostics as text and as JSON.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use kiln_diag::{Diagnostic, Diagnostics, FileId, Severity, Sources};
use serde_json::{Value, json};

/// Formats one finding for people, ended by a newline.
pub(crate) fn text(sources: &Sources, diagnostic: &Diagnostic, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name()));
    for file in files(diagnostic) {
        group = group.element(snippet(sources, diagnostic, file));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    format!("{}\n", renderer.render(&[group]))
}

/// Names the command that explains the codes of findings; `None` without errors and warnings.
pub(crate) fn more(diagnostics: &Diagnostics) -> Option<String> {
    let mut codes = Vec::new();
    for diagnostic in diagnostics.iter().filter(|one| one.severity != Severity::Note) {
        if !codes.contains(&diagnostic.code) {
            codes.push(diagnostic.code);
        }
    }
    let commands: Vec<String> = codes.iter().take(3).map(|code| format!("`kiln explain {code}`")).collect();
    (!commands.is_empty()).then(|| format!("for more, see {}", commands.join(", ")))
}

/// Returns all findings as `--json` prints them.
///
/// Shape: `{"version":1,"diagnostics":[{"code","severity","message","option","locations":[{"file","line","column","label"}],"notes":[…],"help"}]}`.
pub(crate) fn json(sources: &Sources, diagnostics: &Diagnostics) -> Value {
    json!({ "version": 1, "diagnostics": diagnostics.iter().map(|one| entry(sources, one)).collect::<Vec<_>>() })
}

fn entry(sources: &Sources, diagnostic: &Diagnostic) -> Value {
    let locations: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let at = sources.location(label.span);
            json!({ "file": at.file, "line": at.line, "column": at.column, "label": label.text })
        })
        .collect();
    json!({
        "code": diagnostic.code.name(),
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "message": diagnostic.message,
        "option": diagnostic.option,
        "locations": locations,
        "notes": diagnostic.notes,
        "help": (!diagnostic.help.is_empty()).then(|| diagnostic.help.join("\n")),
    })
}

/// Returns the files that a finding points into, in order of first mention.
fn files(diagnostic: &Diagnostic) -> Vec<FileId> {
    let mut files = Vec::new();
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
}

fn snippet<'a>(sources: &'a Sources, diagnostic: &'a Diagnostic, file: FileId) -> Snippet<'a, Annotation<'a>> {
    let text = sources.text(file);
    let mut snippet = Snippet::source(text).path(sources.name(file));
    for (index, label) in diagnostic.labels.iter().enumerate().filter(|(_, label)| label.span.file == file) {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let range = label.span.range();
        let range = range.start.min(text.len())..range.end.min(text.len());
        let annotation = kind.span(range);
        snippet =
            snippet.annotation(if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) });
    }
    snippet
}
