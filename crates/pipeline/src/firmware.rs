//! Firmware files that closures name: looked up in the recipe's collections, and brought into the form that the kernel
//! reads.

mod collection;
mod pack;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kiln_assembly::closure::LoaderClosure;
use kiln_assembly::firmware::{link_text, packing};
use kiln_assembly::{Content, Firmware};
use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_fetch::apt::{self, AptError};
use kiln_kconfig::Config;
use kiln_modgraph::{Graph, fold};
use kiln_plan::KernelVersion;
use kiln_plan::evaluate::{FirmwareSource, Hardware};
use kiln_plan::firmware::Packing;

use self::collection::{Collection, Found, Origin};
use self::pack::pack;
use crate::error::AssembleError;
use crate::session::Session;

/// The inputs for firmware besides the loaders.
#[derive(Clone, Copy)]
pub(super) struct Device<'a> {
    /// The recipe's hardware.
    pub(super) hardware: &'a Hardware,
    /// The resolved config.
    pub(super) config: &'a Config,
    /// The kernel's version.
    pub(super) version: &'a KernelVersion,
    /// Debian's name for the architecture.
    pub(super) debian_arch: &'a str,
}

/// Stands for a loader where a part of the kernel image names a file; no loader can have this name.
const IMAGE: &str = "";

/// Finds every firmware file that a loaded module, or a part of the kernel image, names, by that name.
///
/// A name that matches no file is an error with its loaders and modules, unless the recipe allows it to be missing. The
/// names of parts of the image that no loader has as a target are one warning.
/// # Errors
/// A Debian package of firmware cannot be fetched, or a file cannot be read or packed.
pub(super) fn find(
    session: &Session<'_>,
    device: Device<'_>,
    graph: &Graph,
    closed: &[LoaderClosure],
) -> Result<(BTreeMap<String, Firmware>, Diagnostics), AssembleError> {
    let mut wanted: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for loader in closed {
        for firmware in &loader.closure.firmware {
            let by = (loader.spec.name.as_str(), firmware.module.as_str());
            wanted.entry(&firmware.name).or_default().insert(by);
        }
    }
    let included = device.config.get("EXTRA_FIRMWARE").unwrap_or_default();
    let is_included = |name: &str| included.trim_matches('"').split_ascii_whitespace().any(|word| word == name);
    for (module, name) in graph.builtin_firmware().iter().filter(|(_, name)| !is_included(name)) {
        let is_target = |one: &&LoaderClosure| one.builtin.iter().any(|target| fold(target) == *module);
        let loaders = closed.iter().filter(is_target).map(|one| (one.spec.name.as_str(), module.as_str()));
        let by = wanted.entry(name).or_default();
        let before = by.len();
        by.extend(loaders);
        if by.len() == before {
            by.insert((IMAGE, module));
        }
    }
    let mut diagnostics = Diagnostics::new();
    let (packing, finding) = packing(&device.hardware.firmware_compression, device.config, device.version);
    diagnostics.extend(finding);
    if wanted.is_empty() {
        return Ok((BTreeMap::new(), diagnostics));
    }
    let collections = collections(session, device.hardware, device.debian_arch)?;
    let (mut found, mut missing_of_image) = (Found::new(), Vec::new());
    for (name, by) in wanted {
        let answers = collections.iter().map(|collection| collection.look_up(name)).find(|found| !found.is_empty());
        match answers {
            Some(answers) => add(&mut found, answers),
            None if is_allowed(device.hardware, name) => {}
            None if by.iter().all(|(loader, _)| *loader == IMAGE) => missing_of_image.push((name, by)),
            None => diagnostics.push(missing(device.hardware, name, &by)),
        }
    }
    diagnostics.extend(not_for_image(device.hardware, &missing_of_image));
    Ok((install(session, &found, packing)?, diagnostics))
}

fn collections(session: &Session<'_>, hardware: &Hardware, debian_arch: &str) -> Result<Vec<Collection>, AptError> {
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
    Ok(folders.into_iter().map(Collection::open).collect())
}

/// Adds the files of one name. A link to a name that another collection has already provided would lead to the wrong
/// file: then the name gets the content itself.
fn add(found: &mut Found, answers: Found) {
    let links = answers.iter().filter_map(|(name, origin)| match origin {
        Origin::Link(target) => Some((name.clone(), target.clone())),
        Origin::File(_) => None,
    });
    let links: Vec<(String, String)> = links.collect();
    for (name, target) in links {
        let Some(file) = answers.get(&target) else { continue };
        let taken = found.get(&target).is_some_and(|there| there != file);
        found.entry(name).or_insert_with(|| if taken { file.clone() } else { Origin::Link(target) });
    }
    for (name, origin) in answers {
        if matches!(origin, Origin::File(_)) {
            found.entry(name).or_insert(origin);
        }
    }
}

/// Brings the files into their form, and returns the names under which they are installed.
fn install(
    session: &Session<'_>,
    found: &Found,
    packing: Packing,
) -> Result<BTreeMap<String, Firmware>, AssembleError> {
    let files: BTreeMap<&str, &collection::File> = found
        .iter()
        .filter_map(|(name, origin)| match origin {
            Origin::File(file) => Some((name.as_str(), file)),
            Origin::Link(_) => None,
        })
        .collect();
    let mut installed: BTreeMap<String, Firmware> = BTreeMap::new();
    for (name, packed) in pack(session, &files, packing)? {
        let size = packed.path.metadata().map_err(|source| AssembleError::read(&packed.path, source))?.len();
        let firmware =
            Firmware { installed: format!("{name}{}", packed.ending), content: Content::File(packed.path), size };
        installed.insert(name.to_owned(), firmware);
    }
    for (name, origin) in found {
        let Origin::Link(target) = origin else { continue };
        let Some(there) = installed.get(target) else { continue };
        let ending = &there.installed[target.len()..];
        let firmware = Firmware {
            installed: format!("{name}{ending}"),
            content: Content::Link(link_text(name, &there.installed)),
            size: there.size,
        };
        installed.insert(name.clone(), firmware);
    }
    Ok(installed)
}

fn is_allowed(hardware: &Hardware, name: &str) -> bool {
    hardware.firmware_missing.iter().any(|allowed| {
        allowed.value == name || glob::Pattern::new(&allowed.value).is_ok_and(|pattern| pattern.matches(name))
    })
}

/// Returns the warning about files that parts of the kernel image may request.
fn not_for_image(hardware: &Hardware, missing: &[(&str, BTreeSet<(&str, &str)>)]) -> Option<Diagnostic> {
    let mut by_module: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, by) in missing {
        by.iter().for_each(|(_, module)| by_module.entry(module).or_default().push(name));
    }
    let (count, first) = (missing.len(), missing.first()?.0);
    let (noun, verb) = if count == 1 { ("file", "was") } else { ("files", "were") };
    let message = format!("{count} firmware {noun} {verb} not found, which built-in drivers may request");
    let finding = Diagnostic::warning(Code::MissingFirmware, message).option("hardware.firmware");
    let finding = by_module
        .iter()
        .fold(finding, |finding, (module, names)| finding.note(format!("`{module}` may request {}", names.join(", "))));
    let finding = finding
        .help("name a directory or a Debian package that has them under `hardware.firmware`")
        .help(format!("or allow them to be missing: `hardware.firmwareMissing = [\"{first}\"]`"));
    Some(match hardware.firmware.first() {
        Some(source) => finding.label(source.origin, "looked for here"),
        None => finding,
    })
}

fn missing(hardware: &Hardware, name: &str, by: &BTreeSet<(&str, &str)>) -> Diagnostic {
    let modules: BTreeSet<&str> = by.iter().map(|(_, module)| *module).collect();
    let loaders: BTreeSet<&str> = by.iter().map(|(loader, _)| *loader).filter(|loader| *loader != IMAGE).collect();
    let list = |names: BTreeSet<&str>| names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = format!("no firmware file `{name}`, which {} may request (loader {})", list(modules), list(loaders));
    let finding = Diagnostic::error(Code::MissingFirmware, message)
        .option("hardware.firmware")
        .help("name a directory or a Debian package that has it under `hardware.firmware`")
        .help(format!("or allow it to be missing: `hardware.firmwareMissing = [\"{name}\"]`"));
    match hardware.firmware.first() {
        Some(source) => finding.label(source.origin, "looked for here"),
        None => finding,
    }
}

/// A file in its form on the device.
struct Packed {
    path: PathBuf,
    ending: &'static str,
}

#[cfg(test)]
mod tests;
