//! The command, run as a user runs it.

use std::fmt;
use std::path::Path;

/// What a run came to; shown as one block.
pub(crate) struct Output {
    /// Exit status.
    pub(crate) status: i32,
    /// What it resulted in.
    pub(crate) stdout: String,
    /// What it said.
    pub(crate) stderr: String,
}

/// Runs `kiln ARGS` in `dir`, with an environment of its own.
#[expect(clippy::disallowed_methods, reason = "the command under test is no part of a build")]
pub(crate) fn kiln(dir: &Path, args: &[&str]) -> Output {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kiln"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("XDG_CACHE_HOME", dir.join("cache"))
        .output()
        .expect("the command starts");
    Output {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Status, results, messages; the blanks at line ends, which editors strip, are stripped.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status {}", self.status)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}")?;
            }
            for line in text.lines() {
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}
