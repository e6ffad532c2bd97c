//! The places of a result's files on a device.

use std::collections::BTreeMap;

use kiln_plan::outputs::Services;

use crate::assembly::{Assembly, Content, SCRIPT_DIR};

/// A file of a device, by its path there.
pub type DeviceFile<'a> = (String, &'a Content);

/// Returns the files of `assembly` that a device gets: modules, firmware, files for `modprobe`, the loaders' scripts,
/// and the services of one manager in the place where it looks for them.
pub fn device_files(assembly: &Assembly, services: Services) -> BTreeMap<String, &Content> {
    let manager = match services {
        Services::Sh => None,
        Services::S6Rc => Some(("services/s6-rc/", "etc/s6-rc/source/")),
        Services::Systemd => Some(("services/systemd/", "lib/systemd/system/")),
        Services::Openrc => Some(("services/openrc/", "etc/init.d/")),
    };
    let scripts = format!("{}/", SCRIPT_DIR.trim_start_matches('/'));
    let places = [("lib/", "lib/"), ("services/sh/", scripts.as_str())];
    let places: Vec<(&str, &str)> = places.into_iter().chain(manager).collect();
    let placed = |(path, content): (&'_ String, _)| {
        let (from, to) = places.iter().find(|(from, _)| path.starts_with(from))?;
        Some((format!("{to}{}", &path[from.len()..]), content))
    };
    assembly.files.iter().filter_map(placed).collect()
}
