//! The environment of every stage.

use std::collections::BTreeMap;
use std::ffi::OsString;

use kiln_fetch::Fetch;
use kiln_kbuild::toolchain::Host;
use kiln_plan::Arch;
use kiln_store::{Progress, Store};

/// The environment of every stage.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The store that results are kept in.
    pub store: &'a Store,
    /// The machine that builds.
    pub host: &'a Host,
    /// Its architecture.
    pub host_arch: Arch,
    /// The user's environment, for programs that fetch.
    pub env: &'a BTreeMap<OsString, OsString>,
    /// The receiver of progress.
    pub progress: &'a dyn Progress,
    /// How many compilers may run at once.
    pub jobs: usize,
}

impl Session<'_> {
    /// Returns the context in which sources are fetched.
    pub fn fetch(&self) -> Fetch<'_> {
        Fetch { store: self.store, progress: self.progress, env: self.env, sandbox: self.host.sandbox() }
    }
}
