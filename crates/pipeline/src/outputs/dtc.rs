//! The compiler of device trees that comes with a kernel's tree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::ExecError;
use kiln_kbuild::make::Make;
use kiln_plan::{Key, KeyWriter};
use kiln_store::{StoreError, remove};

use super::{OutputError, Work};

/// The program in the store.
pub(super) struct Dtc {
    pub(super) program: PathBuf,
    pub(super) key: Key,
}

/// Why there is no compiler of device trees.
#[derive(Debug, thiserror::Error)]
pub enum DtcError {
    /// The tree's makefiles failed.
    #[error("cannot build the tree's `dtc`")]
    Make(#[source] ExecError),
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Returns the tree's compiler, built when the store has none.
///
/// Its key is the tree's alone: its output does not depend on the compiler that built it.
pub(super) fn dtc(work: &Work<'_>) -> Result<Dtc, OutputError> {
    let context = work.context;
    let key = KeyWriter::new("dtc/1").field("tree", context.tree_key).finish();
    let made = context.store.realize(&key, "dtc", context.progress, |out| {
        context.progress.begin("build the tree's dtc", None);
        let done = build(work, out);
        context.progress.end();
        done
    });
    let dir = made.map_err(|source: DtcError| OutputError::Dtc { name: work.name(), source })?;
    Ok(Dtc { program: dir.join("dtc"), key })
}

/// Builds `dtc` with the kernel's own configuration, since Kbuild requires one, and with `CONFIG_DTC=y`, without which
/// it would not be built.
fn build(work: &Work<'_>, out: &Path) -> Result<(), DtcError> {
    let context = work.context;
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| DtcError::Io { path, source }
    };
    let area = out.join("build");
    fs::create_dir(&area).map_err(io_error(&area))?;
    let config = area.join(".config");
    fs::write(&config, context.config_text).map_err(io_error(&config))?;
    let make = Make { tree: context.tree, out: &area, target: context.target, toolchain: context.toolchain };
    make.prepare().map_err(io_error(&area))?;
    make.exec().args(["CONFIG_DTC=y", "scripts_dtc"]).text().map_err(DtcError::Make)?;
    let program = area.join("scripts/dtc/dtc");
    fs::rename(&program, out.join("dtc")).map_err(io_error(&program))?;
    remove(&area).map_err(io_error(&area))
}
