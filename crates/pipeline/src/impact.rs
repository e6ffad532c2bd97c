//! The effect of a changed recipe on a kernel that is already deployed.
//!
//! [`deployed`] finds that kernel in the store, [`Resolved::impact`] reports what the change reaches by the record of
//! its build, and [`exact`] compares it with the kernel that was built from the changed recipe.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use kiln_impact::{
    Because, BuildRecord, Change, Comparison, FileRef, Impact, Verdict, changes, compare, namings, reach,
};
use kiln_kbuild::kernel::{self, Kernel, read_record};
use kiln_kbuild::make::estimate;
use kiln_kbuild::makefiles;
use kiln_kconfig::Config;
use kiln_makefile::Mentions;
use kiln_store::Store;
use rayon::prelude::*;

use crate::error::PipelineError;
use crate::generation::Generation;
use crate::prepared::Tree;
use crate::resolved::Resolved;
use crate::session::Session;

/// A deployed kernel, as it is in the store.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// Its name for people.
    pub name: String,
    /// Its directory in the store.
    pub dir: PathBuf,
    /// Its key.
    pub key: String,
    /// The identity of source, architecture and toolchain; `None` when that was not recorded.
    pub work: Option<String>,
    /// The output of `uname -r` on it.
    pub release: String,
    /// Its `.config`.
    pub config: Config,
    /// The record of its build.
    pub record: BuildRecord,
}

/// Why a deployed kernel cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    /// The store no longer contains it.
    #[error("the kernel of {name} is not in the store any more")]
    Gone {
        /// Its name for people.
        name: String,
    },
    /// A file of it cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The effect of a change, and its reasons.
#[derive(Debug, Clone)]
pub struct Report {
    /// The symbols that change.
    pub changes: Vec<Change>,
    /// Whether source, architecture or compiler differ: then records show nothing.
    pub is_foreign: bool,
    /// The products that are reached.
    pub impact: Impact,
    /// For each symbol, the file and line by which each product is reached.
    pub places: Vec<Place>,
}

/// A place in the tree by which products are reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The symbol that it names.
    pub symbol: String,
    /// The file's path inside the tree.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// The products that are reached by it.
    pub products: Vec<String>,
}

/// Finds the kernel of a generation.
///
/// # Errors
/// [`DeployedError::Gone`] when it is not in the store, [`DeployedError::Read`] when it was built by a kiln that wrote
/// no record.
pub fn deployed(store: &Store, generation: &Generation) -> Result<Deployed, DeployedError> {
    let name = format!("generation {}", generation.number);
    deployed_kernel(store, name, &generation.keys.kernel, Some(generation.keys.work.clone()))
}

/// Finds a kernel by its key, as written in a manifest.
///
/// # Errors
/// Those of [`deployed`].
pub fn deployed_kernel(
    store: &Store,
    name: String,
    key: &str,
    work: Option<String>,
) -> Result<Deployed, DeployedError> {
    let dir = store.get_named(key, "kernel").ok_or_else(|| DeployedError::Gone { name: name.clone() })?;
    let config = dir.join("config");
    let config = kiln_file::read_to_string(&config).map_err(|source| DeployedError::Read { path: config, source })?;
    let record = read_record(&dir).map_err(|(path, source)| DeployedError::Read { path, source })?;
    let config = Config::parse(&config);
    Ok(Deployed { name, release: record.release.clone(), config, record, key: key.to_owned(), work, dir })
}

impl Resolved<'_> {
    /// Reports what the recipe's config reaches of the deployed kernel; nothing is compiled.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn impact(&self, deployed: &Deployed) -> Result<Report, PipelineError> {
        let changes = changes(&deployed.config, &self.config);
        let work = kernel::work_key(&self.tree.key, &self.target, &self.toolchain).to_string();
        let is_foreign = deployed.work.as_ref().is_some_and(|of| *of != work);
        if is_foreign || changes.is_empty() {
            return Ok(Report { changes, is_foreign, impact: Impact::default(), places: Vec::new() });
        }
        self.report(&deployed.config, &deployed.record, changes)
    }

    /// Computes what `changes` reach of a build, given its config and its record.
    pub(crate) fn report(
        &self,
        config: &Config,
        record: &BuildRecord,
        changes: Vec<Change>,
    ) -> Result<Report, PipelineError> {
        let names: BTreeSet<String> = changes.iter().map(|change| change.symbol.clone()).collect();
        let expected = |config| estimate::expected(&self.tree.path, &self.target, config);
        let (mentions, (before, after)) = rayon::join(
            || mentions(&self.tree, &self.target.srcarch, &names),
            || rayon::join(|| expected(config), || expected(&self.config)),
        );
        let impact = reach(record, &changes, &mentions?, &before, &after, &self.config);
        let places = places(&self.tree.path, record, &impact, &names);
        Ok(Report { changes, is_foreign: false, impact, places })
    }

    /// Makes a kernel from the deployed one's images and the new one's modules.
    ///
    /// # Errors
    /// Any [`PipelineError`] of the store.
    pub fn with_new_modules(&self, deployed: &Deployed, kernel: &Kernel) -> Result<Kernel, PipelineError> {
        let key = kiln_plan::step::deployed_key(&deployed.key, &kernel.key);
        let Session { store, progress, .. } = self.session;
        Ok(kernel::with_images_of(store, &key, &deployed.dir, kernel, progress)?)
    }
}

impl Report {
    /// Returns the verdict that is possible before anything is compiled.
    pub fn verdict(&self) -> Verdict {
        if self.is_foreign { Verdict::NewKernel } else { self.impact.verdict() }
    }
}

/// Compares the deployed kernel with one that was built.
///
/// # Errors
/// Their files cannot be read.
pub fn exact(deployed: &Deployed, kernel: &Kernel) -> Result<Comparison, DeployedError> {
    let record = read_record(&kernel.dir).map_err(|(path, source)| DeployedError::Read { path, source })?;
    let symvers = |dir: &Path| {
        let path = dir.join("Module.symvers");
        match kiln_file::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(source) => Err(DeployedError::Read { path, source }),
        }
    };
    let (old, new) = (symvers(&deployed.dir)?, symvers(&kernel.dir)?);
    Ok(compare(&deployed.record, &record, [&old, &new]))
}

/// Reads the makefiles and scripts that may name one of the symbols.
fn mentions(tree: &Tree, srcarch: &str, names: &BTreeSet<String>) -> Result<Mentions, PipelineError> {
    let text = |file: &str| {
        let path = tree.path.join(file);
        kiln_file::read(&path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|source| PipelineError::Read { path, source })
    };
    let mut mentions = Mentions::new(srcarch, &text("Makefile")?, &text("scripts/Makefile.build")?);
    let files = makefiles::files(&tree.path).map_err(|error| PipelineError::Source(error.into()))?;
    let files: Vec<String> = files.into_iter().filter(|file| mentions.is_read(file)).collect();
    let is_script = |file: &&String| file.starts_with("scripts/") && file.matches('/').count() == 1;
    let scripts: Vec<&String> = files.iter().filter(is_script).collect();
    // One included file may include the next.
    let mut news = true;
    while news {
        news = false;
        for file in &scripts {
            news |= mentions.include(&text(file)?, file);
        }
    }
    let texts: Vec<(&String, String)> =
        files.par_iter().map(|file| Ok((file, text(file)?))).collect::<Result<_, PipelineError>>()?;
    texts.iter().for_each(|(file, text)| mentions.note_includes(file, text));
    texts.iter().for_each(|(file, text)| mentions.add(file, text, names));
    Ok(mentions)
}

/// Returns where the sources of products name symbols that change, for the products that are reached by that.
fn places(tree: &Path, record: &BuildRecord, impact: &Impact, symbols: &BTreeSet<String>) -> Vec<Place> {
    let naming = namings_of(tree, record, symbols);
    let mut places: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for reached in impact.reached.values().filter(|reached| matches!(reached.because, Because::Names { .. })) {
        let Some(product) = record.find(&reached.path) else { continue };
        let stem = reached.path.strip_suffix(".o").unwrap_or(&reached.path);
        let files: Vec<_> =
            record.reads(product).filter_map(|file| naming.get_key_value(&file.path).filter(|_| !file.made)).collect();
        for symbol in record.symbols(product).filter(|symbol| symbols.contains(*symbol)) {
            let naming = files.iter().filter(|(_, lines)| lines.contains_key(symbol));
            // Its own source explains more than a widely included header.
            if let Some((file, _)) = naming.min_by_key(|(file, _)| (!file.starts_with(stem), *file)) {
                places.entry((symbol, file)).or_default().push(reached.path.clone());
            }
        }
    }
    let place = |((symbol, file), products): ((&str, &str), Vec<String>)| Place {
        symbol: symbol.to_owned(),
        file: file.to_owned(),
        line: naming[file][symbol],
        products,
    };
    places.into_iter().map(place).collect()
}

/// Returns the tree's files that products were made from and that name any of the symbols, with the first line of each.
pub(crate) fn namings_of(
    tree: &Path,
    record: &BuildRecord,
    symbols: &BTreeSet<String>,
) -> BTreeMap<String, BTreeMap<String, u32>> {
    let names = |product: &usize| record.symbols(*product).any(|symbol| symbols.contains(symbol));
    let reads = (0..record.len()).filter(names).flat_map(|product| record.reads(product));
    let files: BTreeSet<&FileRef> = reads.filter(|file| !file.made).collect();
    let files: Vec<&FileRef> = files.into_iter().collect();
    let of = |file: &&FileRef| {
        let text = kiln_file::read(tree.join(&file.path)).ok()?;
        let lines = lines_naming(&String::from_utf8_lossy(&text), symbols);
        (!lines.is_empty()).then(|| (file.path.clone(), lines))
    };
    files.par_iter().filter_map(of).collect()
}

/// Returns the first line of `text` that names each symbol.
pub(crate) fn lines_naming(text: &str, symbols: &BTreeSet<String>) -> BTreeMap<String, u32> {
    let mut lines = BTreeMap::new();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| line.contains("CONFIG_")) {
        for symbol in namings(line).filter(|symbol| symbols.contains(*symbol)) {
            lines.entry(symbol.to_owned()).or_insert(number);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_names_each_symbol() {
        let text = "a\n#ifdef CONFIG_NET_NS\n#endif CONFIG_NET_NS\nIS_ENABLED(CONFIG_NET)\n#ifdef CONFIG_USB_MODULE\n";
        let symbols = ["NET_NS", "NET", "USB", "NE"].map(str::to_owned).into();
        let lines = lines_naming(text, &symbols).into_iter().map(|(symbol, line)| format!("{symbol} {line}"));
        assert_eq!(lines.collect::<Vec<_>>(), ["NET 4", "NET_NS 2", "USB 5"]);
    }
}
