//! Answers that are valid as long as the paths that they depend on are unchanged.
//!
//! A cache is one [`Sealed`] file: the format's name, the number of watched paths, each path with its metadata, then each
//! question with its answer; all end with NUL. When one path has changed, the whole cache is invalid.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::sealed::Sealed;

const FORMAT: &[u8] = b"kiln memory 1";

/// Questions with their answers; neither contains a NUL.
pub type Answers = BTreeMap<Vec<u8>, Vec<u8>>;

/// Returns the answers in `file`; none when there is no such cache, or one of its paths has changed.
pub fn recall(file: &Sealed) -> Answers {
    let holding = |text: &[u8]| {
        let (_, mut fields) = holding(text)?;
        let mut answers = Answers::new();
        while let Some(question) = fields.next() {
            answers.insert(question.to_vec(), fields.next()?.to_vec());
        }
        Some(answers)
    };
    file.read().and_then(|text| holding(&text)).unwrap_or_default()
}

/// Returns the watched paths of a cache and the fields after them; `None` when it is no cache or a path has changed.
fn holding(text: &[u8]) -> Option<(Vec<PathBuf>, impl Iterator<Item = &[u8]>)> {
    let mut fields = text.strip_prefix(FORMAT)?.strip_prefix(b"\0")?.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    let n_watched: usize = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let mut paths = Vec::new();
    for _ in 0..n_watched {
        let (path, noted) = (Path::new(OsStr::from_bytes(fields.next()?)), fields.next()?);
        if stamp(path).as_bytes() != noted {
            return None;
        }
        paths.push(path.to_owned());
    }
    Some((paths, fields))
}

/// Returns the paths that the answers in `file` depend on; `None` when there is no cache, or one of them has changed.
pub fn watched(file: &Sealed) -> Option<Vec<PathBuf>> {
    Some(holding(&file.read()?)?.0)
}

/// Replaces the cache in `file` by `answers` that depend on `paths`.
///
/// A failure to write costs time only, so it is not reported.
pub fn keep(file: &Sealed, paths: impl IntoIterator<Item = PathBuf>, answers: &Answers) {
    let mut n_watched: usize = 0;
    let mut fields = Vec::new();
    let field = |text: &mut Vec<u8>, bytes: &[u8]| {
        text.extend_from_slice(bytes);
        text.push(0);
    };
    for path in paths {
        field(&mut fields, path.as_os_str().as_bytes());
        field(&mut fields, stamp(&path).as_bytes());
        n_watched += 1;
    }
    for (question, answer) in answers {
        field(&mut fields, question);
        field(&mut fields, answer);
    }
    let mut text = FORMAT.to_vec();
    text.push(0);
    field(&mut text, n_watched.to_string().as_bytes());
    text.extend(fields);
    let _ = file.write(&text);
}

/// Returns text that changes when the file or directory at `path` does; `-` when there is none.
fn stamp(path: &Path) -> String {
    let Ok(meta) = fs::metadata(path) else { return "-".to_owned() };
    let (changed, touched) = ((meta.ctime(), meta.ctime_nsec()), (meta.mtime(), meta.mtime_nsec()));
    format!("{} {} {} {} {} {}", changed.0, changed.1, touched.0, touched.1, meta.size(), meta.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    #[test]
    fn answers_hold_until_a_path_changes() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let cache = Sealed::new(at("cache"), "cache".to_owned(), Report::default());
        let answers = Answers::from([(b"q".to_vec(), b"a".to_vec()), (b"empty".to_vec(), Vec::new())]);
        fs::write(at("tool"), "1").unwrap();
        let paths = || [at("tool"), at("not-there"), dir.path().to_owned()];
        keep(&cache, paths(), &answers);
        // Writing the cache changed its directory, which is one of the paths.
        assert_eq!(recall(&cache), Answers::new());
        keep(&cache, [at("tool"), at("not-there")], &answers);
        assert_eq!(recall(&cache), answers);
        fs::write(at("not-there"), "").unwrap();
        assert_eq!(recall(&cache), Answers::new());
        keep(&cache, [at("tool")], &answers);
        fs::write(at("tool"), "22").unwrap();
        assert_eq!(recall(&cache), Answers::new());
    }

    #[test]
    fn a_damaged_cache_gives_no_wrong_answer() {
        let dir = tempfile::tempdir().unwrap();
        let (file, report) = (dir.path().join("cache"), Report::default());
        let cache = Sealed::new(file.clone(), "cache".to_owned(), report.clone());
        let answers = Answers::from([(b"one".to_vec(), b"1".to_vec()), (b"two".to_vec(), b"2".to_vec())]);
        keep(&cache, [PathBuf::from("/")], &answers);
        let text = fs::read(&file).unwrap();
        for end in 0..text.len() {
            fs::write(&file, &text[..end]).unwrap();
            assert_eq!(recall(&cache), Answers::new(), "{end}");
        }
        // The content of a value, which no parser can know to be wrong.
        let at = text.windows(5).position(|window| window == b"two\x002").unwrap() + 4;
        let mut other = text.clone();
        other[at] = b'3';
        fs::write(&file, other).unwrap();
        assert_eq!(recall(&cache), Answers::new());
        assert_eq!(report.faults().len(), text.len() + 1, "each of them is reported");
    }
}
