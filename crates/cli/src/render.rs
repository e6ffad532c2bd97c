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

/// The most characters of a subject and of a reason in a table.
const WIDTHS: [usize; 2] = [34, 72];
/// The most reasons below a table; where all causes are more, the deeper ones are left to `--details`.
const N_REASONS: usize = 16;

/// Formats several findings for people: a table with a line for each, then the reasons and remedies, each once however
/// many findings share it.
pub(crate) fn table(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let mut all: Vec<&Diagnostic> = diagnostics.iter().collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.severity));
    let rows: Vec<[String; 4]> = all.iter().map(|one| row(sources, one)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2].map(width);
    let mut out = String::new();
    for [severity, subject, reason, place] in &rows {
        let [first, second, third] = widths;
        let line = format!("{severity:first$}  {subject:second$}  {reason:third$}  {place}");
        out += line.trim_end();
        out.push('\n');
    }
    let (mut reasons, remedies) = (shared(&all, |one| &one.notes), shared(&all, |one| &one.help));
    // A reason that does not name its subject says nothing outside of its finding.
    reasons.retain(|reason| reason.contains('`'));
    if reasons.len() > N_REASONS {
        reasons.retain(|reason| !reason.starts_with(' '));
    }
    let left = reasons.len().saturating_sub(N_REASONS);
    for (title, lines) in [("reasons", &reasons[..reasons.len() - left]), ("remedies", &remedies[..])] {
        if !lines.is_empty() {
            out += &format!("\n{title}:\n");
        }
        lines.iter().for_each(|line| out += &format!("  {line}\n"));
        if title == "reasons" && left > 0 {
            out += &format!("  and {left} more\n");
        }
    }
    out + "\n`--details` shows each finding with its lines\n"
}

/// Returns the columns of a finding: severity, subject, reason, place.
fn row(sources: &Sources, one: &Diagnostic) -> [String; 4] {
    let severity = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let label = one.labels.first();
    let text = label.map(|label| sources.snippet(label.span).lines().next().unwrap_or_default().trim().to_owned());
    let subject = text.filter(|text| !text.is_empty()).or_else(|| one.option.clone()).unwrap_or_default();
    let reason = one.brief.as_deref().unwrap_or(&one.message);
    let place = label.map(|label| sources.location(label.span).to_string()).unwrap_or_default();
    [severity.to_owned(), cut(&subject, WIDTHS[0]), cut(reason, WIDTHS[1]), place]
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Returns the lines of all findings, each once; without those that only offer to accept the fault.
fn shared<'a>(all: &[&'a Diagnostic], lines: impl Fn(&'a Diagnostic) -> &'a [String]) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for line in all.iter().flat_map(|one| lines(one)) {
        let is_offer = line.starts_with("or ");
        if !is_offer && !seen.iter().any(|known: &&str| known.trim() == line.trim()) {
            seen.push(line.as_str());
        }
    }
    seen
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

#[cfg(test)]
mod tests {
    use kiln_diag::Code;

    use super::*;

    #[test]
    fn a_table_shows_each_reason_and_remedy_once() {
        let mut sources = Sources::new();
        let file = sources.add("kiln.toml", "A = \"y\"\nB = \"y\"\n");
        let finding = |symbol: &str, line: u32| {
            Diagnostic::error(Code::UnmetDependency, format!("`{symbol}` was requested as `y` but is not set"))
                .brief("needs NET [=n]")
                .label(sources.line_span(file, line), "requested here")
                .note(format!("`{symbol}` needs NET [=n] (Kconfig:7): set `NET = \"y\"`"))
                .note("`NET` needs PCI [=n] (Kconfig:9)")
                .note("  `PCI` is far below")
                .help("or mark it as optional")
                .help("all requests hold with `NET = \"y\"`")
        };
        let remark = Diagnostic::remark(Code::EmptyGroup, "nothing is in it");
        let all: Diagnostics = [remark, finding("A", 1), finding("B", 2)].into_iter().collect();
        let expected = "\
error  A = \"y\"  needs NET [=n]    kiln.toml:1:1
error  B = \"y\"  needs NET [=n]    kiln.toml:2:1
note            nothing is in it

reasons:
  `A` needs NET [=n] (Kconfig:7): set `NET = \"y\"`
  `NET` needs PCI [=n] (Kconfig:9)
    `PCI` is far below
  `B` needs NET [=n] (Kconfig:7): set `NET = \"y\"`

remedies:
  all requests hold with `NET = \"y\"`

`--details` shows each finding with its lines
";
        assert_eq!(table(&sources, &all), expected);
    }
}
