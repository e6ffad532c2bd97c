//! The archive, read and written by other programs.
//!
//! - `oracle`: the kernel's own `gen_init_cpio` produces the same bytes (slow)
//! - `unpack`: GNU cpio and busybox restore the tree

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "the archive is held against other programs and what they leave on disk"
)]

use std::path::Path;
use std::process::{Command, Stdio};

mod oracle;
mod unpack;

/// Runs `sh -c script` in `dir` with `input`, and returns its output; the script must succeed.
fn sh(dir: &Path, script: &str, input: Option<&Path>) -> Vec<u8> {
    let stdin = input.map_or(Stdio::null(), |path| std::fs::File::open(path).unwrap().into());
    let output = Command::new("/bin/sh").args(["-ec", script]).current_dir(dir).stdin(stdin).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
