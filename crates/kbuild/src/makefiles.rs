//! Reads all makefiles of a kernel tree from disk.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_advise::names::NamedModule;
use kiln_makefile::ModuleRules;

use kiln_store::directory::{DirectoryError, Kind, list};

/// Reads every `Makefile` and `Kbuild` below `tree`, in byte-wise order of their paths.
///
/// # Errors
/// Returns the file or directory that cannot be read, and the system's error.
pub fn read(tree: &Path) -> Result<ModuleRules, (PathBuf, io::Error)> {
    let mut rules = ModuleRules::new();
    below(tree, tree, &mut |file, text| rules.add(file, text))?;
    Ok(rules)
}

/// Whether a `Makefile` or `Kbuild` below `tree` has the word `NAME.o`, with `-` or `_`, whatever for.
///
/// # Errors
/// Returns the file or directory that cannot be read, and the system's error.
pub fn have_object(tree: &Path, name: &str) -> Result<bool, (PathBuf, io::Error)> {
    let wanted = format!("{}.o", name.replace('-', "_"));
    let mut is_found = false;
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    below(tree, tree, &mut |_, text| {
        is_found |= text.split(|c: char| !is_word(c)).any(|word| word.replace('-', "_") == wanted);
    })?;
    Ok(is_found)
}

/// Reads every `Makefile` and `Kbuild` in the directories of `objects`, which are paths inside `tree`, and in the
/// directories above them: those that can build the objects.
///
/// # Errors
/// Returns the makefile that cannot be read, and the system's error.
pub fn above<'a>(tree: &Path, objects: impl IntoIterator<Item = &'a str>) -> Result<ModuleRules, (PathBuf, io::Error)> {
    let mut directories: BTreeSet<&str> = BTreeSet::from([""]);
    for object in objects {
        directories.extend(object.match_indices('/').map(|(end, _)| &object[..end]));
    }
    let mut rules = ModuleRules::new();
    for directory in directories {
        for name in ["Kbuild", "Makefile"] {
            let path = tree.join(directory).join(name);
            if path.is_file() {
                add(tree, &path, &mut |file, text| rules.add(file, text))?;
            }
        }
    }
    Ok(rules)
}

/// Returns the makefiles and shell scripts below `tree`, as paths inside it in byte-wise order.
///
/// # Errors
/// A directory cannot be read.
pub fn files(tree: &Path) -> Result<Vec<String>, DirectoryError> {
    let is_one = |file: &str| {
        let name = file.rsplit('/').next().unwrap_or(file);
        let begins = ["Kbuild", "Makefile"].iter().any(|begin| name.starts_with(begin));
        begins || name == "Platform" || name.ends_with(".mk") || name.ends_with(".sh") || file.starts_with("scripts/")
    };
    let files = list(tree)?;
    let files = files.files().iter().filter(|file| file.kind == Kind::File);
    Ok(files.map(|file| file.path.to_string_lossy().into_owned()).filter(|file| is_one(file)).collect())
}

/// Returns the source files of a module that are in `tree`, as paths inside it.
///
/// Parts that are generated during the build (from tables, by other programs) are left out.
pub fn sources(tree: &Path, module: &NamedModule) -> Vec<String> {
    let file = |part: &String| {
        let names = ["c", "S", "rs"].map(|ending| format!("{part}.{ending}"));
        names.into_iter().find(|name| tree.join(name).is_file())
    };
    module.parts.iter().filter_map(file).collect()
}

fn below(tree: &Path, folder: &Path, visit: &mut dyn FnMut(&str, &str)) -> Result<(), (PathBuf, io::Error)> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| (path, source)
    };
    let mut entries =
        fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(refused(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(refused(&path))?;
        let name = entry.file_name();
        if kind.is_dir() {
            below(tree, &path, visit)?;
        } else if kind.is_file() && (name == "Makefile" || name == "Kbuild") {
            add(tree, &path, visit)?;
        }
    }
    Ok(())
}

fn add(tree: &Path, path: &Path, visit: &mut dyn FnMut(&str, &str)) -> Result<(), (PathBuf, io::Error)> {
    let text = kiln_file::read(path).map_err(|source| (path.to_owned(), source))?;
    let shown = path.strip_prefix(tree).unwrap_or(path).to_string_lossy().into_owned();
    visit(&shown, &String::from_utf8_lossy(&text));
    Ok(())
}
