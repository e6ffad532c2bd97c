//! Copying a tree.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kiln_exec::{Interrupt, interrupted};
use rayon::prelude::*;

use super::{Found, Kind, Listing};

/// Why a tree could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A file could not be read or written.
    #[error("cannot copy {} to {}", from.display(), to.display())]
    Io {
        /// The source of the copy.
        from: PathBuf,
        /// Its destination.
        to: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// Copies what `listing` lists into the empty directory `to`, with modes and times; sockets and the like are left out.
///
/// Blocks are shared where the file system can do that. Hard links would not do: editing the copy in place would edit
/// the original as well.
/// # Errors
/// Any [`CopyError`].
pub fn copy(listing: &Listing, to: &Path) -> Result<(), CopyError> {
    let folders = listing.files.iter().filter(|file| file.kind == Kind::Folder);
    // Sorted by path, so that a directory comes after the one it is in.
    for folder in folders {
        interrupted()?;
        let path = to.join(&folder.path);
        fs::create_dir(&path).map_err(|source| CopyError::Io {
            from: listing.root.join(&folder.path),
            to: path,
            source,
        })?;
    }
    listing.files.par_iter().try_for_each(|file| {
        interrupted()?;
        let (from, to) = (listing.root.join(&file.path), to.join(&file.path));
        copy_one(file, &from, &to).map_err(|source| CopyError::Io { from, to, source })
    })
}

fn copy_one(file: &Found, from: &Path, to: &Path) -> io::Result<()> {
    match &file.kind {
        Kind::Folder | Kind::Other => Ok(()),
        Kind::Link(target) => symlink(target, to),
        Kind::File => {
            let mut source = kiln_file::open(from)?;
            let mut target = File::create_new(to)?;
            if rustix::fs::ioctl_ficlone(&target, &source).is_err() {
                io::copy(&mut source, &mut target)?;
            }
            // A file that was read-only for the owner must be editable by patches and scripts.
            target.set_permissions(fs::Permissions::from_mode(file.mode & 0o777 | 0o600))?;
            target.set_modified(time(file.changed))
        }
    }
}

/// Returns a time from nanoseconds since 1970.
fn time(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}
