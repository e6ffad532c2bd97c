//! A tree of files as an initramfs archive.
//!
//! A [`FileTree`] is the content of the archive: every path once, each with its own kind and mode, checked when it is
//! added. [`write()`] produces the same bytes as the kernel's own `usr/gen_init_cpio` for the same list (cpio "newc"),
//! [`write_gzip`] the same in gzip format without name and time. Equal trees produce equal bytes: entries are in the
//! order of their paths, times, owners and device numbers are fixed, inode numbers count up. This crate does not know
//! why a file is there, where its bytes come from and where the archive goes: contents that are not in memory are
//! requested through [`Contents::lazy`] when they are written.

mod gzip;
mod newc;
mod tree;

pub use gzip::write_gzip;
pub use newc::{WriteError, write};
pub use tree::{Contents, DeviceClass, FileTree, Node, NodeKind, TreeError};
