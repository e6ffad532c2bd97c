//! Finished builds of a recipe, kept so that a later change can be compared with them.
//!
//! A generation is one file under the store's `roots/`, `RECIPE-NUMBER.json`. Its recipe is identified by the real path
//! of the recipe's file, so that two links to one recipe are one, and a recipe that was moved starts again; RECIPE is a
//! digest of that path. Numbers count up from 1. What a generation names stays in the store as long as the generation
//! does: [`crate::gc`] calls [`Generation::needs`].
//!
//! A file is written completely or not at all, and sealed with a digest ([`kiln_store::Sealed`]). One that is damaged is
//! reported and skipped, and removed by the next build; deleting one removes the generation, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kiln_assembly::manifest::Manifest;
use kiln_store::{Progress, SealError, Sealed, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::assemble::Assembled;
use crate::built::Built;
use crate::session::Session;

/// The version of the format of [`Generation`].
const VERSION: u32 = 1;

/// One finished build of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generation {
    /// The version of this format.
    pub version: u32,
    /// 1 for the recipe's first.
    pub number: u32,
    /// The real path of the recipe's file.
    pub recipe: PathBuf,
    /// When it was built, in seconds since 1970. Clocks can go backwards: the number gives the order.
    pub time: u64,
    /// The output of `uname -r` on the device.
    pub release: String,
    /// The kernel's ARCH.
    pub arch: String,
    /// Make's targets, in order.
    pub make_targets: Vec<String>,
    /// Keys of its parts.
    pub keys: Keys,
    /// Names of all results that the build used: besides these, the origins of bases and firmware.
    #[serde(default)]
    pub results: BTreeSet<String>,
}

/// Keys of the parts of a generation, as they are in the names of the store's directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// The source before its patches; a directory of the user's own is not in the store.
    pub source: String,
    /// The patched tree; the source's own key when nothing was patched.
    pub tree: String,
    /// The compiled kernel with all its modules: `results/KEY-kernel/out`.
    pub kernel: String,
    /// The directory that Kbuild worked in, with its records of what each object was made from: `work/KEY-kbuild/dir`.
    /// Later builds change it.
    pub work: String,
    /// The target of `./result`: `results/KEY-result/out`.
    pub result: String,
}

/// The existing generations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// By recipe and number.
    pub generations: Vec<Generation>,
    /// Files that should be generations and are not.
    pub unreadable: Vec<Unreadable>,
}

/// A file in `roots/` that is no generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// Why there is no such generation, or none could be recorded.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recipe's file or the store's directory could not be accessed.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is no such generation.
    #[error("{} has no generation `{wanted}`{}", recipe.display(), known(numbers))]
    NoSuch {
        /// The recipe.
        recipe: PathBuf,
        /// As it was requested.
        wanted: String,
        /// The numbers of those that exist.
        numbers: Vec<u32>,
    },
}

/// Records a finished build of the recipe in the file `recipe`, unless it equals the recipe's last generation.
///
/// Returns the generation, and whether it is new.
/// # Errors
/// [`GenerationError::Io`] when the recipe is missing or nothing can be written, [`GenerationError::Store`].
pub fn record(recipe: &Path, built: &Built<'_>, assembled: &Assembled) -> Result<(Generation, bool), GenerationError> {
    let Session { store, progress, .. } = built.resolved.session;
    let recipe = real(recipe)?;
    let manifest: &Manifest = &assembled.manifest;
    let (tree, kernel) = (&built.resolved.tree, &built.kernel);
    let make_targets = &built.resolved.recipe.kernel.make_targets;
    let mut generation = Generation {
        version: VERSION,
        number: 1,
        time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
        release: manifest.kernel.release.clone(),
        arch: manifest.kernel.arch.clone(),
        make_targets: make_targets.iter().map(|target| target.value.clone()).collect(),
        keys: Keys {
            source: tree.source.to_string(),
            tree: tree.key.to_string(),
            kernel: kernel.key.to_string(),
            work: kernel.work.to_string(),
            result: assembled.key.to_string(),
        },
        results: store.used(),
        recipe,
    };
    add(store, &mut generation, progress).map(|is_new| (generation, is_new))
}

/// Returns the generations of the recipe in the file `recipe`.
///
/// # Errors
/// [`GenerationError::Io`] when the recipe or the store's directory cannot be read.
pub fn list(store: &Store, recipe: &Path) -> Result<Kept, GenerationError> {
    let prefix = prefix(&real(recipe)?);
    read_all(store, &|name| name.starts_with(&prefix))
}

/// Returns the generations of all recipes.
///
/// # Errors
/// [`GenerationError::Io`] when the store's directory cannot be read.
pub fn all(store: &Store) -> Result<Kept, GenerationError> {
    read_all(store, &|_| true)
}

/// Returns the generation named by `wanted`: a number, or `latest`.
///
/// # Errors
/// [`GenerationError::NoSuch`], and those of [`list`].
pub fn find(store: &Store, recipe: &Path, wanted: &str) -> Result<Generation, GenerationError> {
    let mut found = list(store, recipe)?.generations;
    let place = match wanted {
        "latest" => found.len().checked_sub(1),
        number => number.parse().ok().and_then(|number: u32| found.iter().position(|one| one.number == number)),
    };
    match place {
        Some(place) => Ok(found.swap_remove(place)),
        None => Err(GenerationError::NoSuch {
            recipe: recipe.to_owned(),
            wanted: wanted.to_owned(),
            numbers: found.iter().map(|one| one.number).collect(),
        }),
    }
}

/// Returns the recipe's last generation, when it has one.
///
/// # Errors
/// Those of [`list`].
pub fn latest(store: &Store, recipe: &Path) -> Result<Option<Generation>, GenerationError> {
    Ok(list(store, recipe)?.generations.pop())
}

impl Generation {
    /// Returns the path of its own file.
    pub fn file(&self, store: &Store) -> PathBuf {
        self.sealed(store).path().to_owned()
    }

    fn sealed(&self, store: &Store) -> Sealed {
        store.root(&format!("{}{}.json", prefix(&self.recipe), self.number))
    }

    /// Returns the compiled kernel's directory, when it is in the store and undamaged.
    pub fn kernel_dir(&self, store: &Store) -> Option<PathBuf> {
        store.get_named(&self.keys.kernel, "kernel")
    }

    /// Returns the result's directory, when it is in the store and undamaged.
    pub fn result_dir(&self, store: &Store) -> Option<PathBuf> {
        store.get_named(&self.keys.result, "result")
    }

    /// Returns the directory that Kbuild worked in, when it still exists. Take its lock before reading it
    /// ([`Store::work_dir_named`]): a later build may be changing it.
    pub fn work_dir(&self, store: &Store) -> Option<PathBuf> {
        Some(store.dir().join("work").join(format!("{}-kbuild", self.keys.work)).join("dir")).filter(|dir| dir.is_dir())
    }

    /// Whether the result of this name (`KEY-KIND`) must stay as long as this generation does.
    pub fn needs(&self, name: &str) -> bool {
        let Keys { source, tree, kernel, work: _, result } = &self.keys;
        let of_key = |key: &String| name.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('-'));
        self.results.contains(name) || [source, tree, kernel, result].into_iter().any(of_key)
    }
}

/// Assigns the generation the next number and writes it, unless the last one is the same.
fn add(store: &Store, generation: &mut Generation, progress: &dyn Progress) -> Result<bool, GenerationError> {
    let prefix = prefix(&generation.recipe);
    let _lock = store.lock(&format!("generations-{prefix}"), "the recipe's generations", progress)?;
    let Kept { generations, unreadable } = read_all(store, &|name| name.starts_with(&prefix))?;
    // A damaged one has a number too, which must not be assigned twice.
    let taken = unreadable.iter().filter_map(|file| number_of(&file.path)).max().unwrap_or(0);
    for Unreadable { path, why } in &unreadable {
        progress.note(&format!("{} is damaged: {why}; that generation is removed", path.display()));
        kiln_store::remove(path).map_err(|source| GenerationError::Io { path: path.clone(), source })?;
    }
    if let Some(last) = generations.last().filter(|last| last.number > taken) {
        // Results that came from a cache, and so were not used, are no difference.
        let same =
            Generation { number: last.number, time: last.time, results: last.results.clone(), ..generation.clone() };
        if *last == same {
            *generation = same;
            return Ok(false);
        }
    }
    let last = generations.iter().map(|one| one.number).max();
    generation.number = last.unwrap_or(0).max(taken) + 1;
    let file = generation.sealed(store);
    let mut text = serde_json::to_vec_pretty(generation).expect("a generation has string keys only");
    text.push(b'\n');
    file.write(&text).map_err(|source| GenerationError::Io { path: file.path().to_owned(), source })?;
    Ok(true)
}

/// Reads the generations whose file names `wanted` accepts.
fn read_all(store: &Store, wanted: &dyn Fn(&str) -> bool) -> Result<Kept, GenerationError> {
    let dir = roots(store);
    let refused = |source| GenerationError::Io { path: dir.clone(), source };
    let names = kiln_store::names(&dir).map_err(refused)?;
    let mut kept = Kept::default();
    // The name of a file that is being written begins with a dot.
    for name in names.iter().filter(|name| name.ends_with(".json") && !name.starts_with('.') && wanted(name)) {
        let path = dir.join(name);
        match read(&store.root(name)) {
            Ok(Some(generation)) if generation.file(store) == path => kept.generations.push(generation),
            Ok(Some(_)) => {
                kept.unreadable.push(Unreadable { path, why: "it belongs to another recipe or number".to_owned() })
            }
            Ok(None) => {}
            Err(why) => kept.unreadable.push(Unreadable { path, why }),
        }
    }
    kept.generations.sort_by(|one, two| (&one.recipe, one.number).cmp(&(&two.recipe, two.number)));
    Ok(kept)
}

/// Returns `None` when the file no longer exists.
fn read(file: &Sealed) -> Result<Option<Generation>, String> {
    let text = match file.check() {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(None),
        // An earlier kiln wrote them without a digest.
        Err(damage @ SealError::NoDigest) => {
            let text = fs::read(file.path()).map_err(|error| error.to_string())?;
            text.starts_with(b"{").then_some(text).ok_or_else(|| damage.to_string())?
        }
        Err(damage) => return Err(damage.to_string()),
    };
    let generation: Generation = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if generation.version != VERSION {
        return Err(format!("its version is {}, this kiln supports {VERSION}", generation.version));
    }
    Ok(Some(generation))
}

fn roots(store: &Store) -> PathBuf {
    store.dir().join("roots")
}

/// Returns the prefix of the names of a recipe's generations.
fn prefix(recipe: &Path) -> String {
    let digest = blake3::hash(recipe.as_os_str().as_encoded_bytes()).to_hex();
    format!("{}-", &digest.as_str()[..16])
}

fn number_of(path: &Path) -> Option<u32> {
    path.file_stem()?.to_str()?.rsplit_once('-')?.1.parse().ok()
}

fn real(recipe: &Path) -> Result<PathBuf, GenerationError> {
    fs::canonicalize(recipe).map_err(|source| GenerationError::Io { path: recipe.to_owned(), source })
}

fn known(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    if numbers.is_empty() { "; it has none".to_owned() } else { format!("; it has {}", numbers.join(", ")) }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not a generation, and is ignored: {}", self.path.display(), self.why)
    }
}

#[cfg(test)]
mod tests;
