//! Debian packages of any suite and machine, without an effect on the host's own apt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The archive that the host's own apt takes packages from, other than security updates.
fn mirror() -> Result<String> {
    let archives = output(Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]))?;
    let mut lines = archives.lines().filter(|line| !line.contains("security"));
    lines.next().map(str::to_owned).context("the host's apt knows no archive: run `apt-get update`")
}

/// An apt with lists and a cache of its own, for one suite and one machine.
pub(super) struct Apt {
    options: Vec<String>,
}

impl Apt {
    pub(super) fn new(state: &Path, suite: &str, machine: &str) -> Result<Apt> {
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(state.join(folder))?;
        }
        let key = "/usr/share/keyrings/debian-archive-keyring.gpg";
        fs::write(state.join("sources.list"), format!("deb [signed-by={key}] {} {suite} main\n", mirror()?))?;
        fs::write(state.join("status"), "")?;
        let at = state.display();
        let options = vec![
            format!("APT::Architecture={machine}"),
            format!("APT::Architectures::={machine}"),
            format!("Dir::State={at}/state"),
            format!("Dir::Cache={at}/cache"),
            format!("Dir::State::status={at}/status"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::Etc::sourcelist={at}/sources.list"),
        ];
        let apt = Apt { options };
        if !state.join("updated").exists() {
            output(apt.command("apt-get").arg("update"))?;
            fs::write(state.join("updated"), "")?;
        }
        Ok(apt)
    }

    /// Downloads a package and unpacks it below `base`, without installing it.
    pub(super) fn unpack(&self, package: &str, base: &Path) -> Result<()> {
        let work = tempfile::tempdir_in(cache()?)?;
        output(self.command("apt-get").arg("download").arg(package).current_dir(work.path()))?;
        let Some(deb) = fs::read_dir(work.path())?.find_map(|entry| Some(entry.ok()?.path())) else {
            bail!("apt-get downloaded nothing for {package}");
        };
        output(Command::new("dpkg-deb").arg("-x").arg(deb).arg(base))?;
        Ok(())
    }

    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
    }
}

/// The directory for downloads.
pub(super) fn cache() -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("HOME is not set")?;
    fs::create_dir_all(cache.join("kiln-tests"))?;
    Ok(cache.join("kiln-tests"))
}

/// Runs a command; returns its output.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
