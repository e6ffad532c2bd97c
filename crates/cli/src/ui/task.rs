//! The running task: a bar on a terminal, lines from time to time in a log.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

/// The unit of a task's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Items,
    Bytes,
}

/// A running task.
pub(super) struct Task {
    name: String,
    total: Option<u64>,
    unit: Unit,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
}

/// An estimate from less time than this would be wrong more often than right.
const SETTLED: Duration = Duration::from_secs(5);

impl Task {
    pub(super) fn new(name: &str, total: Option<u64>, unit: Unit, is_terminal: bool) -> Task {
        let now = Instant::now();
        let bar = is_terminal.then(|| bar(name, total, unit));
        Task { name: name.to_owned(), total, unit, bar, started: now, last_line: now }
    }

    /// Notes how much is done; returns a line for a log, at most every `interval`.
    pub(super) fn advance(&mut self, done: u64, item: &str, interval: Duration) -> Option<String> {
        // An estimate that turns out too low must not show more than 100 %.
        let total = self.total.map(|total| total.max(done));
        if let Some(bar) = &self.bar {
            bar.set_length(total.unwrap_or(0));
            bar.set_position(done);
            bar.set_message(item.to_owned());
            return None;
        }
        if self.last_line.elapsed() < interval {
            return None;
        }
        self.last_line = Instant::now();
        Some(line(&self.name, Done { done, total, unit: self.unit }, self.started.elapsed(), item))
    }

    /// Hides the bar while something is written.
    pub(super) fn suspend(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the bar; returns the name and the time that it took.
    pub(super) fn end(self) -> (String, Duration) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        (self.name, self.started.elapsed())
    }
}

fn bar(name: &str, total: Option<u64>, unit: Unit) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match (total, unit) {
        (Some(_), Unit::Items) => "{prefix} [{bar:30}] {percent:>3} % {pos}/{len} {elapsed}, {eta} left {wide_msg}",
        (Some(_), Unit::Bytes) => {
            "{prefix} [{bar:30}] {percent:>3} % {bytes}/{total_bytes} {elapsed}, {eta} left {wide_msg}"
        }
        (None, Unit::Items) => "{prefix} {spinner} {elapsed} {wide_msg}",
        (None, Unit::Bytes) => "{prefix} {spinner} {bytes} {elapsed} {wide_msg}",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The part of a task that is done.
#[derive(Clone, Copy)]
struct Done {
    done: u64,
    total: Option<u64>,
    unit: Unit,
}

/// Returns a line for a log.
fn line(name: &str, Done { done, total, unit }: Done, elapsed: Duration, item: &str) -> String {
    let size = |n: u64| match unit {
        Unit::Items => n.to_string(),
        Unit::Bytes => HumanBytes(n).to_string(),
    };
    let mut text = match total {
        Some(total) if total > 0 => {
            let percent = u128::from(done) * 100 / u128::from(total);
            format!("{name}: {percent} % ({} of {}) after {}", size(done), size(total), duration(elapsed))
        }
        _ => format!("{name}: {} after {}", size(done), duration(elapsed)),
    };
    if let Some(total) = total.filter(|_| done > 0 && elapsed >= SETTLED) {
        let left = elapsed.mul_f64((total - done) as f64 / done as f64);
        text += &format!(", about {} left", duration(left));
    }
    if !item.is_empty() {
        text += &format!(": {item}");
    }
    text + "\n"
}

/// Returns a duration for people: `45 s`, `3 min 5 s`, `1 h 2 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_percent_units_and_an_estimate() {
        let of = |done, total, unit, seconds, item| {
            line("compile", Done { done, total, unit }, Duration::from_secs(seconds), item)
        };
        assert_eq!(
            of(500, Some(2000), Unit::Items, 60, "kernel/fork.o"),
            "compile: 25 % (500 of 2000) after 1 min 0 s, about 3 min 0 s left: kernel/fork.o\n"
        );
        assert_eq!(
            of(3 << 20, Some(12 << 20), Unit::Bytes, 5, ""),
            "compile: 25 % (3.00 MiB of 12.00 MiB) after 5 s, about 15 s left\n"
        );
        // Too early for an estimate, nothing done yet, no size.
        assert_eq!(of(1, Some(100), Unit::Items, 1, ""), "compile: 1 % (1 of 100) after 1 s\n");
        assert_eq!(of(0, Some(100), Unit::Items, 9, ""), "compile: 0 % (0 of 100) after 9 s\n");
        assert_eq!(of(7, None, Unit::Items, 3700, "x"), "compile: 7 after 1 h 1 min: x\n");
        assert_eq!(of(0, Some(0), Unit::Bytes, 9, ""), "compile: 0 B after 9 s\n");
    }

    #[test]
    fn lines_are_rare_and_never_beyond_the_whole() {
        let mut task = Task::new("compile", Some(10), Unit::Items, false);
        assert_eq!(task.advance(1, "", Duration::from_secs(60)), None);
        assert!(task.advance(20, "", Duration::ZERO).expect("a line").starts_with("compile: 100 % (20 of 20)"));
    }
}
