//! Declared dependencies that no source file names.
//!
//! A crate is named where a path starts with it (`serde::`, `use tar;`). What only tests name belongs under
//! `[dev-dependencies]`. Code inside macros and comments is read as text, so the check can miss an unused crate that
//! a block comment or a string names; it never calls a used one unused.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, Package};

/// Returns a finding for each dependency of a member that its sources do not name.
pub(super) fn check(metadata: &Metadata) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in metadata.workspace_packages() {
        findings.extend(check_member(member)?);
    }
    Ok(findings)
}

fn check_member(member: &Package) -> Result<Vec<String>> {
    let folder = member.manifest_path.parent().context("a manifest is in a directory")?;
    let mut sources = Sources::default();
    sources.read(folder.as_std_path(), false)?;
    let mut findings = Vec::new();
    for dependency in &member.dependencies {
        let name = dependency.rename.as_ref().unwrap_or(&dependency.name).replace('-', "_");
        let in_code = names(&sources.code, &name);
        let in_tests = names(&sources.tests, &name);
        let problem = match dependency.kind {
            _ if in_code => continue,
            DependencyKind::Development if in_tests => continue,
            DependencyKind::Normal if in_tests => "only tests name it: move it to [dev-dependencies]",
            _ => "no source file names it",
        };
        findings.push(format!("{}: `{}`: {problem}", member.manifest_path, dependency.name));
    }
    Ok(findings)
}

/// The text of a package's Rust files, without line comments.
#[derive(Default)]
struct Sources {
    code: String,
    tests: String,
}

impl Sources {
    /// Adds the files under `folder`; `is_test` when a directory above it is `tests`.
    fn read(&mut self, folder: &Path, is_test: bool) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let is_test = is_test || path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() {
                self.read(&path, is_test)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let side = if is_test { &mut self.tests } else { &mut self.code };
                for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                    side.push_str(line);
                    side.push('\n');
                }
            }
        }
        Ok(())
    }
}

/// Whether `text` names the crate `name` at the start of a path.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let is_path = after.starts_with("::");
        let is_import = before.ends_with("use ") && (after.starts_with(';') || after.starts_with(" as "));
        let starts = match before.strip_suffix("::") {
            Some(parent) => !parent.ends_with(is_word),
            None => !before.ends_with(is_word),
        };
        starts && (is_path || is_import)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '>'
}

#[cfg(test)]
mod tests;
