//! The stage before anything is compiled, which `kiln check` and `kiln build` share: all that a build would find
//! without a built module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kiln_assembly::ahead::{self, Ahead, may_name};
use kiln_assembly::firmware::packing;
use kiln_assembly::left_out::{self, divide_ahead};
use kiln_diag::{Code, Diagnostic, Diagnostics, Span};
use kiln_kbuild::extra_modules::ExtraSource;
use kiln_kbuild::makefiles;
use kiln_makefile::ModuleRules;
use kiln_plan::evaluate::{FirmwareSource, Located};
use kiln_store::directory::list;
use rayon::prelude::*;

use crate::analysis::Analysis;
use crate::error::PipelineError;
use crate::extra_sources::ExtraSourcesError;
use crate::outputs;
use crate::prepared::Prepared;
use crate::resolved::Resolved;

impl Resolved<'_> {
    /// Fetches the sources of the recipe's extra modules, and checks loaders, outputs, firmware and the guest's files
    /// against the config and the makefiles.
    ///
    /// Without errors among the findings, only what built modules contain can still prevent a result.
    ///
    /// # Errors
    /// A source or a makefile that cannot be fetched or read.
    pub fn before_compiling(&self) -> Result<(Vec<ExtraSource>, Diagnostics), PipelineError> {
        let (sources, mut findings) = self.extra_sources()?;
        findings.extend(self.loaders_ahead(&sources)?);
        findings.extend(outputs::unreadable(&self.recipe.outputs, &self.config));
        let hardware = &self.recipe.hardware;
        findings.extend(packing(&hardware.firmware_compression, &self.config, &self.tree.version).1);
        findings.extend(hardware.firmware.iter().filter_map(missing_directory));
        let files = self.recipe.boot.files.iter();
        findings.extend(files.filter_map(|(at, file)| missing_file(at, file)));
        Ok((sources, findings))
    }

    fn loaders_ahead(&self, sources: &[ExtraSource]) -> Result<Diagnostics, PipelineError> {
        let loaders = &self.recipe.loaders;
        if loaders.is_empty() {
            return Ok(Diagnostics::new());
        }
        let rules = self.module_rules()?;
        let ahead = Ahead {
            rules: &rules,
            extra: &extra_of(sources)?,
            config: &self.config,
            requests: &self.recipe.kernel.requests,
            is_alias: &|word| self.is_alias(&rules, word),
            // A makefile that became unreadable after all were read has no object.
            has_object: &|word| makefiles::have_object(&self.tree.path, word).unwrap_or(false),
        };
        Ok(ahead::findings(&ahead, loaders))
    }

    /// Whether the source of a module that is built may give it the alias `word`.
    fn is_alias(&self, rules: &ModuleRules, word: &str) -> bool {
        let is_built = |symbol: &String| self.config.get(symbol) == Some("m");
        let of_names = rules.names().flat_map(|name| rules.of(name));
        let built = of_names.filter(|rule| rule.symbol.as_ref().is_some_and(is_built));
        let parts: Vec<&str> = built.flat_map(|rule| rules.parts_of(&rule.object)).collect();
        parts.par_iter().any(|part| self.source_of(part).is_some_and(|text| may_name(&text, word)))
    }
}

impl Prepared<'_> {
    /// Returns, for each of these names and aliases, the symbols that build a module which has it, as far as makefiles and
    /// the texts of sources show.
    ///
    /// # Errors
    /// A makefile cannot be read.
    pub fn symbols_of_modules(&self, names: &[&str]) -> Result<Vec<BTreeSet<String>>, PipelineError> {
        let rules = self.module_rules()?;
        let by_name = names.iter().map(|name| rules.of(name).iter().filter_map(|rule| rule.symbol.clone()).collect());
        let mut found: Vec<BTreeSet<String>> = by_name.collect();
        let open: Vec<usize> = (0..names.len()).filter(|index| found[*index].is_empty()).collect();
        if open.is_empty() {
            return Ok(found);
        }
        let all: Vec<(&str, &str)> = rules
            .names()
            .flat_map(|name| rules.of(name))
            .filter_map(|rule| Some((rule.symbol.as_deref()?, rule)))
            .flat_map(|(symbol, rule)| rules.parts_of(&rule.object).into_iter().map(move |part| (symbol, part)))
            .collect();
        let by_alias: Vec<(usize, &str)> = all
            .par_iter()
            .flat_map_iter(|(symbol, part)| {
                let text = self.source_of(part).unwrap_or_default();
                let named = open.iter().filter(|index| may_name(&text, names[**index]));
                named.map(|index| (*index, *symbol)).collect::<Vec<_>>()
            })
            .collect();
        for (index, symbol) in by_alias {
            found[index].insert(symbol.to_owned());
        }
        Ok(found)
    }

    /// Returns the text of the C file that an object is made from; `None` where there is none.
    fn source_of(&self, object: &str) -> Option<String> {
        let bytes = kiln_file::read(self.tree.path.join(format!("{object}.c"))).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Analysis<'_> {
    /// Returns names of the modules that would be built and that no loader would take, by Kconfig's dependencies, with
    /// a warning for each request that builds only such.
    ///
    /// # Errors
    /// A makefile cannot be read.
    pub fn left_out(&self) -> Result<(Vec<String>, Diagnostics), PipelineError> {
        let (rules, loaders) = (self.module_rules()?, &self.recipe.loaders);
        let division = divide_ahead(self.parsed.model(), &rules, &self.config, loaders);
        let warnings = left_out::warnings(&division, &self.recipe.kernel.requests, loaders);
        Ok((division.left_out.into_iter().map(|one| one.module).collect(), warnings))
    }
}

/// Reads the makefiles of sources from outside of the tree.
fn extra_of(sources: &[ExtraSource]) -> Result<ModuleRules, PipelineError> {
    let mut extra = ModuleRules::new();
    for source in sources {
        let folder = source.folder();
        let listed = list(&folder).map_err(ExtraSourcesError::from)?;
        for file in listed.files() {
            let is_makefile = file.path.file_name().is_some_and(|name| name == "Kbuild" || name == "Makefile");
            if is_makefile {
                let path = folder.join(&file.path);
                let text = kiln_file::read(&path).map_err(|source| PipelineError::Read { path, source })?;
                extra.add(&file.path.to_string_lossy(), &String::from_utf8_lossy(&text));
            }
        }
    }
    Ok(extra)
}

fn missing_directory(source: &Located<FirmwareSource>) -> Option<Diagnostic> {
    let FirmwareSource::Path(path) = &source.value else { return None };
    let message = format!("there is no directory `{}`, in which firmware is looked for", path.display());
    (!path.is_dir()).then(|| absent(message, source.origin).option("hardware.firmware"))
}

fn missing_file(at: &str, file: &Located<PathBuf>) -> Option<Diagnostic> {
    let path: &Path = &file.value;
    let message = format!("there is no `{}`, which the guest of `kiln boot` would have as `{at}`", path.display());
    (!path.exists()).then(|| absent(message, file.origin).option("boot.files"))
}

fn absent(message: String, origin: Option<Span>) -> Diagnostic {
    Diagnostic::warning(Code::UnreadableFile, message).label(origin, "named here").help("make it, or correct the path")
}
