//! Running QEMU.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use kiln_exec::{Exec, ExecError, Interrupt, Stream};

use crate::console::{Console, Line};
use crate::program::Program;
use crate::qemu::{BootSpec, command_line};
use crate::verdict::{Ended, Verdict, judge};

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// QEMU is not installed.
    #[error("`{}` not found: the Debian package `{package}` has it", program.display())]
    NoQemu {
        /// The program.
        program: PathBuf,
        /// The package.
        package: &'static str,
    },
    /// A file that QEMU needs is not there.
    #[error("cannot read {}", path.display())]
    Missing {
        /// The kernel or the initramfs.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// QEMU ended before the guest printed anything.
    #[error("QEMU could not start the guest: {status}{}\n  ran: {command}", indented(said))]
    Refused {
        /// The command line, for people.
        command: String,
        /// How QEMU ended.
        status: String,
        /// QEMU's output.
        said: Vec<String>,
    },
    /// The process itself failed.
    #[error("cannot run QEMU")]
    Exec(#[source] ExecError),
    /// The user interrupted the boot; QEMU has been ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// How much of an unfinished line is read.
const PARTIAL_MAX: u64 = 4096;

/// Boots, and ends QEMU when the guest has finished or died, or its time is up.
///
/// `on_line` receives each line of the transcript as it comes.
/// # Errors
/// [`BootError`] when nothing could be proved either way; everything that goes wrong in the guest is in the verdict.
pub fn run(spec: &BootSpec, program: &Program, on_line: &mut dyn FnMut(&Line)) -> Result<Verdict, BootError> {
    for path in [&spec.kernel, &spec.initramfs] {
        kiln_file::open(path).map_err(|source| BootError::Missing { path: path.clone(), source })?;
    }
    let name = spec.program.clone().unwrap_or_else(|| PathBuf::from(spec.machine.program));
    let qemu = Exec::new(&name).args(command_line(spec)).env("PATH", &spec.search_path).deadline(spec.deadline);
    let started = Instant::now();
    let mut console = Console::new(&program.nonce);
    let mut heard = 0;
    let ended = qemu.run(&mut |stream, line| {
        let seconds = started.elapsed().as_secs_f64();
        match stream {
            Stream::Out => console.push(seconds, line),
            Stream::Err => console.push_qemu(seconds, line),
        }
        console.lines()[heard..].iter().for_each(&mut *on_line);
        heard = console.lines().len();
        if console.finished() || console.dead() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let seconds = started.elapsed().as_secs_f64();
    let ended = match ended {
        Ok(()) if console.dead() => Ended::Died,
        Ok(()) => Ended::Exited { status: "QEMU ended".to_owned() },
        Err(ExecError::TimedOut { .. }) => {
            push_partial(spec, &mut console, seconds);
            Ended::Deadline { seconds: spec.deadline.as_secs_f64() }
        }
        Err(ExecError::Failed { command, status, tail, .. }) => {
            if !console.spoke() {
                return Err(BootError::Refused { command, status: status.to_string(), said: tail });
            }
            Ended::Exited { status: status.to_string() }
        }
        Err(ExecError::NotFound { program }) => {
            return Err(BootError::NoQemu { program, package: spec.machine.package });
        }
        Err(ExecError::Interrupted(interrupt)) => return Err(interrupt.into()),
        Err(error) => return Err(BootError::Exec(error)),
    };
    Ok(judge(&spec.machine, program, &console, ended, seconds))
}

/// Returns the guest's unfinished line when its time was up: a line without its end is in QEMU's own log only.
fn push_partial(spec: &BootSpec, console: &mut Console, seconds: f64) {
    let Some(log) = &spec.console_log else { return };
    let tail = || {
        let mut file = fs::File::open(log)?;
        let start = file.seek(SeekFrom::End(0))?.saturating_sub(PARTIAL_MAX);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map(|_| bytes)
    };
    // The log is only a help: without it the last whole line must suffice.
    let bytes: Vec<u8> = tail().unwrap_or_default();
    let partial = bytes.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    console.push(seconds, &String::from_utf8_lossy(partial));
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  | {line}")).collect()
}
