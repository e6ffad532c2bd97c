//! Progress of a program that reports none, by the growth of the directory it writes to.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::progress::Progress;

const TICK: Duration = Duration::from_millis(200);

/// Runs `work` as the task `task` of `total` bytes, while showing how many bytes the files in `dir` have.
pub fn watch<T>(progress: &dyn Progress, task: &str, total: Option<u64>, dir: &Path, work: impl FnOnce() -> T) -> T {
    progress.begin_bytes(task, total);
    let done = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                progress.advance(bytes_in(dir), "");
                std::thread::park_timeout(TICK);
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        result
    });
    progress.end();
    result
}

/// Returns the bytes of the files in `dir` and in its immediate subdirectories, as far as they can be read.
fn bytes_in(dir: &Path) -> u64 {
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |entry: &fs::DirEntry| entry.metadata().map_or(0, |meta| if meta.is_file() { meta.len() } else { 0 });
    entries(dir).map(|entry| size(&entry) + entries(&entry.path()).map(|inner| size(&inner)).sum::<u64>()).sum()
}
