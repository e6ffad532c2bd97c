//! Debian source packages: the original tarball, and what Debian changes of it.
//!
//! A machine that only installs packages has no lists of sources. So the host's `sources.list` and its folder are read, and
//! every entry is asked for sources instead; the lists are ours ([`State`]).

use std::fs;
use std::path::{Path, PathBuf};

use super::state::{Lists, State};
use super::{AptError, Deb, compare};
use crate::archive;
use crate::source::{Fetch, Source, SourceError, fetch};
use kiln_plan::{KeyWriter, SourceSpec};

/// A source package, unpacked, with Debian's part beside it.
#[derive(Debug, Clone)]
pub struct SourcePackage {
    /// Its version.
    pub version: String,
    /// The original source. It must not be changed.
    pub upstream: Source,
    /// The folder `debian`. It must not be changed.
    pub debian: PathBuf,
    /// Debian's patches, in the order in which they are applied.
    pub patches: Vec<PathBuf>,
}

/// Gets the source package `name` of the host's release; only those of the format `3.0 (quilt)` with one tarball.
///
/// # Errors
/// Any [`SourceError`] of apt, archives and store.
pub fn source_package(at: &Fetch<'_>, name: &str) -> Result<SourcePackage, SourceError> {
    let state = State::of_sources(at)?;
    let files = state.source_files(at, name)?;
    let part = |what: &str| {
        let found = files.iter().find(|file| file.file.contains(what));
        found.ok_or_else(|| AptError::Unnamed { what: format!("the {what} of {name}"), said: String::new() })
    };
    let (upstream, debian) = (part(".orig.tar.")?, part(".debian.tar.")?);
    let folder = at.store.download(&debian.sha256.to_string())?;
    let _lock = at.store.lock(&format!("download-{}", debian.sha256), "download", at.progress)?;
    if !files.iter().all(|file| compare(&folder.join(&file.file), file).is_ok()) {
        state.download_source(at, name, &folder, files.iter().map(|file| file.size).sum())?;
        files.iter().try_for_each(|file| compare(&folder.join(&file.file), file))?;
    }
    let key = KeyWriter::new("tarball/1").field("sha256", debian.sha256).finish();
    let debian_dir = at.store.realize(&key, "source", at.progress, |dir| {
        Ok::<(), SourceError>(archive::unpack(&folder.join(&debian.file), dir, at.progress)?)
    })?;
    let series = fs::read_to_string(debian_dir.join("patches/series")).unwrap_or_default();
    Ok(SourcePackage {
        version: debian.version.trim_end_matches(".debian.tar.xz").to_owned(),
        upstream: fetch(at, &SourceSpec::Path(folder.join(&upstream.file)))?,
        patches: patches(&series).map(|patch| debian_dir.join("patches").join(patch)).collect(),
        debian: debian_dir,
    })
}

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
    // An entry that the host no longer has must go.
    if target.exists() {
        fs::remove_dir_all(&target).map_err(|source| io(&target, source))?;
    }
    fs::create_dir_all(&target).map_err(|source| io(&target, source))?;
    let write = |from: &Path, to: &Path, turn: fn(&str) -> String| {
        // A host has one or the other.
        let text = fs::read_to_string(from).unwrap_or_default();
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

/// Entries of one line each, `deb [OPTIONS] URI SUITE COMPONENT…`.
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

/// Entries of a paragraph each.
fn paragraphs(text: &str) -> String {
    let line = |line: &str| {
        let is_types = line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case("Types"));
        if is_types { "Types: deb-src\n".to_owned() } else { format!("{line}\n") }
    };
    text.lines().map(line).collect()
}

/// The names in a `series` file.
fn patches(series: &str) -> impl Iterator<Item = &str> {
    series.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next())
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
    fn a_series_has_a_patch_a_line() {
        let series = "# gone\n#x.patch\na.patch\n\nb/c.diff -p1 # why\n";
        assert_eq!(patches(series).collect::<Vec<_>>(), ["a.patch", "b/c.diff"]);
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
