//! The tree and the variables that both programs see.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Result, bail};
use kiln_kconfig::{Environment, Files, Host, Linux, Programs};

/// One architecture of a tree on this host.
pub(crate) struct Machine {
    tree: PathBuf,
    /// This run's own directory.
    pub(crate) work: PathBuf,
    /// The name of the architecture.
    pub(crate) arch: String,
    /// The environment.
    pub(crate) variables: BTreeMap<String, Vec<u8>>,
    answers: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Machine {
    pub(crate) fn new(tree: &Path, work: &Path, arch: &str) -> Result<Machine> {
        let makefile = std::fs::read_to_string(tree.join("Makefile"))?;
        let value = |name: &str| {
            let of = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim().to_owned());
            makefile.lines().find_map(of).unwrap_or_default()
        };
        let numbers = [value("VERSION"), value("PATCHLEVEL"), value("SUBLEVEL")].join(".");
        let version = format!("{numbers}{}", value("EXTRAVERSION"));
        let says = |program: &str| {
            let output = Command::new(program).arg("--version").env("LC_ALL", "C").output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
        };
        let environment = Environment::linux(&Linux {
            arch,
            srctree: &tree.to_string_lossy(),
            version: &version,
            programs: &Programs::gnu(""),
            cc: None,
            ld: None,
            cc_version: &says("gcc"),
            clang_flags: "",
            rustc_version: &says("rustc"),
            host: std::env::consts::ARCH,
        });
        let mut variables: BTreeMap<String, Vec<u8>> =
            environment.variables.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        for name in ["PATH", "HOME"] {
            let Some(value) = std::env::var_os(name) else { bail!("{name} is not set") };
            variables.insert(name.to_owned(), value.as_bytes().to_vec());
        }
        let (tree, work, arch) = (tree.to_owned(), work.to_owned(), arch.to_owned());
        Ok(Machine { tree, work, arch, variables, answers: RefCell::default() })
    }

    /// Writes the answers up to now, for the C program.
    pub(crate) fn remember(&self, path: &Path) -> Result<()> {
        let mut out = Vec::new();
        for (command, answer) in self.answers.borrow().iter() {
            out.extend_from_slice(format!("{} {}\n", command.len(), answer.len()).as_bytes());
            out.extend_from_slice(command);
            out.extend_from_slice(answer);
        }
        Ok(std::fs::write(path, out)?)
    }
}

impl Files for Machine {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        std::fs::read(self.tree.join(name)).ok().map(Arc::from)
    }
}

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.variables.get(name).cloned()
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        if let Some(answer) = self.answers.borrow().get(command) {
            return Ok(answer.clone());
        }
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(OsStr::from_bytes(command))
            .current_dir(&self.work)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))))
            .output()
            .map_err(|error| error.to_string())?;
        self.answers.borrow_mut().insert(command.to_vec(), output.stdout.clone());
        Ok(output.stdout)
    }
}
