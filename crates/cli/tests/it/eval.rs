//! `kiln eval`.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use serde_json::{Value, json};

use crate::kiln::{Output, kiln};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/seed")
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output}"))
}

fn sorted(list: &Value) -> Value {
    let mut items: Vec<&str> = list.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    items.sort_unstable();
    json!(items)
}

/// The seed's own answers, through the command; what they mean is tested beside `plan`.
#[test]
fn merge_cases() {
    let cases = fs::read_dir(corpus().join("merge-cases")).expect("the cases");
    let mut count = 0;
    for case in cases {
        let case = case.expect("a case").path();
        let expected: Value =
            serde_json::from_slice(&fs::read(case.join("expected.json")).expect("an answer")).expect("JSON");
        let output = kiln(&case, &["eval", "--json"]);
        let got = parsed(&output);
        count += 1;
        if expected["ok"] == false {
            assert_eq!(output.status, 1, "{}: {output}", case.display());
            let named = got["diagnostics"].as_array().expect("findings").iter().any(|one| one["option"] == expected["option"]);
            assert!(named, "{}: {output}", case.display());
            continue;
        }
        assert_eq!(output.status, 0, "{}: {output}", case.display());
        assert_eq!(got["kernel"]["config"], expected["config"], "{}", case.display());
        assert_eq!(got["kernel"]["modular"], expected["modular"], "{}", case.display());
        assert_eq!(sorted(&got["kernel"]["makeTargets"]), expected["makeTargets"], "{}", case.display());
        let lines: Vec<&str> = got["kernel"]["extraPatchPhase"].as_str().expect("lines").lines().collect();
        assert_eq!(sorted(&json!(lines)), expected["extraPatchPhase"], "{}", case.display());
    }
    assert_eq!(count, 80);
}

/// A dump of the seed is a recipe by itself.
#[test]
fn devices() {
    let mut count = 0;
    for device in fs::read_dir(corpus().join("devices")).expect("the devices") {
        let device = device.expect("a device").path();
        let text: Value = serde_json::from_slice(&fs::read(&device).expect("a dump")).expect("JSON");
        let dir = folder(&[("liminix.json", &json!({ "kernel": text["options"] }).to_string())]);
        let output = kiln(dir.path(), &["eval", "--json", "--recipe", "liminix.json"]);
        assert_eq!(parsed(&output)["kernel"]["config"], text["merged"], "{}", device.display());
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn no_recipe() {
    let dir = folder(&[]);
    expect![[""]].assert_eq(&kiln(dir.path(), &["eval"]).to_string());
}

#[test]
fn faults_are_shown_where_they_are() {
    let dir = folder(&[
        ("kiln.toml", "imports = [\"./a.config\", \"./b.toml\"]\n[kernel.config]\nUSB = true\n[kernel.confg]\n"),
        ("a.config", "CONFIG_A=y\nnonsense\n"),
    ]);
    expect![[""]].assert_eq(&kiln(dir.path(), &["eval"]).to_string());
    let output = kiln(dir.path(), &["eval", "--json"]);
    assert_eq!((output.status, output.stderr.as_str()), (1, ""));
    let found = parsed(&output);
    assert_eq!(found["version"], 1);
    assert_eq!(found["diagnostics"].as_array().map(Vec::len), Some(4));
    let wrong = found["diagnostics"].as_array().expect("findings").iter().find(|one| one["code"] == "type");
    let wrong = wrong.expect("the boolean");
    assert_eq!(wrong["option"], "kernel.config.USB");
    assert_eq!(wrong["locations"][0]["line"], 3);
    assert_eq!(wrong["locations"][0]["column"], 7);
}

#[test]
fn origins_are_shown() {
    let dir = folder(&[
        ("kiln.toml", "imports = [\"./a.config\", \"kiln:arch/aarch64\"]\n[kernel.config]\nA = { force = \"m\" }\n"),
        ("a.config", "CONFIG_A=y\nCONFIG_B=\"text\"\n"),
    ]);
    expect![[""]].assert_eq(&kiln(dir.path(), &["eval", "--origins"]).to_string());
    let got = parsed(&kiln(dir.path(), &["eval", "--json", "--origins"]));
    let lost = json!({
        "value": "y", "priority": 100, "fate": "lost", "file": "a.config", "line": 1, "column": 1,
    });
    assert_eq!(got["kernel"]["config"]["A"]["definitions"][1], lost);
}

#[test]
fn an_import_by_another_name_counts_once() {
    let dir = folder(&[
        ("kiln.toml", "imports = [\"./m.toml\", \"././m.toml\", \"link.toml\"]\n"),
        ("m.toml", "[kernel]\nmakeTargets = [\"bzImage\"]\n"),
    ]);
    std::os::unix::fs::symlink("m.toml", dir.path().join("link.toml")).expect("a link");
    let got = parsed(&kiln(dir.path(), &["eval", "--json"]));
    assert_eq!(got["kernel"]["makeTargets"], json!(["bzImage"]));
}

#[test]
fn files_that_cannot_be_read() {
    let dir = folder(&[("kiln.toml", "imports = [\"./dir\", \"/dev/zero\"]\n")]);
    fs::create_dir(dir.path().join("dir")).expect("a folder");
    expect![[""]].assert_eq(&kiln(dir.path(), &["eval"]).to_string());
}
