//! Tar headers with a right checksum, and a look at what was unpacked.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const BLOCK: usize = 512;

/// Writes the right checksum into every header of a plain tar, and of tars inside it: a changed header is read then.
pub fn mend_tar(tar: &mut [u8]) {
    let mut at = 0;
    while let Some(header) = tar.get_mut(at..at + BLOCK).filter(|header| header[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size = std::str::from_utf8(&header[124..135]).ok().and_then(|size| usize::from_str_radix(size, 8).ok());
        let start = at + BLOCK;
        let Some(size) = size.filter(|size| tar.len() - start >= *size) else { return };
        mend_tar(&mut tar[start..start + size]);
        at = start + size.next_multiple_of(BLOCK);
    }
}

/// Whether the bytes are a plain tar: the first name may also begin as a compressed archive does, which decides.
pub fn is_tar(bytes: &[u8]) -> bool {
    let packed: [&[u8]; 4] = [b"BZh", b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];
    let is_packed = packed.iter().any(|magic| bytes.starts_with(magic));
    !is_packed && bytes.get(257..).is_some_and(|rest| rest.starts_with(b"ustar"))
}

/// What is at each path of the directory `into`: a link's target, a file's mode and bytes, or `/` for a directory.
///
/// Panics when there is something that an archive may not make, or when a link leads out of the directory.
pub fn unpacked(into: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = fs::canonicalize(into).expect("the directory is there");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a directory that was made can be read") {
            let path = entry.expect("its entries can be read").path();
            let meta = fs::symlink_metadata(&path).expect("an entry is there");
            let what = if meta.is_symlink() {
                let target = fs::read_link(&path).expect("a link can be read");
                assert!(target.is_relative(), "the link {path:?} is absolute");
                if let Ok(end) = fs::canonicalize(&path) {
                    assert!(end.starts_with(&root), "the link {path:?} leads to {end:?}");
                }
                target.into_os_string().into_encoded_bytes()
            } else if meta.is_dir() {
                folders.push(path.clone());
                b"/".to_vec()
            } else {
                assert!(meta.is_file(), "{path:?} is neither file, folder nor link");
                let mode = meta.permissions().mode() & 0o7777;
                assert!([0o644, 0o755].contains(&mode), "{path:?} has the mode {mode:o}");
                [format!("{mode:o} ").as_bytes(), &fs::read(&path).expect("a file can be read")].concat()
            };
            found.insert(path.strip_prefix(&root).expect("it is below the root").to_owned(), what);
        }
    }
    found
}

/// Panics unless the directory `dir` has nothing but the files that `names` lists: nothing was unpacked beside its folder.
pub fn assert_holds_only(dir: &Path, names: &[&str]) {
    for entry in fs::read_dir(dir).expect("the directory can be read") {
        let name = entry.expect("its entries can be read").file_name();
        assert!(names.iter().any(|known| name == *known), "{name:?} was made beside the directory");
    }
}
