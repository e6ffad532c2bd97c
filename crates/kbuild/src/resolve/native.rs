//! kiln's own Kconfig engine as a [`Resolver`].

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_kconfig::{Declaration, Declarations, Evaluation, Files, Model, Type};
use kiln_store::Store;

use super::seed::{self, Mode, Seed};
use super::{Base, ResolveError, Resolved, Resolver, TreeConf};
use crate::kconfig::{LinuxTree, Machine};
use crate::toolchain::{Target, Toolchain};

/// What messages call the base and the requests.
const SEED: &str = "kiln-seed.config";

/// Writes what the tree's own `conf` would write, without building or running it.
///
/// `make` is asked only for a base that one of the tree's makefiles puts together.
#[derive(Debug)]
pub struct Native<'a> {
    conf: TreeConf<'a>,
    memory: Option<&'a Store>,
}

/// A parsed tree, and what is asked of it.
#[derive(Debug)]
pub struct Asked {
    model: Model,
    machine: Machine,
    mode: Mode,
    /// The base alone.
    base: String,
    /// The base with the requests.
    seed: Vec<u8>,
    /// What parsing had to say.
    said: Vec<u8>,
    requested: Vec<String>,
}

impl<'a> Native<'a> {
    /// Prepares to resolve for `tree`, which is never written to; commands that Kconfig asks for run in `out`, and their
    /// answers are kept in `memory`.
    ///
    /// # Errors
    /// `tree` is no clean kernel tree, or `out` cannot be made.
    pub fn new(
        tree: &Path,
        out: &Path,
        target: &'a Target,
        toolchain: &'a Toolchain,
        memory: Option<&'a Store>,
    ) -> Result<Native<'a>, ResolveError> {
        Ok(Native { conf: TreeConf::new(tree, out, target, toolchain)?, memory })
    }

    /// Whether a base config of the tree is a file; else one of its makefiles puts it together.
    pub fn has_file(&self, name: &str) -> bool {
        self.conf.defconfig_file(name).is_some()
    }

    /// The assignments that stand for a base alone.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn base_text(&self, base: &Base) -> Result<String, ResolveError> {
        Ok(self.conf.base_seed(base)?.text)
    }

    /// Parses the tree, with a base and requests to be worked out on it.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub fn ask(&self, base: &Base, requests: &BTreeMap<String, String>) -> Result<Asked, ResolveError> {
        let mut seed = self.conf.base_seed(base)?;
        let base = seed.text.clone();
        let machine = self.machine()?;
        let (model, said) = machine.parse("Kconfig")?;
        let said = said.stderr();
        let model = model.ok_or_else(|| ResolveError::Refused { said: text(&said) })?;
        seed.append(requests, &|symbol| type_of(&model, symbol))?;
        let (mode, seed) = (seed.mode, seed.text.into_bytes());
        let machine = machine.with_text(SEED, seed.clone()).with_variable("KCONFIG_ALLCONFIG", SEED.as_bytes());
        Ok(Asked { model, machine, mode, base, seed, said, requested: requests.keys().cloned().collect() })
    }

    /// The machine that the tree's Kconfig files see.
    fn machine(&self) -> Result<Machine, ResolveError> {
        let tree = LinuxTree {
            srctree: &self.conf.tree,
            arch: &self.conf.target.arch,
            programs: self.conf.toolchain.programs(),
            cc: None,
            ld: None,
            rustc: None,
            path: self.conf.toolchain.path(),
        };
        // A compiler that is found by way of a dot file is not there for the build either.
        let make = self.conf.make();
        make.prepare().map_err(|source| ResolveError::Io { path: self.conf.out.clone(), source })?;
        let private = |name: &str| make.private(name).into_os_string().into_vec();
        let more = BTreeMap::from([("HOME".to_owned(), private("home")), ("TMPDIR".to_owned(), private("tmp"))]);
        Ok(Machine::linux(&tree, &self.conf.out, &more, self.memory)?)
    }
}

impl Resolver for Native<'_> {
    fn declarations(&self) -> Result<Declarations, ResolveError> {
        self.conf.declarations()
    }

    fn resolve(&self, base: &Base, requests: &BTreeMap<String, String>) -> Result<Resolved, ResolveError> {
        self.ask(base, requests)?.resolve()
    }
}

impl Asked {
    /// What the tree's `conf` would write and say.
    ///
    /// # Errors
    /// [`ResolveError::Refused`].
    pub fn resolve(&self) -> Result<Resolved, ResolveError> {
        self.resolve_from(self.mode, &self.machine)
    }

    /// What the tree's `conf` would write for another seed.
    ///
    /// # Errors
    /// [`ResolveError::Refused`].
    pub fn config_from(&self, seed: &Seed) -> Result<String, ResolveError> {
        let files = Reseeded { machine: &self.machine, seed: seed.text.as_bytes().into() };
        Ok(self.resolve_from(seed.mode, &files)?.config_text)
    }

    fn resolve_from(&self, mode: Mode, files: &dyn Files) -> Result<Resolved, ResolveError> {
        let mode = match mode {
            Mode::Alldefconfig => kiln_kconfig::Mode::AllDefConfig,
            Mode::Allnoconfig => kiln_kconfig::Mode::AllNoConfig,
        };
        let outcome = kiln_kconfig::run(&self.model, &mode, files, &self.machine);
        let all = text(&[self.said.as_slice(), &outcome.stderr].concat());
        let Some((_, config)) = outcome.config.filter(|_| outcome.status == 0) else {
            return Err(ResolveError::Refused { said: all });
        };
        let lines: Vec<String> = all.lines().map(str::to_owned).collect();
        let declarations = self.declarations(&self.requested);
        let warnings = seed::warnings(&lines, Path::new(SEED));
        Ok(Resolved { config_text: text(&config), warnings, declarations })
    }

    /// What the tree declares of these symbols for the architecture.
    pub fn declarations<'s>(&self, symbols: impl IntoIterator<Item = &'s String>) -> Declarations {
        let mut declarations = Declarations::new();
        for symbol in symbols {
            if let Some(declaration) = declaration(&self.model, symbol) {
                declarations.add(symbol, declaration);
            }
        }
        declarations
    }

    /// The paths on which the answers of the tree's shell commands hang; `None` when they are not known.
    pub fn hangs_on(&self) -> Option<Vec<PathBuf>> {
        self.machine.hangs_on()
    }

    /// What the tree's Kconfig files declare for the architecture.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether everything is off that nobody asks for.
    pub fn is_all_off(&self) -> bool {
        self.mode == Mode::Allnoconfig
    }

    /// The values, to be asked for reasons.
    pub fn evaluation(&self) -> Evaluation<'_> {
        self.values(self.mode, &self.seed).into_evaluation()
    }

    /// The values that other requests over the same base give.
    ///
    /// # Errors
    /// [`ResolveError::Unwritable`].
    pub fn evaluation_of(&self, requests: &BTreeMap<String, String>) -> Result<Evaluation<'_>, ResolveError> {
        Ok(self.evaluation_from(&self.seed_with(requests)?))
    }

    /// The values of another seed.
    pub fn evaluation_from(&self, seed: &Seed) -> Evaluation<'_> {
        self.values(seed.mode, seed.text.as_bytes()).into_evaluation()
    }

    /// The `.config` that other requests over the same base give.
    ///
    /// # Errors
    /// [`ResolveError::Unwritable`].
    pub fn config_of(&self, requests: &BTreeMap<String, String>) -> Result<String, ResolveError> {
        let seed = self.seed_with(requests)?;
        Ok(text(self.values(seed.mode, seed.text.as_bytes()).config_text()))
    }

    /// Other requests over the same base.
    ///
    /// # Errors
    /// [`ResolveError::Unwritable`].
    pub fn seed_with(&self, requests: &BTreeMap<String, String>) -> Result<Seed, ResolveError> {
        let mut seed = Seed { mode: self.mode, text: self.base.clone() };
        seed.append(requests, &|symbol| type_of(&self.model, symbol))?;
        Ok(seed)
    }

    fn values(&self, mode: Mode, seed: &[u8]) -> kiln_kconfig::Resolved<'_> {
        let configs = [(SEED, seed)];
        let base = match mode {
            Mode::Alldefconfig => kiln_kconfig::Base::Configs(&configs),
            Mode::Allnoconfig => kiln_kconfig::Base::ConfigsOverAllNo(&configs),
        };
        kiln_kconfig::resolve(&self.model, base, &[])
    }
}

/// A machine on which the seed is another one.
struct Reseeded<'a> {
    machine: &'a Machine,
    seed: Arc<[u8]>,
}

impl Files for Reseeded<'_> {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        if name == SEED { Some(Arc::clone(&self.seed)) } else { self.machine.read(name) }
    }
}

fn type_of(model: &Model, symbol: &str) -> Type {
    model.find(symbol).map_or(Type::Unknown, |symbol| model.type_of(symbol))
}

fn declaration(model: &Model, symbol: &str) -> Option<Declaration> {
    let id = model.find(symbol)?;
    let first = model.definitions(id).next()?;
    Some(Declaration {
        symbol_type: type_of(model, symbol),
        prompt: model.prompt(id).map(|prompt| prompt.into_owned()),
        depends: first.dependency.map(|dependency| model.show(dependency)).into_iter().collect(),
        file: first.place.file.to_string(),
        line: first.place.line,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
