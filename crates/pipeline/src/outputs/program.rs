//! Programs of the host that make outputs: found, part of keys by their content, and run without clock and user.

use std::path::{Path, PathBuf};

use kiln_exec::{Exec, find_program};
use kiln_kbuild::doctor::Missing;

use super::{OutputError, Work, io_error};

/// A program that exists.
pub(super) struct Program {
    name: &'static str,
    file: PathBuf,
    digest: [u8; 32],
}

impl Program {
    /// Finds `name` on the host's `PATH`.
    pub(super) fn find(work: &Work<'_>, name: &'static str) -> Result<Program, OutputError> {
        let host = work.context.host;
        let found = find_program(&host.path, Path::new(name));
        let file =
            found.ok_or_else(|| OutputError::Missing { name: work.name(), missing: Missing::of_output(name) })?;
        let bytes = kiln_file::read(&file).map_err(io_error(&file))?;
        Ok(Program { name, digest: *blake3::hash(&bytes).as_bytes(), file })
    }

    /// Returns its name and the digest of its file, for keys.
    pub(super) fn identity(&self) -> (String, [u8; 32]) {
        (self.name.to_owned(), self.digest)
    }

    /// Starts its command line, in the directory `dir`.
    pub(super) fn exec(&self, work: &Work<'_>, dir: &Path) -> Exec {
        Exec::new(&self.file)
            .dir(dir)
            .confined(work.context.host.sandbox(), &[], &[dir])
            .env("PATH", &work.context.host.path)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("TMPDIR", dir)
            .env("HOME", dir)
    }
}
