//! The cpio "newc" format, as the kernel's `usr/gen_init_cpio` writes it.
//!
//! ```text
//! entry  = header  name NUL  pad  data  pad         pads: NULs up to a multiple of 4, counted from the archive's start
//! header = "070701" and 13 fields of 8 upper-case hex digits:
//!          ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
//! end    = an entry named "TRAILER!!!" with ino 0 and nlink 1, then NULs up to a multiple of 512
//! ```
//!
//! `namesize` counts the NUL. A link's data is its target with a NUL, which `filesize` counts too.
//! Fixed here, as there: ino from 721 on, dev 3:1, directories nlink 2, all else nlink 1. Fixed by us: uid, gid and
//! mtime 0.

use std::io::{self, Read, Write};

use crate::tree::{Contents, DeviceClass, FileTree, Node, NodeKind, TRAILER};

/// The reason why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file is larger than the format allows: 4 GiB - 1.
    #[error("`{path}` has {size} bytes: a cpio archive holds files of less than 4 GiB")]
    FileTooLarge {
        /// The file.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
    /// More nodes than there are inode numbers.
    #[error("the tree has too many files for a cpio archive")]
    TooManyFiles,
    /// The file's bytes could not be read.
    #[error("cannot read `{path}` for the archive")]
    Read {
        /// The file.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file's reader returned more or fewer bytes than announced.
    #[error("`{path}` changed its size while it was put into the archive")]
    SizeChanged {
        /// The file.
        path: String,
    },
    /// The archive itself could not be written.
    #[error("cannot write the archive")]
    Write(#[from] io::Error),
}

/// The first inode number of `gen_init_cpio`.
const FIRST_INO: u32 = 721;

/// The fields of an entry that differ between entries.
struct Header<'a> {
    name: &'a str,
    ino: u32,
    mode: u32,
    nlink: u32,
    size: u32,
    device: (u32, u32),
    rdevice: (u32, u32),
}

/// A writer that counts the bytes written.
struct Counted<W> {
    inner: W,
    written: u64,
}

/// Writes `tree` as an archive.
///
/// # Errors
/// Any [`WriteError`]; `out` then contains a part of the archive.
/// # Source
/// Documentation/driver-api/early-userspace/buffer-format.rst and usr/gen_init_cpio.c of the kernel.
pub fn write(tree: &FileTree, out: &mut impl Write) -> Result<(), WriteError> {
    let mut out = Counted { inner: out, written: 0 };
    let mut ino = FIRST_INO;
    for (path, node) in tree.iter() {
        write_node(path, node, ino, &mut out)?;
        ino = ino.checked_add(1).ok_or(WriteError::TooManyFiles)?;
    }
    let trailer = Header { name: TRAILER, ino: 0, mode: 0, nlink: 1, size: 0, device: (0, 0), rdevice: (0, 0) };
    write_header(&trailer, &mut out)?;
    out.pad(512)?;
    out.flush()?;
    Ok(())
}

fn write_node(path: &str, node: &Node, ino: u32, out: &mut Counted<impl Write>) -> Result<(), WriteError> {
    let (kind, nlink, size, rdevice) = match &node.kind {
        NodeKind::Directory => (0o040_000, 2, 0, (0, 0)),
        NodeKind::File(contents) => {
            let size = contents.size();
            let fits = u32::try_from(size).map_err(|_| WriteError::FileTooLarge { path: path.to_owned(), size })?;
            (0o100_000, 1, fits, (0, 0))
        }
        // A target is shorter than PATH_MAX.
        NodeKind::Symlink(target) => (0o120_000, 1, target.len() as u32 + 1, (0, 0)),
        NodeKind::Device { class: DeviceClass::Char, major, minor } => (0o020_000, 1, 0, (*major, *minor)),
        NodeKind::Device { class: DeviceClass::Block, major, minor } => (0o060_000, 1, 0, (*major, *minor)),
    };
    let mode = kind | u32::from(node.mode);
    write_header(&Header { name: path, ino, mode, nlink, size, device: (3, 1), rdevice }, out)?;
    match &node.kind {
        NodeKind::File(contents) => write_contents(path, contents, out)?,
        NodeKind::Symlink(target) => {
            out.write_all(target.as_bytes())?;
            out.write_all(&[0])?;
        }
        NodeKind::Directory | NodeKind::Device { .. } => {}
    }
    out.pad(4)?;
    Ok(())
}

fn write_header(header: &Header<'_>, out: &mut Counted<impl Write>) -> Result<(), WriteError> {
    let Header { name, ino, mode, nlink, size, device, rdevice } = header;
    let (namesize, owner, mtime, check) = (name.len() + 1, 0, 0, 0);
    write!(out, "070701{ino:08X}{mode:08X}{owner:08X}{owner:08X}{nlink:08X}{mtime:08X}{size:08X}")?;
    write!(out, "{:08X}{:08X}{:08X}{:08X}{namesize:08X}{check:08X}", device.0, device.1, rdevice.0, rdevice.1)?;
    out.write_all(name.as_bytes())?;
    out.write_all(&[0])?;
    out.pad(4)?;
    Ok(())
}

fn write_contents(path: &str, contents: &Contents, out: &mut Counted<impl Write>) -> Result<(), WriteError> {
    let failed = |source| WriteError::Read { path: path.to_owned(), source };
    let mut reader = contents.open().map_err(failed)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut left = contents.size();
    loop {
        let n_read = match reader.read(&mut buffer) {
            Ok(n_read) => n_read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        if n_read as u64 > left || (n_read == 0 && left > 0) {
            return Err(WriteError::SizeChanged { path: path.to_owned() });
        }
        if n_read == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..n_read])?;
        left -= n_read as u64;
    }
}

impl<W: Write> Counted<W> {
    fn pad(&mut self, multiple: u64) -> io::Result<()> {
        let missing = self.written.next_multiple_of(multiple) - self.written;
        self.write_all(&[0; 512][..missing as usize])
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_written = self.inner.write(bytes)?;
        self.written += n_written as u64;
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
