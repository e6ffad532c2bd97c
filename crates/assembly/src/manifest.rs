//! `manifest.json`: the contents of a result, and the reason for each part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the format below; a reader refuses a newer one.
pub const MANIFEST_VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] of the kiln that wrote it.
    pub version: u32,
    /// The kiln that wrote it.
    pub kiln: String,
    /// The kernel.
    pub kernel: KernelEntry,
    /// Every request of the recipe, by symbol.
    pub requests: BTreeMap<String, RequestEntry>,
    /// The loaders, by name.
    pub loaders: BTreeMap<String, LoaderEntry>,
    /// Firmware files that are in `lib/firmware`, by the name that modules request.
    pub firmware: BTreeMap<String, FileEntry>,
    /// The outputs for boot loaders and devices, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, OutputEntry>,
    /// Names of the modules that were built and that no loader takes; older manifests do not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Aliases of those modules by which a running kernel may request them, each with its modules; not those of devices,
    /// which have a `:`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out_aliases: BTreeMap<String, Vec<String>>,
    /// Sizes.
    pub sizes: Sizes,
}

/// The kernel and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelEntry {
    /// `uname -r` on the device, and the directory under `lib/modules`.
    pub release: String,
    /// The kernel's ARCH.
    pub arch: String,
    /// The machine's usual name (`x86_64`, `aarch64`, `mipsel`).
    pub machine: String,
    /// Whether it can load modules.
    pub modular: bool,
    /// The source as the recipe names it, with the exact version where it names a range.
    pub source: String,
    /// The compiler and related tools, each with its version.
    pub toolchain: Vec<String>,
    /// Keys of the steps: `tree`, `kernel`.
    pub keys: BTreeMap<String, String>,
    /// The make targets' files in `kernel/`.
    pub images: Vec<FileEntry>,
}

/// One request and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestEntry {
    /// The requested value.
    pub value: String,
    /// The value in `config`; `None` when the symbol has none.
    pub resolved: Option<String>,
    /// Whether it may stay unmet.
    pub optional: bool,
    /// Where it was requested, as `file:line:column`.
    pub origin: String,
}

/// One loader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoaderEntry {
    /// The requested modules.
    pub targets: Vec<String>,
    /// Services that must be up first.
    pub dependencies: Vec<String>,
    /// The modules that it loads, in load order.
    pub modules: Vec<ModuleEntry>,
    /// Targets that are part of the kernel itself.
    pub builtin: Vec<String>,
    /// Soft and weak dependencies that nothing in the build matches; older manifests do not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_softdeps: Vec<MissingSoftdep>,
}

/// A soft or weak dependency that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingSoftdep {
    /// The name or alias in the module's line.
    pub word: String,
    /// The module with the line.
    pub by: String,
    /// The symbols that would build it; empty when no makefile names it.
    pub symbols: Vec<String>,
}

/// One module of a loader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleEntry {
    /// The kernel's name for it.
    pub name: String,
    /// Its file, from the result's top.
    pub path: String,
    /// Bytes on disk.
    pub size: u64,
    /// The reasons for it, in words; the most direct first.
    pub because: Vec<String>,
    /// The same reasons for programs; older manifests do not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Whether the loader loads it; `false` for a module that others may only request while running.
    pub loaded: bool,
    /// Parameters that it is loaded with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parameters: String,
    /// It has no exit function: once loaded it stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays_loaded: bool,
    /// Required by a softdep only: its failure is reported, not fatal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
    /// Firmware that it may request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware: Vec<String>,
}

/// The reason why a module is in a loader.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Reason {
    /// The loader requests it.
    Target {
        /// The name or alias, as the recipe writes it.
        word: String,
    },
    /// Another module cannot be loaded without it.
    Symbol {
        /// The other module.
        by: String,
        /// The first symbol for which it is needed.
        symbol: String,
    },
    /// Another module requires it to be loaded first.
    SoftdepPre {
        /// The other module.
        by: String,
        /// The whole line.
        line: String,
    },
    /// Another module requires it to be loaded afterwards.
    SoftdepPost {
        /// The other module.
        by: String,
        /// The whole line.
        line: String,
    },
    /// Another module may request it while running.
    Weakdep {
        /// The other module.
        by: String,
        /// The whole line.
        line: String,
    },
}

/// One file of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Its path from the result's top.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputEntry {
    /// `kernel`, `uImage`, `fit`, `dtb`, `initramfs` or `squashfs`.
    pub kind: String,
    /// Its path from the result's top.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The compression of the file, or of the kernel in it.
    pub compression: String,
    /// The step's key.
    pub key: String,
}

/// The savings of the closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sizes {
    /// Modules in the result.
    pub modules: u64,
    /// Their size in bytes.
    pub module_bytes: u64,
    /// Modules that the kernel's build made.
    pub all_modules: u64,
    /// Their size in bytes.
    pub all_module_bytes: u64,
}

/// The reason why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON of the shape above.
    #[error("not a kiln manifest")]
    Shape(#[from] serde_json::Error),
    /// Written by a newer kiln.
    #[error("manifest version {found} is newer than this kiln understands ({MANIFEST_VERSION})")]
    Newer {
        /// The version found.
        found: u32,
    },
}

impl Reason {
    /// Returns the other module, or `None` when the recipe itself requests it.
    pub fn by(&self) -> Option<&str> {
        match self {
            Reason::Target { .. } => None,
            Reason::Symbol { by, .. }
            | Reason::SoftdepPre { by, .. }
            | Reason::SoftdepPost { by, .. }
            | Reason::Weakdep { by, .. } => Some(by),
        }
    }
}

impl Manifest {
    /// Returns the file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest has string keys only");
        text.push('\n');
        text
    }

    /// Parses the file's text.
    ///
    /// # Errors
    /// [`ManifestError`] when the text is not a manifest, or is one of a newer kiln.
    pub fn from_json(text: &str) -> Result<Manifest, ManifestError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        let found = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found > u64::from(MANIFEST_VERSION) {
            return Err(ManifestError::Newer { found: u32::try_from(found).unwrap_or(u32::MAX) });
        }
        Ok(serde_json::from_value(value)?)
    }
}
