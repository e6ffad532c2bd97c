//! A tree with the recipe's patches and its `extraPatchPhase` applied.
//!
//! The result is a step of its own: its key is the source's with the patches' names and bytes, in order, and the script.
//! The source is copied, never linked: a script may edit files in place. Without patches and with a script that does
//! nothing, the source itself is the result.

mod hunk;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::ErrorKind;
use kiln_exec::{Exec, ExecError, Interrupt};
use kiln_plan::{Key, KeyWriter};
use kiln_store::StoreError;
use kiln_store::directory::{self, CopyError, DirectoryError};

pub use self::hunk::Reject;
use crate::context::{Fetch, missing};
use crate::source::Source;

/// Why there is no patched tree.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// A pattern is not one.
    #[error("`{pattern}` is not a pattern for files")]
    Pattern {
        /// As in the recipe.
        pattern: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// A pattern or name matches nothing.
    #[error("no file matches the patch `{pattern}` (looked in {})", dir.display())]
    NoMatch {
        /// As in the recipe.
        pattern: String,
        /// The directory it was searched in.
        dir: PathBuf,
    },
    /// A patch cannot be read.
    #[error("cannot read the patch {}", path.display())]
    Unreadable {
        /// The patch.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Hunks of a patch do not fit.
    #[error("the patch {} does not apply{}", path.display(), hunk::show(rejects, said))]
    Rejected {
        /// The patch.
        path: PathBuf,
        /// The hunks, when `patch` named them.
        rejects: Vec<Reject>,
        /// What `patch` printed.
        said: Vec<String>,
    },
    /// `patch` could not be run.
    #[error("cannot apply {}{}", path.display(), missing(source, "patch"))]
    Run {
        /// The patch.
        path: PathBuf,
        /// The error of `patch`.
        source: Box<ExecError>,
    },
    /// The script failed.
    #[error("extraPatchPhase failed")]
    Phase {
        /// Its error, with its output.
        source: Box<ExecError>,
    },
    /// There is no temporary directory for programs.
    #[error("cannot make a temporary directory for patches")]
    Scratch {
        /// The system's error.
        source: std::io::Error,
    },
    /// The source could not be read.
    #[error(transparent)]
    Tree(#[from] DirectoryError),
    /// The source could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl PatchError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            PatchError::Pattern { .. }
            | PatchError::NoMatch { .. }
            | PatchError::Unreadable { .. }
            | PatchError::Rejected { .. }
            | PatchError::Phase { .. } => ErrorKind::Input,
            PatchError::Run { .. }
            | PatchError::Scratch { .. }
            | PatchError::Tree(_)
            | PatchError::Copy(_)
            | PatchError::Store(_)
            | PatchError::Interrupted(_) => ErrorKind::Host,
        }
    }
}

/// Finds the files that match the recipe's `patches`, in the recipe's order; within a pattern, in byte order.
///
/// Relative patterns start at `dir`. A name of an existing file is that file, whatever characters it has.
/// # Errors
/// [`PatchError::Pattern`] or [`PatchError::NoMatch`].
pub fn expand(dir: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, PatchError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let literal = dir.join(pattern);
        if literal.is_file() {
            files.push(literal);
            continue;
        }
        let absolute = if Path::new(pattern).is_absolute() {
            pattern.clone()
        } else {
            format!("{}/{pattern}", glob::Pattern::escape(&dir.to_string_lossy()))
        };
        let found = glob::glob(&absolute);
        let found = found.map_err(|source| PatchError::Pattern { pattern: pattern.clone(), source })?;
        // A pipe is refused when it is read, with its name; a broken link, too.
        let mut found: Vec<PathBuf> = found.filter_map(Result::ok).filter(|path| !path.is_dir()).collect();
        if found.is_empty() {
            return Err(PatchError::NoMatch { pattern: pattern.clone(), dir: dir.to_owned() });
        }
        found.sort_by(|one, two| one.as_os_str().as_encoded_bytes().cmp(two.as_os_str().as_encoded_bytes()));
        files.extend(found);
    }
    Ok(files)
}

/// Returns the tree of `source` with `patches` applied in order and `extra_patch_phase` run in it afterwards.
///
/// # Errors
/// Any [`PatchError`]; the store is unchanged then.
pub fn apply(
    fetch: &Fetch<'_>,
    source: &Source,
    patches: &[PathBuf],
    extra_patch_phase: &str,
) -> Result<Source, PatchError> {
    let read =
        |path: &PathBuf| kiln_file::read(path).map_err(|source| PatchError::Unreadable { path: path.clone(), source });
    let texts = patches.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if patches.is_empty() && does_nothing(extra_patch_phase) {
        return Ok(source.clone());
    }
    let key = key_of(source, &texts, extra_patch_phase);
    let tree = fetch.store.realize(&key, "patched", fetch.progress, |dir| {
        let listing = directory::list(&source.tree)?;
        fetch.progress.begin_bytes("copy the kernel tree", Some(listing.bytes()));
        let copied = directory::copy(&listing, dir);
        fetch.progress.end();
        copied?;
        let scratch = tempfile::tempdir().map_err(|source| PatchError::Scratch { source })?;
        for (path, text) in patches.iter().zip(&texts) {
            fetch.progress.note(&format!("apply {}", path.display()));
            apply_one(fetch, [dir, scratch.path()], path, text)?;
        }
        run_phase(fetch, [dir, scratch.path()], extra_patch_phase)
    })?;
    Ok(Source { tree, key, origin: source.origin.clone() })
}

fn key_of(source: &Source, texts: &[Vec<u8>], phase: &str) -> Key {
    KeyWriter::new("patched/1").field("source", source.key).list("patches", texts).field("phase", phase).finish()
}

/// Whether a script has nothing but comments and `true`.
fn does_nothing(phase: &str) -> bool {
    phase.lines().map(str::trim).all(|line| matches!(line, "" | "true" | ":") || line.starts_with('#'))
}

/// Starts a program that changes the tree in the first directory, with the second one for temporary files.
fn program(fetch: &Fetch<'_>, name: &str, [dir, scratch]: [&Path; 2]) -> Exec {
    Exec::new(name)
        .dir(dir)
        .confined(fetch.sandbox, &[], &[dir, scratch])
        .envs(program_env(fetch))
        .env("TMPDIR", scratch)
}

fn apply_one(fetch: &Fetch<'_>, dirs: [&Path; 2], path: &Path, text: &[u8]) -> Result<(), PatchError> {
    let patch = || {
        program(fetch, "patch", dirs)
            // It asks no questions, applies no patch in reverse, and leaves no copies.
            .args(["-p1", "--batch", "--forward", "--no-backup-if-mismatch"])
            .stdin(text)
    };
    let failed = |source| match source {
        ExecError::Interrupted(interrupt) => PatchError::Interrupted(interrupt),
        source => PatchError::Run { path: path.to_owned(), source: Box::new(source) },
    };
    // The dry run names every hunk that fails, of all files, and changes nothing.
    for rehearsal in [true, false] {
        let patch = if rehearsal { patch().arg("--dry-run") } else { patch() };
        let output = patch.capture().map_err(failed)?;
        if !output.status.success() {
            let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
            let said: Vec<String> = String::from_utf8_lossy(&said).lines().map(str::to_owned).collect();
            let rejects = hunk::rejects(&String::from_utf8_lossy(text), &said);
            return Err(PatchError::Rejected { path: path.to_owned(), rejects, said });
        }
    }
    Ok(())
}

fn run_phase(fetch: &Fetch<'_>, dirs: [&Path; 2], phase: &str) -> Result<(), PatchError> {
    if does_nothing(phase) {
        return Ok(());
    }
    fetch.progress.begin("run extraPatchPhase", None);
    // As in the seed, the first command that fails ends the script.
    let run = program(fetch, "sh", dirs).args(["-e", "-c", phase]).text();
    fetch.progress.end();
    run.map(drop).map_err(|source| match source {
        ExecError::Interrupted(interrupt) => PatchError::Interrupted(interrupt),
        source => PatchError::Phase { source: Box::new(source) },
    })
}

/// Returns the environment of programs that change the tree.
fn program_env(fetch: &Fetch<'_>) -> BTreeMap<OsString, OsString> {
    let path = fetch.env.get(std::ffi::OsStr::new("PATH")).cloned().unwrap_or_else(|| "/usr/bin:/bin".into());
    // A home directory that does not exist: settings of the user's must not affect the tree.
    let fixed = [("LC_ALL", "C"), ("HOME", "/homeless")].map(|(name, value)| (name.into(), value.into()));
    std::iter::once(("PATH".into(), path)).chain(fixed).collect()
}

#[cfg(test)]
mod tests;
