//! Names: the module name of a file, and which spellings mean the same.

use std::borrow::Cow;

/// The endings of a module file, the plain one first.
const ENDINGS: [&str; 4] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

/// An alias with a `]` that closes nothing, or a `[` that nothing closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unmatched bracket")]
pub struct UnmatchedBracket;

/// Whether a file of this name is a module, by its ending.
pub fn is_module_file(file_name: &str) -> bool {
    ENDINGS.iter().any(|ending| file_name.ends_with(ending))
}

/// Folds `-` to `_`, as the kernel does with a module's name.
pub fn fold(name: &str) -> String {
    name.replace('-', "_")
}

/// Returns the name of the module in the file at `path`: the base name up to its first dot, folded.
pub fn module_name(path: &str) -> String {
    let base = path.rsplit('/').next().unwrap_or(path);
    fold(base.split('.').next().unwrap_or(base))
}

/// Returns `path` without the suffix of its compression: the spelling of `modules.order`.
pub fn uncompressed(path: &str) -> &str {
    let compressed = ENDINGS[1..].iter().find(|ending| path.ends_with(*ending));
    compressed.map_or(path, |ending| &path[..path.len() - ending.len() + ENDINGS[0].len()])
}

/// Folds `-` to `_` outside of brackets, as the index of aliases and its users do.
///
/// # Errors
/// [`UnmatchedBracket`] when the brackets are unmatched; such an alias is in no index.
pub fn normalise(alias: &[u8]) -> Result<Cow<'_, [u8]>, UnmatchedBracket> {
    if memchr::memchr3(b'-', b'[', b']', alias).is_none() {
        return Ok(Cow::Borrowed(alias));
    }
    let mut out = Vec::with_capacity(alias.len());
    let mut rest = alias.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'-' => out.push(b'_'),
            b']' => return Err(UnmatchedBracket),
            b'[' => {
                out.push(byte);
                loop {
                    let &inside = rest.next().ok_or(UnmatchedBracket)?;
                    out.push(inside);
                    if inside == b']' {
                        break;
                    }
                }
            }
            _ => out.push(byte),
        }
    }
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_by_its_file() {
        assert_eq!(module_name("kernel/net/my-mod.ko.xz"), "my_mod");
        assert_eq!(module_name("a.b.ko"), "a");
        assert_eq!(uncompressed("kernel/a.ko.zst"), "kernel/a.ko");
        assert_eq!(uncompressed("kernel/a.ko"), "kernel/a.ko");
        assert!(is_module_file("a.ko.gz") && !is_module_file("a.ko.bz2") && !is_module_file("a.o"));
    }

    #[test]
    fn dashes_fold_outside_of_brackets() {
        assert_eq!(normalise(b"of:N*T*Ca-b[0-9]-c"), Ok(b"of:N*T*Ca_b[0-9]_c"[..].into()));
        assert_eq!(normalise(b"pci:v*"), Ok(b"pci:v*"[..].into()));
        assert_eq!(normalise(b"a]"), Err(UnmatchedBracket));
        assert_eq!(normalise(b"a[b"), Err(UnmatchedBracket));
    }
}
