//! Progress of long work.

/// A receiver of progress; the command line shows a bar on a terminal and plain lines elsewhere.
///
/// One task runs at a time: `begin`, any number of `advance`, `end`.
pub trait Progress: Sync {
    /// A task starts; `total` is its size in the task's own unit, when known.
    fn begin(&self, task: &str, total: Option<u64>);
    /// A task whose unit is the byte starts.
    fn begin_bytes(&self, task: &str, total: Option<u64>) {
        self.begin(task, total);
    }
    /// `done` units of the task are done, and `item` is being worked on.
    fn advance(&self, done: u64, item: &str);
    /// The task is over.
    fn end(&self);
    /// A line that is worth showing whatever the task.
    fn note(&self, line: &str);
}

/// Reports nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _item: &str) {}
    fn end(&self) {}
    fn note(&self, _line: &str) {}
}
