//! The only access to the terminal: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use kiln_diag::{Diagnostics, Sources};
use kiln_store::Progress;

use crate::commands::{Color, Global};
use crate::render;

mod task;

pub(crate) use task::duration;
use task::{Task, Unit};

/// Writes to the user; copies share the task that is shown.
#[derive(Clone)]
pub(crate) struct Ui {
    color: bool,
    quiet: bool,
    /// Whether findings are shown in full.
    details: bool,
    terminal: bool,
    task: Arc<Mutex<Option<Task>>>,
    /// Why a result could not be written.
    lost: Arc<Mutex<Option<io::Error>>>,
    /// Whether a message could not be written.
    lost_message: Arc<AtomicBool>,
}

/// How often a running task is reported in a log (no terminal).
const PLAIN_EVERY: Duration = Duration::from_secs(15);
/// Findings about the user's text that are shown: a text with more of them is something else.
const MAX_SHOWN: usize = 500;
/// Shorter tasks end without a line.
const LONG: Duration = Duration::from_secs(2);

impl Ui {
    /// Decides about colour and bars once.
    ///
    /// Without `--color`, `anstream` decides: whether standard error is a terminal, `NO_COLOR`, `CLICOLOR`,
    /// `CLICOLOR_FORCE` and `TERM`.
    pub(crate) fn new(global: &Global) -> Ui {
        let stderr = io::stderr();
        let color = match global.color {
            Color::Auto => AutoStream::choice(&stderr) != ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        Ui {
            color,
            quiet: global.quiet,
            details: global.details || global.verbose > 0,
            terminal: stderr.is_terminal(),
            task: Arc::default(),
            lost: Arc::default(),
            lost_message: Arc::default(),
        }
    }

    /// Whether messages are coloured.
    pub(crate) fn has_color(&self) -> bool {
        self.color
    }

    /// Writes a result.
    ///
    /// A reader that is gone (`| head`) ends the output, without a panic of kiln; any other failure is kept for
    /// [`Ui::lost_result`].
    pub(crate) fn result(&self, text: &str) {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// Returns why a result could not be written to standard output, when that is so.
    pub(crate) fn lost_result(&self) -> Option<io::Error> {
        self.lost.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    /// Whether a message could not be written to standard error, other than for a reader that is gone.
    pub(crate) fn has_lost_message(&self) -> bool {
        self.lost_message.load(Ordering::Relaxed)
    }

    /// Writes a value as JSON, with a newline.
    pub(crate) fn json(&self, value: &serde_json::Value) {
        self.result(&format!("{value:#}\n"));
    }

    /// Prints a note; nothing under `--quiet`.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.stderr(&format!("{text}\n"));
        }
    }

    /// Passes on the messages of a program that kiln replaces, unchanged.
    pub(crate) fn text(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.stderr(&String::from_utf8_lossy(bytes));
        }
    }

    /// Warns about something that is not in the user's text.
    pub(crate) fn warn(&self, text: &str) {
        self.stderr(&format!("{} {text}\n", self.bold("33", "warning:")));
    }

    /// Prints what went wrong, and what to do.
    pub(crate) fn error(&self, text: &str, help: &[String]) {
        let mut message = format!("{} {text}\n", self.bold("31", "error:"));
        for line in help {
            message.push_str(&format!("{} {line}\n", self.bold("36", "help:")));
        }
        self.stderr(&message);
    }

    /// Shows the findings of a check: several of them, with an error among them, as a table unless details are wanted.
    pub(crate) fn findings(&self, sources: &Sources, diagnostics: &Diagnostics) {
        if self.details || diagnostics.len() < 2 || !diagnostics.has_errors() {
            let texts: Vec<String> = diagnostics.iter().map(|one| render::text(sources, one, self.color)).collect();
            self.stderr(&texts.join("\n"));
        } else {
            self.stderr(&render::table(sources, diagnostics));
        }
        if let Some(line) = render::more(diagnostics) {
            self.say(&line);
        }
    }

    /// Shows findings about the user's text.
    pub(crate) fn diagnostics(&self, sources: &Sources, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
            self.stderr(&render::text(sources, diagnostic, self.color));
        }
        if diagnostics.len() > MAX_SHOWN {
            self.say(&format!("{} more findings are not shown", diagnostics.len() - MAX_SHOWN));
        }
        if let Some(line) = render::more(diagnostics) {
            self.say(&line);
        }
    }

    fn bold(&self, color: &str, text: &str) -> String {
        if self.color { format!("\x1b[1;{color}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Hides a bar on screen while text is written.
    fn stderr(&self, text: &str) {
        let write = || {
            let written = io::stderr().lock().write_all(text.as_bytes());
            if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
                self.lost_message.store(true, Ordering::Relaxed);
            }
        };
        match &*self.task() {
            Some(task) => task.suspend(write),
            None => write(),
        }
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Option<Task>> {
        self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Ui {
    fn start(&self, name: &str, total: Option<u64>, unit: Unit) {
        if self.quiet {
            return;
        }
        let task = Task::new(name, total, unit, self.terminal);
        if !self.terminal {
            self.stderr(&format!("{name}\n"));
        }
        *self.task() = Some(task);
    }
}

impl Progress for Ui {
    fn begin(&self, task: &str, total: Option<u64>) {
        self.start(task, total, Unit::Items);
    }

    fn begin_bytes(&self, task: &str, total: Option<u64>) {
        self.start(task, total, Unit::Bytes);
    }

    fn advance(&self, done: u64, item: &str) {
        let line = self.task().as_mut().and_then(|task| task.advance(done, item, PLAIN_EVERY));
        if let Some(line) = line {
            self.stderr(&line);
        }
    }

    fn end(&self) {
        let task = self.task().take();
        if let Some(task) = task {
            let (name, elapsed) = task.end();
            if elapsed >= LONG {
                self.stderr(&format!("{name}: done in {}\n", duration(elapsed)));
            }
        }
    }

    fn note(&self, line: &str) {
        self.say(line);
    }
}

/// Writes the output of the argument parser (help and version on standard output), and returns the exit status.
pub(crate) fn usage(error: &clap::Error) -> u8 {
    let printed = error.print().and_then(|()| io::stdout().lock().flush());
    match printed {
        _ if error.use_stderr() => crate::exit::USAGE,
        Err(failure) if failure.kind() != io::ErrorKind::BrokenPipe => {
            // There is no `Ui` yet; when this cannot be written either, the status says it.
            let _ = writeln!(io::stderr(), "error: cannot write to standard output: {failure}");
            crate::exit::HOST
        }
        _ => crate::exit::FINE,
    }
}
