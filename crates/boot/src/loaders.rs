//! From a result's manifest and indexes to what the guest must prove.

use std::collections::{BTreeMap, BTreeSet};

use kiln_assembly::manifest::Manifest;

use crate::program::{Alias, Loader, LoaderModule};

/// The loaders of a result.
pub fn loaders(manifest: &Manifest) -> Vec<Loader> {
    let loader = |(name, entry): (&String, &kiln_assembly::manifest::LoaderEntry)| Loader {
        name: name.clone(),
        dependencies: entry.dependencies.clone(),
        // What other modules may request while they run is shipped, but the loader does not load it.
        modules: entry.modules.iter().filter(|module| module.loaded).map(module).collect(),
    };
    manifest.loaders.iter().map(loader).collect()
}

fn module(entry: &kiln_assembly::manifest::ModuleEntry) -> LoaderModule {
    LoaderModule {
        name: entry.name.replace('-', "_"),
        path: entry.path.clone(),
        parameters: entry.parameters.clone(),
        stays: entry.stays_loaded,
        soft: entry.soft,
    }
}

/// Returns aliases of `modules.alias` that the guest can request: at most one a module, at most `most`.
///
/// Left out are patterns, whose wildcards the guest would have to fill, aliases that several modules have, and those
/// that busybox takes for a file's name (it cuts at `/` and `.`).
pub fn aliases(modules_alias: &str, loaders: &[Loader], most: usize) -> Vec<Alias> {
    let ours: BTreeSet<&str> =
        loaders.iter().flat_map(|loader| &loader.modules).map(|module| module.name.as_str()).collect();
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in modules_alias.lines() {
        if let Some((alias, module)) = line.strip_prefix("alias ").and_then(|rest| rest.rsplit_once(' ')) {
            owners.entry(alias).or_default().insert(module);
        }
    }
    let mut chosen: BTreeMap<&str, &str> = BTreeMap::new();
    for (alias, modules) in &owners {
        let plain = alias.chars().all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c));
        if let (true, Some(module), 1) = (plain, modules.first(), modules.len())
            && ours.contains(module)
        {
            chosen.entry(module).or_insert(alias);
        }
    }
    chosen
        .into_iter()
        .take(most)
        .map(|(module, alias)| Alias { alias: alias.to_owned(), module: module.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests;
