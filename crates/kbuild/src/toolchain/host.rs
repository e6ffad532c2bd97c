//! The machine that builds.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, Sandbox};

/// Variables by which proxies and wrappers of tools find the tool that they stand for, and their own directories.
///
/// They choose programs and caches; none of them is a flag of a compiler. A proxy that cannot find its tool would make
/// Kconfig see none, although `make` on the same machine sees it.
const LOCATING: &[&str] = &[
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "CARGO_HOME",
    "CCACHE_CONFIGPATH",
    "CCACHE_DIR",
    "DISTCC_DIR",
    "DISTCC_HOSTS",
    "HOME",
    "ICECC_SCHEDULER",
    "ICECC_VERSION",
    "MISE_DATA_DIR",
    "NIX_PROFILES",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SCCACHE_DIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// Variables that every program of a toolchain gets beside `PATH`, and why.
///
/// | variable | value | reason |
/// |---|---|---|
/// | `LC_ALL` | `C` | messages and sort order |
/// | `GIT_CONFIG_GLOBAL` | `/dev/null` | the version of a tree under git does not depend on the user's settings |
/// | `PYTHONNOUSERSITE` | `1` | nor do the tree's scripts depend on packages that a user installed |
const FIXED: [(&str, &str); 3] = [("LC_ALL", "C"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("PYTHONNOUSERSITE", "1")];

/// The machine that builds, as far as a build may depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The value of `PATH`: directories in which programs are looked up.
    pub path: OsString,
    /// `HOME` and other variables by which proxies and wrappers find their tools.
    locating: BTreeMap<OsString, OsString>,
    /// The limits of what recipes and trees run.
    sandbox: Sandbox,
}

impl Host {
    /// Creates a host with programs in `path`, whose proxies find nothing.
    pub fn new(path: impl Into<OsString>) -> Host {
        Host { path: path.into(), locating: BTreeMap::new(), sandbox: Sandbox::off() }
    }

    /// Creates a host with programs in `path`, and from `environment` the variables by which proxies find their tools.
    pub fn with_environment(path: impl Into<OsString>, environment: &BTreeMap<OsString, OsString>) -> Host {
        let is_locating = |name: &OsStr| LOCATING.iter().any(|known| name == *known);
        let found = environment.iter().filter(|(name, value)| is_locating(name) && !value.is_empty());
        let locating = found.map(|(name, value)| (name.clone(), value.clone())).collect();
        Host { path: path.into(), locating, sandbox: Sandbox::off() }
    }

    /// Limits what recipes and trees run.
    #[must_use]
    pub fn with_sandbox(mut self, sandbox: Sandbox) -> Host {
        self.sandbox = sandbox;
        self
    }

    /// Returns the limits of what recipes and trees run; without [`Host::with_sandbox`] there are none.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Returns the variables that every program of a toolchain sees.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let fixed = FIXED.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let own = self.locating.iter().map(|(name, value)| (name.clone(), value.clone()));
        own.chain(fixed).chain([("PATH".into(), self.path.clone())])
    }

    /// Whether programs have the user's home directory.
    pub(crate) fn has_home(&self) -> bool {
        self.locating.contains_key(OsStr::new("HOME"))
    }

    /// Starts the command line of a program that sees nothing else of the caller's environment.
    pub(crate) fn exec(&self, program: impl AsRef<OsStr>) -> Exec {
        self.variables().fold(Exec::new(program), |exec, (name, value)| exec.env(name, value))
    }
}

/// Returns the files by which a proxy chooses the tool that it stands for; empty for any other program.
///
/// rustup's proxies are links to rustup itself; the toolchain that they start is in its settings.
pub(crate) fn choices(program: &Path, variables: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let is_rustup = program.canonicalize().is_ok_and(|real| real.file_name() == Some(OsStr::new("rustup")))
        || program.parent().is_some_and(|dir| is_same_file(program, &dir.join("rustup")));
    if !is_rustup {
        return Vec::new();
    }
    let value = |wanted: &str| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| PathBuf::from(value));
    let home = value("RUSTUP_HOME").or_else(|| Some(value("HOME")?.join(".rustup")));
    home.into_iter()
        .flat_map(|home| ["settings.toml", "toolchains", "update-hashes"].map(|name| home.join(name)))
        .collect()
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = |path: &Path| path.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
    inode(one).is_some_and(|found| inode(other) == Some(found))
}
