//! `kiln depmod` against Debian's `depmod`, byte for byte, on Debian's kernels.
//!
//! Packages are downloaded once into the user's cache folder, foreign machines' with an apt state of their own, so
//! that the host's apt hears of no other architecture.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::root;

/// A kernel: the suite, apt's name of the machine, and the package that depends on the newest kernel of its kind.
const CORPORA: [(&str, &str, &str); 7] = [
    ("bookworm", "amd64", "linux-image-cloud-amd64"),
    ("bookworm", "amd64", "linux-image-amd64"),
    ("bookworm", "arm64", "linux-image-arm64"),
    ("bookworm", "armhf", "linux-image-armmp"),
    ("bookworm", "mipsel", "linux-image-4kc-malta"),
    ("bookworm", "mips64el", "linux-image-5kc-malta"),
    ("bookworm-backports", "amd64", "linux-image-amd64"),
];

/// riscv64 is in no released suite of that age.
const RISCV: (&str, &str, &str) = ("trixie", "riscv64", "linux-image-riscv64");

/// Compares all kernels, or those whose package name has `filter`; fails when any file differs.
#[expect(clippy::print_stdout, reason = "a developer's tool prints its table")]
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    let version = output(Command::new("depmod").arg("--version"))?;
    ensure!(version.starts_with("kmod version 30"), "the bytes are those of kmod 30, not of {version}");
    output(Command::new(env!("CARGO")).args(["build", "--release", "--bin", "kiln"]).current_dir(root()))?;
    let mut differing = 0;
    for (suite, machine, package) in CORPORA.into_iter().chain([RISCV]) {
        if filter.is_some_and(|filter| !package.contains(filter)) {
            continue;
        }
        let (base, release) = unpacked(suite, machine, package)?;
        let (modules, differ) = compare(&base, &release)?;
        println!("{machine:9} {release:40} {modules:5} modules, differ: {differ:?}");
        differing += differ.len();
    }
    ensure!(differing == 0, "{differing} files differ");
    Ok(())
}

/// Runs both; gives the number of modules, and the files that differ.
fn compare(base: &Path, release: &str) -> Result<(usize, Vec<String>)> {
    let ours = tempfile::tempdir()?;
    let kiln = root().join("target/release/kiln");
    let run = |program: &Path| {
        let mut command = Command::new(program);
        if program == kiln {
            command.arg("depmod").arg("-o").arg(ours.path());
        }
        output(command.args(["-C", "/dev/null", "-b"]).arg(base).arg(release))
    };
    run(Path::new("depmod"))?;
    run(&kiln)?;
    let (theirs, ours) = (base.join("lib/modules").join(release), ours.path().join("lib/modules").join(release));
    let mut differ = Vec::new();
    for entry in fs::read_dir(&ours)? {
        let name = entry?.file_name();
        if fs::read(ours.join(&name))? != fs::read(theirs.join(&name)).unwrap_or_default() {
            differ.push(name.to_string_lossy().into_owned());
        }
    }
    differ.sort();
    ensure!(ours.join("modules.dep").exists(), "kiln wrote no modules.dep");
    Ok((fs::read_to_string(theirs.join("modules.dep"))?.lines().count(), differ))
}

/// Gives the folder and the release of an unpacked kernel package.
fn unpacked(suite: &str, machine: &str, package: &str) -> Result<(PathBuf, String)> {
    let state = cache()?.join(format!("apt-{suite}-{machine}"));
    let apt = Apt::new(&state, suite, machine)?;
    let depends = output(apt.command("apt-cache").args(["depends", "--important", package]))?;
    let concrete = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let release = concrete.with_context(|| format!("{package} depends on no kernel"))?.to_owned();
    let base = cache()?.join(format!("linux-image-{release}-{machine}"));
    if !base.join("complete").exists() {
        let work = tempfile::tempdir_in(cache()?)?;
        let name = format!("linux-image-{release}");
        output(apt.command("apt-get").arg("download").arg(&name).current_dir(work.path()))?;
        let Some(deb) = fs::read_dir(work.path())?.find_map(|entry| Some(entry.ok()?.path())) else {
            bail!("apt-get downloaded nothing for {name}");
        };
        output(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&base))?;
        // Newer suites have the modules below /usr only.
        if !base.join("lib").exists() {
            std::os::unix::fs::symlink("usr/lib", base.join("lib"))?;
        }
        fs::write(base.join("complete"), "")?;
    }
    Ok((base, release))
}

/// The archive that the host's own apt takes packages from, other than security updates.
fn mirror() -> Result<String> {
    let archives = output(Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]))?;
    let mut lines = archives.lines().filter(|line| !line.contains("security"));
    lines.next().map(str::to_owned).context("the host's apt knows no archive: run `apt-get update`")
}

/// An apt with lists and a cache of its own, for one suite and one machine.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn new(state: &Path, suite: &str, machine: &str) -> Result<Apt> {
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

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
    }
}

fn cache() -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).context("HOME is not set")?;
    fs::create_dir_all(cache.join("kiln-tests"))?;
    Ok(cache.join("kiln-tests"))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
