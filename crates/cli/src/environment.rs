//! The process's environment, read once.
//!
//! `anstream` reads the variables about colour (`Ui::new`).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Everything that kiln takes from its environment.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// `PATH`, or the usual directories.
    pub(crate) path: OsString,
    /// Directory of the store when `--store` names none: `$XDG_CACHE_HOME/kiln`, else `$HOME/.cache/kiln`.
    pub(crate) cache: PathBuf,
    /// `KILN_LOG`: what to log, over `--verbose`.
    pub(crate) log: Option<OsString>,
    /// `KILN_SANDBOX`: what programs of recipes and trees may do beyond the usual.
    pub(crate) sandbox: Option<OsString>,
    /// Working directory.
    pub(crate) current_dir: PathBuf,
    /// All of it, for children that fetch: proxies, and what `git` and `ssh` read.
    pub(crate) vars: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// Reads it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub(crate) fn read() -> Environment {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = var("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| var("HOME").map(|home| PathBuf::from(home).join(".cache")))
            .unwrap_or_else(std::env::temp_dir)
            .join("kiln");
        Environment {
            path: var("PATH").unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
            cache,
            log: var("KILN_LOG"),
            sandbox: var("KILN_SANDBOX"),
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            vars: std::env::vars_os().collect(),
        }
    }
}
