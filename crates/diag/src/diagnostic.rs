//! One finding about the user's text, and a list of them.

use crate::{Code, Span};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For information; no action needed.
    Note,
    /// Work continues, but the user should look.
    Warning,
    /// The stage that found it has no result.
    Error,
}

/// A place that a diagnostic points at, with a short text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// The text pointed at.
    pub span: Span,
    /// The relation of this place to the finding; may be empty.
    pub text: String,
}

/// One finding: what, where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The kind of the finding.
    pub code: Code,
    /// Its severity.
    pub severity: Severity,
    /// One line, lower case, no full stop.
    pub message: String,
    /// The reason in a few words, for a table in which the subject has a column of its own; the message when absent.
    pub brief: Option<String>,
    /// Dotted path of the option at fault (`kernel.config.FOO`), when there is one.
    pub option: Option<String>,
    /// The places concerned; the first is the one to look at first.
    pub labels: Vec<Label>,
    /// The reasons, one fact each; deeper causes are indented.
    pub notes: Vec<String>,
    /// The remedies, one each.
    pub help: Vec<String>,
}

/// Findings in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostic {
    /// Starts an error.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, message.into())
    }

    /// Starts a warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, message.into())
    }

    /// Starts a finding that needs no action.
    pub fn remark(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Note, code, message.into())
    }

    /// Sets the reason in a few words.
    #[must_use]
    pub fn brief(mut self, text: impl Into<String>) -> Diagnostic {
        self.brief = Some(text.into());
        self
    }

    /// Names the option at fault.
    #[must_use]
    pub fn option(mut self, path: impl Into<String>) -> Diagnostic {
        self.option = Some(path.into());
        self
    }

    /// Adds a place; `None` adds nothing.
    #[must_use]
    pub fn label(mut self, span: impl Into<Option<Span>>, text: impl Into<String>) -> Diagnostic {
        self.labels.extend(span.into().map(|span| Label { span, text: text.into() }));
        self
    }

    /// Adds an explanatory fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Adds a remedy.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }

    fn new(severity: Severity, code: Code, message: String) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            message,
            brief: None,
            option: None,
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }
}

impl Diagnostics {
    /// Makes an empty list.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are no findings.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of findings.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, findings: I) {
        self.list.extend(findings);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(findings: I) -> Diagnostics {
        Diagnostics { list: findings.into_iter().collect() }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
