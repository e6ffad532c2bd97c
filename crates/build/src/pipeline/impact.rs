//! What a changed recipe means for a kernel that is already out there.
//!
//! [`deployed`] finds that kernel in the store, [`impact`] says what the change reaches by the record of its build,
//! and [`exact`] compares it with the kernel that was built from the changed recipe.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_plan::ConfigValues;
use kiln_plan::impact::{
    Because, BuildRecord, Change, Comparison, FileRef, Impact, Mentions, Verdict, changes, compare, reach,
};
use rayon::prelude::*;

use super::{PipelineError, Session, Settled, Tree};
use crate::Store;
use crate::generation::Generation;
use crate::kbuild::estimate;
use crate::kernel::{self, Kernel, read_record};
use crate::makefiles;

/// A kernel that is out there, as the store knows it.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// What to call it.
    pub name: String,
    /// Its folder in the store.
    pub dir: PathBuf,
    /// Its key.
    pub key: String,
    /// What tells source, architecture and toolchain; `None` when that was not noted.
    pub work: Option<String>,
    /// What `uname -r` says on it.
    pub release: String,
    /// Its `.config`.
    pub config: ConfigValues,
    /// What its build left.
    pub record: BuildRecord,
}

/// Why a deployed kernel cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    /// The store has not got it any more.
    #[error("the kernel of {name} is not in the store any more")]
    Gone {
        /// What it is called.
        name: String,
    },
    /// Something of it cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What a change reaches, and why.
#[derive(Debug, Clone)]
pub struct Report {
    /// The symbols that change.
    pub changes: Vec<Change>,
    /// Whether source, architecture or compiler are others: then nothing can be told from records.
    pub is_foreign: bool,
    /// What is reached.
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
    /// What is reached by it.
    pub products: Vec<String>,
}

/// Finds the kernel of a generation.
///
/// # Errors
/// [`DeployedError::Gone`] when it is not in the store, [`DeployedError::Read`] when it was built by a kiln that left no
/// record.
pub fn deployed(store: &Store, generation: &Generation) -> Result<Deployed, DeployedError> {
    let name = format!("generation {}", generation.number);
    deployed_kernel(store, name, &generation.keys.kernel, Some(generation.keys.work.clone()))
}

/// Finds a kernel by its key, as it stands in a manifest.
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
    let config = fs::read_to_string(&config).map_err(|source| DeployedError::Read { path: config, source })?;
    let record = read_record(&dir).map_err(|(path, source)| DeployedError::Read { path, source })?;
    let config = ConfigValues::parse(&config);
    Ok(Deployed { name, release: record.release.clone(), config, record, key: key.to_owned(), work, dir })
}

/// Says what the recipe's config reaches of the deployed kernel; nothing is compiled.
///
/// # Errors
/// The tree cannot be read.
pub fn impact(tree: &Tree, settled: &Settled, deployed: &Deployed) -> Result<Report, PipelineError> {
    let changes = changes(&deployed.config, &settled.config);
    let work = kernel::work_key(&tree.key, &settled.target, &settled.toolchain).to_string();
    let is_foreign = deployed.work.as_ref().is_some_and(|of| *of != work);
    if is_foreign || changes.is_empty() {
        return Ok(Report { changes, is_foreign, impact: Impact::default(), places: Vec::new() });
    }
    let names: BTreeSet<String> = changes.iter().map(|change| change.symbol.clone()).collect();
    let expected = |config| estimate::expected(&tree.path, &settled.target, config);
    let (mentions, (before, after)) = rayon::join(
        || mentions(tree, &settled.target.srcarch, &names),
        || rayon::join(|| expected(&deployed.config), || expected(&settled.config)),
    );
    let impact = reach(&deployed.record, &changes, &mentions?, &before, &after, &settled.config);
    let places = places(&tree.path, &deployed.record, &impact);
    Ok(Report { changes, is_foreign, impact, places })
}

impl Report {
    /// What can be said before anything is compiled.
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
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(source) => Err(DeployedError::Read { path, source }),
        }
    };
    let (old, new) = (symvers(&deployed.dir)?, symvers(&kernel.dir)?);
    Ok(compare(&deployed.record, &record, [&old, &new]))
}

/// A kernel of the deployed one's images and the new one's modules.
///
/// # Errors
/// Any [`PipelineError`] of the store.
pub fn with_new_modules(session: &Session<'_>, deployed: &Deployed, kernel: &Kernel) -> Result<Kernel, PipelineError> {
    let key = kiln_plan::step::deployed_key(&deployed.key, &kernel.key);
    Ok(kernel::with_images_of(session.store, &key, &deployed.dir, kernel, session.progress)?)
}

/// Reads the makefiles and scripts that may name one of the symbols.
fn mentions(tree: &Tree, srcarch: &str, names: &BTreeSet<String>) -> Result<Mentions, PipelineError> {
    let text = |file: &str| {
        let path = tree.path.join(file);
        fs::read(&path)
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

/// Where the files that products were made from name the symbols by which they are reached.
fn places(tree: &Path, record: &BuildRecord, impact: &Impact) -> Vec<Place> {
    let mut by_symbol: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for reached in impact.reached.values() {
        if let (Because::Names { symbol }, Some(product)) = (&reached.because, record.find(&reached.path)) {
            by_symbol.entry(symbol).or_default().push(product);
        }
    }
    let found =
        by_symbol.into_par_iter().flat_map_iter(|(symbol, products)| places_of(tree, record, symbol, &products));
    let mut found: Vec<Place> = found.collect();
    found.sort();
    found
}

fn places_of(tree: &Path, record: &BuildRecord, symbol: &str, products: &[usize]) -> Vec<Place> {
    let files: BTreeSet<&FileRef> =
        products.iter().flat_map(|&product| record.reads(product)).filter(|file| !file.made).collect();
    let files: Vec<&FileRef> = files.into_iter().collect();
    let naming: BTreeMap<&str, u32> = files
        .into_par_iter()
        .filter_map(|file| Some((file.path.as_str(), line_naming(&fs::read(tree.join(&file.path)).ok()?, symbol)?)))
        .collect();
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for &product in products {
        let path = record.path(product);
        let stem = path.strip_suffix(".o").unwrap_or(path);
        let reads = record.reads(product).filter(|file| !file.made && naming.contains_key(file.path.as_str()));
        // Its own source says more than a header that everybody reads.
        let own = |file: &&FileRef| !file.path.starts_with(stem);
        if let Some(file) = reads.min_by_key(|file| (own(file), &file.path)) {
            places.entry(file.path.as_str()).or_default().push(path.to_owned());
        }
    }
    let place = |(file, products): (&str, Vec<String>)| Place {
        symbol: symbol.to_owned(),
        file: file.to_owned(),
        line: naming[file],
        products,
    };
    places.into_iter().map(place).collect()
}

/// The first line of `text` that names `CONFIG_<symbol>`.
fn line_naming(text: &[u8], symbol: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(text);
    let wanted = format!("CONFIG_{symbol}");
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || is_module(rest);
    let at = text.match_indices(&wanted).find(|(at, _)| ends(&text[at + wanted.len()..]))?.0;
    Some(1 + text[..at].matches('\n').count() as u32)
}

/// `CONFIG_A_MODULE` is defined when `A` is `m`.
fn is_module(rest: &str) -> bool {
    let rest = rest.strip_prefix("_MODULE").map(|rest| rest.chars().next());
    rest.is_some_and(|next| next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_names_a_symbol() {
        let text = b"a\n#ifdef CONFIG_NET_NS\n#endif\nIS_ENABLED(CONFIG_NET)\n#ifdef CONFIG_USB_MODULE\n";
        assert_eq!(line_naming(text, "NET_NS"), Some(2));
        assert_eq!(line_naming(text, "NET"), Some(4));
        assert_eq!(line_naming(text, "USB"), Some(5));
        assert_eq!(line_naming(text, "NE"), None);
    }
}
