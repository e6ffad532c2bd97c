//! Reads Kbuild makefiles for the objects that a configuration asks for.
//!
//! How much of make's language is understood is said in `kiln_plan::make_text`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kiln_kconfig::Config;
use kiln_plan::make_text::{Variables, normal};

use crate::toolchain::Target;

/// Objects by their path in the output folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// All that are compiled or assembled.
    pub(super) linked: BTreeSet<String>,
    /// Modules (path without `.ko`) with the objects of each.
    pub(super) modules: BTreeMap<String, Vec<String>>,
}

/// How deep folders may be nested; beyond it a link leads in a circle.
const MAX_FOLDERS: usize = 16;

/// Lists what `config` builds of `tree`, as far as its makefiles say so plainly.
pub(super) fn objects(tree: &Path, target: &Target, config: &Config) -> Objects {
    let mut reading = Reading { tree, target, config, objects: Objects::default(), seen: BTreeSet::new() };
    let mut top = reading.variables("");
    // The top makefile calls itself once, and does its work in the second call.
    for (name, value) in [("sub_make_done", "1"), ("MAKEFLAGS", "--no-print-directory")] {
        top.set(name, value.to_owned());
    }
    for file in ["Makefile".to_owned(), format!("arch/{}/Makefile", target.srcarch)] {
        reading.evaluate(&file, &mut top);
    }
    // The top makefile exports these lists to Kbuild's, which begins the descent (from 6.1; before, it descends itself).
    for (name, list) in [("ARCH_CORE", "core-y"), ("ARCH_LIB", "libs-y"), ("ARCH_DRIVERS", "drivers-y")] {
        let value = top.value(list);
        top.set(name, value);
    }
    let lists: Vec<String> = ["init-y", "core-y", "libs-y", "drivers-y", "net-y", "virt-y", "head-y"]
        .iter()
        .map(|list| top.value(list))
        .collect();
    for word in lists.iter().flat_map(|list| list.split_ascii_whitespace()) {
        if let Some(folder) = word.strip_suffix('/') {
            reading.folder(&normal("", folder), true);
        }
    }
    let mut root = top;
    reading.evaluate("Kbuild", &mut root);
    reading.lists("", &root, true);
    reading.objects
}

struct Reading<'a> {
    tree: &'a Path,
    target: &'a Target,
    config: &'a Config,
    objects: Objects,
    /// Folders with whether they were built in.
    seen: BTreeSet<(String, bool)>,
}

impl Reading<'_> {
    /// The variables that every makefile sees.
    fn variables(&self, folder: &str) -> Variables {
        Variables::of_folder(folder, &self.target.arch, &self.target.srcarch, self.config)
    }

    fn folder(&mut self, folder: &str, built_in: bool) {
        if folder.split('/').count() > MAX_FOLDERS || !self.seen.insert((folder.to_owned(), built_in)) {
            return;
        }
        let mut variables = self.variables(folder);
        let file = ["Kbuild", "Makefile"].map(|name| format!("{folder}/{name}"));
        let Some(file) = file.into_iter().find(|file| self.tree.join(file).is_file()) else { return };
        self.evaluate(&file, &mut variables);
        self.lists(folder, &variables, built_in);
    }

    /// Takes up what the object lists of one makefile name.
    fn lists(&mut self, folder: &str, variables: &Variables, built_in: bool) {
        for (list, is_module) in [("obj-y", false), ("lib-y", false), ("obj-m", true), ("lib-m", false)] {
            for word in variables.value(list).split_ascii_whitespace() {
                let path = normal(folder, word);
                if word.ends_with('/') {
                    self.folder(&path, built_in && !is_module);
                } else if let Some(stem) = path.strip_suffix(".o").filter(|_| is_module || built_in) {
                    self.object(folder, word, stem, variables, is_module);
                }
            }
        }
    }

    /// Takes up one object, or those that it is composed of.
    fn object(&mut self, folder: &str, word: &str, stem: &str, variables: &Variables, is_module: bool) {
        let name = word.trim_end_matches(".o");
        let parts: Vec<String> = ["objs", "y", "m"]
            .iter()
            .filter(|&&kind| kind != "m" || is_module)
            .map(|kind| variables.value(&format!("{name}-{kind}")))
            .collect();
        let mut members: Vec<String> = Vec::new();
        for part in parts.iter().flat_map(|part| part.split_ascii_whitespace()).filter(|part| part.ends_with(".o")) {
            members.push(normal(folder, part));
        }
        if members.is_empty() {
            members.push(format!("{stem}.o"));
        }
        self.objects.linked.extend(members.iter().cloned());
        if is_module {
            self.objects.modules.insert(stem.to_owned(), members);
        }
    }

    fn evaluate(&self, file: &str, variables: &mut Variables) {
        let Ok(bytes) = std::fs::read(self.tree.join(file)) else { return };
        variables.evaluate(&String::from_utf8_lossy(&bytes));
    }
}

#[cfg(test)]
mod tests;
