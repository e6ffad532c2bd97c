//! A process group that does not outlive this process.

use std::io::{self, PipeWriter};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::interrupt::{CHILDREN, interrupted};

/// A group led by its guard; ended when dropped.
pub(crate) struct Group {
    guard: Child,
    /// Never written to: closing it is the signal to the guard.
    _alive: PipeWriter,
}

/// The time that a group has to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(3);

impl Group {
    /// Starts the guard.
    pub(crate) fn new() -> io::Result<Group> {
        let (reader, writer) = io::pipe()?;
        // `read` ends when the last writer is closed; TERM is ignored so that it survives the one of `end`.
        let guard = Command::new("/bin/sh")
            .args(["-c", "trap '' TERM INT HUP; read -r _; kill -KILL 0"])
            .env_clear()
            .stdin(Stdio::from(reader))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Group { guard, _alive: writer })
    }

    /// Puts `command`'s process into the group.
    pub(crate) fn adopt(&self, command: &mut Command) {
        command.process_group(self.pid().as_raw_nonzero().get());
    }

    /// Sends SIGTERM to the group, waits up to [`GRACE`] for `child` to end, then kills the group; after an interrupt, up
    /// to [`CHILDREN`].
    pub(crate) fn end(&self, child: &mut Child) {
        let _ = kill_process_group(self.pid(), Signal::TERM);
        let started = Instant::now();
        let grace = || if interrupted().is_err() { CHILDREN } else { GRACE };
        while started.elapsed() < grace() {
            if let Ok(Some(_)) = child.try_wait() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }

    /// Kills the group.
    pub(crate) fn kill(&self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.guard)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whatever the child left running in its group ends with it; an already empty group is fine.
        self.kill();
        let _ = self.guard.wait();
    }
}
