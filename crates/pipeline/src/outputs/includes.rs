//! Files that a device tree includes by itself, after the preprocessor: `/include/ "a.dtsi"`, `/incbin/("b.bin")`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the files that `text` includes, directly or indirectly, each with the digest of its content.
///
/// A file that is in none of `folders` is left to `dtc`, which reports it.
pub(super) fn taken_in(text: &str, folders: &[PathBuf]) -> BTreeMap<PathBuf, [u8; 32]> {
    let mut found = BTreeMap::new();
    follow(text, folders, &mut found);
    found
}

fn follow(text: &str, folders: &[PathBuf], found: &mut BTreeMap<PathBuf, [u8; 32]>) {
    for (directive, is_text) in [("/include/", true), ("/incbin/", false)] {
        for (at, _) in text.match_indices(directive) {
            let Some(name) = quoted(&text[at + directive.len()..]) else { continue };
            let there = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
            // By its canonical path: files that include each other through `..` would never end otherwise.
            let Some(path) = there.and_then(|path| fs::canonicalize(path).ok()) else { continue };
            let Ok(bytes) = kiln_file::read(&path) else { continue };
            let is_new = found.insert(path.clone(), *blake3::hash(&bytes).as_bytes()).is_none();
            if is_new && is_text {
                let own = path.parent().map(Path::to_owned);
                let folders: Vec<PathBuf> = own.into_iter().chain(folders.iter().cloned()).collect();
                follow(&String::from_utf8_lossy(&bytes), &folders, found);
            }
        }
    }
}

/// Returns the quoted word that follows, after blanks and an opening bracket.
fn quoted(rest: &str) -> Option<&str> {
    let rest = rest.trim_start().trim_start_matches('(').trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_followed_and_circles_end() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("more")).unwrap();
        fs::write(at("a.dtsi"), "/include/ \"more/b.dtsi\"\n").unwrap();
        fs::write(at("more/b.dtsi"), "/include/ \"c.dtsi\"\n/include/\"../a.dtsi\"").unwrap();
        fs::write(at("more/c.dtsi"), "x = /incbin/ ( \"blob\", 0, 4);").unwrap();
        fs::write(at("blob"), "four").unwrap();
        let folders = [dir.path().to_owned()];
        let found = taken_in("/dts-v1/;\n/include/ \"a.dtsi\"\n/include/ \"absent\"\n", &folders);
        let names: Vec<String> = found.keys().map(|path| path.file_name().unwrap().to_string_lossy().into()).collect();
        assert_eq!(names, ["a.dtsi", "blob", "b.dtsi", "c.dtsi"]);
    }
}
