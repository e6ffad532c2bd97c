//! Verification that another build has the same result.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kiln_diag::Sources;
use kiln_kbuild::extra_modules::{self, ExtraModules};
use kiln_kbuild::kernel;
use kiln_store::directory::{self, DirectoryError, Kind};
use rayon::prelude::*;

use crate::assemble::Assembled;
use crate::built::Built;
use crate::error::{AssembleError, PipelineError};
use crate::result::write_all;
use crate::session::Session;

/// The comparison of two builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// How many files were compared.
    pub files: usize,
    /// Those that differ, or that only one build made: `kernel/…` and `lib/…` of the compiled kernel, with all its
    /// modules, and files of the result.
    pub differing: Vec<String>,
}

impl Compared {
    fn add(&mut self, more: Compared) {
        self.files += more.files;
        self.differing.extend(more.differing);
    }
}

impl Built<'_> {
    /// Builds a finished build again in an empty directory, with one compiler more at once, and compares every file: of the
    /// compiled kernel with all its modules, of modules from outside of the tree, and of the result.
    ///
    /// # Errors
    /// Any [`PipelineError`] of a build.
    pub fn verify(&self, sources: &Sources, assembled: &Assembled) -> Result<Compared, PipelineError> {
        let Session { store, progress, jobs, .. } = self.resolved.session;
        progress.note("building again in an empty directory, to compare");
        let targets = self.resolved.recipe.make_targets();
        let spec = self.resolved.kernel_spec(&targets, jobs + 1);
        let again = kernel::again(store, &spec, &self.kernel, progress)?;
        let mut compared = compare(&self.kernel.dir, &again.kernel.dir).map_err(unreadable)?;
        let mut extra_again = None;
        if let Some(extra) = &self.extra {
            let dir = again.scratch("extra-modules");
            extra_modules::again(store, &spec, &again.kernel, &self.extra_sources, &dir, progress)?;
            compared.add(compare(&extra.dir, &dir).map_err(unreadable)?);
            extra_again = Some(ExtraModules { dir, key: extra.key });
        }
        let built = Built { kernel: again.kernel.clone(), extra: extra_again, ..self.clone() };
        match built.assembly(sources)?.0 {
            Some(assembly) => {
                let result = again.scratch("result");
                write_all(&again.kernel.dir, &assembly, &result).map_err(AssembleError::from)?;
                compared.add(compare(&assembled.dir, &result).map_err(unreadable)?);
            }
            // The loaders were closed once, so the modules differ now.
            None => compared.differing.push("the loaders".to_owned()),
        }
        again.forget()?;
        compared.differing.sort();
        compared.differing.dedup();
        Ok(compared)
    }
}

/// Compares two directories, file by file.
fn compare(one: &Path, two: &Path) -> Result<Compared, DirectoryError> {
    let (first, second) = (digests(one)?, digests(two)?);
    let names: BTreeSet<&PathBuf> = first.keys().chain(second.keys()).collect();
    let differing = names.iter().filter(|name| first.get(**name) != second.get(**name));
    Ok(Compared { differing: differing.map(|name| name.display().to_string()).collect(), files: names.len() })
}

/// Returns a description of each file of a directory: its bytes, whether it is executable, and a link's target.
fn digests(dir: &Path) -> Result<BTreeMap<PathBuf, String>, DirectoryError> {
    let listing = directory::list(dir)?;
    let files = listing.files().par_iter().filter(is_of_build).map(|file| {
        let what = match &file.kind {
            Kind::Link(target) => format!("-> {}", target.display()),
            _ => format!("{} {}", listing.digest_of(file)?, file.mode & 0o100 != 0),
        };
        Ok((file.path.clone(), what))
    });
    files.collect()
}

fn is_of_build(file: &&directory::Found) -> bool {
    file.kind != Kind::Folder && file.path != Path::new(kernel::RECORD_FILE)
}

fn unreadable(error: DirectoryError) -> PipelineError {
    PipelineError::Kernel(error.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn every_file_counts_by_its_bytes_its_kind_and_whether_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| dir.path().join(name));
        for side in [&one, &two] {
            fs::create_dir_all(side.join("lib")).unwrap();
            for name in ["same", "lib/bytes", "lib/mode"] {
                fs::write(side.join(name), "1").unwrap();
            }
            symlink("same", side.join("link")).unwrap();
        }
        assert_eq!(compare(&one, &two).unwrap(), Compared { files: 4, differing: Vec::new() });
        fs::write(two.join("lib/bytes"), "2").unwrap();
        fs::set_permissions(two.join("lib/mode"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(two.join("link")).unwrap();
        symlink("other", two.join("link")).unwrap();
        fs::write(one.join("lost"), "").unwrap();
        fs::write(two.join("more"), "").unwrap();
        let found = compare(&one, &two).unwrap();
        assert_eq!((found.files, found.differing.join(" ")), (6, "lib/bytes lib/mode link lost more".to_owned()));
    }
}
