//! The content of an archive.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

/// Paths and their nodes, every parent directory included.
///
/// A path is relative, its parts are joined by single `/`, and none of them is `.` or `..`.
/// Only a directory can have children: a path that leads through a symbolic link is refused, since its target is known
/// only when the archive is unpacked.
#[derive(Debug, Clone, Default)]
pub struct FileTree {
    nodes: BTreeMap<String, Node>,
}

/// One entry of a tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// Permission bits, at most `0o7777`.
    pub mode: u16,
    /// Its kind.
    pub kind: NodeKind,
}

/// The kind of a node.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A regular file.
    File(Contents),
    /// A symbolic link to this target, as it is written into the link.
    Symlink(String),
    /// A device node.
    Device {
        /// Character or block.
        class: DeviceClass,
        /// Major number, below 2^12.
        major: u32,
        /// Minor number, below 2^20.
        minor: u32,
    },
}

/// The two classes of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceClass {
    /// A character device.
    Char,
    /// A block device.
    Block,
}

/// A file's bytes, in memory or read on demand.
#[derive(Clone)]
pub struct Contents {
    size: u64,
    source: Source,
}

/// Returns a reader of a file's bytes.
type Open = dyn Fn() -> io::Result<Box<dyn Read>> + Send + Sync;

#[derive(Clone)]
enum Source {
    Bytes(Arc<[u8]>),
    Lazy(Arc<Open>),
}

/// The reason why a tree refuses an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The path is not possible in an archive.
    #[error("`{}` cannot be a path in an archive: {reason}", path.escape_debug())]
    BadPath {
        /// As it was given.
        path: String,
        /// The fault.
        reason: &'static str,
    },
    /// The path already has an entry.
    #[error("`{path}` is in the tree already")]
    Exists {
        /// The path.
        path: String,
    },
    /// The path leads through an entry that is not a directory, or a directory and another kind of entry would share
    /// it.
    #[error("`{path}` is not a directory")]
    NotADirectory {
        /// The path that would have to be a directory.
        path: String,
    },
    /// The link's target is empty, too long or contains a NUL.
    #[error("`{path}` cannot link to `{}`: {reason}", target.escape_debug())]
    BadTarget {
        /// The link.
        path: String,
        /// The target as it was given.
        target: String,
        /// The fault.
        reason: &'static str,
    },
    /// The mode has more than permission bits, or a device number is too large for the kernel.
    #[error("`{path}` has a mode or a device number that is too large")]
    TooLarge {
        /// The path.
        path: String,
    },
}

/// The kernel skips longer names and link targets, the NUL included (init/initramfs.c, `do_header`).
const PATH_MAX: usize = 4096;
/// The name of the entry that ends an archive.
pub(crate) const TRAILER: &str = "TRAILER!!!";

impl Contents {
    /// Returns contents from bytes in memory.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Contents {
        let bytes: Arc<[u8]> = bytes.into().into();
        Contents { size: bytes.len() as u64, source: Source::Bytes(bytes) }
    }

    /// Returns contents of `size` bytes that `open` provides on demand.
    ///
    /// Writing fails when the reader returns more or fewer.
    pub fn lazy(size: u64, open: impl Fn() -> io::Result<Box<dyn Read>> + Send + Sync + 'static) -> Contents {
        Contents { size, source: Source::Lazy(Arc::new(open)) }
    }

    /// Returns the number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Opens the bytes for reading.
    ///
    /// # Errors
    /// The error of the opener of [`Contents::lazy`].
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match &self.source {
            Source::Bytes(bytes) => Ok(Box::new(Cursor::new(&bytes[..]))),
            Source::Lazy(open) => open(),
        }
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if matches!(self.source, Source::Bytes(_)) { "bytes" } else { "bytes, unread" };
        write!(f, "{} {kind}", self.size)
    }
}

impl FileTree {
    /// Makes an empty tree.
    pub fn new() -> FileTree {
        FileTree::default()
    }

    /// Adds a directory; an existing one gets the mode.
    ///
    /// # Errors
    /// Any [`TreeError`] but `Exists` and `BadTarget`.
    pub fn dir(&mut self, path: &str, mode: u16) -> Result<(), TreeError> {
        self.check(path, mode)?;
        if let Some(node) = self.nodes.get_mut(path) {
            if !matches!(node.kind, NodeKind::Directory) {
                return Err(TreeError::NotADirectory { path: path.to_owned() });
            }
            node.mode = mode;
            return Ok(());
        }
        self.insert(path, Node { mode, kind: NodeKind::Directory })
    }

    /// Adds a regular file.
    ///
    /// # Errors
    /// Any [`TreeError`] but `BadTarget`.
    pub fn file(&mut self, path: &str, mode: u16, contents: Contents) -> Result<(), TreeError> {
        self.insert(path, Node { mode, kind: NodeKind::File(contents) })
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// Any [`TreeError`].
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), TreeError> {
        self.insert(path, Node { mode: 0o777, kind: NodeKind::Symlink(target.to_owned()) })
    }

    /// Adds a device node.
    ///
    /// # Errors
    /// Any [`TreeError`] but `BadTarget`.
    pub fn device(
        &mut self,
        path: &str,
        mode: u16,
        class: DeviceClass,
        major: u32,
        minor: u32,
    ) -> Result<(), TreeError> {
        self.insert(path, Node { mode, kind: NodeKind::Device { class, major, minor } })
    }

    /// Adds a node, and its missing parent directories with mode 0755.
    ///
    /// # Errors
    /// Any [`TreeError`]; the tree is then unchanged.
    pub fn insert(&mut self, path: &str, node: Node) -> Result<(), TreeError> {
        self.check(path, node.mode)?;
        match &node.kind {
            NodeKind::Symlink(target) => check_target(path, target)?,
            NodeKind::Device { major, minor, .. } if *major >= 1 << 12 || *minor >= 1 << 20 => {
                return Err(TreeError::TooLarge { path: path.to_owned() });
            }
            _ => {}
        }
        if self.nodes.contains_key(path) {
            return Err(TreeError::Exists { path: path.to_owned() });
        }
        for parent in parents(path) {
            self.nodes.entry(parent.to_owned()).or_insert(Node { mode: 0o755, kind: NodeKind::Directory });
        }
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// Overlays `other` on this tree: entries that both have are taken from `other`.
    ///
    /// # Errors
    /// [`TreeError::NotADirectory`] where one has a directory and the other another kind of entry.
    pub fn overlay(&mut self, other: FileTree) -> Result<(), TreeError> {
        for (path, node) in other.nodes {
            match self.nodes.get_mut(&path) {
                None => self.insert(&path, node)?,
                Some(old) => {
                    let folder = |node: &Node| matches!(node.kind, NodeKind::Directory);
                    if folder(old) != folder(&node) {
                        return Err(TreeError::NotADirectory { path });
                    }
                    *old = node;
                }
            }
        }
        Ok(())
    }

    /// Returns the node at `path`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Returns all paths with their nodes, in the order of their bytes, a directory before its entries.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Returns the number of nodes, directories included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the tree has no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn check(&self, path: &str, mode: u16) -> Result<(), TreeError> {
        if let Some(reason) = path_fault(path) {
            return Err(TreeError::BadPath { path: path.to_owned(), reason });
        }
        if mode > 0o7777 {
            return Err(TreeError::TooLarge { path: path.to_owned() });
        }
        for parent in parents(path) {
            if self.nodes.get(parent).is_some_and(|node| !matches!(node.kind, NodeKind::Directory)) {
                return Err(TreeError::NotADirectory { path: parent.to_owned() });
            }
        }
        Ok(())
    }
}

fn path_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() + 1 > PATH_MAX {
        return Some("it is longer than 4095 bytes");
    }
    if path.contains('\0') {
        return Some("it contains a NUL");
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    if path == TRAILER {
        return Some("that name ends an archive");
    }
    path.split('/').find_map(|part| match part {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it has a part `.` or `..`"),
        _ if part.len() > 255 => Some("a part of it is longer than 255 bytes"),
        _ => None,
    })
}

fn check_target(path: &str, target: &str) -> Result<(), TreeError> {
    let fault = match target {
        "" => Some("it is empty"),
        _ if target.len() + 1 > PATH_MAX => Some("it is longer than 4095 bytes"),
        _ if target.contains('\0') => Some("it contains a NUL"),
        _ => None,
    };
    match fault {
        None => Ok(()),
        Some(reason) => Err(TreeError::BadTarget { path: path.to_owned(), target: target.to_owned(), reason }),
    }
}

/// Returns the directories above `path`, topmost first.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(slash, _)| &path[..slash])
}

#[cfg(test)]
mod tests;
