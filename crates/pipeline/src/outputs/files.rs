//! Images of files: the result's modules, firmware and loaders, and the recipe's additions.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use kiln_assembly::Content;
use kiln_assembly::outputs::device_files;
use kiln_image::{Contents, FileTree, Node, NodeKind};
use kiln_plan::outputs::FileSystem;
use kiln_plan::step::OutputInputs;
use kiln_store::directory::{self, Kind};

use super::boot_image::staged;
use super::program::Program;
use super::{Made, OutputError, Work, io_error, write};
use crate::compress::{self, Reader};

/// Makes a cpio archive for the kernel to start with.
pub(super) fn initramfs(work: &Work<'_>, contents: &FileSystem) -> Result<Made, OutputError> {
    let files = files(work, contents)?;
    let compression = work.best();
    let mut inputs = inputs(&files)?;
    inputs.settings.push(("compression".to_owned(), compression.word().to_owned()));
    if let Some(name) = compress::program(compression) {
        inputs.contents.push(Program::find(work, name)?.identity());
    }
    work.step(compression, inputs, |file| {
        let tree = file_tree(work, &files)?;
        let mut archive = Vec::new();
        let failed = |source| OutputError::Archive { name: work.name(), source };
        kiln_image::write(&tree, &mut archive).map_err(failed)?;
        let packed = compress::compress(compression, Reader::Kernel, &archive, work.context.host);
        write(file, &packed.map_err(|source| OutputError::Compress { name: work.name(), source })?)
    })
}

/// Makes a squashfs.
pub(super) fn squashfs(work: &Work<'_>, contents: &FileSystem, block_size: u32) -> Result<Made, OutputError> {
    let files = files(work, contents)?;
    let compression = work.best();
    let mksquashfs = Program::find(work, "mksquashfs")?;
    let mut inputs = inputs(&files)?;
    inputs.settings.push(("compression".to_owned(), compression.word().to_owned()));
    inputs.settings.push(("block size".to_owned(), block_size.to_string()));
    inputs.contents.push(mksquashfs.identity());
    work.step(compression, inputs, |file| {
        let tree = file_tree(work, &files)?;
        staged(file, |stage| {
            let root = stage.join("root");
            lay_out(&tree, &root).map_err(io_error(&root))?;
            let exec = mksquashfs
                .exec(work, stage)
                .args(["root", "image", "-noappend", "-no-progress", "-no-xattrs", "-all-root"])
                .args(["-all-time", "0", "-mkfs-time", "0"])
                .args(["-comp", compression.word(), "-b", &block_size.to_string()]);
            exec.text().map_err(|source| OutputError::Program { name: work.name(), source })?;
            Ok("image")
        })
    })
}

/// One file of an image.
struct Entry {
    mode: u16,
    source: Source,
}

enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
    Link(String),
    Folder,
}

/// Returns everything in the image, by path. The recipe's additions replace the result's files.
fn files(work: &Work<'_>, contents: &FileSystem) -> Result<BTreeMap<String, Entry>, OutputError> {
    let plain = |path: PathBuf| Entry { mode: 0o644, source: Source::File(path) };
    let mut files = BTreeMap::new();
    for (path, content) in device_files(work.context.assembly, contents.services) {
        let entry = match content {
            Content::Bytes { bytes, mode } => Entry { mode: *mode as u16, source: Source::Bytes(bytes.clone()) },
            Content::Kernel(from) => plain(work.context.kernel.dir.join(from)),
            Content::File(from) => plain(from.clone()),
            Content::Link(target) => Entry { mode: 0o777, source: Source::Link(target.clone()) },
        };
        files.insert(path, entry);
    }
    for name in &contents.boot {
        let made = work.needed(&name.value);
        files.insert(format!("boot/{}", made.file), plain(made.path.clone()));
    }
    for (there, local) in &contents.files {
        let at = there.trim_start_matches('/');
        let shown = local.value.display();
        let fault = |message, help: &str| work.fault(&format!("files.\"{there}\""), message, local.origin, help);
        let absent = |_| fault(format!("there is no `{shown}`"), "paths are relative to the recipe");
        let meta = fs::metadata(&local.value).map_err(absent)?;
        if meta.is_file() {
            let unreadable = |error| fault(format!("cannot read `{shown}`: {error}"), "name a regular file");
            kiln_file::open(&local.value).map_err(unreadable)?;
            files.insert(at.to_owned(), Entry { mode: mode(meta.permissions().mode()), ..plain(local.value.clone()) });
            continue;
        }
        if !meta.is_dir() {
            let message = format!("cannot read `{shown}`: it is not a regular file or a directory");
            return Err(fault(message, "name one of these"));
        }
        let unreadable = |error: directory::DirectoryError| match error {
            directory::DirectoryError::Unreadable { path, source } => OutputError::Io { path, source },
            directory::DirectoryError::Interrupted(interrupt) => interrupt.into(),
        };
        for found in directory::list(&local.value).map_err(unreadable)?.files() {
            let source = match &found.kind {
                Kind::File => Source::File(local.value.join(&found.path)),
                Kind::Link(target) => Source::Link(target.to_string_lossy().into_owned()),
                Kind::Folder => Source::Folder,
                Kind::Other => continue,
            };
            let entry = Entry { mode: mode(found.mode), source };
            files.insert(format!("{at}/{}", found.path.to_string_lossy()), entry);
        }
    }
    Ok(files)
}

/// Returns permissions that do not depend on the umask under which the files were checked out.
fn mode(mode: u32) -> u16 {
    if mode & 0o100 != 0 { 0o755 } else { 0o644 }
}

fn inputs(files: &BTreeMap<String, Entry>) -> Result<OutputInputs, OutputError> {
    let mut inputs = OutputInputs::default();
    for (path, entry) in files {
        let (kind, digest) = match &entry.source {
            Source::Bytes(bytes) => ("file", blake3::hash(bytes)),
            Source::File(from) => {
                let mut hasher = blake3::Hasher::new();
                let read = kiln_file::open(from).and_then(|file| hasher.update_reader(file).map(drop));
                read.map_err(io_error(from))?;
                ("file", hasher.finalize())
            }
            Source::Link(target) => ("link", blake3::hash(target.as_bytes())),
            Source::Folder => ("folder", blake3::hash(b"")),
        };
        inputs.contents.push((format!("{kind} {:o} {path}", entry.mode), *digest.as_bytes()));
    }
    Ok(inputs)
}

fn file_tree(work: &Work<'_>, files: &BTreeMap<String, Entry>) -> Result<FileTree, OutputError> {
    let mut tree = FileTree::new();
    let refused = |source| OutputError::Tree { name: work.name(), source };
    for (path, entry) in files {
        let kind = match &entry.source {
            Source::Bytes(bytes) => NodeKind::File(Contents::bytes(bytes.clone())),
            Source::File(from) => NodeKind::File(lazy(from)?),
            Source::Link(target) => NodeKind::Symlink(target.clone()),
            Source::Folder => {
                tree.dir(path, 0o755).map_err(refused)?;
                continue;
            }
        };
        tree.insert(path, Node { mode: entry.mode, kind }).map_err(refused)?;
    }
    Ok(tree)
}

fn lazy(path: &Path) -> Result<Contents, OutputError> {
    let size = fs::metadata(path).map_err(io_error(path))?.len();
    let file = path.to_owned();
    Ok(Contents::lazy(size, move || Ok(Box::new(kiln_file::open(&file)?) as Box<dyn Read>)))
}

/// Writes the tree below `root`, with the modes as they are in it whatever the umask.
fn lay_out(tree: &FileTree, root: &Path) -> io::Result<()> {
    let folder = |path: &Path, mode: u16| {
        fs::create_dir(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode.into()))
    };
    folder(root, 0o755)?;
    // In the order of their paths, a directory comes before its entries.
    for (path, node) in tree.iter() {
        let to = root.join(path);
        match &node.kind {
            NodeKind::Directory => folder(&to, node.mode)?,
            NodeKind::Symlink(target) => symlink(target, &to)?,
            NodeKind::File(contents) => {
                io::copy(&mut contents.open()?, &mut File::create(&to)?)?;
                fs::set_permissions(&to, fs::Permissions::from_mode(node.mode.into()))?;
            }
            // The recipe has no way to request one.
            NodeKind::Device { .. } => {}
        }
    }
    Ok(())
}
