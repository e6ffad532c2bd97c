//! The programs that compile a kernel, and the identity of a set of them.
//!
//! A toolchain is named by the names of its programs ([`Programs`]), found on a `PATH`, and identified by content: a
//! compiler that is replaced under the same name has another identity and so another key, while the same package on
//! another machine has the same one.
//!
//! [`Toolchain::identity`] covers:
//!
//! | part | reason |
//! |---|---|
//! | `CROSS_COMPILE` or `LLVM` | names the programs Kbuild calls |
//! | GNU: BLAKE3 of the compiler driver, `cc1`, the assembler and the linker | they make every byte of the result |
//! | LLVM: BLAKE3 of `clang`, of the compiler that it calls, of `ld.lld`, and of LLVM's own libraries that any program loads | likewise; the assembler is part of the compiler |
//! | the version line of compiler, assembler, linker, `objcopy` (LLVM: also `ar`, `nm`, `strip`), `make` | Kconfig reads them, Kbuild branches on them |
//! | the first version line of `pahole` and `rustc`, when installed | Kconfig symbols depend on them |
//!
//! [`Toolchain::with_environment`] adds the variables of a recipe to it.
//!
//! Not covered: `flex`, `bison`, `perl`, `bc` and the host's C library (they generate text that is the same for all
//! versions in use, or helpers that do not affect the result), file times and absolute paths (they differ between
//! machines that build the same bytes).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, ExecError, find_program};
use kiln_plan::KeyWriter;
use kiln_store::Store;
use kiln_store::cache::{self, Answers};

mod host;

pub use host::Host;
pub(crate) use host::choices;
pub use kiln_kconfig::Programs;

use crate::llvm;
use crate::watch;

/// The architecture to build for, in the kernel's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The value of `ARCH` (`x86_64`, `arm64`).
    pub arch: String,
    /// The directory below `arch/` (`x86`, `arm64`).
    pub srcarch: String,
    /// The names of the toolchain's programs.
    pub programs: Programs,
}

/// The programs that compile for one [`Target`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    programs: Programs,
    cc: PathBuf,
    host: Host,
    versions: Vec<(String, String)>,
    identity: String,
    /// Variables of the recipe that every command sees.
    environment: BTreeMap<String, String>,
}

/// GNU programs whose versions count.
const GNU: &[&str] = &["gcc", "as", "ld", "objcopy"];
/// LLVM programs whose versions count, by the names of the GNU programs that they replace.
const LLVM: &[&str] = &["gcc", "ld", "ar", "nm", "objcopy", "strip"];
/// Programs of the host whose versions count; only the first is required.
const HOST_PROGRAMS: [&str; 3] = ["make", "pahole", "rustc"];

/// The encoding of LLVM's identity; a cached one in another encoding is not used.
const LLVM_FORMAT: &str = "toolchain-llvm/2";

/// Why a toolchain could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// A program of it is not installed.
    #[error("program `{program}` not found")]
    Missing {
        /// The program's name.
        program: String,
        /// The names of the toolchain's programs.
        programs: Programs,
    },
    /// A program of it does not run.
    #[error("the toolchain does not answer")]
    Exec(#[from] ExecError),
    /// A program's file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The program's file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Toolchain {
    /// Finds the compiler, runs every program for its version and hashes those that make the result.
    ///
    /// # Errors
    /// [`ToolchainError::Missing`] names the first program that is missing; the doctor lists all of them.
    pub fn discover(host: &Host, programs: &Programs) -> Result<Toolchain, ToolchainError> {
        let found = |name: &str| {
            find_program(&host.path, Path::new(name))
                .ok_or_else(|| ToolchainError::Missing { program: name.to_owned(), programs: programs.clone() })
        };
        let cc = found(&programs.name("gcc"))?;
        let mut key = match programs {
            Programs::Gnu { prefix } => gnu_key(host, prefix, &cc)?,
            Programs::Llvm { value } => llvm_key(host, value, &cc, &found(&programs.name("ld"))?)?,
        };
        let mut versions = Vec::new();
        for name in counted(programs) {
            let program = programs.name(name);
            versions.push((program.clone(), version(host, programs, &found(&program)?)?));
        }
        let [make, optional @ ..] = HOST_PROGRAMS;
        let plain = Programs::gnu("");
        versions.push((make.to_owned(), version(host, &plain, &found(make)?)?));
        for name in optional {
            // They only add options; Kconfig treats one that is installed but broken like a missing one.
            let line = find_program(&host.path, Path::new(name)).and_then(|file| version(host, &plain, &file).ok());
            versions.extend(line.map(|line| (name.to_owned(), line)));
        }
        key.list("versions", versions.iter().map(|(name, line)| format!("{name}\t{line}")));
        let identity = key.finish().to_string();
        let environment = BTreeMap::new();
        Ok(Toolchain { programs: programs.clone(), cc, host: host.clone(), versions, identity, environment })
    }

    /// Like [`Toolchain::discover`], but cached in `store` as long as its programs are unchanged.
    ///
    /// # Errors
    /// Those of [`Toolchain::discover`].
    pub fn remembered(store: &Store, host: &Host, programs: &Programs) -> Result<Toolchain, ToolchainError> {
        let mut hasher = blake3::Hasher::new();
        for (name, value) in host.variables() {
            hasher.update(name.as_bytes()).update(b"=").update(value.as_bytes()).update(b"\0");
        }
        match programs {
            Programs::Gnu { prefix } => hasher.update(prefix.as_bytes()),
            Programs::Llvm { value } => hasher.update(LLVM_FORMAT.as_bytes()).update(value.as_bytes()),
        };
        let name = hasher.finalize().to_hex();
        // Without the cache every program is run, which is slow but correct.
        let Ok(file) = store.cached("toolchains", &name.as_str()[..32]) else {
            return Toolchain::discover(host, programs);
        };
        if let Some(toolchain) = Toolchain::recall(host, programs, &cache::recall(&file)) {
            return Ok(toolchain);
        }
        let found = Toolchain::discover(host, programs)?;
        let names: Vec<String> = counted(programs).iter().map(|name| programs.name(name)).collect();
        let words = names.iter().map(String::as_str).chain(HOST_PROGRAMS).map(str::as_bytes);
        let variables: Vec<_> = host.variables().collect();
        cache::keep(&file, watch::of_commands(words, &variables, Path::new("/")), &found.answers());
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

    fn recall(host: &Host, programs: &Programs, answers: &Answers) -> Option<Toolchain> {
        let text = |question: &str| String::from_utf8(answers.get(question.as_bytes())?.clone()).ok();
        let versions = (0..).map_while(|n| {
            let line = text(&format!("version {n}"))?;
            line.split_once('\t').map(|(name, line)| (name.to_owned(), line.to_owned()))
        });
        Some(Toolchain {
            programs: programs.clone(),
            cc: PathBuf::from(OsStr::from_bytes(answers.get(&b"cc"[..])?)),
            host: host.clone(),
            versions: versions.collect(),
            identity: text("identity")?,
            environment: BTreeMap::new(),
        })
    }

    /// Adds variables of a recipe, which Kconfig, make and all that they run see; its identity covers them.
    #[must_use]
    pub fn with_environment(mut self, environment: &BTreeMap<String, String>) -> Toolchain {
        if !environment.is_empty() {
            let mut key = KeyWriter::new("toolchain-environment/1");
            key.field("toolchain", &self.identity);
            key.list("variables", environment.iter().map(|(name, value)| format!("{name}={value}")));
            // A variable may name a further compiler, or the prefix of its programs.
            for name in environment.values().flat_map(|value| [value.clone(), format!("{value}gcc")]) {
                let file = find_program(&self.host.path, Path::new(&name)).filter(|_| !name.is_empty());
                if let Some(bytes) = file.and_then(|file| kiln_file::read(file).ok()) {
                    key.field(&name, blake3::hash(&bytes).to_hex().as_str());
                }
            }
            self.identity = key.finish().to_string();
        }
        self.environment = environment.clone();
        self
    }

    /// Returns the variables that every program of it sees.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let own = self.environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        own.chain(self.host.variables())
    }

    /// Returns the names of its programs.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Returns the compiler's file.
    pub fn cc(&self) -> &Path {
        &self.cc
    }

    /// Returns the `PATH` that the toolchain was found on, and that a build uses.
    pub fn path(&self) -> &OsStr {
        &self.host.path
    }

    /// Returns program names with their version lines, for the manifest.
    pub fn versions(&self) -> &[(String, String)] {
        &self.versions
    }

    /// Returns the toolchain's identity, which goes into keys; see the module's table.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Returns the machine that it is on.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Starts the command line of a program that sees this toolchain and nothing else of the caller's environment.
    pub fn exec(&self, program: impl AsRef<OsStr>) -> Exec {
        self.variables().fold(Exec::new(program), |exec, (name, value)| exec.env(name, value))
    }
}

/// Returns the programs whose versions count, by GNU's names.
fn counted(programs: &Programs) -> &'static [&'static str] {
    match programs {
        Programs::Gnu { .. } => GNU,
        Programs::Llvm { .. } => LLVM,
    }
}

fn gnu_key(host: &Host, prefix: &str, cc: &Path) -> Result<KeyWriter, ToolchainError> {
    let mut key = KeyWriter::new("toolchain/1");
    key.field("prefix", prefix);
    key.field("cc", digest(cc)?);
    for part in ["cc1", "as", "ld"] {
        key.field(part, part_digest(host, cc, part)?);
    }
    Ok(key)
}

fn llvm_key(host: &Host, value: &str, cc: &Path, ld: &Path) -> Result<KeyWriter, ToolchainError> {
    let mut key = KeyWriter::new(LLVM_FORMAT);
    key.field("LLVM", value);
    key.field("cc", digest(cc)?);
    let compiler = llvm::compiler(&host.path, cc);
    key.field("compiler", compiler.as_deref().map(digest).transpose()?.unwrap_or_default());
    key.field("ld", digest(ld)?);
    // By name, as their paths differ between machines.
    let mut libraries = BTreeSet::new();
    for program in compiler.iter().map(PathBuf::as_path).chain([cc, ld]) {
        for library in llvm::libraries(&host.path, program) {
            let name = library.file_name().unwrap_or_default().to_string_lossy().into_owned();
            libraries.insert((name, digest(&library)?));
        }
    }
    key.list("libraries", libraries.iter().flat_map(|(name, digest)| [name.as_bytes(), digest.as_slice()]));
    Ok(key)
}

/// Hashes the program that GNU's compiler would call as `part`; empty when it has none.
fn part_digest(host: &Host, cc: &Path, part: &str) -> Result<Vec<u8>, ToolchainError> {
    let answer = host.exec(cc).arg(format!("-print-prog-name={part}")).text()?;
    match find_program(&host.path, Path::new(answer.trim())) {
        Some(file) => digest(&file),
        None => Ok(Vec::new()),
    }
}

fn digest(file: &Path) -> Result<Vec<u8>, ToolchainError> {
    let read = |source| ToolchainError::Read { path: file.to_owned(), source };
    let mut hasher = blake3::Hasher::new();
    let mut reader = kiln_file::open(file).map_err(read)?;
    io::copy(&mut reader, &mut hasher).map_err(read)?;
    Ok(hasher.finalize().as_bytes().to_vec())
}

/// Returns the line with a program's version: the first, but LLVM's tools first print which tool they are compatible
/// with.
fn version(host: &Host, programs: &Programs, program: &Path) -> Result<String, ToolchainError> {
    let text = host.exec(program).arg("--version").text()?;
    let first = text.lines().next();
    let line = match programs {
        Programs::Gnu { .. } => first,
        Programs::Llvm { .. } => text.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).or(first),
    };
    Ok(line.unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests;
