//! The files of a graph.

mod modprobe;
mod openrc;
mod s6;
mod script;
mod systemd;

use crate::ServiceGraph;

/// One file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// The path, relative to the result directory, with `/` between parts.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Its text.
    pub contents: String,
}

/// The time limit of a manager for a start or a stop, in seconds. A loader that waits for another loader, or for a
/// module that is being loaded elsewhere, gives up after a minute each, so this only ends a call that hangs in the
/// kernel.
const TIMEOUT_SECONDS: u32 = 300;

/// Returns the files of a graph: every loader's script, its services, and its configuration of `modprobe`.
///
/// `script_dir` is the directory on the device that `services/sh` is copied to, absolute, without blanks or quotes.
/// The files are ordered by path.
pub fn render(graph: &ServiceGraph, script_dir: &str) -> Vec<RenderedFile> {
    let mut files = Vec::new();
    for loader in graph.loaders() {
        let script = format!("{}/{}", script_dir.trim_end_matches('/'), loader.name);
        files.push(RenderedFile {
            path: format!("services/sh/{}", loader.name),
            mode: 0o755,
            contents: script::render(loader),
        });
        files.extend(s6::render(loader, &script));
        files.push(systemd::render(loader, &script));
        files.push(openrc::render(loader, &script));
        files.extend(modprobe::render(loader));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// A word as a POSIX shell reads it.
fn shell_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
