//! What long work tells whoever waits for it.

/// A listener to long work; the command line shows a bar on a terminal and plain lines elsewhere.
///
/// One task runs at a time: `begin`, any number of `advance`, `end`.
pub trait Progress: Sync {
    /// A task starts; `total` is its size in the task's own unit, when known.
    fn begin(&self, task: &str, total: Option<u64>);
    /// The task is `done` units far, and busy with `item`.
    fn advance(&self, done: u64, item: &str);
    /// The task is over.
    fn end(&self);
    /// Something worth a line whatever the task.
    fn note(&self, line: &str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _item: &str) {}
    fn end(&self) {}
    fn note(&self, _line: &str) {}
}
