//! The seed's own answers: its module evaluated by real Nix.

use std::fs;
use std::path::{Path, PathBuf};

use kiln_plan::evaluate::{self, Evaluation};
use serde_json::{Value, json};

use crate::fixture::{Files, evaluated, findings};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/corpus/seed")
}

fn sorted(path: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

#[expect(clippy::disallowed_methods, reason = "the corpus is on disk")]
fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file")
}

fn expected(path: &Path) -> Value {
    serde_json::from_slice(&read(path)).expect("JSON")
}

fn lines(text: &Value) -> Vec<String> {
    let mut lines: Vec<String> = text.as_str().expect("text").lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn sorted_items(list: &Value) -> Vec<String> {
    let mut items: Vec<String> =
        list.as_array().expect("a list").iter().map(|item| item.as_str().expect("text").to_owned()).collect();
    items.sort();
    items
}

/// Returns the files of a case, as a recipe finds them.
fn files(dir: &Path) -> Files {
    let mut files = Files::default();
    for path in sorted(dir).iter().filter(|path| path.extension().is_some_and(|tail| tail == "toml")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.files.insert(name, read(path));
    }
    files
}

#[test]
fn merge_cases() {
    let cases = sorted(&corpus().join("merge-cases"));
    assert_eq!(cases.len(), 80);
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let expected = expected(&case.join("expected.json"));
        let (sources, evaluation) = evaluated(&files(case));
        let said = findings(&sources, &evaluation.diagnostics);
        let Evaluation { evaluated, diagnostics, .. } = evaluation;
        if expected["ok"] == json!(false) {
            // The seed refuses the empty text, which Kconfig takes: that request is a value, or another error names it.
            let option = expected["option"].as_str().unwrap_or_default();
            let symbol = option.strip_prefix("kernel.config.").unwrap_or_default();
            let is_empty = |line: &str| line.starts_with(&format!("{symbol} = ")) && line.contains("\"\"");
            let has_empty = |path: &PathBuf| String::from_utf8_lossy(&read(path)).lines().any(is_empty);
            if expected["kind"] == "type" && sorted(case).iter().any(has_empty) {
                let request = evaluated.as_ref().and_then(|evaluated| evaluated.kernel.requests.get(symbol));
                let is_named = diagnostics.iter().any(|one| one.option.as_deref() == Some(option));
                assert!(request.is_some_and(|request| request.value.is_empty()) || is_named, "{name}:\n{said}");
                continue;
            }
            assert!(evaluated.is_none(), "{name} should fail");
            let fault = (expected["option"].as_str(), expected["kind"].as_str());
            let found = diagnostics.iter().any(|one| (one.option.as_deref(), Some(one.code.name())) == fault);
            assert!(found, "{name} should name {fault:?}:\n{said}");
            continue;
        }
        let evaluated = evaluated.unwrap_or_else(|| panic!("{name} should be fine:\n{said}"));
        let got = &evaluate::json(&evaluated, &sources, false)["kernel"];
        assert_eq!(got["config"], expected["config"], "{name}");
        assert_eq!(got["modular"], expected["modular"], "{name}");
        assert_eq!(json!(sorted_items(&got["makeTargets"])), expected["makeTargets"], "{name}");
        assert_eq!(json!(lines(&got["extraPatchPhase"])), expected["extraPatchPhase"], "{name}");
    }
}

#[test]
fn devices() {
    let devices = sorted(&corpus().join("devices"));
    assert_eq!(devices.len(), 8);
    for device in &devices {
        let device_json = expected(device);
        let mut files = Files::default();
        let recipe = json!({ "kernel": device_json["options"] });
        files.files.insert("liminix.json".to_owned(), recipe.to_string().into_bytes());
        files.files.insert("kiln.toml".to_owned(), b"imports = [\"./liminix.json\"]\n".to_vec());
        let (sources, evaluation) = evaluated(&files);
        let evaluated = evaluation
            .evaluated
            .unwrap_or_else(|| panic!("{}:\n{}", device.display(), findings(&sources, &evaluation.diagnostics)));
        let got = &evaluate::json(&evaluated, &sources, false)["kernel"];
        assert_eq!(got["config"], device_json["merged"], "{}", device.display());
    }
}
