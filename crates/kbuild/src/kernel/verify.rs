//! Builds the same kernel once more, in an empty directory.

use std::path::{Path, PathBuf};

use kiln_kconfig::Config;
use kiln_plan::KeyWriter;
use kiln_store::{Progress, Store, WorkDir};

use super::{Kernel, KernelError, KernelSpec, build_in, read_facts, signing};

/// A kernel that is built to be compared, and deleted.
#[derive(Debug)]
pub struct Again {
    /// The kernel; its directory is not an entry of the store.
    pub kernel: Kernel,
    work: WorkDir,
}

/// Builds `kernel` again in an empty directory, without anything that is cached.
///
/// # Errors
/// See [`KernelError`].
pub fn again(
    store: &Store,
    spec: &KernelSpec<'_>,
    kernel: &Kernel,
    progress: &dyn Progress,
) -> Result<Again, KernelError> {
    let config = Config::parse(spec.config_text);
    let signing = signing(store, spec, &config, progress)?;
    let key = KeyWriter::new("verify-work/1").field("kernel", kernel.key).finish();
    let mut work = store.work_dir(&key, "verify", progress)?;
    work.clear()?;
    let out: PathBuf = work.path().with_file_name("out");
    clear(&out)?;
    build_in(store, spec, &config, signing.as_ref(), &mut work, &out, progress)?;
    let facts = read_facts(&out)?;
    let kernel = Kernel { dir: out, key: kernel.key, work: kernel.work, release: facts.release, images: facts.images };
    Ok(Again { kernel, work })
}

impl Again {
    /// Returns a directory for files that are made from the kernel; it is deleted with it.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Deletes it.
    ///
    /// # Errors
    /// [`KernelError::Io`], [`KernelError::Store`].
    pub fn forget(mut self) -> Result<(), KernelError> {
        clear(&self.kernel.dir)?;
        self.work.clear()?;
        Ok(self.work.finish()?)
    }
}

fn clear(path: &Path) -> Result<(), KernelError> {
    kiln_store::remove(path).map_err(|source| KernelError::Io { path: path.to_owned(), source })
}
