//! Checks that distinguish a complete result from a damaged one.
//!
//! The stamp beside a result holds the digest of its listing (path, kind, mode, size, time of change of every file,
//! target of every link), that of its inodes (number and ctime of every file) and the digest of all bytes. It is sealed
//! with the result's name: a result that was copied over another one is damaged.
//!
//! | when | what is compared |
//! | --- | --- |
//! | every use of a result of at most [`LARGE`] files | the listing: one `stat` per file |
//! | when its inodes differ, even if size and time do not | all bytes; no program can set a ctime |
//! | its first use since the machine was started | all bytes: crashes and failing disks change them without a trace |
//! | the first use of a larger one since the machine was started | the listing |
//! | every other use of a larger one | the listing of its top directory; a full check precedes Kbuild |
//! | on demand, [`verify`] | all bytes |
//!
//! A store that was copied or restored has other inodes: then all bytes are read once, and the stamp is written again.
//! A kernel tree has 85 000 files: to check all of them takes 0.2 s when the kernel has them in its cache, and many
//! seconds when it has not, which is too much for a build that has nothing to do.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::directory::{DirectoryError, Kind, Listing, list, list_top};
use crate::error::{StoreError, io_error};
use crate::files::{NotPlain, open_with, read_plain, write_whole};
use crate::sealed::{SealError, read_at, seal};

/// The directory of an entry that holds the result itself.
pub(super) const OUT: &str = "out";
const STAMP: &str = "stamp.json";
/// The file that records the boot in which the result was last checked.
const CHECKED: &str = "checked";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const VERSION: u32 = 1;
/// How many files make a result large.
const LARGE: u64 = 5000;

/// What is wrong with a result.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is no such result.
    #[error("there is no such result")]
    Absent,
    /// Something other than a directory is in its place.
    #[error(transparent)]
    NotPlain(#[from] NotPlain),
    /// The stamp cannot be read or is not one.
    #[error("its stamp is unreadable: {0}")]
    Stamp(String),
    /// Files are missing, or there are more of them.
    #[error("{found} files are there, {noted} were made")]
    Count {
        /// The number when it was made.
        noted: u64,
        /// The number now.
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
    Unreadable(#[from] DirectoryError),
}

#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    version: u32,
    files: u64,
    bytes: u64,
    listing: String,
    /// Empty when an earlier kiln made it.
    #[serde(default)]
    inodes: String,
    top: String,
    content: String,
    /// Whether an earlier kiln wrote it, without a digest of its own: then all bytes are compared.
    #[serde(skip)]
    is_bare: bool,
}

/// Writes the stamp of the result in `entry`.
pub(super) fn stamp(entry: &Path) -> Result<(), StoreError> {
    let refused = |error| match error {
        DirectoryError::Unreadable { path, source } => io_error(&path, source),
        DirectoryError::Interrupted(interrupt) => interrupt.into(),
    };
    let listing = list(&entry.join(OUT)).map_err(refused)?;
    let stamp = Stamp {
        version: VERSION,
        files: listing.files().len() as u64,
        bytes: listing.bytes(),
        listing: listing_digest(&listing),
        inodes: inode_digest(&listing),
        top: listing_digest(&list_top(&entry.join(OUT)).map_err(refused)?),
        content: listing.content().map_err(refused)?.to_string(),
        is_bare: false,
    };
    write(entry, &stamp)?;
    note_check(entry);
    Ok(())
}

fn write(entry: &Path, stamp: &Stamp) -> Result<(), StoreError> {
    let path = entry.join(STAMP);
    let text = serde_json::to_vec(stamp).map_err(|error| io_error(&path, error.into()))?;
    write_whole(&path, &seal(&stamp_name(entry), &text)).map_err(|source| io_error(&path, source))
}

/// Returns the name that the stamp of the result in `entry` is sealed with, also while the result is being made.
fn stamp_name(entry: &Path) -> String {
    format!("results/{}/{STAMP}", entry.file_name().unwrap_or_default().to_string_lossy())
}

/// Compares as much of the result with its stamp as the table above requires.
pub(super) fn check(entry: &Path) -> Result<(), Damage> {
    let stamp = read(entry)?;
    let was_checked = was_checked(entry);
    if stamp.files > LARGE && was_checked && !stamp.is_bare {
        let top = list_top(&entry.join(OUT))?;
        return if listing_digest(&top) == stamp.top { Ok(()) } else { Err(Damage::Listing) };
    }
    let listing = compare(entry, &stamp)?;
    if !was_checked && stamp.files <= LARGE {
        compare_bytes(&listing, &stamp)?;
    }
    compare_inodes(entry, &listing, stamp)?;
    note_check(entry);
    Ok(())
}

/// The same for a result of any size: its whole listing, and all bytes where the inodes differ.
pub(super) fn check_whole(entry: &Path) -> Result<(), Damage> {
    let stamp = read(entry)?;
    let listing = compare(entry, &stamp)?;
    compare_inodes(entry, &listing, stamp)
}

/// Compares all bytes where the inodes differ, and records the new ones.
fn compare_inodes(entry: &Path, listing: &Listing, stamp: Stamp) -> Result<(), Damage> {
    let inodes = inode_digest(listing);
    if inodes != stamp.inodes || stamp.is_bare {
        compare_bytes(listing, &stamp)?;
        // If they cannot be recorded, the bytes are read again next time.
        let _ = write(entry, &Stamp { inodes, ..stamp });
    }
    Ok(())
}

/// Compares the listing and all bytes with the stamp.
pub(super) fn verify(entry: &Path) -> Result<(), Damage> {
    let stamp = read(entry)?;
    compare_bytes(&compare(entry, &stamp)?, &stamp)
}

fn compare_bytes(listing: &Listing, stamp: &Stamp) -> Result<(), Damage> {
    let content = listing.content()?;
    if content.to_string() == stamp.content { Ok(()) } else { Err(Damage::Content) }
}

/// Records that the result was used; a failure to record it is ignored.
pub(super) fn touch(entry: &Path) {
    if let Ok(file) = open_with(OpenOptions::new().append(true), &entry.join(STAMP)) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Returns how many bytes the files of the result in the directory `entry` have, according to its stamp.
pub fn entry_bytes(entry: &Path) -> Option<u64> {
    read(entry).ok().map(|stamp| stamp.bytes)
}

/// Returns when the result in the directory `entry` was used last.
pub fn entry_last_use(entry: &Path) -> Option<SystemTime> {
    fs::metadata(entry.join(STAMP)).and_then(|meta| meta.modified()).ok()
}

fn read(entry: &Path) -> Result<Stamp, Damage> {
    if fs::symlink_metadata(entry).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Err(Damage::Absent);
    }
    for path in [entry, &entry.join(OUT)] {
        NotPlain::at_directory(path).map_or(Ok(()), Err)?;
    }
    let (path, why) = (entry.join(STAMP), |error: &dyn std::fmt::Display| Damage::Stamp(error.to_string()));
    let (text, is_bare) = match read_at(&path, &stamp_name(entry)) {
        Ok(Some(text)) => (text, false),
        Ok(None) => return Err(why(&"it is missing")),
        Err(SealError::NoDigest) => (read_plain(&path).map_err(|error| why(&error))?, true),
        Err(damage) => return Err(why(&damage)),
    };
    let stamp: Stamp = serde_json::from_slice(&text).map_err(|error| why(&error))?;
    if stamp.version == VERSION {
        Ok(Stamp { is_bare, ..stamp })
    } else {
        Err(why(&format!("its version is {}", stamp.version)))
    }
}

fn compare(entry: &Path, stamp: &Stamp) -> Result<Listing, Damage> {
    let listing = list(&entry.join(OUT))?;
    let found = listing.files().len() as u64;
    if found != stamp.files {
        return Err(Damage::Count { noted: stamp.files, found });
    }
    if listing_digest(&listing) == stamp.listing { Ok(listing) } else { Err(Damage::Listing) }
}

/// Whether the result was checked since the machine was started.
fn was_checked(entry: &Path) -> bool {
    let now = fs::read(BOOT_ID).unwrap_or_default();
    !now.is_empty() && read_plain(&entry.join(CHECKED)).is_ok_and(|then| then == now)
}

/// Records that the result was checked; without the record it is checked again.
fn note_check(entry: &Path) {
    if !was_checked(entry)
        && let Ok(now) = fs::read(BOOT_ID)
    {
        let _ = write_whole(&entry.join(CHECKED), &now);
    }
}

/// Returns the digest of what `stat` returns, except the times of directories, which reading them may change elsewhere.
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

/// Returns the digest of what no program can set: the inode number and the ctime of every file.
fn inode_digest(listing: &Listing) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in listing.files().iter().filter(|file| file.kind == Kind::File) {
        hasher.update(&file.inode.to_le_bytes()).update(&file.touched.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Returns the digest of all that can be known about a directory without reading its files: the listing, and what no
/// program can set.
pub(super) fn exact_digest(listing: &Listing) -> String {
    format!("{} {}", listing_digest(listing), inode_digest(listing))
}
