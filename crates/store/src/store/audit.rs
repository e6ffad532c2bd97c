//! Every entry of a store, compared with its digest.
//!
//! | entry | what is compared |
//! | --- | --- |
//! | `results/KEY-KIND` | all bytes with the stamp |
//! | `work/KEY-KIND` | what `stat` returns for each file with what it returned when the last run ended |
//! | `downloads/HASH` | the SHA-256 of the file |
//! | `cache/FOLDER/…`, except for [`UNSEALED`] | the digest in front of the file |
//! | `cache/logs/…`, `locks/…` | that each is a file |
//!
//! Generations and the signing key have contents that are not known here; the crates that write them check them.

use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::interrupted;

use super::lock::Lock;
use super::{Store, entry, work};
use crate::digest::Sha256;
use crate::error::{StoreError, io_error};
use crate::files::{NotPlain, names};
use crate::progress::Progress;
use crate::report::Fault;
use crate::sealed::read_at;

/// Directories of the cache whose files are those of other programs: nothing in them is believed as it is.
const UNSEALED: [&str; 3] = ["apt", "logs", "signing"];

impl Store {
    /// Compares every entry with its digest; returns the damaged ones by path. Nothing is changed.
    ///
    /// # Errors
    /// [`StoreError::Io`] for a directory that cannot be listed, [`StoreError::Interrupted`].
    pub fn audit(&self, progress: &dyn Progress) -> Result<Vec<Fault>, StoreError> {
        let mut paths = Vec::new();
        for folder in ["downloads", "locks", "results", "work"] {
            paths.extend(self.names_in(folder)?.map(|name| Path::new(folder).join(name)));
        }
        for folder in self.names_in("cache")? {
            self.cached_below(&Path::new("cache").join(folder), &mut paths)?;
        }
        let mut faults = Vec::new();
        progress.begin("verify the store", Some(paths.len() as u64));
        for (n_done, path) in paths.into_iter().enumerate() {
            progress.advance(n_done as u64, &path.to_string_lossy());
            let damage = self.damage_at(&path);
            faults.extend(damage.map(|why| why.map(|why| Fault { path, why })).inspect_err(|_| progress.end())?);
        }
        progress.end();
        faults.sort();
        Ok(faults)
    }

    /// Removes those of the entries at `faults` that are still damaged, so that the next run makes them again.
    ///
    /// `is_damaged` decides about entries that are not in the table of [`Store::audit`].
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Interrupted`].
    pub fn remove_damaged(
        &self,
        faults: &[Fault],
        is_damaged: impl Fn(&Path) -> bool,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        self.free(progress, || {
            let mut damaged = Vec::new();
            for Fault { path, .. } in faults {
                if self.damage_at(path)?.is_some() || is_damaged(path) {
                    damaged.push(path.clone());
                }
            }
            Ok(damaged)
        })
    }

    fn names_in(&self, folder: &str) -> Result<impl Iterator<Item = String>, StoreError> {
        let dir = self.dir.join(folder);
        Ok(names(&dir).map_err(|source| io_error(&dir, source))?.into_iter())
    }

    /// Adds the files below the directory `folder` of the cache that are checked.
    fn cached_below(&self, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), StoreError> {
        let at = self.dir.join(folder);
        if NotPlain::at_directory(&at).is_some() {
            paths.push(folder.to_owned());
            return Ok(());
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if UNSEALED.iter().any(|unsealed| name == *unsealed && name != "logs") {
            return Ok(());
        }
        for name in names(&at).map_err(|source| io_error(&at, source))? {
            // Beside a file that is being written, or was when its writer was killed.
            if name.starts_with('.') {
                continue;
            }
            paths.push(folder.join(name));
        }
        Ok(())
    }

    /// Returns what is wrong with the entry at `path` in the store; `None` where nothing is, or there is none.
    fn damage_at(&self, path: &Path) -> Result<Option<String>, StoreError> {
        interrupted()?;
        let at = self.dir.join(path);
        let name = path.to_string_lossy();
        let damage = match name.split_once('/').unwrap_or((&name, "")) {
            ("results", _) => match entry::verify(&at) {
                Ok(()) | Err(entry::Damage::Absent) => None,
                Err(damage) => Some(damage.to_string()),
            },
            ("work", area) => match Lock::attempt(&self.dir.join("locks").join(format!("work-{area}")))? {
                Some(_lock) => work::damage_of(&self.dir.join("work"), area)?,
                None => None,
            },
            ("downloads", hash) => damage_of_download(&at, hash),
            ("locks", _) => NotPlain::at(&at).map(|found| found.to_string()),
            ("cache", below) if below.starts_with("logs/") => NotPlain::at(&at).map(|found| found.to_string()),
            ("cache", below) if !below.contains('/') => NotPlain::at_directory(&at).map(|found| found.to_string()),
            ("cache", below) if !UNSEALED.iter().any(|folder| below.starts_with(&format!("{folder}/"))) => {
                read_at(&at, &name).err().map(|damage| damage.to_string())
            }
            _ => None,
        };
        // A check that was interrupted found nothing.
        interrupted()?;
        Ok(damage)
    }
}

/// Returns what is wrong with the directory of a download, which has the name of its file's SHA-256. A source package
/// has further files in it, which are compared when they are used.
fn damage_of_download(dir: &Path, hash: &str) -> Option<String> {
    if let Some(found) = NotPlain::at_directory(dir) {
        return Some(found.to_string());
    }
    let Ok(expected) = hash.parse::<Sha256>() else { return Some("its name is not a SHA-256".to_owned()) };
    let names = match names(dir) {
        Ok(names) => names,
        Err(error) => return Some(error.to_string()),
    };
    if let Some(found) = names.iter().find_map(|name| NotPlain::at(&dir.join(name)).filter(|_| name != "partial")) {
        return Some(found.to_string());
    }
    let mut whole = names.iter().filter(|name| !name.ends_with(".part") && !name.starts_with('.')).peekable();
    whole.peek()?;
    let digests: io::Result<Vec<Sha256>> = whole.map(|name| Sha256::of_file(&dir.join(name))).collect();
    match digests {
        Ok(digests) if digests.contains(&expected) => None,
        Ok(_) => Some("its content has another SHA-256".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}
