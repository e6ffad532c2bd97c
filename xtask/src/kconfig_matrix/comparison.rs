//! One run of both programs, compared.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use kiln_kconfig::{Files, Host, Messages, Mode, Model, Outcome};

use super::Tally;
use super::machine::Machine;
use super::oracle::{Oracle, Server};

/// Name of the file that make reads.
const AUTO: &str = "include/config/auto.conf";

/// One comparison.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// What is shown when it differs.
    pub(crate) name: String,
    /// The engine's task.
    pub(crate) mode: Mode,
    /// The same for the C program.
    pub(crate) argument: String,
    /// Variables besides those of the machine.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Content of the `.config` at the start.
    pub(crate) config: Option<Vec<u8>>,
    /// Content of `auto.conf` at the start. Without one both write it.
    pub(crate) auto: Option<Vec<u8>>,
}

/// The output of a run of the C program, as far as it exists.
pub(crate) struct Made {
    /// The `.config`, or the minimal config.
    pub(crate) config: Option<Vec<u8>>,
    /// `auto.conf`.
    pub(crate) auto: Option<Vec<u8>>,
}

/// Where jobs run.
pub(crate) struct Bench<'a> {
    /// The engine's model of the architecture.
    pub(crate) model: &'a Model,
    parsed: &'a Messages,
    machine: &'a Machine,
    oracle: &'a Oracle,
    /// Where the directories of jobs that differ are kept.
    kept: &'a Path,
    /// The C program with the tree parsed; its first run is one as make would start it, running the shell itself.
    server: Option<Server>,
    pub(crate) tally: Tally,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        model: &'a Model,
        parsed: &'a Messages,
        machine: &'a Machine,
        oracle: &'a Oracle,
        kept: &'a Path,
    ) -> Bench<'a> {
        Bench { model, parsed, machine, oracle, kept, server: None, tally: Tally::default() }
    }

    /// Returns this run's own directory, for files that jobs name.
    pub(crate) fn folder(&self) -> &Path {
        &self.machine.work
    }

    /// Runs both and reports what differs; returns what the C program wrote.
    #[expect(clippy::print_stdout, reason = "a developer's tool says what differs")]
    pub(crate) fn check(&mut self, job: &Job) -> Result<Made> {
        let folder = self.machine.work.join("job");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(folder.join("include/config"))?;
        if let Some(config) = &job.config {
            std::fs::write(folder.join(".config"), config)?;
        }
        if let Some(auto) = &job.auto {
            std::fs::write(folder.join(AUTO), auto)?;
        }
        let said = match self.server {
            None => (self.parsed.stdout(), self.parsed.stderr()),
            Some(_) => Default::default(),
        };
        let theirs = self.conf(job, &folder)?;
        let name = if matches!(job.mode, Mode::SaveDefConfig(_)) { "defconfig" } else { ".config" };
        let their_config = std::fs::read(folder.join(name)).ok();
        let their_auto = std::fs::read(folder.join(AUTO)).ok();
        let view = View { machine: self.machine, job };
        let ours = kiln_kconfig::run(self.model, &job.mode, &view, &view);
        let our_config = ours.config.as_ref().map(|(_, text)| text.clone()).or_else(|| job.config.clone());
        let mut differences = Vec::new();
        let mut compare = |what: &str, theirs: &[u8], ours: &[u8]| {
            if theirs != ours {
                differences.push(format!("{what}: {}", first_difference(theirs, ours)));
            }
        };
        let status = theirs.status.to_string();
        compare("status", status.as_bytes(), ours.status.to_string().as_bytes());
        compare("standard output", &theirs.stdout, &[said.0, ours.stdout.clone()].concat());
        compare("standard error", &theirs.stderr, &[said.1, ours.stderr.clone()].concat());
        if ours.status == 0 {
            compare("config", &their_config.clone().unwrap_or_default(), &our_config.unwrap_or_default());
            compare("auto.conf and its kin", &their_files(&folder)?, &our_files(&ours, job));
        }
        if differences.is_empty() {
            self.tally.n_same += 1;
        } else {
            self.tally.n_differ += 1;
            std::fs::create_dir_all(self.kept)?;
            let kept = self.kept.join(format!("{}-{}", self.machine.arch, self.tally.n_differ));
            std::fs::create_dir_all(&kept)?;
            std::fs::write(kept.join("theirs.config"), their_config.as_deref().unwrap_or_default())?;
            std::fs::write(kept.join("theirs.stderr"), &theirs.stderr)?;
            std::fs::write(kept.join("theirs.stdout"), &theirs.stdout)?;
            std::fs::write(kept.join("ours.stderr"), &ours.stderr)?;
            std::fs::write(kept.join("ours.stdout"), &ours.stdout)?;
            std::fs::write(kept.join("ours.config"), ours.config.unwrap_or_default().1)?;
            std::fs::write(kept.join("job"), format!("{} {} {:?}\n", job.name, job.argument, job.variables))?;
            if let Some(config) = &job.config {
                std::fs::write(kept.join("config.given"), config)?;
            }
            for difference in differences {
                println!("{} {}: {difference} ({})", self.machine.arch, job.name, kept.display());
            }
        }
        Ok(Made { config: their_config, auto: their_auto })
    }

    /// Counts a config from another path through the engine, and reports where it differs from the C program's.
    #[expect(clippy::print_stdout, reason = "a developer's tool says what differs")]
    pub(crate) fn same(&mut self, name: &str, theirs: &[u8], ours: &[u8]) {
        if theirs == ours {
            self.tally.n_same += 1;
        } else {
            self.tally.n_differ += 1;
            println!("{} {name}: resolve(): {}", self.machine.arch, first_difference(theirs, ours));
        }
    }

    fn conf(&mut self, job: &Job, folder: &Path) -> Result<Theirs> {
        if let Some(server) = &mut self.server {
            let status = server.run(folder, &job.argument, &job.variables)?;
            let (stdout, stderr) = (std::fs::read(folder.join("stdout"))?, std::fs::read(folder.join("stderr"))?);
            return Ok(Theirs { status, stdout, stderr });
        }
        let output = Command::new(&self.oracle.conf)
            .arg(&job.argument)
            .arg("Kconfig")
            .current_dir(folder)
            .env_clear()
            .envs(self.machine.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
            .envs(job.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.oracle.conf.display()))?;
        self.server = Some(self.oracle.serve(self.machine)?);
        Ok(Theirs { status: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr: output.stderr })
    }
}

/// The output of the C program besides files.
struct Theirs {
    status: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Returns the first line that differs, as both have it.
fn first_difference(theirs: &[u8], ours: &[u8]) -> String {
    let (mut theirs, mut ours) = (theirs.split(|byte| *byte == b'\n'), ours.split(|byte| *byte == b'\n'));
    let shown = |line: Option<&[u8]>| line.map_or("the end".to_owned(), |line| format!("`{}`", line.escape_ascii()));
    for number in 1.. {
        let (theirs, ours) = (theirs.next(), ours.next());
        if theirs != ours {
            return format!("line {number}: conf has {}, kiln {}", shown(theirs), shown(ours));
        }
        if theirs.is_none() {
            break;
        }
    }
    "same".to_owned()
}

/// Returns what is below `include/`: each file's name, and its content where it has one.
fn their_files(folder: &Path) -> Result<Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![folder.join("include")];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).with_context(|| at.display().to_string())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(folder)?.display().to_string();
                // Thousands are empty.
                let content = if entry.metadata()?.len() > 0 { std::fs::read(entry.path())? } else { Vec::new() };
                found.insert(name, content);
            }
        }
    }
    Ok(listing(found))
}

/// Returns the same for the engine.
fn our_files(ours: &Outcome, job: &Job) -> Vec<u8> {
    let mut found = BTreeMap::new();
    if let Some(auto) = &job.auto {
        found.insert(AUTO.to_owned(), auto.clone());
    }
    if let Some(auto) = &ours.auto {
        let touched: BTreeSet<&String> = auto.touched.iter().collect();
        found.extend(touched.into_iter().map(|name| (name.clone(), Vec::new())));
        found.extend(auto.written.iter().cloned());
    }
    listing(found)
}

fn listing(files: BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    files.into_iter().flat_map(|(name, content)| [name.into_bytes(), content].join(&b'\n')).collect()
}

/// The environment of one job.
struct View<'a> {
    machine: &'a Machine,
    job: &'a Job,
}

impl Files for View<'_> {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        match name {
            ".config" => self.job.config.as_deref().map(Arc::from),
            AUTO => self.job.auto.as_deref().map(Arc::from),
            other => self.machine.read(other),
        }
    }
}

impl Host for View<'_> {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let own = self.job.variables.iter().find(|(known, _)| *known == name);
        own.map(|(_, value)| value.clone().into_bytes()).or_else(|| self.machine.variable(name))
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.machine.shell(command)
    }
}
