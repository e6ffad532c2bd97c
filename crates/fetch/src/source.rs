//! From the source that a recipe names to a kernel tree on the disk.
//!
//! | source | its key | where the tree is |
//! | --- | --- | --- |
//! | a directory | digest of its content | where it is: it is never changed |
//! | a tarball, here or on a server | its SHA-256 | in the store |
//! | a commit | its hash | in the store |
//! | a Debian package | its SHA-256 | in the store |
//!
//! So the same tarball from two places is unpacked once. Names, times and owners are in no key.

mod download;
mod git;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::ErrorKind;
use kiln_exec::Interrupt;
use kiln_plan::{Key, KeyWriter, SourceSpec};
use kiln_store::digest::{NotSha256, Sha256};
use kiln_store::directory::DirectoryError;
use kiln_store::{Store, StoreError, tree_key};

pub use self::download::DownloadError;
pub use self::git::GitError;
use crate::apt::{self, AptError};
use crate::archive::{self, ArchiveError};
use crate::context::Fetch;

/// A kernel tree, and its identity.
#[derive(Debug, Clone)]
pub struct Source {
    /// The tree. It must not be changed.
    pub tree: PathBuf,
    /// The key of its content.
    pub key: Key,
    /// Its exact origin.
    pub origin: Origin,
}

/// The exact origin of a tree. Printed, it is one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A directory.
    Tree {
        /// The directory.
        path: PathBuf,
    },
    /// A file on this machine.
    Tarball {
        /// The file.
        path: PathBuf,
        /// Its digest.
        sha256: Sha256,
    },
    /// A file on a server.
    Url {
        /// The address.
        url: String,
        /// Its digest.
        sha256: Sha256,
    },
    /// A commit.
    Git {
        /// The repository.
        url: String,
        /// The commit's hash.
        commit: String,
    },
    /// A Debian package.
    Apt {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Its digest.
        sha256: Sha256,
    },
}

/// Why there is no tree.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path cannot be read.
    #[error("cannot read the kernel source {}", path.display())]
    Path {
        /// As in the recipe.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The tree contains the products of a build, with which every build out of tree would fail.
    #[error(
        "the kernel tree {} has been built in (there is {}): run `make mrproper` in it, or use a clean copy",
        path.display(),
        found.display()
    )]
    Built {
        /// The tree.
        path: PathBuf,
        /// The product's path within the tree.
        found: PathBuf,
    },
    /// The recipe's hash is not one.
    #[error(transparent)]
    Hash(#[from] NotSha256),
    /// The file does not match the recipe's hash.
    #[error("{what} does not match the recipe:\n  expected sha256 {expected}\n  found    sha256 {found}")]
    Mismatch {
        /// The file or its address.
        what: String,
        /// The digest in the recipe.
        expected: Sha256,
        /// The digest of the file.
        found: Sha256,
    },
    /// A download failed.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// A commit could not be fetched.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A package could not be fetched.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// An archive could not be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A tree could not be read.
    #[error(transparent)]
    Tree(#[from] DirectoryError),
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl SourceError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            SourceError::Path { .. }
            | SourceError::Built { .. }
            | SourceError::Hash(_)
            | SourceError::Mismatch { .. }
            | SourceError::Archive(_) => ErrorKind::Input,
            SourceError::Download(_)
            | SourceError::Git(_)
            | SourceError::Apt(_)
            | SourceError::Tree(_)
            | SourceError::Store(_)
            | SourceError::Interrupted(_) => ErrorKind::Host,
        }
    }
}

/// Gets the tree that `spec` names: from the store when it is there.
///
/// # Errors
/// Any [`SourceError`]. A mismatch removes no file of the user's.
pub fn fetch(fetch: &Fetch<'_>, spec: &SourceSpec) -> Result<Source, SourceError> {
    match spec {
        SourceSpec::Path(path) => from_path(fetch, path),
        SourceSpec::Url { url, sha256 } => from_url(fetch, url, sha256.parse()?),
        SourceSpec::Git { url, rev } => {
            let (tree, key, commit) = git::checkout(fetch, url, rev)?;
            Ok(Source { tree, key, origin: Origin::Git { url: url.clone(), commit } })
        }
        SourceSpec::Apt { package, version } => {
            let found = apt::find(fetch, package, version.as_deref())?;
            let key = KeyWriter::new("deb-source/1").field("sha256", found.sha256).finish();
            let tree = fetch.store.realize(&key, "source", fetch.progress, |dir| {
                let deb = apt::download(fetch, &found)?;
                Ok::<(), SourceError>(archive::deb::unpack_source(&deb, dir, fetch.progress)?)
            })?;
            let origin = Origin::Apt { package: package.clone(), version: found.version, sha256: found.sha256 };
            Ok(Source { tree, key, origin })
        }
    }
}

fn from_path(fetch: &Fetch<'_>, path: &Path) -> Result<Source, SourceError> {
    let unreadable = |source| SourceError::Path { path: path.to_owned(), source };
    let path = fs::canonicalize(path).map_err(unreadable)?;
    if path.is_dir() {
        if let Some(found) = build_products(&path) {
            return Err(SourceError::Built { path, found });
        }
        fetch.progress.begin("read the kernel tree", None);
        let key = tree_key(fetch.store, &path);
        fetch.progress.end();
        return Ok(Source { tree: path.clone(), key: key?, origin: Origin::Tree { path } });
    }
    let sha256 = remembered_sha256(fetch.store, &path).map_err(unreadable)?;
    let (tree, key) = from_tarball(fetch, sha256, |_| Ok(path.clone()))?;
    Ok(Source { tree, key, origin: Origin::Tarball { path, sha256 } })
}

fn from_url(fetch: &Fetch<'_>, url: &str, sha256: Sha256) -> Result<Source, SourceError> {
    let (tree, key) = from_tarball(fetch, sha256, |_| download::get(fetch, url, sha256))?;
    Ok(Source { tree, key, origin: Origin::Url { url: url.to_owned(), sha256 } })
}

fn from_tarball(
    fetch: &Fetch<'_>,
    sha256: Sha256,
    get: impl FnOnce(&Path) -> Result<PathBuf, SourceError>,
) -> Result<(PathBuf, Key), SourceError> {
    let key = KeyWriter::new("tarball/1").field("sha256", sha256).finish();
    let tree = fetch.store.realize(&key, "source", fetch.progress, |dir| {
        let tarball = get(dir)?;
        Ok::<(), SourceError>(archive::unpack(&tarball, dir, fetch.progress)?)
    })?;
    Ok((tree, key))
}

/// Returns the path that Kbuild takes as the sign of a build in the tree, as `outputmakefile` in the top `Makefile`.
fn build_products(tree: &Path) -> Option<PathBuf> {
    let fixed = [PathBuf::from(".config"), PathBuf::from("include/config")];
    let arches = fs::read_dir(tree.join("arch")).into_iter().flatten().flatten();
    let generated = arches.map(|arch| Path::new("arch").join(arch.file_name()).join("include/generated"));
    let mut found: Vec<PathBuf> = fixed.into_iter().chain(generated).filter(|path| tree.join(path).exists()).collect();
    found.sort();
    found.into_iter().next()
}

/// Returns the digest of a file, read again only when it has changed.
fn remembered_sha256(store: &Store, path: &Path) -> io::Result<Sha256> {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;
    let numbers = |meta: &fs::Metadata| {
        format!(
            "{}.{} {}.{} {} {}",
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
            meta.size(),
            meta.ino()
        )
    };
    let meta = fs::metadata(path)?;
    let name = blake3::hash(path.as_os_str().as_bytes()).to_hex();
    let memory = store.cached("files", &name.as_str()[..32]).ok();
    let known = memory.as_ref().and_then(|memory| String::from_utf8(memory.read()?).ok()).unwrap_or_default();
    if let Some((digest, rest)) = known.split_once(' ')
        && rest == numbers(&meta)
        && let Ok(digest) = digest.parse()
    {
        return Ok(digest);
    }
    let digest = Sha256::of_file(path)?;
    // A file that is being written to gets another time: only a digest of an unchanged file is cached.
    if let Some(memory) = memory
        && numbers(&fs::metadata(path)?) == numbers(&meta)
    {
        let _ = memory.write(format!("{digest} {}", numbers(&meta)).as_bytes());
    }
    Ok(digest)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Tree { path } | Origin::Tarball { path, .. } => write!(f, "{}", path.display()),
            Origin::Url { url, .. } => write!(f, "{url}"),
            Origin::Git { url, commit } => write!(f, "{url} at {commit}"),
            Origin::Apt { package, version, .. } => write!(f, "Debian package {package} {version}"),
        }
    }
}
