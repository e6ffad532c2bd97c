//! What tells a whole result from a damaged one.
//!
//! The stamp beside a result holds the digest of its listing (path, kind, mode, size, time of change of every file, target
//! of every link) and the digest of all bytes.
//!
//! | when | what is compared |
//! | --- | --- |
//! | every use of a result of at most [`LARGE`] files | the listing: one `stat` per file |
//! | the first use of a larger one since the machine was started | the same: a crash of the machine is what damages files |
//! | every other use of a larger one | the listing of its top folder |
//! | on demand, [`verify`] | all bytes |
//!
//! A kernel tree has 85 000 files: to look at all of them takes 0.2 s when the kernel has them in memory, and many seconds
//! when it has not, which is too much for a build that has nothing to do.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{OUT, StoreError, io_error, write_whole};
use crate::tree::{Kind, Listing, TreeError, list, list_top};

const STAMP: &str = "stamp.json";
/// In which run of the machine a large result was looked at last.
const CHECKED: &str = "checked";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const VERSION: u32 = 1;
/// How many files make a result large.
const LARGE: u64 = 5000;

/// What is wrong with a result.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is none.
    #[error("there is no such result")]
    Absent,
    /// The stamp cannot be read or is not one.
    #[error("its stamp is unreadable: {0}")]
    Stamp(String),
    /// Files are missing, or there are more of them.
    #[error("{found} files are there, {noted} were made")]
    Count {
        /// When it was made.
        noted: u64,
        /// Now.
        found: u64,
    },
    /// A file's size, mode, time or name has changed.
    #[error("files were changed since")]
    Listing,
    /// The bytes of a file have changed.
    #[error("the content of files is not what was made")]
    Content,
    /// The result cannot be read.
    #[error(transparent)]
    Unreadable(#[from] TreeError),
}

#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    version: u32,
    files: u64,
    bytes: u64,
    listing: String,
    top: String,
    content: String,
}

/// Writes the stamp of the result in `entry`.
pub(super) fn stamp(entry: &Path) -> Result<(), StoreError> {
    let refused = |error| match error {
        TreeError::Unreadable { path, source } => io_error(&path, source),
        TreeError::Interrupted(interrupt) => interrupt.into(),
    };
    let listing = list(&entry.join(OUT)).map_err(refused)?;
    let stamp = Stamp {
        version: VERSION,
        files: listing.files().len() as u64,
        bytes: listing.bytes(),
        listing: listing_digest(&listing),
        top: listing_digest(&list_top(&entry.join(OUT)).map_err(refused)?),
        content: listing.content().map_err(refused)?.to_string(),
    };
    let path = entry.join(STAMP);
    let text = serde_json::to_vec(&stamp).map_err(|error| io_error(&path, error.into()))?;
    write_whole(&path, &text).map_err(|source| io_error(&path, source))?;
    note_check(entry);
    Ok(())
}

/// Compares the listing with the stamp.
pub(super) fn check(entry: &Path) -> Result<(), Damage> {
    let stamp = read(entry)?;
    if stamp.files <= LARGE || !was_checked(entry) {
        compare(entry, &stamp)?;
        note_check(entry);
        return Ok(());
    }
    let top = list_top(&entry.join(OUT))?;
    if listing_digest(&top) == stamp.top { Ok(()) } else { Err(Damage::Listing) }
}

/// Compares the listing and all bytes with the stamp.
pub(super) fn verify(entry: &Path) -> Result<(), Damage> {
    let stamp = read(entry)?;
    let listing = compare(entry, &stamp)?;
    let content = listing.content()?;
    if content.to_string() == stamp.content { Ok(()) } else { Err(Damage::Content) }
}

/// Notes that the result was used; that it cannot be noted is no reason to stop.
pub(super) fn touch(entry: &Path) {
    if let Ok(file) = File::options().append(true).open(entry.join(STAMP)) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// How many bytes the files of a result have, as its stamp says.
pub(crate) fn bytes(entry: &Path) -> Option<u64> {
    read(entry).ok().map(|stamp| stamp.bytes)
}

/// When the result was used last.
pub(crate) fn last_use(entry: &Path) -> Option<SystemTime> {
    fs::metadata(entry.join(STAMP)).and_then(|meta| meta.modified()).ok()
}

fn read(entry: &Path) -> Result<Stamp, Damage> {
    if !entry.exists() {
        return Err(Damage::Absent);
    }
    let text = fs::read(entry.join(STAMP)).map_err(|error| Damage::Stamp(error.to_string()))?;
    let stamp: Stamp = serde_json::from_slice(&text).map_err(|error| Damage::Stamp(error.to_string()))?;
    if stamp.version == VERSION { Ok(stamp) } else { Err(Damage::Stamp(format!("its version is {}", stamp.version))) }
}

fn compare(entry: &Path, stamp: &Stamp) -> Result<Listing, Damage> {
    let listing = list(&entry.join(OUT))?;
    let found = listing.files().len() as u64;
    if found != stamp.files {
        return Err(Damage::Count { noted: stamp.files, found });
    }
    if listing_digest(&listing) == stamp.listing { Ok(listing) } else { Err(Damage::Listing) }
}

/// Whether the result was looked at since the machine was started.
fn was_checked(entry: &Path) -> bool {
    let now = fs::read(BOOT_ID).unwrap_or_default();
    !now.is_empty() && fs::read(entry.join(CHECKED)).is_ok_and(|then| then == now)
}

/// Notes that the result was looked at; without the note it is looked at again.
fn note_check(entry: &Path) {
    if !was_checked(entry)
        && let Ok(now) = fs::read(BOOT_ID)
    {
        let _ = write_whole(&entry.join(CHECKED), &now);
    }
}

/// The digest of all that a `stat` tells, but for the times of folders, which a look at them may change elsewhere.
fn listing_digest(listing: &Listing) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for file in listing.files() {
        field(file.path.as_os_str().as_bytes());
        match &file.kind {
            Kind::File => field(&[1]),
            Kind::Folder => field(&[2]),
            Kind::Link(target) => field(target.as_os_str().as_bytes()),
            Kind::Other => field(&[3]),
        }
        if file.kind == Kind::File {
            field(&file.mode.to_le_bytes());
            field(&file.size.to_le_bytes());
            field(&file.changed.to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}
