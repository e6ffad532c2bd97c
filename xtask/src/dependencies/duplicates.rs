//! Crates of which there is more than one version.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;

/// Known duplicates, and why they cannot be avoided here.
const KNOWN: &[(&str, &str)] = &[
    ("cpufeatures", "sha2 0.10 and blake3 require different versions"),
    ("getrandom", "ring and tempfile require different versions"),
    ("syn", "the macros of landlock's enumflags2 are an older version; compiled for the host only"),
    ("windows-sys", "ring requires an older version; never compiled for Linux"),
];

/// Returns a finding for each duplicate that is not known, and for each known one that is gone.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.packages.iter().map(|package| (package.name.as_str(), package.version.to_string()));
    findings(packages, KNOWN)
}

fn findings<'a>(packages: impl Iterator<Item = (&'a str, String)>, known: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, version) in packages {
        versions.entry(name).or_default().insert(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let is_known = |name: &str| known.iter().any(|(known, _)| *known == name);
    let new = versions.iter().filter(|(name, _)| !is_known(name)).map(|(name, versions)| {
        let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
        format!("`{name}` is there in versions {}: see `cargo tree --duplicates`", versions.join(", "))
    });
    let gone = known.iter().filter(|(name, _)| !versions.contains_key(name));
    new.chain(gone.map(|(name, _)| format!("`{name}` is not a duplicate any more: remove it from KNOWN"))).collect()
}

#[cfg(test)]
mod tests;
