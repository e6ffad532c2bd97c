//! Debian source packages: the original tarball, and Debian's changes to it.

use std::path::PathBuf;

use kiln_plan::{KeyWriter, SourceSpec};
use kiln_store::make_way;

use crate::apt::{AptError, State, compare};
use crate::archive;
use crate::context::Fetch;
use crate::source::{Source, SourceError, fetch};

/// A source package, unpacked, with Debian's part beside it.
#[derive(Debug, Clone)]
pub struct SourcePackage {
    /// Its version.
    pub version: String,
    /// The original source. It must not be changed.
    pub upstream: Source,
    /// The directory `debian`. It must not be changed.
    pub debian: PathBuf,
    /// Debian's patches, in the order in which they are applied.
    pub patches: Vec<PathBuf>,
}

/// Fetches the source package `name` of the host's release; only those of the format `3.0 (quilt)` with one tarball.
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
    for file in &files {
        let path = folder.join(&file.file);
        make_way(&path).map_err(|source| AptError::Io { path, source })?;
    }
    if !files.iter().all(|file| compare(&folder.join(&file.file), file).is_ok()) {
        state.download_source(at, name, &folder, files.iter().map(|file| file.size).sum())?;
        files.iter().try_for_each(|file| compare(&folder.join(&file.file), file))?;
    }
    let key = KeyWriter::new("tarball/1").field("sha256", debian.sha256).finish();
    let debian_dir = at.store.realize(&key, "source", at.progress, |dir| {
        Ok::<(), SourceError>(archive::unpack(&folder.join(&debian.file), dir, at.progress)?)
    })?;
    let series = kiln_file::read_to_string(debian_dir.join("patches/series")).unwrap_or_default();
    Ok(SourcePackage {
        version: debian.version.trim_end_matches(".debian.tar.xz").to_owned(),
        upstream: fetch(at, &SourceSpec::Path(folder.join(&upstream.file)))?,
        patches: patches(&series).map(|patch| debian_dir.join("patches").join(patch)).collect(),
        debian: debian_dir,
    })
}

/// Returns the names in a `series` file.
fn patches(series: &str) -> impl Iterator<Item = &str> {
    series.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_a_patch_a_line() {
        let series = "# gone\n#x.patch\na.patch\n\nb/c.diff -p1 # why\n";
        assert_eq!(patches(series).collect::<Vec<_>>(), ["a.patch", "b/c.diff"]);
    }
}
