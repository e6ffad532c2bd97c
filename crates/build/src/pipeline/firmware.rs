//! Firmware files that closures name, looked up where the recipe says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_plan::closing::Closed;
use kiln_plan::evaluate::{FirmwareSource, Hardware};

use super::Session;
use crate::apt::{self, AptError};

/// Name under `lib/firmware`, with where the file is and its size.
pub(super) type Found = BTreeMap<String, (PathBuf, u64)>;

/// Endings that the kernel looks for by itself where it can unpack them.
const COMPRESSED: [&str; 2] = ["zst", "xz"];

/// Finds every firmware file that a loaded module names.
///
/// A name that nothing answers to is an error per loader and module, unless the recipe allows it to be missing.
/// # Errors
/// A Debian package of firmware cannot be had.
pub(super) fn find(
    session: &Session<'_>,
    hardware: &Hardware,
    debian_arch: &str,
    closed: &[Closed],
) -> Result<(Found, Diagnostics), AptError> {
    let mut wanted: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for loader in closed {
        for firmware in &loader.closure.firmware {
            let by = (loader.spec.name.as_str(), firmware.module.as_str());
            wanted.entry(&firmware.name).or_default().insert(by);
        }
    }
    let mut found = Found::new();
    let mut diagnostics = Diagnostics::new();
    if wanted.is_empty() {
        return Ok((found, diagnostics));
    }
    let folders = folders(session, hardware, debian_arch)?;
    for (name, by) in wanted {
        let files = look_up(&folders, name);
        if files.is_empty() {
            diagnostics.extend(missing(hardware, name, &by));
        }
        found.extend(files);
    }
    Ok((found, diagnostics))
}

fn folders(session: &Session<'_>, hardware: &Hardware, debian_arch: &str) -> Result<Vec<PathBuf>, AptError> {
    let mut folders = Vec::new();
    for source in &hardware.firmware {
        match &source.value {
            FirmwareSource::Path(path) => folders.push(path.clone()),
            FirmwareSource::Apt(package) => {
                let root = apt::packages(&session.fetch(), &[package], debian_arch)?;
                folders.extend(["usr/lib/firmware", "lib/firmware"].map(|folder| root.join(folder)));
            }
        }
    }
    Ok(folders)
}

/// The files for one name, which may be a pattern; the first folder that has any wins.
fn look_up(folders: &[PathBuf], name: &str) -> Found {
    if name.split('/').any(|part| part == ".." || part.is_empty()) {
        return Found::new();
    }
    let endings = [None, Some(COMPRESSED[0]), Some(COMPRESSED[1])];
    for folder in folders {
        for ending in endings {
            let pattern = ending.map_or_else(|| name.to_owned(), |ending| format!("{name}.{ending}"));
            let found = matches(folder, &pattern);
            if !found.is_empty() {
                return found;
            }
        }
    }
    Found::new()
}

fn matches(folder: &Path, pattern: &str) -> Found {
    let entry = |path: PathBuf| {
        let size = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
        let name = path.strip_prefix(folder).ok()?.to_str()?.to_owned();
        Some((name, (path, size)))
    };
    if !pattern.contains(['*', '?', '[']) {
        return entry(folder.join(pattern)).into_iter().collect();
    }
    let full = format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()));
    glob::glob(&full).into_iter().flatten().flatten().filter_map(entry).collect()
}

fn missing(hardware: &Hardware, name: &str, by: &BTreeSet<(&str, &str)>) -> Option<Diagnostic> {
    let allowed = hardware.firmware_missing.iter().any(|allowed| {
        allowed.value == name || glob::Pattern::new(&allowed.value).is_ok_and(|pattern| pattern.matches(name))
    });
    if allowed {
        return None;
    }
    let modules: BTreeSet<&str> = by.iter().map(|(_, module)| *module).collect();
    let loaders: BTreeSet<&str> = by.iter().map(|(loader, _)| *loader).collect();
    let list = |names: BTreeSet<&str>| names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = format!("no firmware file `{name}`, which {} may ask for (loader {})", list(modules), list(loaders));
    let finding = Diagnostic::error(Code::MissingFirmware, message)
        .option("hardware.firmware")
        .help("name a folder or a Debian package that has it under `hardware.firmware`")
        .help(format!("or allow it to be missing: `hardware.firmwareMissing = [\"{name}\"]`"));
    Some(match hardware.firmware.first() {
        Some(source) => finding.label(source.origin, "looked for here"),
        None => finding,
    })
}
