//! The effect of a change on a kernel of which only the config is known.
//!
//! When a generation was built with that very config from this very source, its kernel's record is used. Otherwise a
//! record is made from the objects that the makefiles list for the config and the symbols that their sources name. It
//! is then unknown what objects read through headers, what generated files depend on, and whether source and compiler
//! are the same: no report from such a record claims that a kernel can stay.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kiln_impact::{BuildRecord, FileRef, Impact, Product, ProductKind, changes};
use kiln_kbuild::kernel;
use kiln_kbuild::make::estimate;
use kiln_kconfig::Config;
use kiln_store::directory::{Kind, list};
use rayon::prelude::*;

use crate::error::PipelineError;
use crate::generation;
use crate::impact::{Deployed, DeployedError, Place, Report, deployed, lines_naming};
use crate::resolved::Resolved;

/// The findings from a config alone.
#[derive(Debug, Clone)]
pub struct ConfigOnly {
    /// The symbols that change, and what is reached by makefiles and by sources.
    pub report: Report,
    /// Headers that name a symbol which changes; the objects that read them are unknown.
    pub headers: Vec<Place>,
}

impl Resolved<'_> {
    /// Finds the kernel of a generation that was built with this config, from this source, for this architecture and with
    /// this compiler.
    ///
    /// # Errors
    /// Generations cannot be read, or a kernel's record.
    pub fn kernel_of_config(&self, config: &Config) -> Result<Option<Deployed>, DeployedError> {
        let store = self.session.store;
        let work = kernel::work_key(&self.tree.key, &self.target, &self.toolchain).to_string();
        // The generations are a convenience here: one that cannot be read is ignored.
        let Ok(kept) = generation::all(store) else { return Ok(None) };
        for generation in kept.generations.iter().filter(|generation| generation.keys.work == work) {
            let text = generation.kernel_dir(store).and_then(|dir| kiln_file::read_to_string(dir.join("config")).ok());
            if text.is_some_and(|text| Config::parse(&text).has_values_of(config)) {
                let recipe = generation.recipe.display();
                let name = format!("generation {} of {recipe}, which has that config", generation.number);
                return Ok(Some(Deployed { name, ..deployed(store, generation)? }));
            }
        }
        Ok(None)
    }

    /// Reports the effect of this recipe's config on a kernel with the given one.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn impact_of_config(&self, config: &Config) -> Result<ConfigOnly, PipelineError> {
        let changes = changes(config, &self.config);
        if changes.is_empty() {
            let report = Report { changes, is_foreign: false, impact: Impact::default(), places: Vec::new() };
            return Ok(ConfigOnly { report, headers: Vec::new() });
        }
        let names: BTreeSet<String> = changes.iter().map(|change| change.symbol.clone()).collect();
        let objects = estimate::expected(&self.tree.path, &self.target, config);
        let record = presumed(&self.tree.path, &objects, &names);
        let report = self.report(config, &record, changes)?;
        let headers = headers(&self.tree.path, &self.target.srcarch, &objects, &names)?;
        Ok(ConfigOnly { report, headers })
    }
}

/// Returns a record of the objects that makefiles list, each made from its source alone.
fn presumed(tree: &Path, objects: &BTreeMap<String, bool>, names: &BTreeSet<String>) -> BuildRecord {
    let product = |(path, is_built_in): (&String, &bool)| {
        let stem = path.strip_suffix(".o").unwrap_or(path);
        let sources = ["c", "S"].map(|ending| format!("{stem}.{ending}"));
        let found = sources.into_iter().find_map(|file| Some((kiln_file::read(tree.join(&file)).ok()?, file)));
        let symbols =
            found.as_ref().map(|(text, _)| lines_naming(&String::from_utf8_lossy(text), names).into_keys().collect());
        Product {
            path: path.clone(),
            kind: if *is_built_in { ProductKind::BuiltIn } else { ProductKind::Module },
            digest: None,
            symbols: symbols.unwrap_or_default(),
            reads: found.map(|(_, file)| FileRef { path: file, made: false }).into_iter().collect(),
        }
    };
    let vmlinux = Product {
        path: "vmlinux".to_owned(),
        kind: ProductKind::Link,
        digest: None,
        symbols: Vec::new(),
        reads: Vec::new(),
    };
    let products = objects.par_iter().map(product).chain(rayon::iter::once(vmlinux)).collect();
    BuildRecord::new("", products)
}

/// Returns the headers that name one of the symbols: the tree's own, the architecture's, and those beside the objects.
fn headers(
    tree: &Path,
    srcarch: &str,
    objects: &BTreeMap<String, bool>,
    names: &BTreeSet<String>,
) -> Result<Vec<Place>, PipelineError> {
    let arch = format!("arch/{srcarch}/");
    let folders: BTreeSet<&str> = objects.keys().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    let is_read = |file: &str| {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        file.ends_with(".h") && (file.starts_with("include/") || file.starts_with(&arch) || folders.contains(folder))
    };
    let files = list(tree).map_err(|error| PipelineError::Source(error.into()))?;
    let files: Vec<String> = (files.files().iter().filter(|file| file.kind == Kind::File))
        .map(|file| file.path.to_string_lossy().into_owned())
        .filter(|file| is_read(file))
        .collect();
    let of = |file: &String| -> Vec<Place> {
        let Ok(text) = kiln_file::read(tree.join(file)) else { return Vec::new() };
        let lines = lines_naming(&String::from_utf8_lossy(&text), names).into_iter();
        lines.map(|(symbol, line)| Place { symbol, file: file.clone(), line, products: Vec::new() }).collect()
    };
    let mut places: Vec<Place> = files.par_iter().flat_map_iter(of).collect();
    places.sort();
    Ok(places)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_sources_name_and_which_headers_count() {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("net/a.c", "#ifdef CONFIG_NET_NS\n"),
            ("net/a.h", "CONFIG_NET_NS\n"),
            ("sound/other.h", "CONFIG_NET_NS\n"),
            ("include/net/b.h", "\n#if IS_ENABLED(CONFIG_NET_NS)\n"),
            ("arch/arm/include/asm/c.h", "CONFIG_NET_NS\n"),
            ("arch/x86/include/asm/c.h", "CONFIG_NET\n"),
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let names = ["NET_NS".to_owned()].into();
        let objects = [("net/a.o".to_owned(), true), ("net/b.o".to_owned(), false)].into();
        let record = presumed(dir.path(), &objects, &names);
        let kinds: Vec<_> = (0..record.len()).map(|product| (record.path(product), record.kind(product))).collect();
        let expected =
            [("net/a.o", ProductKind::BuiltIn), ("net/b.o", ProductKind::Module), ("vmlinux", ProductKind::Link)];
        assert_eq!(kinds, expected);
        assert_eq!(record.symbols(0).collect::<Vec<_>>(), ["NET_NS"]);
        let headers = headers(dir.path(), "x86", &objects, &names).unwrap();
        let shown: Vec<String> = headers.iter().map(|place| format!("{}:{}", place.file, place.line)).collect();
        assert_eq!(shown, ["include/net/b.h:2", "net/a.h:1"]);
    }
}
