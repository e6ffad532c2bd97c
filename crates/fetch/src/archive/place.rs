//! The destination of an archive's entry, and whether it is allowed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kiln_exec::interrupted;
use tar::EntryType;

use super::ArchiveError;
use super::headers::MAX_NAME;

/// The kind of tree that is unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A source tree: one directory at the top is left out, links are relative and stay inside.
    Source,
    /// Packages of a system with a merged `/usr`: `bin`, `sbin` and `lib*` are links into it, and links that start with
    /// `/` mean this root, so they are made relative.
    Packages,
}

/// A forbidden effect of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its path starts with `/`.
    #[error("has an absolute path")]
    Absolute,
    /// Its path has a `..` in it.
    #[error("has `..` in its path")]
    Parent,
    /// Its path is empty or has a NUL in it.
    #[error("has no usable name")]
    Nameless,
    /// It would be written through a link.
    #[error("would be written through the link `{0}`")]
    ThroughLink(String),
    /// It would be inside of something that is no directory.
    #[error("would be inside of the file `{0}`")]
    InFile(String),
    /// An earlier entry has the same path.
    #[error("is there twice")]
    Twice,
    /// A link that leads out of the tree.
    #[error("links to `{0}`, outside of the tree")]
    LinkOut(String),
    /// A hard link to something that is not a file unpacked before it.
    #[error("is a hard link to `{0}`, which is not a file before it")]
    HardLink(String),
    /// A device node.
    #[error("is a device")]
    Device,
    /// A named pipe.
    #[error("is a named pipe")]
    Pipe,
    /// A file whose holes the archive does not hold, of more bytes than that is believed of.
    #[error("is a file of {0} bytes, most of them holes")]
    Holes(u64),
    /// A number of its header is none, or out of range; GNU tar refuses it, too.
    #[error("has no valid {0} in its header")]
    Number(&'static str),
    /// Its name, or the target of its link, is longer than this number of bytes.
    #[error("has a name of more than {0} bytes")]
    LongName(usize),
    /// Its path has more components than this.
    #[error("is more than {0} directories deep")]
    Deep(usize),
    /// The header about it is larger than this number of bytes.
    #[error("has a header of more than {0} bytes")]
    Header(u64),
    /// A record of the header about it is malformed, or programs read it in different ways.
    #[error("has a malformed pax header")]
    Record,
    /// A sparse file in pax format.
    #[error("is a sparse file in pax format, which is not known here")]
    PaxSparse,
    /// A sparse file in more parts than are read.
    #[error("is a file with too many holes")]
    SparseMap,
    /// A hard link or a directory with bytes after it, which some programs read as the next header.
    #[error("is a hard link or a directory, but has bytes")]
    Bytes,
    /// The archive has more entries than this.
    #[error("is beyond the first {0}, the limit")]
    Entries(u64),
    /// The names in the archive take more memory than they may.
    #[error("is beyond the limit of {0} MiB of names")]
    Names(u64),
    /// Hard links and holes would take more of the disk than they may.
    #[error("is beyond the limit of {0} GiB of hard links and holes")]
    Copies(u64),
    /// The archive is larger than this, decompressed.
    #[error("is beyond the limit of {max_gib} GiB")]
    TooLarge {
        /// The limit.
        max_gib: u64,
    },
    /// The archive becomes this many times larger when it is decompressed.
    #[error("is beyond the limit: decompressed, the archive is more than {ratio} times as large")]
    Expansion {
        /// The limit.
        ratio: u64,
    },
    /// Something else that is not in a source tree.
    #[error("is of the unknown kind `{0}`")]
    Unknown(char),
}

/// A directory being filled from archives.
pub(crate) struct Place {
    root: PathBuf,
    layout: Layout,
    made: HashMap<PathBuf, Made>,
    /// Bytes of the paths in `made`.
    n_path_bytes: u64,
    /// Bytes of files of which the archive has none: of holes, and of copies for hard links.
    n_copied: u64,
    now: SystemTime,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Made {
    Folder,
    File,
    Link(Link),
}

#[derive(Debug, Clone)]
struct Link {
    target: PathBuf,
    /// The target as written in the archive.
    written: String,
    entry: String,
    archive: PathBuf,
}

/// More links than this in one path are a loop, as for the kernel.
const MAX_LINKS: usize = 40;
/// Bytes of the largest file with holes: such an entry costs an archive nothing, and a disk all it has.
const MAX_SPARSE: u64 = 64 << 20;
/// The greatest depth of a path; that of a kernel's source is 15.
const MAX_DEPTH: usize = 128;
/// Bytes of all paths together; those of a kernel's source have 5 MiB.
const MAX_PATH_BYTES: u64 = 512 << 20;
/// Bytes that hard links and holes may take.
const MAX_COPIED: u64 = 4 << 30;
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

impl Place {
    /// Starts to fill `root`, which exists and is empty.
    pub(crate) fn new(root: &Path, layout: Layout) -> Place {
        Place {
            root: root.to_owned(),
            layout,
            made: HashMap::new(),
            n_path_bytes: 0,
            n_copied: 0,
            now: SystemTime::now(),
            buffer: vec![0; 256 << 10],
        }
    }

    /// Puts one entry where it belongs.
    pub(crate) fn put<R: Read>(
        &mut self,
        archive: &Path,
        name: &str,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<(), ArchiveError> {
        let kind = entry.header().entry_type();
        // Comments for the whole archive, as `git archive` writes them.
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let mut path = clean(&entry.path_bytes()).map_err(refused(archive, name))?;
        if self.layout == Layout::Packages && is_merged(&path) {
            // The directory itself, or the link that replaces it, is made with the first file in it.
            if path.components().count() == 1 {
                return Ok(());
            }
            path = self.merge(&path)?;
        }
        if path.as_os_str().is_empty() {
            return if kind.is_dir() { Ok(()) } else { Err(refused(archive, name)(Refusal::Nameless)) };
        }
        if path.components().count() > MAX_DEPTH {
            return Err(refused(archive, name)(Refusal::Deep(MAX_DEPTH)));
        }
        self.make_parents(&path, archive, name)?;
        // Old programs mark a directory by the slash at its end only.
        let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous);
        if kind.is_dir() || (is_file && entry.path_bytes().ends_with(b"/")) {
            return self.folder(&path, archive, name);
        }
        if self.made.contains_key(&path) {
            return Err(refused(archive, name)(Refusal::Twice));
        }
        match kind {
            EntryType::GNUSparse if entry.size() > MAX_SPARSE => {
                Err(refused(archive, name)(Refusal::Holes(entry.size())))
            }
            EntryType::GNUSparse => {
                self.count_copied(entry.size()).map_err(refused(archive, name))?;
                self.file(path, archive, name, entry)
            }
            EntryType::Regular | EntryType::Continuous => self.file(path, archive, name, entry),
            EntryType::Symlink => self.link(path, archive, name, &link_target(entry)),
            EntryType::Link => self.hard_link(path, archive, name, &link_target(entry)),
            EntryType::Char | EntryType::Block => Err(refused(archive, name)(Refusal::Device)),
            EntryType::Fifo => Err(refused(archive, name)(Refusal::Pipe)),
            other => Err(refused(archive, name)(Refusal::Unknown(char::from(other.as_byte())))),
        }
    }

    /// Checks the links, now that all of them are known, and leaves out a single directory at the top of a source.
    pub(crate) fn finish(self, archive: &Path) -> Result<(), ArchiveError> {
        if self.made.is_empty() {
            return Err(ArchiveError::Lacks { archive: archive.to_owned(), what: "file".to_owned() });
        }
        let top = self.single_top();
        let mut escaping: Vec<(&PathBuf, &Link)> = Vec::new();
        for (path, made) in &self.made {
            if let Made::Link(link) = made
                && !self.stays_inside(path, &link.target, usize::from(top.is_some()))
            {
                escaping.push((path, link));
            }
        }
        if let Some((_, link)) = escaping.iter().min_by_key(|(path, _)| *path) {
            return Err(refused(&link.archive, &link.entry)(Refusal::LinkOut(link.written.clone())));
        }
        let Some(top) = top else { return Ok(()) };
        move_up(&self.root, &top).map_err(|source| ArchiveError::Write { path: self.root, source })
    }

    fn make_parents(&mut self, path: &Path, archive: &Path, name: &str) -> Result<(), ArchiveError> {
        let is_made = |parent: &&Path| matches!(self.made.get(*parent), Some(Made::Folder));
        let named = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        let missing: Vec<&Path> = named.take_while(|parent| !is_made(parent)).collect();
        missing.into_iter().rev().try_for_each(|parent| self.folder(parent, archive, name))
    }

    /// Records an entry that has been made, or is about to be.
    fn record(&mut self, path: PathBuf, made: Made) -> Result<(), Refusal> {
        self.n_path_bytes += path.as_os_str().len() as u64;
        if self.n_path_bytes > MAX_PATH_BYTES {
            return Err(Refusal::Names(MAX_PATH_BYTES >> 20));
        }
        self.made.insert(path, made);
        Ok(())
    }

    fn count_copied(&mut self, n_bytes: u64) -> Result<(), Refusal> {
        self.n_copied = self.n_copied.saturating_add(n_bytes);
        if self.n_copied > MAX_COPIED { Err(Refusal::Copies(MAX_COPIED >> 30)) } else { Ok(()) }
    }

    fn folder(&mut self, path: &Path, archive: &Path, name: &str) -> Result<(), ArchiveError> {
        let at = path.display().to_string();
        match self.made.get(path) {
            Some(Made::Folder) => return Ok(()),
            Some(Made::Link(_)) => return Err(refused(archive, name)(Refusal::ThroughLink(at))),
            Some(Made::File) => return Err(refused(archive, name)(Refusal::InFile(at))),
            None => {}
        }
        let full = self.root.join(path);
        let made = fs::create_dir(&full).and_then(|()| fs::set_permissions(&full, fs::Permissions::from_mode(0o755)));
        made.map_err(|source| ArchiveError::Write { path: full, source })?;
        self.record(path.to_owned(), Made::Folder).map_err(refused(archive, name))
    }

    fn file<R: Read>(
        &mut self,
        path: PathBuf,
        archive: &Path,
        name: &str,
        entry: &mut tar::Entry<'_, R>,
    ) -> Result<(), ArchiveError> {
        let broken = |source| ArchiveError::of_stream(archive, Some(name), source);
        let full = self.root.join(&path);
        let write = |source| ArchiveError::Write { path: full.clone(), source };
        let may_run = entry.header().mode().map_err(broken)? & 0o111 != 0;
        let mode = if may_run { 0o755 } else { 0o644 };
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&full).map_err(write)?;
        let mut rest = entry.size();
        while rest > 0 {
            let n_wanted = self.buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            let n_read = entry.read(&mut self.buffer[..n_wanted]).map_err(broken)?;
            if n_read == 0 {
                return Err(broken(io::Error::new(io::ErrorKind::UnexpectedEof, "bytes are missing")));
            }
            file.write_all(&self.buffer[..n_read]).map_err(write)?;
            rest -= n_read as u64;
            interrupted()?;
        }
        // The mode above is subject to the umask.
        file.set_permissions(fs::Permissions::from_mode(mode)).map_err(write)?;
        file.set_modified(self.time(entry.header().mtime().map_err(broken)?)).map_err(write)?;
        self.record(path, Made::File).map_err(refused(archive, name))
    }

    fn link(&mut self, path: PathBuf, archive: &Path, name: &str, target: &[u8]) -> Result<(), ArchiveError> {
        let written = String::from_utf8_lossy(target).into_owned();
        if target.is_empty() || target.contains(&0) {
            return Err(refused(archive, name)(Refusal::Nameless));
        }
        if target.len() > MAX_NAME {
            return Err(refused(archive, name)(Refusal::LongName(MAX_NAME)));
        }
        let mut target = PathBuf::from(OsStr::from_bytes(target));
        if self.layout == Layout::Packages && target.is_absolute() {
            let up: PathBuf = path.components().skip(1).map(|_| "..").collect();
            target = up.join(target.strip_prefix("/").unwrap_or(&target));
        }
        let full = self.root.join(&path);
        symlink(&target, &full).map_err(|source| ArchiveError::Write { path: full, source })?;
        let link = Link { target, written, entry: name.to_owned(), archive: archive.to_owned() };
        self.record(path, Made::Link(link)).map_err(refused(archive, name))
    }

    fn hard_link(&mut self, path: PathBuf, archive: &Path, name: &str, target: &[u8]) -> Result<(), ArchiveError> {
        let written = || String::from_utf8_lossy(target).into_owned();
        let Ok(mut source) = clean(target) else { return Err(refused(archive, name)(Refusal::LinkOut(written()))) };
        if self.layout == Layout::Packages && is_merged(&source) {
            source = Path::new("usr").join(source);
        }
        if !matches!(self.made.get(&source), Some(Made::File)) {
            return Err(refused(archive, name)(Refusal::HardLink(written())));
        }
        let (from, full) = (self.root.join(source), self.root.join(&path));
        let size = fs::metadata(&from).map_or(0, |meta| meta.len());
        self.count_copied(size).map_err(refused(archive, name))?;
        let copied = copy_file(&from, &full);
        copied.map_err(|source| ArchiveError::Write { path: full, source })?;
        self.record(path, Made::File).map_err(refused(archive, name))
    }

    /// Returns the path of a file whose directory is merged into `/usr`, and makes the link that replaces it.
    fn merge(&mut self, path: &Path) -> Result<PathBuf, ArchiveError> {
        let Some(first) = path.components().next() else { return Ok(path.to_owned()) };
        let first = PathBuf::from(first.as_os_str());
        if !self.made.contains_key(&first) {
            let target = Path::new("usr").join(&first);
            let full = self.root.join(&first);
            symlink(&target, &full).map_err(|source| ArchiveError::Write { path: full, source })?;
            let written = target.display().to_string();
            let link = Link { target, written, entry: String::new(), archive: PathBuf::new() };
            self.made.insert(first, Made::Link(link));
        }
        Ok(Path::new("usr").join(path))
    }

    /// Returns the directory that contains everything else.
    fn single_top(&self) -> Option<PathBuf> {
        let top_of = |path: &PathBuf| path.components().next().map(|first| PathBuf::from(first.as_os_str()));
        let top = self.made.keys().next().and_then(top_of)?;
        let is_single = self.layout == Layout::Source
            && matches!(self.made.get(&top), Some(Made::Folder))
            && self.made.keys().all(|path| path.starts_with(&top));
        is_single.then_some(top)
    }

    /// Whether the link `path` leads to a path at least `depth` directories below the root, links on the way included.
    ///
    /// A path that does not exist counts as written.
    fn stays_inside(&self, path: &Path, target: &Path, depth: usize) -> bool {
        let mut at: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut to_go: Vec<PathBuf> = vec![target.to_owned()];
        let mut n_links = 0;
        while let Some(next) = to_go.pop() {
            let mut components = next.components();
            let Some(first) = components.next() else { continue };
            to_go.push(components.as_path().to_owned());
            match first {
                Component::RootDir | Component::Prefix(_) => return false,
                Component::CurDir => {}
                Component::ParentDir if at.components().count() <= depth => return false,
                Component::ParentDir => {
                    at.pop();
                }
                Component::Normal(part) => at.push(part),
            }
            if let Some(Made::Link(link)) = self.made.get(&at) {
                n_links += 1;
                // A loop leads nowhere.
                if n_links > MAX_LINKS {
                    return true;
                }
                at.pop();
                to_go.push(link.target.clone());
            }
        }
        true
    }

    /// Returns a time that is not in the future: `make` would rebuild such a file endlessly.
    fn time(&self, seconds: u64) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map_or(self.now, |time| time.min(self.now))
    }
}

/// Returns the path of an entry, without `.` and with nothing dangerous in it; empty for the top directory.
fn clean(bytes: &[u8]) -> Result<PathBuf, Refusal> {
    if bytes.contains(&0) {
        return Err(Refusal::Nameless);
    }
    let mut path = PathBuf::new();
    for component in Path::new(OsStr::from_bytes(bytes)).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err(Refusal::Parent),
            Component::RootDir | Component::Prefix(_) => return Err(Refusal::Absolute),
        }
    }
    Ok(path)
}

fn refused(archive: &Path, name: &str) -> impl Fn(Refusal) -> ArchiveError {
    move |refusal| ArchiveError::Refused { archive: archive.to_owned(), entry: name.to_owned(), refusal }
}

fn link_target<R: Read>(entry: &tar::Entry<'_, R>) -> Vec<u8> {
    entry.link_name_bytes().map(|name| name.into_owned()).unwrap_or_default()
}

fn is_merged(path: &Path) -> bool {
    let first = path.components().next().and_then(|first| first.as_os_str().to_str());
    first.is_some_and(|first| MERGED.contains(&first))
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    // Permissions are copied too.
    kiln_file::copy(from, to)?;
    File::options().append(true).open(to)?.set_modified(modified)
}

/// Moves everything in the directory `top` of `root` up into `root`.
fn move_up(root: &Path, top: &Path) -> io::Result<()> {
    // The directory may contain an entry of its own name.
    let aside = root.join(".kiln-top-folder");
    fs::rename(root.join(top), &aside)?;
    for entry in fs::read_dir(&aside)? {
        let entry = entry?;
        fs::rename(entry.path(), root.join(entry.file_name()))?;
    }
    fs::remove_dir(&aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both cost an archive nothing, and a disk all it has.
    #[test]
    fn hard_links_and_holes_have_a_limit_of_bytes() {
        let mut place = Place::new(Path::new("/nowhere"), Layout::Source);
        assert_eq!(place.count_copied(4 << 30), Ok(()));
        assert_eq!(place.count_copied(1), Err(Refusal::Copies(4)));
        assert_eq!(place.count_copied(u64::MAX), Err(Refusal::Copies(4)));
    }

    #[test]
    fn paths_have_a_limit_of_bytes() {
        let mut place = Place::new(Path::new("/nowhere"), Layout::Source);
        let path = |n: usize| PathBuf::from("x".repeat(n));
        assert_eq!(place.record(path(1 << 20), Made::File), Ok(()));
        place.n_path_bytes = MAX_PATH_BYTES - 1;
        assert_eq!(place.record(path(2), Made::File), Err(Refusal::Names(512)));
    }
}
