//! Freeing the store: which entries are removed, and why the others stay.
//!
//! | entry | stays as long as |
//! |---|---|
//! | a result | a kept generation needs it |
//! | the directory that Kbuild works in | the last kept generation of a recipe was built in it |
//! | other working areas, downloads | it was used within the age, or there is room |
//! | a generation | it is one of the last of its recipe (`keep`), or was built within the age |
//!
//! An entry that stays for none of these reasons is removed: all of them, or those not used within the age
//! (`older_than`), or those used longest ago until the store is small enough (`max_size`). An entry that a running kiln
//! uses is never removed, since [`Store::free`] waits for all of them. The signing key and `cache/` stay: they are
//! small, and the key cannot be made again.
//!
//! A time in the future, which a clock that went backwards leaves, counts as now.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kiln_store::directory::{self, DirectoryError};
use kiln_store::{Progress, Store, StoreError, entry_bytes, entry_last_use, names};

use crate::generation::{self, Generation, GenerationError, Unreadable};

/// The limits of what is freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Only entries not used for this long.
    pub older_than: Option<Duration>,
    /// Only until the store is this small, in bytes.
    pub max_size: Option<u64>,
    /// The number of generations of each recipe that stay; all when `None`.
    pub keep: Option<usize>,
    /// Whether every byte is compared with the recorded digest; damaged results are removed even when they are needed.
    pub verify: bool,
    /// Whether to report only what would be removed.
    pub dry_run: bool,
}

/// An entry that takes space in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its path from the store's top.
    pub path: PathBuf,
    /// Bytes of its files.
    pub bytes: u64,
    /// How long ago it was used.
    pub unused_for: Duration,
    /// The damage that was found in it.
    pub damage: Option<String>,
}

/// The entries that were removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freed {
    /// Generations that are removed.
    pub generations: Vec<Generation>,
    /// Entries, those used longest ago first.
    pub things: Vec<Thing>,
    /// Bytes of all entries of the store, before.
    pub total: u64,
    /// Bytes of entries that stay because a generation needs them.
    pub held: u64,
    /// Files that should be generations and are not. They keep no entry.
    pub unreadable: Vec<Unreadable>,
}

/// Why nothing was freed.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The generations could not be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// A directory of the store cannot be read.
    #[error(transparent)]
    Tree(#[from] DirectoryError),
}

impl Freed {
    /// Returns the bytes of the removed entries.
    pub fn bytes(&self) -> u64 {
        self.things.iter().map(|thing| thing.bytes).sum()
    }
}

/// Frees the store within the limits.
///
/// # Errors
/// See [`GcError`]; entries removed by then are removed completely.
pub fn gc(store: &Store, limits: &Limits, progress: &dyn Progress) -> Result<Freed, GcError> {
    let now = SystemTime::now();
    if limits.dry_run {
        return choose(store, limits, now, progress);
    }
    let mut freed = Freed::default();
    store.free::<GcError>(progress, || {
        freed = choose(store, limits, now, progress)?;
        let generations = freed.generations.iter().map(|generation| generation.file(store));
        let generations = generations.filter_map(|file| Some(Path::new("roots").join(file.file_name()?)));
        // Generations first: one must not exist without the entries that it needs.
        Ok(generations.chain(freed.things.iter().map(|thing| thing.path.clone())).collect())
    })?;
    Ok(freed)
}

fn choose(store: &Store, limits: &Limits, now: SystemTime, progress: &dyn Progress) -> Result<Freed, GcError> {
    let kept = generation::all(store)?;
    let (generations, let_go) = part(kept.generations, limits, now);
    let mut freed = Freed { generations: let_go, unreadable: kept.unreadable, ..Freed::default() };
    let mut candidates = Vec::new();
    for mut thing in things(store, now)? {
        freed.total += thing.bytes;
        if limits.verify && thing.path.starts_with("results") {
            progress.begin(&format!("verify {}", thing.path.display()), None);
            thing.damage = store.damage(&thing.path).map(|damage| damage.to_string());
            progress.end();
        }
        if thing.damage.is_some() {
            freed.things.push(thing);
        } else if is_held(&thing.path, &generations) {
            freed.held += thing.bytes;
        } else if limits.older_than.is_none_or(|age| thing.unused_for >= age) {
            candidates.push(thing);
        }
    }
    candidates.sort_by(|one, two| two.unused_for.cmp(&one.unused_for).then_with(|| one.path.cmp(&two.path)));
    let mut left = freed.total - freed.bytes();
    for thing in candidates {
        if limits.max_size.is_none_or(|size| left > size) {
            left -= thing.bytes;
            freed.things.push(thing);
        }
    }
    Ok(freed)
}

/// Returns the generations that stay, and those that are removed.
fn part(all: Vec<Generation>, limits: &Limits, now: SystemTime) -> (Vec<Generation>, Vec<Generation>) {
    let Some(keep) = limits.keep else { return (all, Vec::new()) };
    let mut of_recipe: BTreeMap<&Path, Vec<u32>> = BTreeMap::new();
    for generation in &all {
        of_recipe.entry(&generation.recipe).or_default().push(generation.number);
    }
    // By number, which does not depend on a clock.
    let first_kept: BTreeMap<PathBuf, Option<u32>> = of_recipe
        .into_iter()
        .map(|(recipe, numbers)| (recipe.to_owned(), numbers.iter().rev().nth(keep.saturating_sub(1)).copied()))
        .collect();
    all.into_iter().partition(|generation| {
        let is_last = keep > 0
            && first_kept
                .get(&generation.recipe)
                .is_some_and(|first| first.is_none_or(|first| generation.number >= first));
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(generation.time);
        let is_young = limits.older_than.is_some_and(|age| since(built, now) < age);
        is_last || is_young
    })
}

/// Whether a generation needs the entry.
fn is_held(path: &Path, generations: &[Generation]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if path.starts_with("results") {
        return generations.iter().any(|generation| generation.needs(&name));
    }
    let is_last =
        |one: &Generation| generations.iter().all(|other| other.recipe != one.recipe || other.number <= one.number);
    let is_work = |one: &Generation| path.starts_with("work") && name == format!("{}-kbuild", one.keys.work);
    generations.iter().any(|generation| is_work(generation) && is_last(generation))
}

/// Returns all entries that take space and can be removed.
fn things(store: &Store, now: SystemTime) -> Result<Vec<Thing>, GcError> {
    let mut things = Vec::new();
    for folder in ["results", "work", "downloads"] {
        let dir = store.dir().join(folder);
        let refused = |source| GcError::Store(StoreError::Io { path: dir.clone(), source });
        for name in names(&dir).map_err(refused)? {
            let place = dir.join(&name);
            let (noted, used) = (entry_bytes(&place), entry_last_use(&place));
            let bytes = match noted {
                Some(bytes) => bytes,
                None => bytes_of(&place)?,
            };
            // A working area is marked when a run begins and when it ends, which changes its directory.
            let changed = || fs::symlink_metadata(&place).and_then(|meta| meta.modified()).ok();
            let unused_for = used.or_else(changed).map_or(Duration::ZERO, |used| since(used, now));
            things.push(Thing { path: Path::new(folder).join(name), bytes, unused_for, damage: None });
        }
    }
    Ok(things)
}

/// Returns the bytes of the files in `place`; none for what is no directory, or cannot be read.
fn bytes_of(place: &Path) -> Result<u64, DirectoryError> {
    if !fs::symlink_metadata(place).is_ok_and(|meta| meta.is_dir()) {
        return Ok(0);
    }
    match directory::list(place) {
        Err(DirectoryError::Unreadable { .. }) => Ok(0),
        listed => listed.map(|listing| listing.bytes()),
    }
}

/// Returns how long ago that was; a time in the future counts as now.
fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
