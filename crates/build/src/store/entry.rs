//! What tells a whole result from a damaged one.
//!
//! The stamp beside a result holds the digest of its listing (path, kind, mode, size, time of change of every file, target
//! of every link) and the digest of all bytes. The first is compared on every use: it takes one `stat` per file, 0.2 s for
//! a kernel tree, and notices what a crash of the machine, a full disk or a stray program does. The second is for
//! [`verify`], on demand.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{OUT, StoreError, io_error, write_whole};
use crate::tree::{Kind, Listing, TreeError, list};

const STAMP: &str = "stamp.json";
const VERSION: u32 = 1;

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
        content: listing.content().map_err(refused)?.to_string(),
    };
    let path = entry.join(STAMP);
    let text = serde_json::to_vec(&stamp).map_err(|error| io_error(&path, error.into()))?;
    write_whole(&path, &text).map_err(|source| io_error(&path, source))
}

/// Compares the listing with the stamp.
pub(super) fn check(entry: &Path) -> Result<(), Damage> {
    compare(entry).map(drop)
}

/// Compares the listing and all bytes with the stamp.
pub(super) fn verify(entry: &Path) -> Result<(), Damage> {
    let (stamp, listing) = compare(entry)?;
    let content = listing.content()?;
    if content.to_string() == stamp.content { Ok(()) } else { Err(Damage::Content) }
}

/// Notes that the result was used; that it cannot be noted is no reason to stop.
pub(super) fn touch(entry: &Path) {
    if let Ok(file) = File::options().append(true).open(entry.join(STAMP)) {
        let _ = file.set_modified(SystemTime::now());
    }
}

fn compare(entry: &Path) -> Result<(Stamp, Listing), Damage> {
    if !entry.exists() {
        return Err(Damage::Absent);
    }
    let text = fs::read(entry.join(STAMP)).map_err(|error| Damage::Stamp(error.to_string()))?;
    let stamp: Stamp = serde_json::from_slice(&text).map_err(|error| Damage::Stamp(error.to_string()))?;
    if stamp.version != VERSION {
        return Err(Damage::Stamp(format!("its version is {}", stamp.version)));
    }
    let listing = list(&entry.join(OUT))?;
    let found = listing.files().len() as u64;
    if found != stamp.files {
        return Err(Damage::Count { noted: stamp.files, found });
    }
    if listing_digest(&listing) != stamp.listing {
        return Err(Damage::Listing);
    }
    Ok((stamp, listing))
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
