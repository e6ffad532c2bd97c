//! The guest's files.
//!
//! ```text
//! init -> kiln/busybox        busybox's own init; etc/inittab has it run kiln/init.sh once
//! kiln/…                      busybox, the program, the plan, the checks' scripts
//! lib/modules, lib/firmware   of the result, with lib/modprobe.d and lib/kmodloader
//! usr/…                       packages; bin, sbin and lib* are links into usr, as in Debian since 12
//! ```
//!
//! This init is a program and not a script, so that a kernel without `BINFMT_SCRIPT` boots too.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use kiln_image::{Contents, DeviceClass, FileTree, Node, NodeKind, TreeError, WriteError};

use crate::program::Program;

/// What the guest's files are made from.
#[derive(Debug, Clone)]
pub struct GuestSpec {
    /// A static busybox for the guest's machine, with `init`, `sh`, `insmod`, `rmmod` and `modprobe`.
    pub busybox: Contents,
    /// `lib/modules`, `lib/firmware`, `lib/modprobe.d` and `lib/kmodloader/NAME`, as on a device.
    pub result: FileTree,
    /// Unpacked packages; their scripts are not run.
    pub packages: FileTree,
    /// The user's own files, which replace others.
    pub files: FileTree,
}

/// Why the guest's files cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// Two sources conflict.
    #[error("cannot lay out the guest's files")]
    Tree(#[from] TreeError),
    /// The user's files would replace what the boot itself needs.
    #[error("`/{path}` is reserved for the boot: the recipe cannot put a file there")]
    Taken {
        /// The path.
        path: String,
    },
}

/// Why the initramfs could not be written.
#[derive(Debug, thiserror::Error)]
pub enum InitramfsError {
    /// The file could not be created.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("cannot write the initramfs {}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: WriteError,
    },
}

const INIT: &str = include_str!("guest/init.sh");
const MODPROBE: &str = include_str!("guest/modprobe.sh");
const INITTAB: &str = "::sysinit:/kiln/busybox sh /kiln/init.sh\n";
/// Links of a merged-/usr system. A package may name its files either way.
const MERGED: &[&str] = &["bin", "lib", "lib32", "lib64", "libx32", "sbin"];
/// Directories of commands, as in the program's `PATH`.
const COMMANDS: &[&str] = &["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin"];

/// Puts the guest's files together.
///
/// # Errors
/// [`GuestError`] when two sources have different things at one path.
pub fn tree(spec: &GuestSpec, program: &Program) -> Result<FileTree, GuestError> {
    let mut tree = base()?;
    let packages = merged(&spec.packages)?;
    let tools = aliases(&packages);
    tree.overlay(packages)?;
    if tree.get("usr/bin/sh").is_none() {
        tree.symlink("usr/bin/sh", "/kiln/busybox")?;
    }
    tree.overlay(merged(&spec.result)?)?;
    for own in ["init", "kiln", "etc/inittab"] {
        let within = |path: &str| path == own || path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'));
        let folder = |node: &Node| matches!(node.kind, NodeKind::Directory);
        if let Some((path, _)) = spec.files.iter().find(|(path, node)| within(path) && !folder(node)) {
            return Err(GuestError::Taken { path: path.to_owned() });
        }
    }
    tree.overlay(merged(&spec.files)?)?;
    tree.overlay(own_files(spec, program, &tools)?)?;
    Ok(tree)
}

/// Whether `packages` contain a `modprobe` next to busybox's.
pub(crate) fn has_kmod(packages: &FileTree) -> bool {
    ["sbin/modprobe", "usr/sbin/modprobe"].iter().any(|path| packages.get(path).is_some())
}

impl GuestSpec {
    /// Whether the packages contain kmod's `modprobe`.
    pub fn has_kmod(&self) -> bool {
        has_kmod(&self.packages)
    }
}

/// Writes `tree` as an uncompressed initramfs, which every kernel with `BLK_DEV_INITRD` can read.
///
/// # Errors
/// [`InitramfsError`]; the file may have been written in part.
pub fn write_initramfs(tree: &FileTree, path: &Path) -> Result<(), InitramfsError> {
    let failed = |source| InitramfsError::File { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    kiln_image::write(tree, &mut file).map_err(|source| InitramfsError::Archive { path: path.to_owned(), source })?;
    file.flush().map_err(failed)
}

fn base() -> Result<FileTree, TreeError> {
    let mut tree = FileTree::new();
    for dir in ["dev", "etc", "proc", "root", "run", "sys", "var", "usr/bin", "usr/lib", "usr/sbin"] {
        tree.dir(dir, 0o755)?;
    }
    tree.dir("tmp", 0o1777)?;
    for link in MERGED {
        tree.dir(&format!("usr/{link}"), 0o755)?;
        tree.symlink(link, &format!("usr/{link}"))?;
    }
    // For a kernel without devtmpfs, and for the console before it is mounted.
    let nodes =
        [("console", 5, 1), ("kmsg", 1, 11), ("null", 1, 3), ("random", 1, 8), ("tty", 5, 0), ("urandom", 1, 9)];
    for (name, major, minor) in nodes.into_iter().chain([("zero", 1, 5)]) {
        tree.device(&format!("dev/{name}"), 0o600, DeviceClass::Char, major, minor)?;
    }
    Ok(tree)
}

fn own_files(spec: &GuestSpec, program: &Program, tools: &str) -> Result<FileTree, TreeError> {
    let mut tree = FileTree::new();
    let plan = format!("nonce={}\n{}", program.nonce, program.plan);
    let text = |text: &str| Contents::bytes(text.as_bytes());
    tree.symlink("init", "kiln/busybox")?;
    tree.file("etc/inittab", 0o644, text(INITTAB))?;
    tree.file("kiln/busybox", 0o755, spec.busybox.clone())?;
    tree.dir("kiln/bin", 0o755)?;
    tree.file("kiln/init.sh", 0o644, text(INIT))?;
    tree.file("kiln/modprobe", 0o755, text(MODPROBE))?;
    tree.file("kiln/plan", 0o644, text(&plan))?;
    tree.file("kiln/tools", 0o644, text(tools))?;
    for (name, script) in &program.scripts {
        tree.file(&format!("kiln/scripts/{name}"), 0o644, text(script))?;
    }
    Ok(tree)
}

/// Returns the same files at their places on a merged-/usr system.
fn merged(tree: &FileTree) -> Result<FileTree, TreeError> {
    let mut out = FileTree::new();
    for (path, node) in tree.iter() {
        let top = path.split('/').next().unwrap_or(path);
        if !MERGED.contains(&top) {
            if !(matches!(node.kind, NodeKind::Directory) && out.get(path).is_some()) {
                out.insert(path, node.clone())?;
            }
            continue;
        }
        // The link or the directory itself is already there.
        if path == top {
            continue;
        }
        let there = format!("usr/{path}");
        if !matches!(node.kind, NodeKind::Directory) || tree.get(&there).is_none() {
            out.insert(&there, node.clone())?;
        }
    }
    Ok(out)
}

/// Returns shell aliases for the packages' commands.
///
/// A busybox shell may be built to prefer its own applets to what `PATH` finds; an alias takes precedence over both.
fn aliases(packages: &FileTree) -> String {
    let mut text = String::new();
    for folder in COMMANDS.iter().rev() {
        for (path, node) in packages.iter() {
            let Some(name) = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) else { continue };
            let word = |c: char| c.is_ascii_alphanumeric() || "_-.+".contains(c);
            let runs = match node.kind {
                NodeKind::File(_) => node.mode & 0o111 != 0,
                NodeKind::Symlink(_) => true,
                NodeKind::Directory | NodeKind::Device { .. } => false,
            };
            if runs && name.chars().all(word) && !name.starts_with(['-', '.']) {
                text.push_str(&format!("alias {name}=/{path}\n"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
