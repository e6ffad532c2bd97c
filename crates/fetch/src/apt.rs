//! Debian packages by means of apt, without installing them and without root.
//!
//! A kernel source is looked up in the lists of the host's apt. When it is not in them, or the package is no longer on
//! the server, apt is run with a state of its own under the store's `cache/apt`: the host's `sources.list` and keys,
//! but its own lists, caches and status file (empty: nothing is installed). Packages for a guest always come from such
//! a state, one per architecture, so that the host's dpkg is neither changed nor read.
//!
//! apt checks what it downloads against the signed lists; the hashes that it prints are compared once more here.

mod sources_list;
mod state;

use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::{ExecError, Interrupt};
use kiln_plan::KeyWriter;
use kiln_store::cache::{self, Answers};
use kiln_store::digest::Sha256;
use kiln_store::{StoreError, make_way, remove};

use self::state::Lists;
pub(crate) use self::state::State;
use crate::archive::{self, ArchiveError};
use crate::context::Fetch;

/// Why a package could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// apt could not be run, or failed.
    #[error("cannot get {what} from apt{}", no_apt(source))]
    Failed {
        /// The packages.
        what: String,
        /// The error of apt, with its output.
        source: Box<ExecError>,
    },
    /// apt named no package, or none with a hash.
    #[error(
        "apt cannot find {what}; it said:\n{said}\ncheck that apt's sources have its suite: newer kernels for a stable \
         Debian are in its -security and -backports suites"
    )]
    Unnamed {
        /// The packages.
        what: String,
        /// All that apt printed.
        said: String,
    },
    /// The file that apt downloaded does not match its lists.
    #[error("{file} does not match apt's lists:\n  expected sha256 {expected}\n  found    sha256 {found}")]
    Mismatch {
        /// The package's file.
        file: String,
        /// The digest in the lists.
        expected: Sha256,
        /// The digest of the file.
        found: Sha256,
    },
    /// A file of the store could not be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A package could not be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// A package file that apt has in its lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deb {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The file's digest.
    pub sha256: Sha256,
    /// The file's size in bytes.
    pub size: u64,
    pub(crate) file: String,
    lists: Lists,
}

impl Deb {
    /// Reads a line of apt's `--print-uris`: `'URI' NAME_VERSION_ARCH.deb SIZE SHA256:HEX`, with `%3a` for the colon of an
    /// epoch.
    fn parse(line: &str, lists: Lists) -> Option<Deb> {
        let mut words = line.strip_prefix('\'')?.split_once("' ")?.1.split_whitespace();
        let (file, size, hash) = (words.next()?, words.next()?, words.next()?);
        let mut parts = file.strip_suffix(".deb")?.split('_');
        Some(Deb {
            package: parts.next()?.to_owned(),
            version: parts.next()?.replace("%3a", ":").replace("%3A", ":"),
            sha256: hash.strip_prefix("SHA256:")?.parse::<Sha256>().ok()?,
            size: size.parse().ok()?,
            file: file.to_owned(),
            lists,
        })
    }

    /// Returns the line that [`Deb::parse`] reads, without the address.
    fn line(&self) -> String {
        format!("'' {} {} SHA256:{}", self.file, self.size, self.sha256)
    }
}

/// Finds a package of any architecture, in the requested version or else apt's candidate.
///
/// # Errors
/// [`AptError::Failed`] with all that apt printed, or [`AptError::Unnamed`].
pub fn find(fetch: &Fetch<'_>, package: &str, version: Option<&str>) -> Result<Deb, AptError> {
    let what = version.map_or_else(|| package.to_owned(), |version| format!("{package}={version}"));
    // A configuration of the caller's own may name other lists.
    let is_default = fetch.env_of(|name| name == "APT_CONFIG").is_empty();
    let memory = fetch.store.cached("apt-found", "host")?;
    let known = if is_default { cache::recall(&memory) } else { Answers::new() };
    if let Some(deb) =
        known.get(what.as_bytes()).and_then(|line| Deb::parse(&String::from_utf8_lossy(line), Lists::Host))
    {
        return Ok(deb);
    }
    let found = State::of_host(fetch)?.find(fetch, &what);
    match found {
        Err(AptError::Unnamed { .. }) => State::own(fetch, None)?.find(fetch, &what),
        Ok(deb) => {
            if is_default {
                let line = (what.into_bytes(), deb.line().into_bytes());
                cache::keep(&memory, state::of_host(), &known.into_iter().chain([line]).collect());
            }
            Ok(deb)
        }
        found => found,
    }
}

/// Downloads the package that [`find`] found; returns the path of the file, its hash compared.
///
/// # Errors
/// [`AptError::Failed`], [`AptError::Mismatch`] or [`AptError::Io`].
pub fn download(fetch: &Fetch<'_>, deb: &Deb) -> Result<PathBuf, AptError> {
    let dir = fetch.store.download(&deb.sha256.to_string())?;
    let file = dir.join(&deb.file);
    let _lock = fetch.store.lock(&format!("download-{}", deb.sha256), "download", fetch.progress)?;
    let io = |source| AptError::Io { path: file.clone(), source };
    let mut is_damaged = make_way(&file).map_err(io)?;
    if file.exists() {
        if compare(&file, deb).is_ok() {
            return Ok(file);
        }
        kiln_exec::interrupted()?;
        remove(&file).map_err(io)?;
        is_damaged = true;
    }
    if is_damaged {
        fetch.progress.note(&format!("{} in the store is damaged; it is fetched again", file.display()));
    }
    let what = format!("{}={}", deb.package, deb.version);
    let state = match deb.lists {
        Lists::Host => State::of_host(fetch)?,
        Lists::Own | Lists::Sources => State::own(fetch, None)?,
    };
    let mut downloaded = state.download(fetch, &what, &dir, deb.size);
    if deb.lists == Lists::Host && matches!(&downloaded, Err(AptError::Failed { source, .. }) if refused(source)) {
        // The host's lists may name a file that the server has replaced since.
        let own = State::own(fetch, None)?;
        downloaded = own.find(fetch, &what).and_then(|found| own.download(fetch, &what, &dir, found.size));
    }
    downloaded?;
    compare(&file, deb)?;
    Ok(file)
}

/// Unpacks packages of `architecture` (Debian's name: `amd64`, `arm64`) with their dependencies into one directory.
///
/// The directory is a root with a merged `/usr`; links are relative; maintainer scripts are not run; the host's dpkg is
/// not used. It is in the store: do not change it.
/// # Errors
/// Any [`AptError`]; [`AptError::Failed`] has all that apt printed.
pub fn packages(fetch: &Fetch<'_>, names: &[&str], architecture: &str) -> Result<PathBuf, AptError> {
    let state = State::own(fetch, Some(architecture))?;
    let debs = state.closure(fetch, names)?;
    let mut hashes: Vec<Sha256> = debs.iter().map(|deb| deb.sha256).collect();
    hashes.sort();
    let key = KeyWriter::new("packages/1").list("sha256", hashes).finish();
    fetch.store.realize(&key, &format!("packages-{architecture}"), fetch.progress, |dir| {
        let archives = state.download_closure(fetch, names, &debs)?;
        let size = debs.iter().map(|deb| deb.size).sum();
        let all = PathBuf::from(format!("{} packages", debs.len()));
        let files = debs.iter().map(|deb| {
            let file = archives.join(&deb.file);
            compare(&file, deb).map(|()| file)
        });
        archive::deb::unpack_packages(files, &all, size, dir, fetch.progress)
    })
}

/// Returns those of `names` that the host's release of Debian lacks for `architecture`; all, when it has no such port.
///
/// # Errors
/// apt could not be run.
pub fn absent(fetch: &Fetch<'_>, names: &[&str], architecture: &str) -> Result<Vec<String>, AptError> {
    State::own(fetch, Some(architecture))?.absent(fetch, names)
}

/// A machine without apt is no Debian: there is nothing to install.
fn no_apt(error: &ExecError) -> &'static str {
    match error {
        ExecError::NotFound { .. } => ": this machine has no apt; give the source as { url, sha256 } or { git, rev }",
        _ => "",
    }
}

/// Whether apt ran, and did not get what was requested.
fn refused(error: &ExecError) -> bool {
    matches!(error, ExecError::Failed { .. })
}

/// Compares the file's digest with that of `deb`.
pub(crate) fn compare(file: &Path, deb: &Deb) -> Result<(), AptError> {
    let found = Sha256::of_file(file);
    kiln_exec::interrupted()?;
    let found = found.map_err(|source| AptError::Io { path: file.to_owned(), source })?;
    if found == deb.sha256 {
        return Ok(());
    }
    Err(AptError::Mismatch { file: deb.file.clone(), expected: deb.sha256, found })
}
