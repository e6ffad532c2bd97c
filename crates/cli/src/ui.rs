//! The only access to the terminal: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressStyle};
use kiln_diag::{Diagnostics, Sources};
use kiln_store::Progress;

use crate::commands::{Color, Global};
use crate::render;

/// Writes to the user.
pub(crate) struct Ui {
    color: bool,
    quiet: bool,
    terminal: bool,
    task: Mutex<Option<Task>>,
}

/// The running task, for the bar or for the plain lines that replace one.
struct Task {
    name: String,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

/// How often a running task is reported in a log (no terminal).
const PLAIN_EVERY: Duration = Duration::from_secs(15);

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
        Ui { color, quiet: global.quiet, terminal: stderr.is_terminal(), task: Mutex::new(None) }
    }

    /// Whether messages are coloured.
    pub(crate) fn has_color(&self) -> bool {
        self.color
    }

    /// Writes a result.
    ///
    /// A reader that is gone (`| head`) ends the output, without a panic of kiln.
    #[expect(clippy::unused_self, reason = "results go through the same door as messages")]
    pub(crate) fn result(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
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

    /// Shows findings about the user's text.
    pub(crate) fn diagnostics(&self, sources: &Sources, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics {
            self.stderr(&render::text(sources, diagnostic, self.color));
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
            let _ = io::stderr().lock().write_all(text.as_bytes());
        };
        match &*self.task() {
            Some(Task { bar: Some(bar), .. }) => bar.suspend(write),
            _ => write(),
        }
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Option<Task>> {
        self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Ui {
    fn begin(&self, task: &str, total: Option<u64>) {
        if self.quiet {
            return;
        }
        let bar = self.terminal.then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = if total.is_some() {
                "{prefix} [{bar:30}] {pos}/{len} {elapsed} {wide_msg}"
            } else {
                "{prefix} {spinner} {elapsed} {wide_msg}"
            };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(task.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_none() {
            self.stderr(&format!("{task}\n"));
        }
        let now = Instant::now();
        *self.task() = Some(Task { name: task.to_owned(), total, bar, started: now, last_line: now });
    }

    fn advance(&self, done: u64, item: &str) {
        let mut line = None;
        if let Some(task) = &mut *self.task() {
            if let Some(bar) = &task.bar {
                // An estimate that turns out too low must not show more than 100 %.
                bar.set_length(task.total.unwrap_or(0).max(done));
                bar.set_position(done);
                bar.set_message(item.to_owned());
            } else if task.last_line.elapsed() >= PLAIN_EVERY {
                task.last_line = Instant::now();
                let of = task.total.map(|total| format!("/{}", total.max(done))).unwrap_or_default();
                line = Some(format!("{} {done}{of} ({} s) {item}\n", task.name, task.started.elapsed().as_secs()));
            }
        }
        if let Some(line) = line {
            self.stderr(&line);
        }
    }

    fn end(&self) {
        let task = self.task().take();
        if let Some(Task { name, bar, started, .. }) = task {
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
            if started.elapsed() >= Duration::from_secs(2) {
                self.stderr(&format!("{name}: done in {} s\n", started.elapsed().as_secs()));
            }
        }
    }

    fn note(&self, line: &str) {
        self.say(line);
    }
}

/// Writes the output of the argument parser (help and version on standard output), and returns the exit status.
pub(crate) fn usage(error: &clap::Error) -> u8 {
    let _ = error.print();
    if error.use_stderr() { crate::exit::USAGE } else { crate::exit::FINE }
}
