//! The host's lists of sources, turned into entries for source packages.
//!
//! A machine that only installs packages has no lists of sources. So the host's `sources.list` and its directory are
//! read, and every entry is turned into one for sources; the lists are kiln's own ([`State`](super::State)).

use std::fs;
use std::path::Path;

use super::state::Lists;
use super::{AptError, Deb};

impl Deb {
    /// Reads a line of apt's `source --print-uris`: as for packages, but with any file.
    pub(super) fn parse_source(line: &str) -> Option<Deb> {
        let mut words = line.strip_prefix('\'')?.split_once("' ")?.1.split_whitespace();
        let (file, size, hash) = (words.next()?, words.next()?, words.next()?);
        let (package, version) = file.split_once('_')?;
        Some(Deb {
            package: package.to_owned(),
            version: version.to_owned(),
            sha256: hash.strip_prefix("SHA256:")?.parse().ok()?,
            size: size.parse().ok()?,
            file: file.to_owned(),
            lists: Lists::Sources,
        })
    }
}

/// Writes the entries of the host's `list` and of the files in `parts` into `dir`, turned into entries for sources.
pub(super) fn write_entries(list: &Path, parts: &Path, dir: &Path) -> Result<(), AptError> {
    let io = |path: &Path, source| AptError::Io { path: path.to_owned(), source };
    let target = dir.join("parts");
    // An entry that the host no longer has must be removed.
    if target.exists() {
        fs::remove_dir_all(&target).map_err(|source| io(&target, source))?;
    }
    fs::create_dir_all(&target).map_err(|source| io(&target, source))?;
    let write = |from: &Path, to: &Path, turn: fn(&str) -> String| {
        // A host has one or the other.
        let text = kiln_file::read_to_string(from).unwrap_or_default();
        fs::write(to, turn(&text)).map_err(|source| io(to, source))
    };
    write(list, &dir.join("list"), one_line)?;
    for entry in fs::read_dir(parts).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => write(&path, &target.join(entry.file_name()), one_line)?,
            Some("sources") => write(&path, &target.join(entry.file_name()), paragraphs)?,
            _ => {}
        }
    }
    Ok(())
}

/// Returns the entries of a list with one line each, `deb [OPTIONS] URI SUITE COMPONENT…`.
fn one_line(text: &str) -> String {
    let entries = text.lines().map(str::trim_start).filter_map(|line| {
        let (word, rest) = line.split_once(char::is_whitespace)?;
        matches!(word, "deb" | "deb-src").then(|| format!("deb-src {}\n", rest.trim()))
    });
    let mut entries: Vec<String> = entries.collect();
    entries.sort();
    entries.dedup();
    entries.concat()
}

/// Returns the entries of a list with a paragraph each.
fn paragraphs(text: &str) -> String {
    let line = |line: &str| {
        let is_types = line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case("Types"));
        if is_types { "Types: deb-src\n".to_owned() } else { format!("{line}\n") }
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn entries_for_packages_become_entries_for_sources() {
        let list = "# main\ndeb [signed-by=/k.gpg] http://h/debian bookworm main\n deb-src http://h/debian sid main\n\n\
                    deb-src [signed-by=/k.gpg] http://h/debian bookworm main\n#deb http://h/off sid main\n";
        expect![[r#"
            deb-src [signed-by=/k.gpg] http://h/debian bookworm main
            deb-src http://h/debian sid main
        "#]]
        .assert_eq(&one_line(list));
        expect![[r#"
            Types: deb-src
            URIs: http://h/debian
            Signed-By: /k.gpg
        "#]]
        .assert_eq(&paragraphs("types: deb deb-src\nURIs: http://h/debian\nSigned-By: /k.gpg\n"));
    }

    #[test]
    fn reads_the_files_of_a_source_package() {
        let hash = "faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694";
        let line = format!("'http://h/busybox_1.35.0.orig.tar.bz2' busybox_1.35.0.orig.tar.bz2 2480624 SHA256:{hash}");
        let file = Deb::parse_source(&line).expect("a file");
        assert_eq!((file.file.as_str(), file.size), ("busybox_1.35.0.orig.tar.bz2", 2_480_624));
        assert_eq!(Deb::parse_source("Need to get 2550 kB"), None);
    }
}
