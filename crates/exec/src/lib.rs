//! The one way to start a process: argv, directory, environment, deadline, log.
//!
//! A child sees no variable that [`Exec`] was not given. It runs in a process group of its own together with a guard, a
//! shell that waits on a pipe: when this process ends for whatever reason, SIGKILL included, the pipe closes and the
//! guard kills the group, so no compiler outlives the kiln that started it and nothing writes into a folder whose lock is
//! free. An interrupt (SIGINT, SIGTERM, SIGHUP) ends the group and comes back as [`ExecError::Interrupted`].
//! What a child's output means is not known here.

mod crew;
mod exec;
mod group;
mod interrupt;

pub use crew::Crew;
pub use exec::{Exec, ExecError, Output, Stream, find_program};
pub use interrupt::{Interrupt, interrupted, on_signals};

/// Whether this process may do what only root may.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
