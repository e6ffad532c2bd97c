//! The configuration of `modprobe`, so that hotplug loads a module as a loader would.

use std::fmt::Write as _;

use super::RenderedFile;
use crate::graph::Loader;

/// The loader's modprobe.d file; `None` when it would be empty.
///
/// A `\` is doubled, since kmod's reader removes one (`freadline_wrapped` in its `libkmod/libkmod-config.c`).
pub(super) fn render(loader: &Loader) -> Option<RenderedFile> {
    let mut lines = String::new();
    for step in loader.steps.iter().filter(|step| step.writes_options) {
        _ = writeln!(lines, "options {} {}", step.module, step.words.join(" ").replace('\\', r"\\"));
    }
    for module in &loader.blacklist {
        _ = writeln!(lines, "blacklist {module}");
    }
    (!lines.is_empty()).then(|| RenderedFile {
        path: format!("lib/modprobe.d/{}.conf", loader.name.service()),
        mode: 0o644,
        contents: format!("# Written by kiln from the recipe's kmodloader.{}.\n{lines}", loader.name),
    })
}
