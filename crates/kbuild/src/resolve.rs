//! From base configuration and requests to the `.config` that the kernel's own Kconfig gives.
//!
//! A [`Resolver`] answers for one tree and one architecture. [`Native`] is kiln's own engine; [`TreeConf`] asks the tree's
//! own `scripts/kconfig/conf`, which it builds in a private output folder: what the engine is compared with, and what
//! makes the bases that only a makefile knows how to put together. Every base comes down to one of two modes and one text of assignments
//! ([`seed`]), so that an engine which knows `allnoconfig` and `alldefconfig` knows them all. Whether the requests hold in
//! the answer is not asked here: that is `kiln_plan::check`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::ExecError;
use kiln_kconfig::Declarations;

use crate::doctor::Missing;
use crate::kconfig::MachineError;
use crate::make::failure::{self, Failure};
use crate::make::{Make, TreeError, check_tree, make_output};
use crate::toolchain::{Target, Toolchain};

pub mod declarations;
mod native;
pub mod seed;

pub use native::{Asked, Native};

use seed::{Mode, Seed};

/// What the symbols get that nobody requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Kconfig's own defaults.
    Alldefconfig,
    /// Everything off that can be.
    Allnoconfig,
    /// `allnoconfig` with the tree's own fragments for the smallest kernel.
    Tinyconfig,
    /// A file of `arch/SRCARCH/configs`, or a target of the architecture's makefile that makes a configuration.
    Defconfig(String),
    /// The text of a `.config` or a part of one.
    File(String),
}

/// A `.config` and what Kconfig said while making it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The `.config`, to the byte.
    pub config_text: String,
    /// What Kconfig warned of, one finding each (several lines when it said several).
    pub warnings: Vec<String>,
    /// What the tree declares of the symbols that were requested, and perhaps of others.
    pub declarations: Declarations,
}

/// Resolves configurations of one tree for one architecture.
pub trait Resolver {
    /// What the tree declares for the architecture.
    ///
    /// # Errors
    /// The tree could not be read.
    fn declarations(&self) -> Result<Declarations, ResolveError>;

    /// The configuration that `base` and `requests` (symbol without `CONFIG_`, value as in a recipe) give.
    ///
    /// # Errors
    /// See [`ResolveError`]; a request that Kconfig does not follow is none.
    fn resolve(&self, base: &Base, requests: &BTreeMap<String, String>) -> Result<Resolved, ResolveError>;
}

/// The tree's own `conf`.
#[derive(Debug)]
pub struct TreeConf<'a> {
    tree: PathBuf,
    out: PathBuf,
    target: &'a Target,
    toolchain: &'a Toolchain,
}

/// Why there is no resolved configuration.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The folder is no kernel tree, or cannot be used as one.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// `baseConfig` names no configuration of the tree.
    #[error("this kernel has no configuration `{name}` for {srcarch}{}", offered(nearest))]
    NoSuchBase {
        /// As it was written.
        name: String,
        /// The folder below `arch/`.
        srcarch: String,
        /// The most similar names that there are.
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
        /// What is missing, and which package has it.
        missing: Vec<Missing>,
    },
    /// Kconfig refused.
    #[error("the kernel's Kconfig failed{failure}")]
    Failed {
        /// The first error that was said.
        failure: Box<Failure>,
        /// All of it.
        log: PathBuf,
    },
    /// The tree's Kconfig files are wrong, or ask for what is not there.
    #[error("the kernel's Kconfig cannot be read:\n{}", said.trim_end())]
    Refused {
        /// Everything that was said, with file and line.
        said: String,
    },
    /// The tree does not say which kernel it is, or cannot use the compiler.
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
        /// What the system said.
        source: io::Error,
    },
}

impl<'a> TreeConf<'a> {
    /// Prepares to ask the `conf` of `tree`, which is built and run in `out`; the tree is never written to.
    ///
    /// `out` is made when missing, and may be kept for the next time.
    /// # Errors
    /// `tree` is no clean kernel tree, or `out` cannot be made.
    pub fn new(
        tree: &Path,
        out: &Path,
        target: &'a Target,
        toolchain: &'a Toolchain,
    ) -> Result<TreeConf<'a>, ResolveError> {
        let tree = check_tree(tree, target)?;
        let out = make_output(out)?;
        Ok(TreeConf { tree, out, target, toolchain })
    }

    fn make(&self) -> Make<'_> {
        Make { tree: &self.tree, out: &self.out, target: self.target, toolchain: self.toolchain }
    }

    /// The mode and text that stand for `base` alone.
    fn base_seed(&self, base: &Base) -> Result<Seed, ResolveError> {
        let seed = |mode, text| Ok(Seed { mode, text });
        match base {
            Base::Alldefconfig => seed(Mode::Alldefconfig, String::new()),
            Base::Allnoconfig => seed(Mode::Allnoconfig, String::new()),
            Base::Tinyconfig => seed(Mode::Allnoconfig, self.tiny_fragments()?),
            Base::File(text) => seed(Mode::Alldefconfig, text.clone()),
            Base::Defconfig(name) => seed(Mode::Alldefconfig, self.defconfig(name)?),
        }
    }

    /// The fragments that the tree's `tinyconfig` is made of; an architecture need not have one.
    fn tiny_fragments(&self) -> Result<String, ResolveError> {
        let mut text = String::new();
        let arch = format!("arch/{}/configs/tiny.config", self.target.srcarch);
        for name in ["kernel/configs/tiny-base.config", "kernel/configs/tiny.config", &arch] {
            let file = self.tree.join(name);
            match std::fs::read_to_string(&file) {
                Ok(fragment) => text.extend([fragment.as_str(), "\n"]),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ResolveError::Io { path: file, source }),
            }
        }
        Ok(text)
    }

    /// The folder of the architecture's configurations.
    fn configs(&self) -> PathBuf {
        self.tree.join("arch").join(&self.target.srcarch).join("configs")
    }

    /// The file of a configuration of the tree, when it has one.
    fn defconfig_file(&self, name: &str) -> Option<PathBuf> {
        Some(self.configs().join(name)).filter(|file| is_plain(name) && file.is_file())
    }

    /// The text of a configuration of the tree.
    ///
    /// A name without a file (`defconfig` on x86, `32r2el_defconfig` on mips) is a target of the makefile; what it makes
    /// is reduced to what differs from the defaults, so that requests on top move the defaults they always move.
    fn defconfig(&self, name: &str) -> Result<String, ResolveError> {
        if let Some(file) = self.defconfig_file(name) {
            return std::fs::read_to_string(&file).map_err(|source| ResolveError::Io { path: file, source });
        }
        let known = known_configs(&self.configs());
        let missing = || ResolveError::NoSuchBase {
            name: name.to_owned(),
            srcarch: self.target.srcarch.clone(),
            nearest: similar(name, &known),
        };
        let targets = self.tree.join("arch").join(&self.target.srcarch).join("Makefile");
        let makefile =
            std::fs::read_to_string(&targets).map_err(|source| ResolveError::Io { path: targets, source })?;
        let is_target =
            name == "defconfig" || makefile.split(|c: char| c.is_whitespace() || c == ':').any(|word| word == name);
        let clean_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !(is_plain(name) && clean_name && name.ends_with("defconfig") && is_target) {
            return Err(missing());
        }
        self.run_config(&[name], None)?;
        self.run_config(&["savedefconfig"], None)?;
        read(&self.out.join("defconfig"))
    }

    /// Runs configuration targets; gives what was said.
    fn run_config(&self, targets: &[&str], seed: Option<&Path>) -> Result<Vec<String>, ResolveError> {
        let make = self.make();
        make.prepare().map_err(|source| ResolveError::Io { path: self.out.clone(), source })?;
        let log = make.private("resolve.log");
        let mut exec = make.exec().arg("-s").args(targets).log(&log);
        if let Some(seed) = seed {
            exec = exec.env("KCONFIG_ALLCONFIG", seed);
        }
        let mut lines = Vec::new();
        let result = exec.run(&mut |_, line| {
            lines.push(line.to_owned());
            std::ops::ControlFlow::Continue(())
        });
        match result {
            Ok(()) => Ok(lines),
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

impl Resolver for TreeConf<'_> {
    fn declarations(&self) -> Result<Declarations, ResolveError> {
        declarations::scan(&self.tree, self.target)
    }

    fn resolve(&self, base: &Base, requests: &BTreeMap<String, String>) -> Result<Resolved, ResolveError> {
        let declared = self.declarations()?;
        let mut seed = self.base_seed(base)?;
        seed.append(requests, &|symbol| declared.symbol_type(symbol))?;
        self.make().prepare().map_err(|source| ResolveError::Io { path: self.out.clone(), source })?;
        let file = self.make().private("seed.config");
        std::fs::write(&file, &seed.text).map_err(|source| ResolveError::Io { path: file.clone(), source })?;
        // An earlier answer would be kept as `.config.old`, and is not asked for.
        let lines = self.run_config(&[seed.mode.target()], Some(&file))?;
        let config_text = read(&self.out.join(".config"))?;
        Ok(Resolved { config_text, warnings: seed::warnings(&lines, &file), declarations: declared })
    }
}

fn read(path: &Path) -> Result<String, ResolveError> {
    std::fs::read_to_string(path).map_err(|source| ResolveError::Io { path: path.to_owned(), source })
}

/// Whether a name leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

/// Names of files below `configs/`, sorted; none when there is no such folder.
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
