//! The programs that compile a kernel, and what tells one set of them from another.
//!
//! A toolchain is named by its prefix, found on a `PATH`, and identified by content: a compiler that is replaced under the
//! same name gives another identity and so another key, while the same package on another machine gives the same one.
//!
//! What [`Toolchain::identity`] covers:
//!
//! | in | why |
//! |---|---|
//! | prefix | names the programs Kbuild calls |
//! | BLAKE3 of the compiler driver, `cc1`, the assembler and the linker | they make every byte of the result |
//! | the first version line of compiler, assembler, linker, `objcopy`, `make` | Kconfig asks for them, Kbuild branches on them |
//! | the first version line of `pahole` and `rustc`, when there | Kconfig shows or hides symbols by them |
//!
//! Left out: `flex`, `bison`, `perl`, `bc` and the host's C library (what they generate is text that is the same for all
//! versions in use, or helpers that do not reach the result), file times and absolute paths (they differ between machines
//! that build the same bytes).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, ExecError, find_program};
use kiln_plan::KeyWriter;

use crate::Store;
use crate::doctor::Missing;
use crate::kconfig::watch;
use crate::memory::{self, Answers};

/// The machine that builds, as far as a build may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The value of `PATH`: folders where programs are looked for.
    pub path: OsString,
}

/// The architecture to build for, in the kernel's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The value of `ARCH` (`x86_64`, `arm64`).
    pub arch: String,
    /// The folder below `arch/` (`x86`, `arm64`).
    pub srcarch: String,
    /// What the compiler's name begins with (`aarch64-linux-gnu-`); `None` for the host's own compiler.
    pub cross_compile: Option<String>,
}

/// The programs that compile for one [`Target`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    prefix: String,
    cc: PathBuf,
    path: OsString,
    versions: Vec<(String, String)>,
    identity: String,
}

/// Programs with the toolchain's prefix whose versions count.
const PROGRAMS: [&str; 4] = ["gcc", "as", "ld", "objcopy"];
/// Programs of the host whose versions count; only the first must be there.
const HOST_PROGRAMS: [&str; 3] = ["make", "pahole", "rustc"];

/// Why a toolchain could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// A program of it is not installed.
    #[error("program `{program}` not found")]
    Missing {
        /// The program's name, with the prefix.
        program: String,
        /// The toolchain's prefix; empty for the host's own.
        prefix: String,
    },
    /// A program of it does not run.
    #[error("the toolchain does not answer")]
    Exec(#[from] ExecError),
    /// A program's file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The program's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ToolchainError {
    /// What the host lacks, in the doctor's words, when that is what is wrong.
    pub fn missing(&self) -> Option<Missing> {
        let ToolchainError::Missing { program, prefix } = self else { return None };
        let arch = prefix.trim_end_matches('-').to_owned();
        let target = Target { arch, srcarch: String::new(), cross_compile: Some(prefix.clone()) };
        Some(Missing::program(program, &target))
    }
}

impl Toolchain {
    /// Finds the compiler with `cross_compile` in front of its name, asks every program for its version and hashes those
    /// that make the result.
    ///
    /// # Errors
    /// [`ToolchainError::Missing`] names the first program that is not there; the doctor knows all of them.
    pub fn discover(host: &Host, cross_compile: Option<&str>) -> Result<Toolchain, ToolchainError> {
        let prefix = cross_compile.unwrap_or_default();
        let found = |name: &str| {
            find_program(&host.path, Path::new(name))
                .ok_or_else(|| ToolchainError::Missing { program: name.to_owned(), prefix: prefix.to_owned() })
        };
        let cc = found(&format!("{prefix}gcc"))?;
        let mut key = KeyWriter::new("toolchain/1");
        key.field("prefix", prefix);
        key.field("cc", digest(&cc)?);
        for part in ["cc1", "as", "ld"] {
            key.field(part, part_digest(host, &cc, part)?);
        }
        let mut versions = Vec::new();
        for name in PROGRAMS {
            let program = format!("{prefix}{name}");
            versions.push((program.clone(), version(host, &found(&program)?)?));
        }
        let [make, optional @ ..] = HOST_PROGRAMS;
        versions.push((make.to_owned(), version(host, &found(make)?)?));
        for name in optional {
            // They only widen the choice; one that is there but broken is the same to Kconfig as none.
            if let Some(line) = find_program(&host.path, Path::new(name)).and_then(|file| version(host, &file).ok()) {
                versions.push((name.to_owned(), line));
            }
        }
        key.list("versions", versions.iter().map(|(name, line)| format!("{name}\t{line}")));
        let identity = key.finish().to_string();
        Ok(Toolchain { prefix: prefix.to_owned(), cc, path: host.path.clone(), versions, identity })
    }

    /// [`Toolchain::discover`], with what `store` remembers of it as long as its programs are as they were.
    ///
    /// # Errors
    /// Those of [`Toolchain::discover`].
    pub fn remembered(store: &Store, host: &Host, cross_compile: Option<&str>) -> Result<Toolchain, ToolchainError> {
        let prefix = cross_compile.unwrap_or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(host.path.as_bytes()).update(b"\0").update(prefix.as_bytes());
        let name = hasher.finalize().to_hex();
        // Without the memory all is asked, which is slow and right.
        let Ok(folder) = store.cache("toolchains") else { return Toolchain::discover(host, cross_compile) };
        let file = folder.join(&name.as_str()[..32]);
        if let Some(toolchain) = Toolchain::recall(host, prefix, &memory::recall(&file)) {
            return Ok(toolchain);
        }
        let found = Toolchain::discover(host, cross_compile)?;
        let names: Vec<String> = PROGRAMS.iter().map(|name| format!("{prefix}{name}")).collect();
        let words = names.iter().map(String::as_str).chain(HOST_PROGRAMS).map(str::as_bytes);
        let variables = [("PATH".into(), host.path.clone())];
        memory::keep(&file, watch::of_commands(words, &variables, Path::new("/")), &found.answers());
        Ok(found)
    }

    fn answers(&self) -> Answers {
        let versions = self.versions.iter().enumerate();
        let versions = versions
            .map(|(n, (name, line))| (format!("version {n}").into_bytes(), format!("{name}\t{line}").into_bytes()));
        let cc = (b"cc".to_vec(), self.cc.as_os_str().as_bytes().to_vec());
        let identity = (b"identity".to_vec(), self.identity.clone().into_bytes());
        versions.chain([cc, identity]).collect()
    }

    fn recall(host: &Host, prefix: &str, answers: &Answers) -> Option<Toolchain> {
        let text = |question: &str| String::from_utf8(answers.get(question.as_bytes())?.clone()).ok();
        let versions = (0..).map_while(|n| {
            let line = text(&format!("version {n}"))?;
            line.split_once('\t').map(|(name, line)| (name.to_owned(), line.to_owned()))
        });
        Some(Toolchain {
            prefix: prefix.to_owned(),
            cc: PathBuf::from(OsStr::from_bytes(answers.get(&b"cc"[..])?)),
            path: host.path.clone(),
            versions: versions.collect(),
            identity: text("identity")?,
        })
    }

    /// The value of `CROSS_COMPILE`; empty for the host's own compiler.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The compiler's file.
    pub fn cc(&self) -> &Path {
        &self.cc
    }

    /// The `PATH` that the toolchain was found on, and that a build uses.
    pub fn path(&self) -> &OsStr {
        &self.path
    }

    /// Program names with the first line of their version text, for the manifest.
    pub fn versions(&self) -> &[(String, String)] {
        &self.versions
    }

    /// What tells this toolchain from another, to go into keys; see the module's table.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Starts the command line of a program that sees this toolchain and nothing else of the caller's environment.
    pub(crate) fn exec(&self, program: impl AsRef<OsStr>) -> Exec {
        Exec::new(program).env("PATH", &self.path).env("LC_ALL", "C")
    }
}

/// Hashes the program that the compiler itself would call as `part`.
///
/// A compiler without separate parts (clang) names none of them: its own file is all there is, and is hashed already.
fn part_digest(host: &Host, cc: &Path, part: &str) -> Result<Vec<u8>, ToolchainError> {
    let answer = host_exec(host, cc).arg(format!("-print-prog-name={part}")).text()?;
    match find_program(&host.path, Path::new(answer.trim())) {
        Some(file) => digest(&file),
        None => Ok(Vec::new()),
    }
}

fn digest(file: &Path) -> Result<Vec<u8>, ToolchainError> {
    let read = |source| ToolchainError::Read { path: file.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    let mut reader = std::fs::File::open(file).map_err(read)?;
    io::copy(&mut reader, &mut hasher).map_err(read)?;
    Ok(hasher.finalize().as_bytes().to_vec())
}

fn version(host: &Host, program: &Path) -> Result<String, ToolchainError> {
    let text = host_exec(host, program).arg("--version").text()?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn host_exec(host: &Host, program: &Path) -> Exec {
    Exec::new(program).env("PATH", &host.path).env("LC_ALL", "C")
}

#[cfg(test)]
mod tests;
