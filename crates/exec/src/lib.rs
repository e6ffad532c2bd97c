//! The one way to start a process: argv, directory, environment, deadline, log.
//!
//! A child gets only the variables that [`Exec`] was given. It runs in its own process group together with a guard,
//! a shell that waits on a pipe: when this process ends for whatever reason, SIGKILL included, the pipe closes and the
//! guard kills the group, so no compiler outlives the kiln that started it and nothing writes into a directory whose
//! lock is free. An interrupt (SIGINT, SIGTERM, SIGHUP) ends the group and is returned as [`ExecError::Interrupted`].
//! A program that a recipe or a tree brings can be limited by a [`Sandbox`].
//! The meaning of a child's output is not known here.

mod exec;
mod group;
mod interrupt;
mod process_group;
mod sandbox;

pub use exec::{Exec, ExecError, Output, Stream, find_program};
pub use interrupt::{Interrupt, interrupt_status, interrupted, on_signals};
pub use process_group::ProcessGroup;
pub use sandbox::{NetworkSupport, Permissions, Sandbox, Support};

/// Whether this process may do what only root may.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
