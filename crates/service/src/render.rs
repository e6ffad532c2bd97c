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
    /// Where, relative to the folder of results, with `/` between parts.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Its text.
    pub contents: String,
}

/// How long a manager gives a start or a stop, in seconds. A loader that waits for another, or for a module that someone
/// else is loading, gives up by itself after a minute of each, so this ends only what hangs in the kernel.
const TIMEOUT_SECONDS: u32 = 300;

/// Writes every loader's script, its services, and what `modprobe` has to know.
///
/// `script_dir` is the folder on the device that `services/sh` is copied to, absolute, without blanks or quotes.
/// The files come ordered by path.
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
