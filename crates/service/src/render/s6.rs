//! Source directories for `s6-rc-compile`.

use super::{RenderedFile, TIMEOUT_SECONDS};
use crate::Dependency;
use crate::graph::Loader;

pub(super) fn render(loader: &Loader, script: &str) -> Vec<RenderedFile> {
    let file = |name: &str, contents: String| RenderedFile {
        path: format!("services/s6-rc/{}/{name}", loader.name.service()),
        mode: 0o644,
        contents,
    };
    let timeout = format!("{}\n", u64::from(TIMEOUT_SECONDS) * 1000);
    let mut files = vec![
        file("type", "oneshot\n".to_owned()),
        file("up", format!("{} start\n", execline_word(script))),
        file("down", format!("{} stop\n", execline_word(script))),
        file("timeout-up", timeout.clone()),
        file("timeout-down", timeout),
    ];
    for dependency in &loader.dependencies {
        let name = match dependency {
            Dependency::Loader(name) => name.service(),
            Dependency::Service(name) => name.plain().to_owned(),
        };
        files.push(file(&format!("dependencies.d/{name}"), String::new()));
    }
    files
}

/// A word in execline's syntax: quoted, with `\` before special characters.
fn execline_word(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""))
}
