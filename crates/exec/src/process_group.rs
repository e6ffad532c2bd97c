//! Many short processes under one guard.

use std::io::Read;
use std::process::Stdio;

use crate::exec::{Exec, ExecError};
use crate::group::Group;
use crate::interrupt::interrupted;

/// A process group for children that are too short to have a guard each; all of them are ended when it is dropped.
pub struct ProcessGroup {
    group: Group,
}

impl ProcessGroup {
    /// Starts the guard.
    ///
    /// # Errors
    /// [`ExecError::Io`].
    pub fn new() -> Result<ProcessGroup, ExecError> {
        let group = Group::new().map_err(|source| ExecError::Io { command: "/bin/sh".to_owned(), source })?;
        Ok(ProcessGroup { group })
    }

    /// Runs `exec` to the end, whatever its status, and returns its standard output; standard error is discarded, and
    /// there is no standard input.
    ///
    /// The deadline and the log of `exec` are ignored, and an interrupt is noticed before the start only: a caller that
    /// waits for several processes at once watches for it and calls [`ProcessGroup::end`].
    /// # Errors
    /// [`ExecError::NotFound`], [`ExecError::Io`], [`ExecError::Interrupted`].
    pub fn stdout(&self, exec: &Exec) -> Result<Vec<u8>, ExecError> {
        interrupted()?;
        let mut child = exec.spawn(&self.group, Stdio::null(), Stdio::null())?;
        let mut output = Vec::new();
        let read = child.stdout.take().map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut output));
        child.wait().and(read).map_err(|source| exec.io(source))?;
        Ok(output)
    }

    /// Kills all running children, which also ends the reading of their output.
    pub fn end(&self) {
        self.group.kill();
    }
}
