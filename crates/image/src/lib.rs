//! A tree of files as an initramfs archive.
//!
//! A [`FileTree`] is what shall be in the archive: every path once, each with its own kind and mode, checked when it is
//! put in. [`write()`] gives the bytes that the kernel's own `usr/gen_init_cpio` gives for the same list (cpio "newc"),
//! [`write_gzip`] the same in a gzip frame without name and time. Equal trees give equal bytes: entries are in the
//! order of their paths, times, owners and device numbers are fixed, inode numbers count up. Why a file is there, where
//! its bytes come from and where the archive goes is not known here: contents that are not at hand are asked for
//! through [`Contents::lazy`] when they are written.

mod gzip;
mod newc;
mod tree;

pub use gzip::write_gzip;
pub use newc::{WriteError, write};
pub use tree::{Contents, DeviceClass, FileTree, Node, NodeKind, TreeError};
