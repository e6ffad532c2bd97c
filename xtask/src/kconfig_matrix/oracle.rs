//! The tree's own `conf`, built once, and a way to run it many times without parsing the tree again.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::machine::Machine;

/// A replacement for `popen` in the C program.
const ANSWERS: &str = include_str!("answers.c");
/// A replacement for its `conf_parse`.
const SERVER: &str = include_str!("server.c");

/// The programs of a tree.
#[derive(Debug)]
pub(crate) struct Oracle {
    /// `conf` as make builds it.
    pub(crate) conf: PathBuf,
    /// The same objects, parsing once.
    server: PathBuf,
    /// The library that answers its shell commands.
    pub(crate) shim: PathBuf,
    /// The file that the library reads.
    pub(crate) answers: PathBuf,
}

impl Oracle {
    /// Builds what is missing below `work`; `run` is this run's own directory.
    pub(crate) fn new(tree: &Path, work: &Path, run: &Path) -> Result<Oracle> {
        let built = build_conf(tree, work, run)?;
        let (answers, shim) = (run.join("answers.c"), run.join("answers.so"));
        std::fs::write(&answers, ANSWERS)?;
        cc(Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&shim).arg(&answers).arg("-ldl"))?;
        let (source, server) = (run.join("server.c"), run.join("server"));
        std::fs::write(&source, SERVER)?;
        let mut objects = Vec::new();
        for entry in std::fs::read_dir(&built)? {
            objects.extend(Some(entry?.path()).filter(|path| path.extension() == Some(OsStr::new("o"))));
        }
        let mut link = Command::new("cc");
        cc(link.args(["-O2", "-Wl,--wrap=conf_parse", "-o"]).arg(&server).arg(&source).args(objects))?;
        Ok(Oracle { conf: built.join("conf"), server, shim, answers: run.join("answers") })
    }

    /// Has the tree parsed, with the shell's answers cached.
    pub(crate) fn serve(&self, machine: &Machine) -> Result<Server> {
        let folder = machine.work.join(format!("serve-{}", machine.arch));
        std::fs::create_dir_all(&folder)?;
        let mut child = Command::new(&self.server)
            .args(["--olddefconfig", "Kconfig"])
            .current_dir(&folder)
            .env_clear()
            .envs(machine.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
            .env("LD_PRELOAD", &self.shim)
            .env("KCONFIG_ANSWERS", &self.answers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", self.server.display()))?;
        let requests = child.stdin.take().context("no pipe")?;
        let replies = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Server { child, requests, replies })
    }
}

/// `conf` with a tree parsed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Server {
    /// Continues from the parsed tree in `folder`; returns the status. The output is in `stdout` and `stderr` there.
    pub(crate) fn run(&mut self, folder: &Path, argument: &str, variables: &[(&str, String)]) -> Result<i32> {
        let mut request = OsString::from(folder);
        request.push(format!("\t{argument}"));
        for (name, value) in variables {
            request.push(format!("\t{name}={value}"));
        }
        request.push("\n");
        self.requests.write_all(request.as_bytes())?;
        let mut reply = String::new();
        self.replies.read_line(&mut reply)?;
        reply.trim().parse().context("the tree's conf ended while it parsed")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cc(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run cc")?;
    ensure!(status.success(), "cc failed: {command:?}");
    Ok(())
}

/// Builds `conf` in this run's directory, then keeps program and objects for the next runs.
fn build_conf(tree: &Path, work: &Path, run: &Path) -> Result<PathBuf> {
    let makefile = std::fs::read_to_string(tree.join("Makefile")).context("the tree has no Makefile")?;
    let numbers: Vec<&str> = ["VERSION = ", "PATCHLEVEL = ", "SUBLEVEL = "]
        .iter()
        .filter_map(|name| makefile.lines().find_map(|line| line.strip_prefix(name)))
        .map(str::trim)
        .collect();
    let kept = work.join(format!("conf-{}", numbers.join(".")));
    if kept.join("conf").exists() {
        return Ok(kept);
    }
    let output = run.join("conf");
    std::fs::create_dir_all(&output)?;
    let status = Command::new("make")
        .arg("-C")
        .arg(tree)
        .arg(format!("O={}", output.display()))
        .args(["ARCH=x86", "allnoconfig"])
        .stdout(Stdio::null())
        .status()
        .context("cannot run make")?;
    ensure!(status.success(), "cannot build conf in {}", output.display());
    // Renamed as a whole, so that another run never sees half of it; when another run was faster, its result is used.
    let built = output.join("scripts/kconfig");
    if std::fs::rename(&built, &kept).is_err() {
        ensure!(kept.join("conf").exists(), "cannot keep {} as {}", built.display(), kept.display());
    }
    Ok(kept)
}
