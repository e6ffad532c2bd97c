//! The minimum Rust version that dependencies require.
//!
//! A replacement for a build with the oldest toolchain that the workspace declares, where only the newest is installed.

use cargo_metadata::Metadata;
use cargo_metadata::semver::Version;

/// Returns a finding for each crate that requires a newer Rust than the workspace declares.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let members = metadata.workspace_packages();
    let Some(declared) = members.iter().filter_map(|member| member.rust_version.as_ref()).min() else {
        return vec!["the workspace declares no `rust-version`".to_owned()];
    };
    let packages = metadata.packages.iter();
    packages.filter_map(|package| newer(&package.name, package.rust_version.as_ref(), declared)).collect()
}

fn newer(package: &str, needed: Option<&Version>, declared: &Version) -> Option<String> {
    let needed = needed.filter(|needed| *needed > declared)?;
    Some(format!("`{package}` needs Rust {needed}, and the workspace declares {declared}"))
}

#[cfg(test)]
mod tests;
