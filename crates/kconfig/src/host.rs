//! What the engine asks of the world: texts by name, environment variables, answers of shell commands.

use std::sync::Arc;

/// Gives the texts that Kconfig files, configs and seeds are read from.
pub trait Files {
    /// Reads the text called `name`, or gives `None` when there is none.
    ///
    /// `name` is as a Kconfig file or a variable wrote it. The C program tries the name in its working directory first
    /// and then below `$srctree`, unless the name is absolute; so should an implementation.
    fn read(&self, name: &str) -> Option<Arc<[u8]>>;
}

/// Answers what Kconfig text asks of the machine while it is parsed.
pub trait Host {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<Vec<u8>>;

    /// Runs `command` with `/bin/sh -c` and gives its standard output, whatever its status.
    ///
    /// The engine trims and joins the lines itself; more than 4096 bytes are never used.
    /// # Errors
    /// A sentence that says why the command could not be run at all.
    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String>;
}

impl<F: Fn(&str) -> Option<Arc<[u8]>>> Files for F {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        self(name)
    }
}
