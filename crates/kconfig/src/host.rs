//! The engine's interface to its environment: texts by name, environment variables, output of shell commands.

use std::sync::Arc;

/// Provides the texts of Kconfig files, configs and seeds.
pub trait Files {
    /// Reads the text called `name`; `None` when it does not exist.
    ///
    /// `name` is as in the Kconfig file or variable. The C program tries the name in its working directory first and
    /// then below `$srctree`, unless the name is absolute; an implementation should do the same.
    fn read(&self, name: &str) -> Option<Arc<[u8]>>;

    /// Returns the names of the entries of a directory, which is the working directory for an empty name; in any
    /// order, empty when there is none. Only patterns in `source` lines need it.
    fn list(&self, directory: &str) -> Vec<String> {
        let _ = directory;
        Vec::new()
    }
}

/// Provides the environment of Kconfig text while it is parsed.
pub trait Host {
    /// Returns the value of an environment variable.
    fn variable(&self, name: &str) -> Option<Vec<u8>>;

    /// Runs `command` with `/bin/sh -c` and returns its standard output, whatever its status.
    ///
    /// The engine trims and joins the lines itself; more than 4096 bytes are never used.
    /// # Errors
    /// A sentence that says why the command could not be run at all.
    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String>;
}

/// A host without variables, whose commands print nothing: for text that needs neither.
#[derive(Debug, Clone, Copy)]
pub struct NoHost;

impl Host for NoHost {
    fn variable(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn shell(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

impl<F: Fn(&str) -> Option<Arc<[u8]>>> Files for F {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        self(name)
    }
}
