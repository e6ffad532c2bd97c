//! Paths in `outputs`, as joined by lowering.

use std::collections::BTreeMap;

use kiln_recipe::Data;

use super::items;
use crate::outputs::{DtbSource, Output, OutputKind};

/// Returns the value of the option at `path` (`outputs.NAME.…`).
pub(super) fn with_paths(path: &str, value: &Data, outputs: &BTreeMap<String, Output>) -> Data {
    let mut names = outputs.iter().filter_map(|(name, output)| {
        let rest = path.strip_prefix("outputs.")?.strip_prefix(name.as_str())?;
        Some((output, rest.strip_prefix('.')?))
    });
    let shown = names.next_back().and_then(|(output, field)| joined(output, field, value));
    shown.unwrap_or_else(|| value.clone())
}

fn joined(output: &Output, field: &str, value: &Data) -> Option<Data> {
    match (&output.kind, field) {
        (OutputKind::Dtb(dtb), "dts") => match &dtb.source {
            DtbSource::File(path) => Some(Data::Text(path.value.to_string_lossy().into_owned())),
            DtbSource::Tree(_) => None,
        },
        (OutputKind::Dtb(dtb), "includes") => Some(items(value, |item, index| match dtb.includes.get(index) {
            Some(path) => Data::Text(path.to_string_lossy().into_owned()),
            None => item.clone(),
        })),
        (kind, _) => {
            let local = kind.file_system()?.files.get(field.strip_prefix("files.")?)?;
            Some(Data::Text(local.value.to_string_lossy().into_owned()))
        }
    }
}
