//! Digests of files that have not changed since they were last read.
//!
//! One file per tree under the store's `cache/trees`: a line with the format's version, then per file
//! `digest changed touched size inode path NUL`. A file counts as unchanged when all four numbers are the same and it was
//! last touched well before it was read: a file changed twice within one tick of the clock looks the same.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;

use super::{Found, Kind, TreeDigest, TreeError, list};
use crate::store::{Store, write_whole};

const FORMAT: &str = "kiln tree digests 1";
/// How long before it was read a file must have been touched last, in nanoseconds; some file systems count in 2 s.
const SETTLED: i64 = 3_000_000_000;

/// Gives the digest of the tree `root`, reading only files that changed since the last time.
///
/// # Errors
/// Any [`TreeError`].
pub fn remembered_digest(store: &Store, root: &Path) -> Result<TreeDigest, TreeError> {
    let listing = list(root)?;
    let name = blake3::hash(root.as_os_str().as_bytes()).to_hex();
    // Without the memory everything is read, which is slow and right.
    let memory = store.cache("trees").ok().map(|dir| dir.join(&name.as_str()[..32]));
    let text = memory.as_ref().and_then(|path| fs::read(path).ok()).unwrap_or_default();
    let known = parse(&text);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as i64);
    let digests: Result<Vec<(blake3::Hash, bool)>, TreeError> = listing
        .files()
        .par_iter()
        .map(|file| match known.get(file.path.as_os_str().as_bytes()) {
            Some((numbers, digest)) if file.kind == Kind::File && *numbers == numbers_of(file) => Ok((*digest, true)),
            _ => listing.digest_of(file).map(|digest| (digest, false)),
        })
        .collect();
    let digests = digests?;
    let n_files = listing.files().iter().filter(|file| file.kind == Kind::File).count();
    let n_known = digests.iter().filter(|(_, was_known)| *was_known).count();
    if let Some(path) = memory.filter(|_| n_known < n_files || known.len() > n_files) {
        let settled = |file: &Found| file.touched < started - SETTLED;
        let files = listing.files().iter().zip(&digests).filter(|(file, _)| file.kind == Kind::File && settled(file));
        // A memory that cannot be written costs time only.
        let _ = write_whole(&path, &print(files.map(|(file, (digest, _))| (file, digest))));
    }
    let digests: Vec<blake3::Hash> = digests.into_iter().map(|(digest, _)| digest).collect();
    Ok(listing.combine(&digests))
}

type Numbers = [i64; 4];

fn numbers_of(file: &Found) -> Numbers {
    [file.changed, file.touched, file.size as i64, file.inode as i64]
}

fn print<'a>(files: impl Iterator<Item = (&'a Found, &'a blake3::Hash)>) -> Vec<u8> {
    let mut text = format!("{FORMAT}\n").into_bytes();
    for (file, digest) in files {
        let [changed, touched, size, inode] = numbers_of(file);
        text.extend_from_slice(format!("{} {changed} {touched} {size} {inode} ", digest.to_hex()).as_bytes());
        text.extend_from_slice(file.path.as_os_str().as_bytes());
        text.push(0);
    }
    text
}

/// Reads what [`print`] wrote; whatever is not that is as good as nothing.
fn parse(text: &[u8]) -> BTreeMap<&[u8], (Numbers, blake3::Hash)> {
    let Some(body) = text.strip_prefix(format!("{FORMAT}\n").as_bytes()) else { return BTreeMap::new() };
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
