//! Reads the objects that a configuration builds from Kbuild makefiles.
//!
//! See [`Variables`] for the supported subset of make's language.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::normal;
use crate::variables::{BuildContext, Variables};

/// Objects by their path in the output directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// All objects that are compiled or assembled.
    pub linked: BTreeSet<String>,
    /// Modules (path without `.ko`) with the objects of each.
    pub modules: BTreeMap<String, Vec<String>>,
}

/// The deepest nesting of directories; deeper means that a link leads in a circle.
const MAX_FOLDERS: usize = 16;

/// Returns the objects that a config builds from a tree, as far as its makefiles list them directly.
///
/// `read` returns the text of a file of the tree; `None` when it does not exist.
pub fn objects<'a>(context: BuildContext<'a>, read: &'a dyn Fn(&str) -> Option<String>) -> Objects {
    let mut reading = Reading { context, read, objects: Objects::default(), seen: BTreeSet::new() };
    let mut top = Variables::of_folder("", context);
    // The top makefile calls itself once, and does its work in the second call.
    for (name, value) in [("sub_make_done", "1"), ("MAKEFLAGS", "--no-print-directory")] {
        top.set(name, value.to_owned());
    }
    for file in ["Makefile".to_owned(), format!("arch/{}/Makefile", context.srcarch)] {
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
    context: BuildContext<'a>,
    read: &'a dyn Fn(&str) -> Option<String>,
    objects: Objects,
    /// Directories, and whether each was built in.
    seen: BTreeSet<(String, bool)>,
}

impl Reading<'_> {
    fn folder(&mut self, folder: &str, built_in: bool) {
        if folder.split('/').count() > MAX_FOLDERS || !self.seen.insert((folder.to_owned(), built_in)) {
            return;
        }
        let names = ["Kbuild", "Makefile"];
        let Some(text) = names.iter().find_map(|name| (self.read)(&format!("{folder}/{name}"))) else { return };
        let mut variables = Variables::of_folder(folder, self.context);
        variables.evaluate(&text);
        self.lists(folder, &variables, built_in);
    }

    /// Adds the objects in the object lists of one makefile.
    fn lists(&mut self, folder: &str, variables: &Variables<'_>, built_in: bool) {
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

    /// Adds one object, or those that it is composed of.
    fn object(&mut self, folder: &str, word: &str, stem: &str, variables: &Variables<'_>, is_module: bool) {
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

    fn evaluate(&self, file: &str, variables: &mut Variables<'_>) {
        if let Some(text) = (self.read)(file) {
            variables.evaluate(&text);
        }
    }
}

#[cfg(test)]
mod tests;
