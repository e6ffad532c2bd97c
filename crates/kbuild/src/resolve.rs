//! Resolves a base config and requests to the `.config` that the kernel's own Kconfig would write.
//!
//! [`KconfigTree`] is one tree with one architecture and one toolchain: it reads bases and parses. [`Parsed`] resolves
//! requests over a base with kiln's own engine. Every base is reduced to a text of assignments over Kconfig's defaults
//! or over "everything off" ([`BaseText`]); `make` runs only for a base that one of the tree's makefiles generates.
//! Whether the requests hold is not checked here: that is `kiln_advise::check`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use kiln_diag::ErrorKind;
use kiln_exec::ExecError;
use kiln_kconfig::BaseValues;

use crate::doctor::Missing;
use crate::kconfig::{LinuxTree, Machine, MachineError};
use crate::make::failure::{self, Failure};
use crate::make::{Make, TreeError, check_tree, make_output};
use crate::toolchain::{Target, Toolchain};
use kiln_store::Store;

mod base_texts;
mod declarations;
mod parsed;

use base_texts::BaseTexts;
pub use parsed::{Parsed, config_of};

/// The base config: the values of the symbols that are not requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Kconfig's own defaults.
    Alldefconfig,
    /// Set as many symbols as possible to n.
    Allnoconfig,
    /// `allnoconfig` with the tree's own fragments for the smallest kernel.
    Tinyconfig,
    /// A file of `arch/SRCARCH/configs`, or a target of the architecture's makefile that generates a configuration.
    Defconfig(String),
    /// The text of a `.config` or a part of one.
    File(String),
}

/// A base as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseText {
    /// Whether symbols that `text` does not name are off where possible; otherwise they have their defaults.
    pub is_all_no: bool,
    /// Lines as in a `.config`.
    pub text: String,
}

/// The Kconfig of a kernel tree, for one architecture and toolchain. The tree is never written to.
#[derive(Debug)]
pub struct KconfigTree<'a> {
    tree: PathBuf,
    out: PathBuf,
    target: &'a Target,
    toolchain: &'a Toolchain,
    cache: Option<&'a Store>,
}

/// Why there is no resolved configuration.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The directory is no kernel tree, or cannot be used as one.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// `baseConfig` names no configuration of the tree.
    #[error("this kernel has no configuration `{name}` for {srcarch}{}", offered(nearest))]
    NoSuchBase {
        /// As it was written.
        name: String,
        /// The directory below `arch/`.
        srcarch: String,
        /// The most similar existing names.
        nearest: Vec<String>,
    },
    /// A requested value cannot be written into a `.config`.
    #[error("the value of `{symbol}` cannot be written into a .config: it has a line break or a zero byte")]
    Unwritable {
        /// Without `CONFIG_`.
        symbol: String,
    },
    /// The host lacks programs that Kconfig is built with.
    #[error("the host lacks what configuring needs: {}", crate::doctor::names(missing))]
    Missing {
        /// The missing programs or headers, with their packages.
        missing: Vec<Missing>,
    },
    /// Kconfig failed.
    #[error("the kernel's Kconfig failed{failure}")]
    Failed {
        /// The first error in the output.
        failure: Box<Failure>,
        /// The log of all output.
        log: PathBuf,
    },
    /// The tree's Kconfig files have errors, or include files that do not exist.
    #[error("the kernel's Kconfig cannot be read:\n{}", said.trim_end())]
    Refused {
        /// All messages, with file and line.
        said: String,
    },
    /// The tree's version cannot be determined, or it cannot use the compiler.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A program could not be run to its end.
    #[error("cannot run the kernel's Kconfig")]
    Exec(#[from] ExecError),
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl ResolveError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ResolveError::Tree(_)
            | ResolveError::Machine(_)
            | ResolveError::Refused { .. }
            | ResolveError::NoSuchBase { .. }
            | ResolveError::Unwritable { .. } => ErrorKind::Input,
            ResolveError::Failed { .. } => ErrorKind::Build,
            ResolveError::Missing { .. } | ResolveError::Exec(_) | ResolveError::Io { .. } => ErrorKind::Host,
        }
    }
}

impl<'a> KconfigTree<'a> {
    /// Prepares to work on `tree`; commands in Kconfig files run in `out`, and their answers are stored in `cache`.
    ///
    /// `out` is created when missing, and may be kept for the next time.
    /// # Errors
    /// `tree` is no clean kernel tree, or `out` cannot be created.
    pub fn new(
        tree: &Path,
        out: &Path,
        target: &'a Target,
        toolchain: &'a Toolchain,
        cache: Option<&'a Store>,
    ) -> Result<KconfigTree<'a>, ResolveError> {
        let tree = check_tree(tree, target)?;
        let out = make_output(out)?;
        Ok(KconfigTree { tree, out, target, toolchain, cache })
    }

    /// Returns the target of the build.
    pub fn target(&self) -> &Target {
        self.target
    }

    /// Returns the toolchain of the build.
    pub fn toolchain(&self) -> &Toolchain {
        self.toolchain
    }

    /// Whether a base config of the tree is a file; otherwise one of its makefiles generates it.
    pub fn has_file(&self, name: &str) -> bool {
        self.defconfig_file(name).is_some()
    }

    /// Reads a base; one that a makefile generates is made first.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn base_text(&self, base: &Base) -> Result<BaseText, ResolveError> {
        let over = |is_all_no, text| Ok(BaseText { is_all_no, text });
        match base {
            Base::Alldefconfig => over(false, String::new()),
            Base::Allnoconfig => over(true, String::new()),
            Base::Tinyconfig => over(true, self.tiny_fragments()?),
            Base::File(text) => over(false, text.clone()),
            Base::Defconfig(name) => over(false, self.defconfig(name)?),
        }
    }

    /// Parses the tree's Kconfig, for requests over the `values` of `base`.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn parse(&self, base: &Base, values: BaseValues) -> Result<Parsed, ResolveError> {
        let base = self.base_text(base)?;
        let machine = self.machine()?;
        let (model, messages) = machine.parse("Kconfig")?;
        let refused = || String::from_utf8_lossy(&messages.stderr()).into_owned();
        let model = model.ok_or_else(|| ResolveError::Refused { said: refused() })?;
        Ok(Parsed::new(self.tree.clone(), model, machine, BaseTexts::new(base, values)))
    }

    /// Returns the machine that the tree's Kconfig files see.
    fn machine(&self) -> Result<Machine, ResolveError> {
        let tree = LinuxTree {
            srctree: &self.tree,
            arch: &self.target.arch,
            programs: self.toolchain.programs(),
            cc: None,
            ld: None,
            rustc: None,
            path: self.toolchain.path(),
            sandbox: self.toolchain.host().sandbox(),
        };
        let make = self.make();
        make.prepare().map_err(|source| ResolveError::Io { path: self.out.clone(), source })?;
        // Commands see the same variables as in a build.
        let name = |name: OsString| name.into_string().ok();
        let seen = make.variables().into_iter().filter_map(|(key, value)| Some((name(key)?, value.into_vec())));
        let more: BTreeMap<String, Vec<u8>> = seen.collect();
        Ok(Machine::linux(&tree, &self.out, &more, self.cache)?)
    }

    fn make(&self) -> Make<'_> {
        Make { tree: &self.tree, out: &self.out, target: self.target, toolchain: self.toolchain }
    }

    /// Returns the fragments of the tree's `tinyconfig`; an architecture may have none of its own.
    fn tiny_fragments(&self) -> Result<String, ResolveError> {
        let mut text = String::new();
        let arch = format!("arch/{}/configs/tiny.config", self.target.srcarch);
        for name in ["kernel/configs/tiny-base.config", "kernel/configs/tiny.config", &arch] {
            let file = self.tree.join(name);
            match kiln_file::read_to_string(&file) {
                Ok(fragment) => text.extend([fragment.as_str(), "\n"]),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ResolveError::Io { path: file, source }),
            }
        }
        Ok(text)
    }

    /// Returns the directory of the architecture's configurations.
    fn configs(&self) -> PathBuf {
        self.tree.join("arch").join(&self.target.srcarch).join("configs")
    }

    /// Returns the file of a configuration of the tree, when it has one.
    fn defconfig_file(&self, name: &str) -> Option<PathBuf> {
        Some(self.configs().join(name)).filter(|file| is_plain(name) && file.is_file())
    }

    /// Returns the text of a configuration of the tree.
    ///
    /// A name without a file (`defconfig` on x86, `32r2el_defconfig` on mips) is a target of the makefile; its result
    /// is a whole `.config`. `make savedefconfig` would shorten it, but a request may take away the default for which a
    /// value was left out.
    fn defconfig(&self, name: &str) -> Result<String, ResolveError> {
        if let Some(file) = self.defconfig_file(name) {
            return kiln_file::read_to_string(&file).map_err(|source| ResolveError::Io { path: file, source });
        }
        let known = known_configs(&self.configs());
        let missing = || ResolveError::NoSuchBase {
            name: name.to_owned(),
            srcarch: self.target.srcarch.clone(),
            nearest: similar(name, &known),
        };
        let targets = self.tree.join("arch").join(&self.target.srcarch).join("Makefile");
        let makefile =
            kiln_file::read_to_string(&targets).map_err(|source| ResolveError::Io { path: targets, source })?;
        let is_target =
            name == "defconfig" || makefile.split(|c: char| c.is_whitespace() || c == ':').any(|word| word == name);
        let clean_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !(is_plain(name) && clean_name && name.ends_with("defconfig") && is_target) {
            return Err(missing());
        }
        self.run_config(name)?;
        read(&self.out.join(".config"))
    }

    /// Runs a configuration target.
    fn run_config(&self, target: &str) -> Result<(), ResolveError> {
        let make = self.make();
        make.prepare().map_err(|source| ResolveError::Io { path: self.out.clone(), source })?;
        let log = make.private("resolve.log");
        let mut lines = Vec::new();
        let result = make.exec().arg("-s").arg(target).log(&log).run(&mut |_, line| {
            lines.push(line.to_owned());
            std::ops::ControlFlow::Continue(())
        });
        match result {
            Ok(()) => Ok(()),
            Err(ExecError::Failed { .. }) => Err(self.failed(&lines, log)),
            Err(ExecError::NotFound { .. }) => Err(ResolveError::Missing { missing: vec![Missing::make()] }),
            Err(error) => Err(error.into()),
        }
    }

    fn failed(&self, lines: &[String], log: PathBuf) -> ResolveError {
        let failure = failure::find(lines);
        match failure.missing(self.target) {
            Some(missing) => ResolveError::Missing { missing: vec![missing] },
            None => ResolveError::Failed { failure: Box::new(failure), log },
        }
    }
}

fn read(path: &Path) -> Result<String, ResolveError> {
    kiln_file::read_to_string(path).map_err(|source| ResolveError::Io { path: path.to_owned(), source })
}

/// Whether a name stays inside its directory.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// Returns the names of files in `configs/`, sorted; none when there is no such directory.
fn known_configs(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with("defconfig"))
        .collect();
    names.sort();
    names
}

fn similar(name: &str, known: &[String]) -> Vec<String> {
    let mut scored: Vec<(f64, &String)> =
        known.iter().map(|other| (strsim::jaro_winkler(name, other), other)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

fn offered(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; it has {}", nearest.join(", ")) }
}
