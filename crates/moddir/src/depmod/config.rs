//! `depmod.d`: which of several files with one module name to take, and where else to search.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// The settings in the files of `depmod.d`.
#[derive(Debug, Default)]
pub struct Config {
    /// Words of the `search` lines in the order written: the first has the highest priority.
    pub(super) search: Vec<Place>,
    /// In the order written: the last has the highest priority.
    pub(super) overrides: Vec<Override>,
    external: Vec<(Pattern, PathBuf)>,
    /// Names of files and directories to skip.
    pub exclude: Vec<String>,
    /// Lines that are not understood, with their files.
    pub ignored: Vec<String>,
}

/// One word of a `search` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Paths that no other word names.
    BuiltIn,
    /// The directories of `external` lines.
    External,
    /// Paths that begin with this, below the directory of the release.
    Below(String),
}

/// `override NAME KVER SUBDIR`.
#[derive(Debug)]
pub(super) struct Override {
    pub(super) kernel: Pattern,
    /// `SUBDIR/NAME`.
    pub(super) path: String,
}

/// The kernels that a line is for.
#[derive(Debug)]
pub(super) enum Pattern {
    Any,
    Matching(Regex),
    /// Not an expression: the line is for no kernel.
    Never,
}

/// A file of `depmod.d` that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct ConfigError {
    /// The file or directory.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// The default directories of `depmod`; an earlier one's file hides a later one's of the same name.
const FOLDERS: [&str; 4] = ["/etc/depmod.d", "/run/depmod.d", "/usr/local/lib/depmod.d", "/lib/depmod.d"];

impl Config {
    /// Reads the given files and directories, or, when there is none, the default directories.
    ///
    /// # Errors
    /// [`ConfigError`] for one that exists and cannot be read; one that does not exist is empty.
    pub fn read(paths: &[PathBuf]) -> Result<Config, ConfigError> {
        let usual: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
        let mut config = Config::default();
        for file in files(if paths.is_empty() { &usual } else { paths })? {
            let text = kiln_file::read_to_string(&file).map_err(|source| ConfigError { path: file.clone(), source })?;
            config.add(&text, &file.display().to_string());
        }
        Ok(config)
    }

    /// Adds the lines of one file.
    pub(super) fn add(&mut self, text: &str, file: &str) {
        for line in text.replace("\\\n", "").split('\n').filter(|line| !line.starts_with('#')) {
            // Quirk: only blanks and tabs separate words, and a comment begins in the first column.
            let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
            match words.next() {
                None => {}
                Some("search") => self.search.extend(words.map(place)),
                Some("override") => {
                    if let (Some(name), Some(kernel), Some(subdir)) = (words.next(), words.next(), words.next()) {
                        let path = format!("{subdir}/{name}");
                        self.overrides.push(Override { kernel: Pattern::new(kernel), path });
                    } else {
                        self.ignored
                            .push(format!("{file}: an override needs a name, a kernel and a directory: {line}"));
                    }
                }
                Some("external") => {
                    let (kernel, dir) = (words.next(), words.next());
                    if let (Some(kernel), Some(dir)) = (kernel, dir) {
                        self.external.push((Pattern::new(kernel), PathBuf::from(dir)));
                    } else {
                        self.ignored.push(format!("{file}: an external needs a kernel and a directory: {line}"));
                    }
                }
                Some("exclude") => self.exclude.extend(words.map(str::to_owned)),
                Some("include" | "make_map_files") => {}
                Some(word) => self.ignored.push(format!("{file}: ignoring bad line starting with '{word}'")),
            }
        }
    }

    /// Returns the directories outside of the release's own that are for this kernel.
    pub(super) fn external(&self, version: &str) -> Vec<PathBuf> {
        self.external.iter().filter(|(kernel, _)| kernel.matches(version)).map(|(_, dir)| dir.clone()).collect()
    }
}

impl Pattern {
    fn new(text: &str) -> Pattern {
        match text {
            "*" => Pattern::Any,
            _ => Regex::new(text).map_or(Pattern::Never, Pattern::Matching),
        }
    }

    pub(super) fn matches(&self, version: &str) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Matching(expression) => expression.is_match(version),
            Pattern::Never => false,
        }
    }
}

fn place(word: &str) -> Place {
    match word {
        "built-in" => Place::BuiltIn,
        "external" => Place::External,
        _ => Place::Below(word.to_owned()),
    }
}

/// Returns the `*.conf` files of all directories sorted by name, each name once; files in `paths` are kept as is.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ConfigError> {
    let mut by_name: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for path in paths {
        let failed = |source| ConfigError { path: path.clone(), source };
        if path.is_dir() {
            for entry in std::fs::read_dir(path).map_err(failed)? {
                let file = entry.map_err(failed)?.path();
                if file.extension().is_some_and(|ending| ending == "conf") && file.is_file() {
                    enter(&mut by_name, &file);
                }
            }
        } else if path.exists() {
            enter(&mut by_name, path);
        }
    }
    Ok(by_name.into_values().collect())
}

fn enter(by_name: &mut BTreeMap<std::ffi::OsString, PathBuf>, file: &Path) {
    if let Some(name) = file.file_name() {
        by_name.entry(name.to_owned()).or_insert_with(|| file.to_owned());
    }
}
