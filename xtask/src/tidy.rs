//! The conventions that no compiler checks.
//!
//! Each check returns findings; all are shown before the command fails.

mod changelog;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kiln_diag::Code;

/// The layer of each crate; an arrow may only go to a lower layer. `exec` and `file` are in the lowest one, like `diag`.
const LAYERS: &[(&str, u8)] = &[
    ("diag", 0),
    ("exec", 0),
    ("file", 0),
    ("kconfig", 1),
    ("modgraph", 1),
    ("recipe", 1),
    ("service", 1),
    ("image", 1),
    ("makefile", 1),
    ("fix", 2),
    ("impact", 2),
    ("plan", 2),
    ("advise", 3),
    ("assembly", 3),
    ("moddir", 4),
    ("store", 4),
    ("fetch", 5),
    ("kbuild", 5),
    ("boot", 5),
    ("pipeline", 6),
    ("cli", 7),
];

/// The crates that may start processes.
const MAY_USE_EXEC: &[&str] = &["store", "fetch", "kbuild", "pipeline", "boot", "cli", "testkit", "xtask"];

/// The crates that may read files.
const MAY_USE_FILE: &[&str] = &["moddir", "store", "fetch", "kbuild", "pipeline", "boot", "cli", "testkit", "xtask"];

/// Crates with one home (STYLE.md, section 1).
const HOMES: &[(&str, &[&str])] = &[
    ("toml_edit", &["recipe"]),
    ("object", &["modgraph", "testkit"]),
    ("gimli", &["modgraph"]),
    ("batsat", &["fix"]),
    ("rustsat", &["fix"]),
    ("rustsat-batsat", &["fix"]),
    ("memchr", &["kconfig", "modgraph"]),
    ("clap", &["cli", "xtask"]),
    ("anstream", &["cli"]),
    ("anyhow", &["cli", "xtask"]),
    ("indicatif", &["cli"]),
    ("annotate-snippets", &["cli"]),
];

/// A file longer than this must be a flat table, and say so in [`LONG`].
const MAX_LINES: usize = 500;

/// Files that may be longer, and why.
const LONG: &[(&str, &str)] = &[
    ("crates/advise/src/check/tests.rs", "a flat list of snapshots, one per kind"),
    ("crates/service/tests/it/protocol.rs", "a flat list of cases, one per situation of a loader"),
];

/// Names that do not describe what a file contains.
const BANNED_NAMES: &[&str] = &["utils", "helpers", "common", "types", "misc", "imp", "manager", "mod"];

/// The files that people look for at the top of a repository, and that its host reads.
const DOCUMENTS: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "RELEASING.md",
    "SECURITY.md",
    "STYLE.md",
    ".github/ISSUE_TEMPLATE/bug.yml",
    ".github/ISSUE_TEMPLATE/config.yml",
    ".github/ISSUE_TEMPLATE/unmet-request.yml",
    ".github/dependabot.yml",
    ".github/pull_request_template.md",
    ".github/workflows/ci.yml",
];

/// Runs all checks on the checkout at `root`.
#[expect(clippy::print_stderr, reason = "a developer's tool shows its findings")]
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut findings = Vec::new();
    for manifest in manifests(root)? {
        check_manifest(&manifest, &mut findings)?;
    }
    for file in rust_files(root)? {
        check_file(root, &file, &mut findings)?;
    }
    check_words(root, &mut findings)?;
    check_codes(root, &mut findings)?;
    check_documents(root, &mut findings);
    check_minimum_rust(root, &mut findings)?;
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    if findings.is_empty() { Ok(()) } else { bail!("{} findings", findings.len()) }
}

/// Crate name, its directory's manifest, parsed.
struct Manifest {
    name: String,
    path: PathBuf,
    table: toml::Table,
}

fn manifests(root: &Path) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    let entries = fs::read_dir(root.join("crates")).context("crates/")?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.push(root.join("xtask"));
    for folder in folders {
        let path = folder.join("Cargo.toml");
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let table = fs::read_to_string(&path).with_context(|| path.display().to_string())?.parse()?;
        manifests.push(Manifest { name, path, table });
    }
    manifests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(manifests)
}

fn check_manifest(manifest: &Manifest, findings: &mut Vec<String>) -> Result<()> {
    let at = manifest.path.display();
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let layer = layers.get(manifest.name.as_str());
    if layer.is_none() && !["testkit", "xtask"].contains(&manifest.name.as_str()) {
        findings.push(format!("{at}: crate `{}` has no layer in xtask/src/tidy.rs", manifest.name));
    }
    for dependency in section(&manifest.table, "dependencies") {
        if dependency == "kiln-testkit" {
            findings.push(format!("{at}: testkit is for [dev-dependencies] only"));
        }
        if let (Some(own), Some(other)) = (layer, dependency.strip_prefix("kiln-").and_then(|name| layers.get(name)))
            && other >= own
        {
            findings.push(format!("{at}: arrow to `{dependency}` points sideways or up"));
        }
        if dependency == "kiln-exec" && !MAY_USE_EXEC.contains(&manifest.name.as_str()) {
            findings.push(format!("{at}: a pure crate starts no process: drop `kiln-exec`"));
        }
        if dependency == "kiln-file" && !MAY_USE_FILE.contains(&manifest.name.as_str()) {
            findings.push(format!("{at}: a pure crate sees bytes, not files: drop `kiln-file`"));
        }
        for (foreign, homes) in HOMES {
            if dependency == *foreign && !homes.contains(&manifest.name.as_str()) {
                findings.push(format!("{at}: `{foreign}` lives in {}", homes.join(", ")));
            }
        }
    }
    let package = manifest.table.get("package").and_then(toml::Value::as_table).context("no [package]")?;
    let inherits = |key: &str| package.get(key).and_then(|value| value.get("workspace")).is_some();
    for key in ["license", "edition", "version", "rust-version"] {
        if !inherits(key) {
            findings.push(format!("{at}: `{key}` must come from the workspace"));
        }
    }
    if manifest.table.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
        findings.push(format!("{at}: `[lints] workspace = true` is missing"));
    }
    Ok(())
}

fn section(table: &toml::Table, name: &str) -> Vec<String> {
    table.get(name).and_then(toml::Value::as_table).map(|deps| deps.keys().cloned().collect()).unwrap_or_default()
}

fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    files_with(vec![root.join("crates"), root.join("xtask")], "rs")
}

/// Returns the files with an extension below the directories, except in corpora.
fn files_with(mut folders: Vec<PathBuf>, wanted: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("corpus") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == wanted) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn check_file(root: &Path, file: &Path, findings: &mut Vec<String>) -> Result<()> {
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    let lines = text.lines().count();
    if lines > MAX_LINES && !LONG.iter().any(|(long, _)| *long == name) {
        findings.push(format!("{name}: {lines} lines; split it, or say in tidy's LONG why not"));
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    if BANNED_NAMES.contains(&stem.as_ref()) {
        findings.push(format!("{name}: a file is named for the noun it holds"));
    }
    if !text.starts_with("//!") && !name.ends_with("tests.rs") && !name.contains("/tests/") {
        findings.push(format!("{name}: no module documentation"));
    }
    Ok(())
}

/// Finds the phrases of [`words`] in Rust files and in Markdown.
fn check_words(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let markdown = files_with(vec![root.join("crates"), root.join("docs"), root.join("xtask")], "md")?;
    let documents = DOCUMENTS.iter().filter(|name| name.ends_with(".md")).map(|name| root.join(name));
    for file in rust_files(root)?.into_iter().chain(markdown).chain(documents.filter(|file| file.is_file())) {
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        if !words::HOMES.contains(&name.as_str()) {
            let text = fs::read_to_string(&file).with_context(|| name.clone())?;
            findings.extend(words::check(&name, &text));
        }
    }
    Ok(())
}

/// Finds codes that nothing emits, and pages without a code.
fn check_codes(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let mut unused: Vec<Code> = Code::ALL.to_vec();
    let home = root.join("crates/diag");
    for file in rust_files(root)?.iter().filter(|file| !file.starts_with(&home)) {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        // A code that only a test names is not emitted.
        if !file.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs"))) {
            unused.retain(|code| !has_word(&text, &format!("Code::{code:?}")));
        }
    }
    findings.extend(unused.iter().map(|code| format!("`{code}` has a page, but no code emits it")));
    for entry in fs::read_dir(home.join("src/code")).context("crates/diag/src/code")? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if Code::parse(&name).is_none() {
            findings.push(format!("{}: a page without a code", path.display()));
        }
    }
    Ok(())
}

fn has_word(text: &str, word: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| ends(&text[at + word.len()..]))
}

fn check_documents(root: &Path, findings: &mut Vec<String>) {
    for document in DOCUMENTS {
        if !root.join(document).is_file() {
            findings.push(format!("{document} is missing"));
        }
    }
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    if architecture.lines().count() > 250 {
        findings.push("ARCHITECTURE.md: more than 250 lines".to_owned());
    }
    for (name, _) in LAYERS.iter().filter(|(name, _)| root.join("crates").join(name).exists()) {
        if !architecture.contains(&format!("`crates/{name}`")) {
            findings.push(format!("ARCHITECTURE.md: says nothing about `crates/{name}`"));
        }
    }
    findings.extend(changelog::check(&fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default()));
}

/// Checks that CI tests the minimum Rust that the workspace declares.
fn check_minimum_rust(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).context("Cargo.toml")?.parse()?;
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    let declared = package.and_then(|package| package.get("rust-version")).and_then(toml::Value::as_str);
    let declared = declared.context("Cargo.toml: the workspace declares no `rust-version`")?;
    let workflow = fs::read_to_string(root.join(".github/workflows/ci.yml")).unwrap_or_default();
    if !workflow.contains(&format!("rust:{declared}-")) {
        findings.push(format!(".github/workflows/ci.yml: no job with Rust {declared}, the declared `rust-version`"));
    }
    Ok(())
}
