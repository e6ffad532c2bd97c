//! Opening a regular file, and nothing else.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::limited::{Limited, TooLarge};
use crate::{BYTES_MAX, TEXT_MAX};

/// The error of a path that names something other than a regular file; the error of an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a regular file, but {0}")]
pub struct NotRegular(&'static str);

/// `f_type` of the kernel's own file systems, in which a read may wait for events or never come to an end (statfs(2)).
const KERNEL_FILE_SYSTEMS: [i64; 3] = [
    0x9fa0,      // proc
    0x7472_6163, // tracefs
    0x6462_6720, // debugfs
];

/// The device number of `/dev/null`.
const NULL: (u32, u32) = (1, 3);

/// Opens the regular file `path`, links followed, for reading; or `/dev/null`, which is the usual name of an empty file.
///
/// A pipe, a socket or a device is refused before it is opened, because opening it may already wait, or have an effect.
/// # Errors
/// The system's error, or one with a [`NotRegular`] in it.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    Ok(opened(path.as_ref())?.0)
}

/// Opens a file, and returns what is known of it.
fn opened(path: &Path) -> io::Result<(File, Metadata)> {
    refuse_others(&fs::metadata(path)?)?;
    // What the path names may have changed since: the open itself must not wait either. Regular files ignore the flag.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    refuse_others(&metadata)?;
    // The kernel's files have no size; asking costs the others nothing.
    if metadata.len() == 0 && KERNEL_FILE_SYSTEMS.contains(&rustix::fs::fstatfs(&file)?.f_type) {
        return Err(refusal("a file of the kernel, without a size"));
    }
    Ok((file, metadata))
}

/// Reads the regular file `path`, which has at most [`BYTES_MAX`] bytes.
///
/// # Errors
/// Those of [`open`], or one with a [`TooLarge`] in it.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    read_at_most(path, BYTES_MAX)
}

/// Reads the regular file `path`, which has at most `max` bytes.
///
/// # Errors
/// Those of [`open`], or one with a [`TooLarge`] in it.
pub fn read_at_most(path: impl AsRef<Path>, max: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = opened(path.as_ref())?;
    let size = metadata.len();
    if size > max {
        return Err(TooLarge { max }.into());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(size).map_err(io::Error::other)?)?;
    // It may grow while it is read.
    Limited::new(file, max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the regular file `path`, which is UTF-8 and has at most [`TEXT_MAX`] bytes.
///
/// # Errors
/// Those of [`read`], or [`io::ErrorKind::InvalidData`].
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read_at_most(path, TEXT_MAX)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// Copies the regular file `from` with its permissions to `to`, which is replaced when it exists.
///
/// # Errors
/// Those of [`open`], and the system's for `to`.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let (mut source, metadata) = opened(from.as_ref())?;
    let mode = metadata.permissions().mode();
    let mut target = File::options().write(true).create(true).truncate(true).mode(mode).open(to)?;
    let n_bytes = io::copy(&mut source, &mut target)?;
    // The mode above is subject to the umask, and only that of a new file.
    target.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(n_bytes)
}

fn refuse_others(metadata: &Metadata) -> io::Result<()> {
    let is_null = || metadata.file_type().is_char_device() && metadata.rdev() == rustix::fs::makedev(NULL.0, NULL.1);
    if metadata.is_file() || is_null() { Ok(()) } else { Err(refusal(kind_of(metadata.file_type()))) }
}

fn refusal(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, NotRegular(what))
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "something else"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn refuses_everything_but_regular_files_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, socket, link) = (dir.path().join("pipe"), dir.path().join("socket"), dir.path().join("link"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let _listener = UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for (path, what) in [
            (pipe.as_path(), "a named pipe"),
            (&link, "a named pipe"),
            (&socket, "a socket"),
            (dir.path(), "a directory"),
            (Path::new("/dev/zero"), "a device"),
            (Path::new("/proc/kmsg"), "a file of the kernel, without a size"),
            (Path::new("/proc/self/status"), "a file of the kernel, without a size"),
        ] {
            // Only root may open /proc/kmsg at all.
            match read(path).map_err(|error| (error.kind(), error.to_string())) {
                Err((io::ErrorKind::PermissionDenied, _)) if path == Path::new("/proc/kmsg") => {}
                other => assert_eq!(
                    other,
                    Err((io::ErrorKind::InvalidInput, format!("not a regular file, but {what}"))),
                    "{}",
                    path.display()
                ),
            }
        }
    }

    #[test]
    fn reads_a_file_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "0123456789");
        assert_eq!(read_at_most(&path, 9).unwrap_err().to_string(), "larger than 9 bytes, the limit");
        fs::write(&path, "").unwrap();
        assert_eq!(read_at_most(&path, 0).unwrap(), b"");
        // `depmod -C /dev/null`, `KCONFIG_ALLCONFIG=/dev/null`.
        assert_eq!(read("/dev/null").unwrap(), b"");
        // A file that consists of a hole costs nothing, and reading it all memory.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "larger than 2 GiB, the limit");
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_to_string(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(dir.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn copies_bytes_and_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old and longer").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o751)).unwrap();
        assert_eq!(copy(&from, &to).unwrap(), 3);
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o7777, 0o751);
    }
}
