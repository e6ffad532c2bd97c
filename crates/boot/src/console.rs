//! Parses what came over the guest's serial line.
//!
//! Three sources share the line: the kernel, the programs in the guest, and the guest's own reports
//!
//! ```text
//! @kiln NONCE WORD OUTCOME TEXT @end
//! ```
//!
//! where WORD is a step's number, `request` or `finish`. A kernel message may cut through anything at any byte; it then
//! fills the line from its time stamp to the line's end, and the rest of what it cut follows on the next line. A
//! report is joined again from there. What cannot be joined is dropped: each report comes twice, and a step without a
//! report counts as not reached, never as good.
//! Everything here is hostile: control characters are removed, and lines beyond `MAX_LINES` are not kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::Outcome;

/// The lines and what was read from them.
#[derive(Debug, Clone)]
pub struct Console {
    nonce: String,
    lines: Vec<Line>,
    /// The number of lines that were not kept.
    dropped: usize,
    reports: BTreeMap<usize, Report>,
    requested: Vec<RequestedModule>,
    findings: Vec<Finding>,
    finished: bool,
    dead: bool,
    /// The beginning of a report that a kernel message cut.
    cut: String,
    /// Whether the kernel stamps its messages.
    stamped: bool,
}

/// One line of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Seconds since QEMU was started.
    pub seconds: f64,
    /// The line's source.
    pub source: LineSource,
    /// The text, without control characters.
    pub text: String,
}

/// The source of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineSource {
    /// The kernel.
    Kernel,
    /// A program in the guest.
    Guest,
    /// The guest's report on a step.
    Report,
    /// QEMU itself, on its standard error.
    Qemu,
}

/// Something in the kernel's messages that a person should see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub kind: FindingKind,
    /// The line.
    pub text: String,
    /// The line's index in the transcript.
    pub line: usize,
}

/// A module that the kernel requested from `modprobe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedModule {
    /// The module or alias, as the kernel spells it.
    pub name: String,
    /// The number of the last step that had reported; `None` before the first.
    pub step: Option<usize>,
}

/// Kinds of findings, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Something made no progress: a stall that a slow host can cause too.
    Stall,
    /// A program in the guest crashed.
    Crash,
    /// The kernel warned about itself.
    Warning,
    /// The kernel found a bug in itself.
    Bug,
    /// The kernel survived a fault of its own.
    Oops,
    /// The kernel gave up.
    Panic,
}

/// A report on one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
    /// The report's index in the transcript.
    pub(crate) line: usize,
}

/// The number of lines that a transcript keeps.
const MAX_LINES: usize = 100_000;
/// The number of bytes of a line that are kept.
const MAX_LINE: usize = 4000;
/// The beginning of a report, before the nonce.
const MARK: &str = "@kiln ";
/// The end of a report.
const END: &str = " @end";

/// A kernel's last messages. A machine that cannot do what the last three (kernel/reboot.c) announce then hangs.
const LAST_WORDS: &[&str] =
    &["---[ end Kernel panic", "reboot: System halted", "reboot: Power down", "reboot: Restarting"];

/// The beginnings of kernel messages, and what they mean.
const PATTERNS: &[(&str, FindingKind)] = &[
    ("Kernel panic - not syncing", FindingKind::Panic),
    ("Oops", FindingKind::Oops),
    ("Internal error: ", FindingKind::Oops),
    ("Unable to handle kernel", FindingKind::Oops),
    ("CPU 0 Unable to handle kernel", FindingKind::Oops),
    ("general protection fault", FindingKind::Oops),
    ("kernel BUG at", FindingKind::Bug),
    ("BUG: ", FindingKind::Bug),
    ("Kernel bug detected", FindingKind::Bug),
    ("WARNING: ", FindingKind::Warning),
    ("watchdog: BUG: soft lockup", FindingKind::Stall),
    ("INFO: task ", FindingKind::Stall),
    ("INFO: rcu", FindingKind::Stall),
    ("rcu: INFO: ", FindingKind::Stall),
];

impl Console {
    /// Starts to read a guest's console.
    pub fn new(nonce: &str) -> Console {
        Console {
            nonce: nonce.to_owned(),
            lines: Vec::new(),
            dropped: 0,
            reports: BTreeMap::new(),
            requested: Vec::new(),
            findings: Vec::new(),
            finished: false,
            dead: false,
            cut: String::new(),
            stamped: false,
        }
    }

    /// Takes the next line of the serial port, without its end.
    pub fn push(&mut self, seconds: f64, raw: &str) {
        let mut text = plain(raw);
        if !self.cut.is_empty() {
            text = std::mem::take(&mut self.cut) + &text;
        }
        if let Some(at) = stamp_within(&text) {
            self.stamped = true;
            let head = text[..at].to_owned();
            self.kernel(seconds, &text[at..]);
            if head.len() <= MAX_LINE && self.begins_report(&head) {
                self.cut = head;
            } else if !head.trim().is_empty() {
                self.guest(seconds, &head);
            }
            return;
        }
        self.guest(seconds, &text);
    }

    /// Takes a line of QEMU's own output.
    pub fn push_qemu(&mut self, seconds: f64, raw: &str) {
        self.keep(seconds, LineSource::Qemu, &plain(raw));
    }

    /// Whether the guest has reported that it has finished.
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// Whether the kernel has announced that nothing more will come.
    pub fn dead(&self) -> bool {
        self.dead
    }

    /// Whether anything came over the serial line.
    pub fn spoke(&self) -> bool {
        self.lines.iter().any(|line| line.source != LineSource::Qemu)
    }

    /// The transcript.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Returns the number of lines that came after the transcript was full.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Returns what the kernel requested from `modprobe`, each once, with the last step that had reported by then.
    pub fn requested(&self) -> &[RequestedModule] {
        &self.requested
    }

    /// Returns what a person should see, in the order in which it came.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(crate) fn report(&self, step: usize) -> Option<&Report> {
        self.reports.get(&step)
    }

    fn kernel(&mut self, seconds: f64, text: &str) {
        self.dead |= LAST_WORDS.iter().any(|words| message(text).starts_with(words));
        self.note(text);
        self.keep(seconds, LineSource::Kernel, text);
    }

    fn guest(&mut self, seconds: f64, text: &str) {
        let mark = format!("{MARK}{} ", self.nonce);
        if let Some(at) = text.find(&mark) {
            if !text[..at].trim().is_empty() {
                self.keep(seconds, LineSource::Guest, &text[..at]);
            }
            if let Some(body) = text[at + mark.len()..].trim_end().strip_suffix(END.trim_start()) {
                self.take_report(seconds, body.trim_end());
            }
            return;
        }
        // Without stamps a message can only be recognised by its beginning.
        if !self.stamped && kind_of(text).is_some() {
            self.kernel(seconds, text);
        } else if !text.trim().is_empty() {
            self.keep(seconds, LineSource::Guest, text);
        }
    }

    fn take_report(&mut self, seconds: f64, body: &str) {
        let mut words = body.splitn(3, ' ');
        let (word, outcome, text) =
            (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
        let line = self.lines.len();
        match (word, outcome) {
            ("finish", "ok") if !self.finished => self.finished = true,
            ("request", "note") => {
                if !self.requested.iter().any(|one| one.name == text) {
                    let step = self.reports.keys().next_back().copied();
                    self.requested.push(RequestedModule { name: text.to_owned(), step });
                }
            }
            _ => {
                let outcome = match outcome {
                    "ok" => Outcome::Ok,
                    "warn" => Outcome::Warned,
                    "fail" => Outcome::Failed,
                    "skip" => Outcome::Skipped,
                    _ => return,
                };
                let Ok(step) = word.parse::<usize>() else { return };
                if self.reports.contains_key(&step) {
                    return;
                }
                self.reports.insert(step, Report { outcome, text: text.trim().to_owned(), line });
            }
        }
        self.keep(seconds, LineSource::Report, body);
    }

    fn keep(&mut self, seconds: f64, source: LineSource, text: &str) {
        let seconds = milliseconds(seconds);
        if self.lines.len() >= MAX_LINES {
            self.dropped += 1;
            return;
        }
        self.lines.push(Line { seconds, source, text: text.to_owned() });
    }

    fn note(&mut self, text: &str) {
        if let Some(kind) = kind_of(message(text)) {
            // A panic after the transcript is full must still be found.
            let line = self.lines.len().min(MAX_LINES - 1);
            if self.findings.len() < 1000 || kind == FindingKind::Panic {
                self.findings.push(Finding { kind, text: message(text).to_owned(), line });
            }
        }
    }

    /// Whether `head` can be the beginning of a report.
    fn begins_report(&self, head: &str) -> bool {
        let mark = format!("{MARK}{} ", self.nonce);
        let complete = head.trim_end().ends_with(END.trim_start());
        !head.is_empty() && (mark.starts_with(head) || head.starts_with(&mark)) && !complete
    }
}

/// Returns whole milliseconds: more would only be noise, and would not survive JSON bit by bit.
pub(crate) fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Returns the meaning of a message that has one.
fn kind_of(message: &str) -> Option<FindingKind> {
    let known = PATTERNS.iter().find(|(start, _)| message.starts_with(start));
    let crash = || message.contains("]: segfault at ").then_some(FindingKind::Crash);
    known.map(|&(_, kind)| kind).or_else(crash)
}

/// Returns a kernel message without its stamp and its caller (`[    T1]`).
fn message(text: &str) -> &str {
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix('[') {
        let Some((_, after)) = inner.split_once(']') else { break };
        rest = after.trim_start();
    }
    rest
}

/// Returns where the first stamp of a kernel message (`[    1.234567] `) starts.
fn stamp_within(text: &str) -> Option<usize> {
    text.match_indices('[').map(|(at, _)| at).find(|&at| {
        let Some((inside, _)) = text[at + 1..].split_once(']') else { return false };
        let Some((seconds, micros)) = inside.trim_start().split_once('.') else { return false };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        inside.len() >= 12 && micros.len() == 6 && digits(seconds) && digits(micros)
    })
}

/// Returns `raw` without control characters and terminal sequences, capped.
fn plain(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len().min(MAX_LINE));
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if text.len() >= MAX_LINE {
            break;
        }
        match c {
            '\t' => text.push(' '),
            // CSI: parameters up to a final byte; any other sequence loses its introducer only.
            '\x1b' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next_if(|c| !('\x40'..='\x7e').contains(c)).is_some() {}
                chars.next();
            }
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests;
