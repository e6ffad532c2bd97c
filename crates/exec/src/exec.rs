//! One process to run, and its result.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::group::Group;
use crate::interrupt::{Interrupt, interrupted};
use crate::sandbox::{Confinement, Sandbox};

/// A process to be run.
#[derive(Debug, Clone)]
pub struct Exec {
    argv: Vec<OsString>,
    dir: PathBuf,
    env: BTreeMap<OsString, OsString>,
    stdin: Vec<u8>,
    deadline: Option<Duration>,
    log: Option<PathBuf>,
    confinement: Option<Confinement>,
}

/// Which of a child's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The result of a process that ran to its end.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error.
    pub stderr: Vec<u8>,
}

/// Why a process did not end successfully.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The program does not exist.
    #[error("program `{}` not found", program.display())]
    NotFound {
        /// As it was requested.
        program: PathBuf,
    },
    /// The program could not be started or its output could not be read.
    #[error("cannot run `{command}`")]
    Io {
        /// The command line, for people.
        command: String,
        /// The system's error.
        source: io::Error,
    },
    /// The log could not be written.
    #[error("cannot write the log {}", path.display())]
    Log {
        /// The log file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The process ended with a status other than 0.
    #[error("`{command}` failed: {status}{}", tail_of(tail))]
    Failed {
        /// The command line, for people.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines, both streams.
        tail: Vec<String>,
        /// The file with all of its output, when that was requested.
        log: Option<PathBuf>,
    },
    /// The process was ended because its time was up.
    #[error("`{command}` did not end within {} s{}", deadline.as_secs(), tail_of(tail))]
    TimedOut {
        /// The command line, for people.
        command: String,
        /// The time it had.
        deadline: Duration,
        /// Its last lines, both streams.
        tail: Vec<String>,
    },
    /// The user asked us to stop; the process has been ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// How many last lines an error keeps.
const TAIL_LINES: usize = 20;
/// Bytes of a line without an end that are held; the rest counts as another line.
const LINE_MAX: u64 = 1 << 20;
/// The interval between checks of a running child.
const TICK: Duration = Duration::from_millis(50);

impl Exec {
    /// Returns a process of `program`: a path, or a name to be found on the `PATH` given by [`Exec::env`].
    pub fn new(program: impl AsRef<OsStr>) -> Exec {
        Exec {
            argv: vec![program.as_ref().to_owned()],
            dir: PathBuf::from("/"),
            env: BTreeMap::new(),
            stdin: Vec::new(),
            deadline: None,
            log: None,
            confinement: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Exec {
        self.argv.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(mut self, args: I) -> Exec {
        self.argv.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets the working directory; `/` when never set.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Exec {
        self.dir = dir.into();
        self
    }

    /// Sets a variable of the child's environment, which is empty at first.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Exec {
        self.env.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Sets several variables.
    #[must_use]
    pub fn envs<I, K, V>(mut self, vars: I) -> Exec
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        for (name, value) in vars {
            self.env.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        }
        self
    }

    /// Passes the child this standard input; it is empty when never set.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Exec {
        self.stdin = bytes.into();
        self
    }

    /// Ends the child when it takes longer than this.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Exec {
        self.deadline = Some(deadline);
        self
    }

    /// Writes both outputs to `path`, truncated first, after the command line.
    #[must_use]
    pub fn log(mut self, path: impl Into<PathBuf>) -> Exec {
        self.log = Some(path.into());
        self
    }

    /// Limits the child: it has no network, reads nothing in users' homes but `readable`, and writes to `writable` only.
    ///
    /// The paths must exist. A later call replaces an earlier one.
    #[must_use]
    pub fn confined(mut self, sandbox: &Sandbox, readable: &[&Path], writable: &[&Path]) -> Exec {
        self.confinement = sandbox.confinement(readable, writable);
        self
    }

    /// Lets a limited child read further paths.
    #[must_use]
    pub fn reading(mut self, readable: &[PathBuf]) -> Exec {
        if let Some(confinement) = &mut self.confinement {
            confinement.readable.extend_from_slice(readable);
        }
        self
    }

    /// Lets a limited child write to a further directory.
    #[must_use]
    pub fn writing(mut self, writable: &Path) -> Exec {
        if let Some(confinement) = &mut self.confinement {
            confinement.writable.push(writable.to_owned());
        }
        self
    }

    /// Returns the command line as a person would type it.
    pub fn command_line(&self) -> String {
        let words: Vec<String> = self.argv.iter().map(|word| quoted(&word.to_string_lossy())).collect();
        words.join(" ")
    }

    /// Runs to the end and returns all output, whatever the status.
    ///
    /// # Errors
    /// Every variant but [`ExecError::Failed`].
    pub fn capture(&self) -> Result<Output, ExecError> {
        let mut out = Vec::new();
        let mut err = Vec::new();
        let (status, _) = self.drive(&mut |stream, bytes| {
            match stream {
                Stream::Out => out.extend_from_slice(bytes),
                Stream::Err => err.extend_from_slice(bytes),
            }
            ControlFlow::Continue(())
        })?;
        Ok(Output { status, stdout: out, stderr: err })
    }

    /// Runs to the end and returns standard output as text; a status other than 0 is an error.
    ///
    /// # Errors
    /// Any [`ExecError`].
    pub fn text(&self) -> Result<String, ExecError> {
        let output = self.capture()?;
        if !output.status.success() {
            let both = [output.stderr.as_slice(), output.stdout.as_slice()].concat();
            let lines: Vec<String> = String::from_utf8_lossy(&both).lines().map(str::to_owned).collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec();
            return Err(self.failed(output.status, tail));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs and passes every line (without its end, invalid UTF-8 replaced) to `on_line` as it comes.
    ///
    /// When `on_line` breaks, the child is ended and the run counts as successful.
    /// # Errors
    /// Any [`ExecError`].
    pub fn run(&self, on_line: &mut dyn FnMut(Stream, &str) -> ControlFlow<()>) -> Result<(), ExecError> {
        let mut tail = Vec::new();
        let (status, stopped) = self.drive(&mut |stream, bytes| {
            let text = String::from_utf8_lossy(bytes);
            let line = text.trim_end_matches(['\n', '\r']);
            if tail.len() == TAIL_LINES {
                tail.remove(0);
            }
            tail.push(line.to_owned());
            on_line(stream, line)
        })?;
        if stopped || status.success() { Ok(()) } else { Err(self.failed(status, tail)) }
    }

    /// Starts the child and feeds its output, line by line with line ends, to `sink`.
    fn drive(&self, sink: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<()>) -> Result<(ExitStatus, bool), ExecError> {
        interrupted()?;
        let mut log = self.open_log()?;
        let group = Group::new().map_err(|source| self.io(source))?;
        let stdin = if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child = self.spawn(&group, stdin, Stdio::piped())?;
        let lines = read_outputs(&mut child, self.stdin.clone());
        let started = Instant::now();
        let mut tail: Vec<String> = Vec::new();
        let mut stopped = false;
        loop {
            match lines.recv_timeout(TICK) {
                Ok((stream, bytes)) => {
                    if let Some((file, path)) = &mut log {
                        file.write_all(&bytes).map_err(|source| {
                            group.end(&mut child);
                            ExecError::Log { path: path.clone(), source }
                        })?;
                    }
                    if tail.len() == TAIL_LINES {
                        tail.remove(0);
                    }
                    tail.push(String::from_utf8_lossy(&bytes).trim_end().to_owned());
                    if sink(stream, &bytes).is_break() {
                        stopped = true;
                        group.end(&mut child);
                        break;
                    }
                }
                // A grandchild may keep the pipes open after the child has ended.
                Err(RecvTimeoutError::Timeout) => {
                    if child.try_wait().is_ok_and(|status| status.is_some()) {
                        while let Ok((stream, bytes)) = lines.recv_timeout(TICK) {
                            let _ = sink(stream, &bytes);
                        }
                        break;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Err(interrupt) = interrupted() {
                group.end(&mut child);
                return Err(interrupt.into());
            }
            if let Some(deadline) = self.deadline.filter(|&deadline| started.elapsed() > deadline) {
                group.end(&mut child);
                return Err(ExecError::TimedOut { command: self.command_line(), deadline, tail });
            }
        }
        let status = self.wait(&group, &mut child, started, tail)?;
        tracing::debug!(%status, seconds = started.elapsed().as_secs_f64(), command = self.command_line(), "ended");
        Ok((status, stopped))
    }

    /// Waits for a child that has closed its outputs but may not have ended.
    fn wait(
        &self,
        group: &Group,
        child: &mut Child,
        started: Instant,
        tail: Vec<String>,
    ) -> Result<ExitStatus, ExecError> {
        loop {
            if let Some(status) = child.try_wait().map_err(|source| self.io(source))? {
                return Ok(status);
            }
            if let Err(interrupt) = interrupted() {
                group.end(child);
                return Err(interrupt.into());
            }
            if let Some(deadline) = self.deadline.filter(|&deadline| started.elapsed() > deadline) {
                group.end(child);
                return Err(ExecError::TimedOut { command: self.command_line(), deadline, tail });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn open_log(&self) -> Result<Option<(File, PathBuf)>, ExecError> {
        let Some(path) = &self.log else { return Ok(None) };
        let failed = |source| ExecError::Log { path: path.clone(), source };
        let mut file = File::create(path).map_err(failed)?;
        writeln!(file, "$ cd {} && {}", self.dir.display(), self.command_line()).map_err(failed)?;
        Ok(Some((file, path.clone())))
    }

    pub(crate) fn spawn(&self, group: &Group, stdin: Stdio, stderr: Stdio) -> Result<Child, ExecError> {
        let name = Path::new(&self.argv[0]);
        let path = self.env.get(OsStr::new("PATH")).map_or(OsStr::new("/usr/bin:/bin"), OsString::as_os_str);
        let program = find_program(path, name).ok_or_else(|| ExecError::NotFound { program: name.to_owned() })?;
        tracing::info!(dir = %self.dir.display(), program = %program.display(), command = self.command_line(), "starts");
        let (program, before) = match &self.confinement {
            Some(confinement) => confinement.wrapped(program),
            None => (program, Vec::new()),
        };
        let mut command = Command::new(program);
        command
            .args(before)
            .args(&self.argv[1..])
            .env_clear()
            .envs(&self.env)
            .current_dir(&self.dir)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(stderr);
        group.adopt(&mut command);
        let spawned = match &self.confinement {
            Some(confinement) => confinement.spawn(&mut command),
            None => command.spawn(),
        };
        spawned.map_err(|source| self.io(source))
    }

    fn failed(&self, status: ExitStatus, tail: Vec<String>) -> ExecError {
        ExecError::Failed { command: self.command_line(), status, tail, log: self.log.clone() }
    }

    pub(crate) fn io(&self, source: io::Error) -> ExecError {
        ExecError::Io { command: self.command_line(), source }
    }
}

/// Finds an executable file: `name` itself when it has a slash, else the first of that name in `path`'s directories.
pub fn find_program(path: &OsStr, name: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |file: &Path| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    if name.as_os_str().as_encoded_bytes().contains(&b'/') {
        return runs(name).then(|| name.to_owned());
    }
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| runs(file))
}

/// Reads both outputs on threads of their own, so that neither pipe can fill up and block the child.
fn read_outputs(child: &mut Child, stdin: Vec<u8>) -> Receiver<(Stream, Vec<u8>)> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = child.stdin.take() {
        // A child may end without reading all of it; that is no error.
        std::thread::spawn(move || pipe.write_all(&stdin));
    }
    if let Some(pipe) = child.stdout.take() {
        forward(pipe, Stream::Out, sender.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        forward(pipe, Stream::Err, sender);
    }
    receiver
}

fn forward(pipe: impl Read + Send + 'static, stream: Stream, sender: Sender<(Stream, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if sender.send((stream, line)).is_err() => return,
                Ok(_) => {}
            }
        }
    });
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./,:@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn tail_of(tail: &[String]) -> String {
    tail.iter().map(|line| format!("\n  | {line}")).collect()
}

#[cfg(test)]
mod tests;
