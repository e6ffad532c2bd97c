//! The directory of results by key, shared by every kiln of one user.
//!
//! ```text
//! STORE/
//!   kiln-store            the layout's version, a decimal number and a newline
//!   CACHEDIR.TAG          makes backup programs skip the store; it has the layout's version too
//!   in-use                locked shared by every running kiln, and exclusively by one that frees the store
//!   locks/NAME            one per result or working area while a kiln makes or uses it; empty files
//!   results/KEY-KIND/
//!     out/                the result itself; never changed once it is here
//!     stamp.json          digests of `out`, to notice damage, sealed; its time is that of the last use
//!     checked             the boot of the machine in which all of it was last checked
//!   making/KEY-KIND/      a result being made; when nobody holds its lock, it is a leftover
//!   work/KEY-KIND/
//!     dir/                a mutable working area, kept between runs
//!     in-use              exists while a run works in it: when the next run finds it, the last one was killed
//!     state               the digest of what `stat` says about `dir` when the last run ended, sealed
//!   downloads/HASH/NAME   files from the network by their hash; `.part` while unfinished
//!   cache/                what can be computed again, by the modules that compute it, sealed
//!   roots/RECIPE-N.json   one per generation, naming the results that must stay, sealed
//! ```
//!
//! A file that is sealed ([`Sealed`]) begins with the digest of its name and content. A link, and whatever else is in the
//! place of a file or directory of the store, is removed and never followed. What is damaged is made again.
//!
//! A result is made under `making` and renamed into `results`, so it is there completely or not at all, however the
//! process ends. Locks are `flock`s: they end with the process that holds them. All of it is on one file system; the
//! recipe may be on another. What a key stands for, and which results a generation needs, is not known here.

mod audit;
mod entry;
mod freeing;
mod layout;
mod lock;
mod work;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Display;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kiln_plan::Key;

use self::entry::OUT;
pub use self::entry::{Damage, entry_bytes, entry_last_use};
pub use self::lock::Lock;
pub use self::work::WorkDir;
use crate::error::{StoreError, io_error, is_out_of_space};
use crate::files::{make_way, move_to, names, remove};
use crate::progress::{Progress, Silent};
use crate::report::{Fault, Report};
use crate::sealed::Sealed;

/// An open store.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Locked shared, so that nothing is freed under a running kiln.
    in_use: File,
    /// Names of the results that were returned.
    used: Mutex<BTreeSet<String>>,
    report: Report,
}

impl Store {
    /// Opens the store in `dir`, created when it does not exist, and removes what killed runs left half-made.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`], [`StoreError::Foreign`], [`StoreError::Version`], [`StoreError::Full`] or
    /// [`StoreError::Io`].
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        Store::open_with(dir, Arc::new(Silent))
    }

    /// Does the same; `progress` gets a line about each damaged part that is mended, now and later.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub fn open_with(dir: &Path, progress: Arc<dyn Progress + Send>) -> Result<Store, StoreError> {
        let dir = std::path::absolute(dir).map_err(|source| io_error(dir, source))?;
        let report = Report::new(progress);
        let in_use = layout::lay_out(&dir, &report).map_err(|error| layout::unwritable(&dir, error))?;
        let store = Store { dir, in_use, used: Mutex::default(), report };
        store.sweep()?;
        Ok(store)
    }

    /// Returns the store's directory, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the parts that were found damaged since the store was opened, and have been mended.
    pub fn mended(&self) -> Vec<Fault> {
        self.report.faults()
    }

    /// Returns the directory of a download by its hash, created when it does not exist.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn download(&self, hash: &str) -> Result<PathBuf, StoreError> {
        self.directory(&Path::new("downloads").join(hash))
    }

    /// Returns a directory for what the module `name` can compute again, created when it does not exist.
    ///
    /// Files that are believed belong into [`Store::cached`].
    /// # Errors
    /// [`StoreError::Io`].
    pub fn cache(&self, name: &str) -> Result<PathBuf, StoreError> {
        self.directory(&Path::new("cache").join(name))
    }

    /// Returns the file `name` of what the module `folder` can compute again.
    ///
    /// # Errors
    /// [`StoreError::Io`] when there is no such directory and it cannot be created.
    pub fn cached(&self, folder: &str, name: &str) -> Result<Sealed, StoreError> {
        let path = self.cache(folder)?.join(name);
        Ok(Sealed::new(path, format!("cache/{folder}/{name}"), self.report.clone()))
    }

    /// Returns the file `name` of those that keep results in the store.
    pub fn root(&self, name: &str) -> Sealed {
        Sealed::new(self.dir.join("roots").join(name), format!("roots/{name}"), self.report.clone())
    }

    /// Returns the path of the log `name` of a program, which can be written to.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn log(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.cache("logs")?.join(name);
        make_way(&path).map_err(|source| io_error(&path, source))?;
        Ok(path)
    }

    /// Creates the missing directories of the path `name` in the store; links and files in their place are removed.
    fn directory(&self, name: &Path) -> Result<PathBuf, StoreError> {
        layout::directory(&self.dir, name, &self.report)
    }

    /// Returns the result of `key`, when it exists and is undamaged. `kind` is the one it was made with.
    pub fn get(&self, key: &Key, kind: &str) -> Option<PathBuf> {
        self.get_named(&key.to_string(), kind)
    }

    /// The same as [`Store::get`] for a key in text form.
    pub fn get_named(&self, key: &str, kind: &str) -> Option<PathBuf> {
        let entry = self.dir.join("results").join(name(key, kind));
        is_usable(&entry).then_some(())?;
        self.note_use(&entry);
        Some(entry.join(OUT))
    }

    /// Compares every byte of a result with the digest from when it was made.
    ///
    /// # Errors
    /// The first damage found; [`Damage::Absent`] when there is no such result.
    pub fn verify(&self, key: &Key, kind: &str) -> Result<(), Damage> {
        entry::verify(&self.entry(key, kind))
    }

    /// Returns the damage of the result that contains `path`, after a check of all files; `None` when it is in none.
    ///
    /// It is for results of so many files that not all are checked when they are returned.
    pub fn damaged(&self, path: &Path) -> Option<Damage> {
        let below = path.strip_prefix(self.dir.join("results")).ok()?;
        entry::check_whole(&self.dir.join("results").join(below.components().next()?)).err()
    }

    /// Removes the result that contains `path` from the store.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn forget(&self, path: &Path) -> Result<(), StoreError> {
        match path.strip_prefix(self.dir.join("results")).ok().and_then(|below| below.components().next()) {
            Some(name) => self.discard(&self.dir.join("results").join(name)),
            None => Ok(()),
        }
    }

    /// Returns the damage that [`Store::verify`] finds in the result at the path `results/KEY-KIND` in the store.
    pub fn damage(&self, path: &Path) -> Option<Damage> {
        entry::verify(&self.dir.join(path)).err()
    }

    /// Returns the directory of the result of `key`, made by `make` when it is not in the store.
    ///
    /// `make` fills the empty directory it is given, which is on the store's file system and is moved into place when
    /// `make` is done. `kind` is a readable word that becomes part of the path. When another kiln is making the same
    /// result, this one waits for it. A damaged result is reported and made again.
    /// # Errors
    /// The error of `make`, unless it ran out of space: that is [`StoreError::Full`]. Nothing is left in either case.
    pub fn realize<E>(
        &self,
        key: &Key,
        kind: &str,
        progress: &dyn Progress,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E>
    where
        E: Error + Send + Sync + From<StoreError> + 'static,
    {
        let entry = self.entry(key, kind);
        let out = entry.join(OUT);
        if !is_usable(&entry) {
            let made = self.realize_alone(&entry, &name(key, kind), kind, progress, make);
            made.map_err(|error| self.full_or(error))?;
        }
        self.note_use(&entry);
        Ok(out)
    }

    /// Returns the names (`KEY-KIND`) of the results that this store has returned since it was opened.
    pub fn used(&self) -> BTreeSet<String> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_use(&self, entry: &Path) {
        entry::touch(entry);
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    /// Takes the lock `name`, waiting for another kiln that holds it. `what` is the name shown to the user.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Interrupted`].
    pub fn lock(&self, name: &str, what: &str, progress: &dyn Progress) -> Result<Lock, StoreError> {
        Lock::wait(&self.dir.join("locks").join(name), what, progress)
    }

    /// Opens the working area of `key`, created empty when it does not exist, for this process alone.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Full`] or [`StoreError::Interrupted`].
    pub fn work_dir(&self, key: &Key, kind: &str, progress: &dyn Progress) -> Result<WorkDir, StoreError> {
        self.work_dir_named(&key.to_string(), kind, progress)
    }

    /// The same as [`Store::work_dir`] for a key in text form.
    ///
    /// # Errors
    /// Those of [`Store::work_dir`].
    pub fn work_dir_named(&self, key: &str, kind: &str, progress: &dyn Progress) -> Result<WorkDir, StoreError> {
        let name = name(key, kind);
        let lock = self.lock(&format!("work-{name}"), kind, progress)?;
        WorkDir::open(&self.dir.join("work"), &name, lock, &self.report).map_err(|error| self.full_or(error))
    }

    /// Makes `error` a [`StoreError::Full`] when a full disk caused it.
    ///
    /// It is for work outside of [`Store::realize`], which does the same.
    pub fn full_or<E>(&self, error: E) -> E
    where
        E: Error + Send + Sync + From<StoreError> + 'static,
    {
        let out_of_space = is_out_of_space(&error);
        if !out_of_space {
            return error;
        }
        E::from(StoreError::Full {
            dir: self.dir.clone(),
            free: layout::free_space(&self.dir),
            source: Box::new(error),
        })
    }

    /// Makes a result under its lock, unless another kiln has in the meantime.
    fn realize_alone<E: From<StoreError>>(
        &self,
        entry: &Path,
        name: &str,
        kind: &str,
        progress: &dyn Progress,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let _lock = self.lock(name, kind, progress)?;
        match entry::check(entry) {
            Ok(()) => return Ok(()),
            Err(Damage::Absent) => {}
            Err(damage) => {
                self.report.mended(entry, &format!("results/{name}"), damage, "it is made again");
                self.discard(entry)?;
            }
        }
        let making = self.dir.join("making").join(name);
        let made = self.make(&making, entry, make);
        if made.is_err() {
            let _ = remove(&making);
        }
        made
    }

    fn make<E>(&self, making: &Path, entry: &Path, make: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E>
    where
        E: From<StoreError>,
    {
        let refused = |path: &Path, source| E::from(io_error(path, source));
        // This process holds the lock, so whatever is there is the leftover of a killed run.
        remove(making).map_err(|source| refused(making, source))?;
        let out = making.join(OUT);
        fs::create_dir_all(&out).map_err(|source| refused(&out, source))?;
        make(&out)?;
        entry::stamp(making)?;
        fs::rename(making, entry).map_err(|source| refused(entry, source))
    }

    /// Removes half-made results whose maker has ended.
    fn sweep(&self) -> Result<(), StoreError> {
        let making = self.dir.join("making");
        for leftover in names(&making).map_err(|source| io_error(&making, source))? {
            let lock = self.dir.join("locks").join(&leftover);
            if let Some(_lock) = Lock::attempt(&lock)? {
                let path = making.join(&leftover);
                remove(&path).map_err(|source| io_error(&path, source))?;
            }
        }
        Ok(())
    }

    /// Moves a damaged result out of the way at once, then deletes it.
    fn discard(&self, entry: &Path) -> Result<(), StoreError> {
        let name = entry.file_name().unwrap_or_default();
        let trash = self.dir.join("making").join(name);
        remove(&trash).map_err(|source| io_error(&trash, source))?;
        move_to(entry, &trash).map_err(|source| io_error(entry, source))?;
        remove(&trash).map_err(|source| io_error(&trash, source))
    }

    fn entry(&self, key: &Key, kind: &str) -> PathBuf {
        self.dir.join("results").join(name(key, kind))
    }
}

/// Whether an entry is there and undamaged; the log says why not.
fn is_usable(entry: &Path) -> bool {
    let checked = entry::check(entry);
    match &checked {
        Ok(()) => tracing::info!(entry = %entry.display(), "found in the store"),
        Err(Damage::Absent) => tracing::info!(entry = %entry.display(), "not in the store"),
        Err(damage) => tracing::warn!(entry = %entry.display(), %damage, "damaged in the store"),
    }
    checked.is_ok()
}

/// Returns the file name of a result: its key, and its kind so that a person can tell what it is.
fn name(key: impl Display, kind: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._+-".contains(c) { c } else { '_' };
    format!("{key}-{}", kind.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests;
