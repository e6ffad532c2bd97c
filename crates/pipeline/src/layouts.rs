//! Structures whose layout differs under a changed config.
//!
//! Files that name a symbol which changes are looked up in the record of the new build. A few objects that together
//! read all of them are compiled under the deployed config and under the changed one, and their structures compared.
//! Headers come first, since their definitions are shared; then sources that define structures, as far as the number of
//! objects allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kiln_exec::ExecError;
use kiln_impact::{BuildRecord, Comparison, Layouts, ProductKind, StructureChange};
use kiln_kbuild::kernel::layouts::{TwoConfigs, Unreadable};
use kiln_kbuild::kernel::{Kernel, KernelError, read_record};
use kiln_modgraph::read::Structure;
use kiln_plan::KeyWriter;
use rayon::prelude::*;

use crate::error::PipelineError;
use crate::impact::Deployed;
use crate::impact::namings_of;
use crate::resolved::Resolved;
use crate::session::Session;

/// The greatest number of objects that are compiled.
const MAX_OBJECTS: usize = 24;

/// The known layouts under the deployed and the changed config.
#[derive(Debug, Clone, Default)]
pub struct LayoutReport {
    /// Structures that have another layout.
    pub changes: Vec<StructureChange>,
    /// Objects that were compiled for it.
    pub objects: Vec<String>,
    /// Objects that should have been compiled or read, and could not.
    pub unread: Vec<Unread>,
    /// Files that name a symbol which changes, and that none of the compiled objects reads.
    pub left_out: Vec<String>,
    /// Why there are no results at all.
    pub fault: Option<String>,
}

/// An object whose structures could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its path inside the output directory.
    pub object: String,
    /// The reason.
    pub why: String,
}

impl Resolved<'_> {
    /// Compares the layouts of structures of a deployed kernel and of one that was built from the changed recipe.
    ///
    /// Kbuild's directory is locked meanwhile, and stays as it is.
    /// # Errors
    /// The store's error, and an interrupt; what cannot be compiled or read is in the report.
    pub fn layouts(
        &self,
        deployed: &Deployed,
        kernel: &Kernel,
        comparison: &Comparison,
    ) -> Result<LayoutReport, PipelineError> {
        let record = match read_record(&kernel.dir) {
            Ok(record) => record,
            Err((path, source)) => return Err(PipelineError::Read { path, source }),
        };
        let changes = kiln_impact::changes(&deployed.config, &self.config);
        let symbols: BTreeSet<String> = changes.into_iter().map(|change| change.symbol).collect();
        let work = self.session.store.work_dir(&kernel.work, "kbuild", self.session.progress)?;
        if work.is_new() {
            work.finish()?;
            let fault = "the directory that the kernel was built in is not in the store any more".to_owned();
            return Ok(LayoutReport { fault: Some(fault), ..LayoutReport::default() });
        }
        // The lock of the one directory covers the other too.
        let key = KeyWriter::new("layouts-work/1").field("work", kernel.work).finish();
        let mut scratch = self.session.store.work_dir(&key, "layouts", self.session.progress)?;
        scratch.clear()?;
        let candidates = Candidates::new(&self.tree.path, &record, &deployed.record, comparison, &symbols);
        let folders = (self.tree.path.as_path(), work.path(), scratch.path());
        let configs = [&deployed.config, &self.config];
        let found = match TwoConfigs::new(folders, &self.target, &self.toolchain, configs) {
            Ok(two) => read_all(&self.session, &self.tree.path, &two, candidates, &symbols),
            Err(error) => interrupt_of(&error)
                .map_or_else(|| Ok(LayoutReport { fault: Some(in_words(&error)), ..LayoutReport::default() }), Err),
        };
        scratch.clear()?;
        scratch.finish()?;
        // The mark of an interrupted build is for the next one.
        if !work.was_cut_off() {
            work.finish()?;
        }
        found
    }
}

/// Compiles objects until no other one would add a file.
fn read_all(
    session: &Session<'_>,
    tree: &Path,
    two: &TwoConfigs<'_>,
    mut candidates: Candidates,
    symbols: &BTreeSet<String>,
) -> Result<LayoutReport, PipelineError> {
    let mut report = LayoutReport::default();
    let mut layouts = Layouts::default();
    let mut budget = MAX_OBJECTS;
    loop {
        let chosen = candidates.choose(budget);
        if chosen.is_empty() {
            break;
        }
        budget -= chosen.len();
        session.progress.begin("compile for layouts", Some(chosen.len() as u64));
        let read: Vec<Result<[Vec<Structure>; 2], Unreadable>> = chosen
            .par_iter()
            .map(|object| {
                let found = two.structures(object);
                session.progress.advance(1, object);
                found
            })
            .collect();
        session.progress.end();
        let mut is_whole = true;
        for (object, found) in chosen.into_iter().zip(read) {
            match found {
                Ok(structures) => {
                    layouts.add(structures);
                    candidates.take(&object);
                    report.objects.push(object);
                }
                Err(error) => {
                    if let Some(interrupt) = interrupt_of(&error) {
                        return Err(interrupt);
                    }
                    is_whole = false;
                    candidates.drop(&object);
                    report.unread.push(Unread { why: in_words(&error), object });
                }
            }
        }
        if is_whole {
            break;
        }
    }
    let text = |file: &str| kiln_file::read(tree.join(file)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let texts: BTreeMap<&str, String> =
        layouts.files().into_iter().filter_map(|file| Some((file, text(file).ok()?))).collect();
    report.changes = layouts.changes(&symbols.iter().map(String::as_str).collect(), &texts);
    report.left_out = candidates.files.into_iter().collect();
    report.objects.sort();
    report.unread.sort_by(|one, two| one.object.cmp(&two.object));
    Ok(report)
}

/// Objects that may be compiled, in the order of preference, and files that none of them has read yet.
#[derive(Debug)]
struct Candidates {
    objects: Vec<(String, BTreeSet<String>)>,
    files: BTreeSet<String>,
}

impl Candidates {
    fn new(
        tree: &Path,
        record: &BuildRecord,
        deployed: &BuildRecord,
        comparison: &Comparison,
        symbols: &BTreeSet<String>,
    ) -> Candidates {
        let files: BTreeSet<String> = namings_of(tree, record, symbols)
            .into_keys()
            .filter(|file| file.ends_with(".h") || (file.ends_with(".c") && defines_structures(&tree.join(file))))
            .collect();
        let is_object = |record: &BuildRecord, product: usize| {
            matches!(record.kind(product), ProductKind::BuiltIn | ProductKind::Module)
        };
        let mut objects = Vec::new();
        for product in (0..record.len()).filter(|product| is_object(record, *product)) {
            let path = record.path(product);
            let Some(source) = path.strip_suffix(".o").map(|stem| format!("{stem}.c")) else { continue };
            // A product that only one of the kernels has cannot be compiled under the other's config.
            let is_in_both = deployed.find(path).is_some_and(|product| is_object(deployed, product));
            let has_source = || record.reads(product).any(|file| !file.made && file.path == source);
            let reads = record.reads(product).filter(|file| !file.made && files.contains(&file.path));
            let reads: BTreeSet<String> = reads.map(|file| file.path.clone()).collect();
            if is_in_both && !reads.is_empty() && has_source() {
                let size = fs::metadata(tree.join(&source)).map_or(u64::MAX, |found| found.len());
                let rank = (comparison.changed.binary_search_by(|changed| changed.as_str().cmp(path)).is_err(), size);
                objects.push((rank, path.to_owned(), reads));
            }
        }
        objects.sort();
        let objects: Vec<_> = objects.into_iter().map(|(_, path, reads)| (path, reads)).collect();
        let files = objects.iter().flat_map(|(_, reads)| reads.clone()).collect();
        Candidates { objects, files }
    }

    /// Chooses the objects that add most, one by one: by headers first, then by all files.
    fn choose(&self, budget: usize) -> Vec<String> {
        let mut chosen: Vec<String> = Vec::new();
        let mut left = self.files.clone();
        for is_wanted in [(|file: &str| file.ends_with(".h")) as fn(&str) -> bool, |_| true] {
            while chosen.len() < budget {
                let gain = |reads: &BTreeSet<String>| {
                    reads.iter().filter(|file| is_wanted(file) && left.contains(file.as_str())).count()
                };
                let counted = self.objects.iter().map(|(path, reads)| (gain(reads), path, reads));
                // Of equals, the first in the order of preference.
                let best = counted.fold(None, |best: Option<(usize, &String, &BTreeSet<String>)>, next| match best {
                    Some(best) if best.0 >= next.0 => Some(best),
                    _ => Some(next),
                });
                let Some((_, path, reads)) = best.filter(|(gain, ..)| *gain > 0) else { break };
                left.retain(|file| !reads.contains(file));
                chosen.push(path.clone());
            }
        }
        chosen
    }

    /// Marks the object's files as read.
    fn take(&mut self, object: &str) {
        if let Some((_, reads)) = self.objects.iter().find(|(path, _)| path == object) {
            self.files.retain(|file| !reads.contains(file));
        }
    }

    /// Removes an object that cannot be read.
    fn drop(&mut self, object: &str) {
        self.objects.retain(|(path, _)| path != object);
    }
}

/// Whether a source contains the definition of a structure.
fn defines_structures(path: &Path) -> bool {
    let Ok(text) = kiln_file::read(path) else { return false };
    let is_definition = |line: &str| {
        let line = line.trim();
        line.ends_with('{')
            && !line.contains(['(', '='])
            && line.split_ascii_whitespace().any(|word| matches!(word, "struct" | "union"))
    };
    String::from_utf8_lossy(&text).lines().any(is_definition)
}

fn interrupt_of(error: &Unreadable) -> Option<PipelineError> {
    match error {
        Unreadable::Exec(ExecError::Interrupted(interrupt)) => Some(KernelError::from(*interrupt).into()),
        _ => None,
    }
}

/// Formats an error with its causes in one line.
fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let mut words: Vec<String> = std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect();
    words.dedup();
    words.join(": ").lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(objects: &[(&str, &str)]) -> Candidates {
        let set = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<String>>();
        let objects: Vec<_> = objects.iter().map(|(path, reads)| ((*path).to_owned(), set(reads))).collect();
        let files = objects.iter().flat_map(|(_, reads)| reads.clone()).collect();
        Candidates { objects, files }
    }

    #[test]
    fn a_few_objects_that_read_all() {
        let mut all =
            candidates(&[("one.o", "a.h one.c"), ("two.o", "a.h b.h"), ("three.o", "b.h c.h"), ("four.o", "a.h b.h")]);
        assert_eq!(all.choose(9), ["two.o", "three.o", "one.o"]);
        assert_eq!(all.choose(1), ["two.o"]);
        all.take("two.o");
        all.drop("three.o");
        assert_eq!(all.choose(9), ["one.o"]);
        all.take("one.o");
        assert_eq!((all.choose(9).len(), all.files.into_iter().collect::<Vec<_>>()), (0, vec!["c.h".to_owned()]));
    }

    #[test]
    fn definitions_in_sources() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.c");
        for (text, expected) in [
            ("static struct a {\n", true),
            ("typedef union {\n", true),
            ("static struct a x = {\n", false),
            ("struct a *f(struct b *b) {\n", false),
            ("struct a;\n", false),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(defines_structures(&path), expected, "{text}");
        }
    }
}
