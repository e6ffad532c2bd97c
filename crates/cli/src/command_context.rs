//! The context of commands that build: the store, the host's programs, the receiver of progress.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use kiln_kbuild::toolchain::Host;
use kiln_pipeline::Session;
use kiln_store::Store;

use crate::commands::Context;
use crate::failure::Failure;
use crate::recipe_files::host;
use crate::sandbox;

/// An open store and the host.
pub(crate) struct CommandContext {
    pub(crate) store: Store,
    host: Host,
    env: BTreeMap<OsString, OsString>,
}

impl CommandContext {
    /// Opens the store, which is created when it is not there.
    pub(crate) fn open(context: &Context<'_>) -> Result<CommandContext, Failure> {
        let progress = Arc::new(context.ui.clone());
        let store = Store::open_with(&context.store_dir(), progress).map_err(Failure::host)?;
        let host = Host::with_environment(&context.environment.path, &context.environment.vars)
            .with_sandbox(sandbox::of(context)?);
        Ok(CommandContext { store, host, env: context.environment.vars.clone() })
    }

    /// Returns a session that runs `jobs` compilers at once.
    pub(crate) fn session<'a>(&'a self, context: &Context<'a>, jobs: usize) -> Session<'a> {
        Session { store: &self.store, host: &self.host, host_arch: host(), env: &self.env, progress: context.ui, jobs }
    }
}
