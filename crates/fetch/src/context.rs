//! The environment of fetching.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use kiln_exec::{ExecError, Sandbox};
use kiln_store::{Progress, Store};

/// The environment of fetching.
#[derive(Clone, Copy)]
pub struct Fetch<'a> {
    /// The limits of programs that change a tree.
    pub sandbox: &'a Sandbox,
    /// Where results and downloads are kept.
    pub store: &'a Store,
    /// The receiver of progress.
    pub progress: &'a dyn Progress,
    /// The user's environment: `PATH`, proxies, and the variables of `git` and `ssh` are taken from it.
    pub env: &'a BTreeMap<OsString, OsString>,
}

impl Fetch<'_> {
    /// Returns the variables of the user's environment whose names `wanted` accepts.
    pub(crate) fn env_of(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<&OsStr, &OsStr> {
        let wanted = |name: &OsString| name.to_str().is_some_and(&wanted);
        self.env
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
            .collect()
    }

    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.env.get(OsStr::new(name)).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }
}

/// Whether a variable names a proxy.
pub(crate) fn is_proxy(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "http_proxy" | "https_proxy" | "ftp_proxy" | "all_proxy" | "no_proxy")
}

/// Returns the text for a missing program: the package that has it, and the command that installs it.
pub(crate) fn missing(error: &ExecError, package: &str) -> String {
    match error {
        ExecError::NotFound { .. } => format!(": run `apt-get install {package}`, or `kiln doctor --install`"),
        _ => String::new(),
    }
}
