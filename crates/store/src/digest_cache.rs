//! Digests of files that have not changed since they were last read.
//!
//! Two [`Sealed`] files per tree under the store's `cache/trees`. `TREE` has a line with the format's version and a line
//! `numbers digest` for the tree as a whole. `TREE.files` has a line with the version, then per file
//! `digest changed touched size inode path NUL`. A file counts as unchanged when all four numbers are the same and it
//! was last touched well before it was read: a file changed twice within one clock tick looks the same. Where that holds
//! for every file, `TREE` is used alone, and the other is not read.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;

use kiln_plan::{Key, KeyWriter};

use crate::directory::{DirectoryError, Found, Kind, Listing, TreeDigest, list};
use crate::sealed::Sealed;
use crate::store::Store;

const FORMAT: &str = "kiln tree digests 3\n";
/// How long before it was read a file must have been touched last, in nanoseconds; some file systems count in 2 s.
const SETTLED: i64 = 3_000_000_000;
/// Placeholder for the numbers of a tree with files that were touched just now; no listing has this digest.
const NO_NUMBERS: blake3::Hash = blake3::Hash::from_bytes([0; 32]);

/// Computes the key of a tree's content; files that have not changed since the last time are not read.
///
/// # Errors
/// Any [`DirectoryError`].
pub fn tree_key(store: &Store, tree: &Path) -> Result<Key, DirectoryError> {
    let digest = remembered_digest(store, tree)?;
    Ok(KeyWriter::new("tree/1").field("blake3", digest.as_bytes()).finish())
}

/// Returns the digest of the tree `root`, reading only files that changed since the last time.
///
/// # Errors
/// Any [`DirectoryError`].
pub(crate) fn remembered_digest(store: &Store, root: &Path) -> Result<TreeDigest, DirectoryError> {
    let listing = list(root)?;
    let name = blake3::hash(root.as_os_str().as_bytes()).to_hex();
    // Without the cache everything is read, which is slow but correct.
    let memory = Memory::of(store, &name.as_str()[..32]);
    let numbers = listing.numbers();
    if let Some(digest) = memory.as_ref().and_then(|memory| memory.whole(numbers)) {
        return Ok(digest);
    }
    let text = memory.as_ref().and_then(|memory| memory.files.read()).unwrap_or_default();
    let known = parse(&text);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as i64);
    let digests: Result<Vec<blake3::Hash>, DirectoryError> = listing
        .files()
        .par_iter()
        .map(|file| match known.get(file.path.as_os_str().as_bytes()) {
            Some((numbers, digest)) if file.kind == Kind::File && *numbers == numbers_of(file) => Ok(*digest),
            _ => listing.digest_of(file),
        })
        .collect();
    let digests = digests?;
    let digest = listing.combine(&digests);
    if let Some(memory) = memory {
        let files = listing.files().iter().zip(&digests).filter(|(file, _)| file.kind == Kind::File);
        let (settled, fresh): (Vec<_>, Vec<_>) = files.partition(|(file, _)| file.touched < started - SETTLED);
        let numbers = if fresh.is_empty() { numbers } else { NO_NUMBERS };
        memory.keep(numbers, digest, &settled);
    }
    Ok(digest)
}

impl Listing {
    /// Returns a digest of the tree that has each file's numbers in place of its bytes.
    fn numbers(&self) -> blake3::Hash {
        let of = |file: &Found| blake3::hash(numbers_of(file).map(i64::to_le_bytes).as_flattened());
        let numbers: Vec<blake3::Hash> = self.files().par_iter().map(of).collect();
        self.combine(&numbers)
    }
}

/// The cached digests of one tree.
struct Memory {
    whole: Sealed,
    files: Sealed,
}

impl Memory {
    fn of(store: &Store, name: &str) -> Option<Memory> {
        let cached = |name: &str| store.cached("trees", name).ok();
        Some(Memory { whole: cached(name)?, files: cached(&format!("{name}.files"))? })
    }

    /// Returns the digest of the tree, when it has these `numbers`.
    fn whole(&self, numbers: blake3::Hash) -> Option<TreeDigest> {
        let text = String::from_utf8(self.whole.read()?).ok()?;
        let (of, digest) = text.strip_prefix(FORMAT)?.strip_suffix('\n')?.split_once(' ')?;
        (blake3::Hash::from_hex(of).ok()? == numbers).then(|| blake3::Hash::from_hex(digest).ok()).flatten()
    }

    /// Keeps the digests of the tree and of those of its files that will not change unnoticed; a cache that cannot be
    /// written costs time only.
    fn keep(&self, numbers: blake3::Hash, digest: TreeDigest, files: &[(&Found, &blake3::Hash)]) {
        let _ = self.files.write(&print(files));
        let _ = self.whole.write(format!("{FORMAT}{} {}\n", numbers.to_hex(), digest.to_hex()).as_bytes());
    }
}

type Numbers = [i64; 4];

fn numbers_of(file: &Found) -> Numbers {
    [file.changed, file.touched, file.size as i64, file.inode as i64]
}

fn print(files: &[(&Found, &blake3::Hash)]) -> Vec<u8> {
    let mut text = FORMAT.as_bytes().to_vec();
    for (file, digest) in files {
        let [changed, touched, size, inode] = numbers_of(file);
        text.extend_from_slice(format!("{} {changed} {touched} {size} {inode} ", digest.to_hex()).as_bytes());
        text.extend_from_slice(file.path.as_os_str().as_bytes());
        text.push(0);
    }
    text
}

/// Reads what [`print()`] wrote; anything else is ignored.
fn parse(text: &[u8]) -> BTreeMap<&[u8], (Numbers, blake3::Hash)> {
    let Some(body) = text.strip_prefix(FORMAT.as_bytes()) else {
        return BTreeMap::new();
    };
    body.split(|&byte| byte == 0).filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<(&[u8], (Numbers, blake3::Hash))> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let digest = blake3::Hash::from_hex(fields.next()?).ok()?;
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    }
    Some((fields.next()?, (numbers, digest)))
}

#[cfg(test)]
mod tests;
