//! The places in a build of the modules that a running kernel requests by name or alias.

use std::collections::BTreeSet;

use kiln_modgraph::{fnmatch, fold, normalise, read_aliases};
use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;

/// A module that a request stands for, and its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "kebab-case")]
pub enum Provider {
    /// A loader has it.
    Loader {
        /// The kernel's name for the module.
        module: String,
        /// The loader.
        loader: String,
        /// Whether the loader loads it; otherwise it is only in the result, for what others request while they run.
        loaded: bool,
    },
    /// It is built, and no loader has it.
    LeftOut {
        /// The kernel's name for the module.
        module: String,
    },
}

impl Provider {
    /// Returns the kernel's name for the module.
    pub fn module(&self) -> &str {
        match self {
            Provider::Loader { module, .. } | Provider::LeftOut { module } => module,
        }
    }
}

/// The modules of a build, by names and aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Providers {
    providers: Vec<Provider>,
    /// Aliases, normalised, each with its module.
    aliases: Vec<(Vec<u8>, String)>,
}

impl Providers {
    /// Reads them from a result's manifest and its `modules.alias`.
    pub fn new(manifest: &Manifest, modules_alias: &str) -> Providers {
        let of_loaders = manifest.loaders.iter().flat_map(|(loader, entry)| {
            entry.modules.iter().map(|module| Provider::Loader {
                module: fold(&module.name),
                loader: loader.clone(),
                loaded: module.loaded,
            })
        });
        let left_out = manifest.left_out.iter().map(|module| Provider::LeftOut { module: fold(module) });
        let own = read_aliases(modules_alias).into_iter().map(|(alias, module)| (alias, fold(module)));
        let others = manifest
            .left_out_aliases
            .iter()
            .flat_map(|(alias, modules)| modules.iter().map(|module| (alias.as_str(), fold(module))));
        let normal = |(alias, module): (&str, String)| Some((normalise(alias.as_bytes()).ok()?.into_owned(), module));
        Providers {
            providers: of_loaders.chain(left_out).collect(),
            aliases: own.chain(others).filter_map(normal).collect(),
        }
    }

    /// Returns the modules that `modprobe` would take for a name or alias, sorted; those of loaders first.
    pub fn of(&self, request: &str) -> Vec<Provider> {
        // A request has no brackets; one that has matches nothing.
        let Ok(wanted) = normalise(request.as_bytes()) else { return Vec::new() };
        let name = fold(request);
        let matching = self.aliases.iter().filter(|(alias, _)| fnmatch(alias, &wanted));
        let modules: BTreeSet<&str> = matching.map(|(_, module)| module.as_str()).chain([name.as_str()]).collect();
        let mut found: Vec<Provider> =
            self.providers.iter().filter(|provider| modules.contains(provider.module())).cloned().collect();
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_looked_up_as_modprobe_does() {
        let json = r#"{ "version": 1, "kiln": "0", "requests": {}, "firmware": {}, "leftOut": ["nls_cp437", "nf_conntrack_ftp"],
            "leftOutAliases": { "nfct-helper-ftp": ["nf_conntrack_ftp"] },
            "kernel": { "release": "6.12.1", "arch": "x86_64", "machine": "x86_64", "modular": true, "source": "",
                        "toolchain": [], "keys": {}, "images": [] },
            "loaders": { "fat": { "targets": [], "dependencies": [], "builtin": [], "modules": [
                { "name": "vfat", "path": "vfat.ko", "size": 1, "loaded": true, "because": [] },
                { "name": "crc32c-generic", "path": "c.ko", "size": 1, "loaded": false, "because": [] }] } },
            "sizes": { "modules": 1, "moduleBytes": 1, "allModules": 2, "allModuleBytes": 2 } }"#;
        let manifest = Manifest::from_json(json).expect("a manifest");
        let providers =
            Providers::new(&manifest, "# comment\nalias fs-vfat vfat\nalias crypto-crc32c* crc32c_generic\n");
        let in_fat =
            |module: &str, loaded| Provider::Loader { module: module.to_owned(), loader: "fat".to_owned(), loaded };
        let left_out = |module: &str| Provider::LeftOut { module: module.to_owned() };
        assert_eq!(providers.of("fs-vfat"), [in_fat("vfat", true)]);
        assert_eq!(providers.of("vfat"), [in_fat("vfat", true)]);
        assert_eq!(providers.of("crypto-crc32c-all"), [in_fat("crc32c_generic", false)]);
        assert_eq!(providers.of("nls-cp437"), [left_out("nls_cp437")]);
        assert_eq!(providers.of("nfct-helper-ftp"), [left_out("nf_conntrack_ftp")]);
        assert_eq!(providers.of("nft-chain-2-nat"), []);
        assert_eq!(providers.of("odd[name"), []);
    }
}
