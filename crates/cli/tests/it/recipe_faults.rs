//! Recipes that cannot be read or merged: status 1, the place, the remedy, and no result.

use crate::sandbox::Sandbox;

/// Runs `kiln eval` on a recipe with an error: every one of `said` is shown.
#[track_caller]
fn check(files: &[(&str, &str)], said: &[&str]) {
    let sandbox = Sandbox::new();
    for (name, text) in files {
        sandbox.file(name, text);
    }
    for command in ["eval", "check", "build"] {
        let mut ran = sandbox.kiln(&[command]).expect(1);
        assert_eq!(ran.stdout, "", "{command}");
        for text in said {
            ran = ran.says(text);
        }
    }
    assert!(!sandbox.path().join("result").exists());
    let ran = sandbox.kiln(&["eval", "--json"]).expect(1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(json["version"], 1);
    assert!(json["diagnostics"].as_array().is_some_and(|list| !list.is_empty()), "{json}");
}

#[test]
fn no_recipe() {
    check(&[], &["kiln.toml", "kiln init"]);
}

#[test]
fn syntax_error() {
    check(&[("kiln.toml", "[kernel\n")], &["kiln.toml:1:"]);
}

#[test]
fn unknown_option() {
    check(&[("kiln.toml", "[kernel]\nmakeTarget = [\"x\"]\n")], &["kiln.toml:2:1", "makeTargets"]);
}

#[test]
fn wrong_type() {
    check(&[("kiln.toml", "[kernel.config]\nFOO = true\n")], &["kiln.toml:2:7", "\"y\""]);
}

#[test]
fn conflict_shows_all_definitions() {
    check(
        &[
            ("kiln.toml", "imports = [\"./a.toml\", \"./b.toml\"]\n[kernel.config]\nFOO = \"y\"\n"),
            ("a.toml", "[kernel.config]\nFOO = \"m\"\n"),
            ("b.toml", "[kernel.config]\nFOO = \"n\"\n"),
        ],
        &["kiln.toml:3:1", "a.toml:2:1", "b.toml:2:1"],
    );
}

#[test]
fn import_cycle() {
    check(
        &[("kiln.toml", "imports = [\"./a.toml\"]\n"), ("a.toml", "imports = [\"./kiln.toml\"]\n")],
        &["a.toml:1:12", "kiln.toml:1:12"],
    );
}

#[test]
fn missing_import() {
    check(&[("kiln.toml", "imports = [\"./gone.toml\"]\n")], &["kiln.toml:1:12", "gone.toml"]);
}

#[test]
fn import_of_a_folder() {
    check(&[("kiln.toml", "imports = [\"./sub\"]\n"), ("sub/x", "")], &["kiln.toml:1:12", "sub"]);
}

#[test]
fn unsafe_loader_name() {
    check(&[("kiln.toml", "[kmodloader.\"../x\"]\ntargets = [\"a\"]\n")], &["kiln.toml:1:"]);
}

/// Sources that cannot be used: status 1, and their place in the recipe.
#[track_caller]
fn check_source(source: &str, said: &[&str]) {
    let sandbox = Sandbox::new();
    let url = format!("file://{}/linux.tar", sandbox.path().display());
    sandbox.file("kiln.toml", format!("[kernel]\n{}\n", source.replace("URL", &url)));
    sandbox.file("linux.tar", "this is no archive").file("empty/README", "nothing here");
    for command in ["check", "build"] {
        let mut ran = sandbox.kiln(&[command]).expect(1);
        for text in said {
            ran = ran.says(text);
        }
    }
    assert!(!sandbox.path().join("result").exists());
}

#[test]
fn no_source() {
    check_source("", &["kernel.src", "linux-source-6.12"]);
}

#[test]
fn a_source_that_is_not_there() {
    check_source("src = \"./gone\"", &["gone", "kiln.toml:2:"]);
}

#[test]
fn a_source_that_is_no_kernel() {
    check_source("src = \"./empty\"", &["empty", "kiln.toml:2:"]);
}

#[test]
fn a_tarball_that_is_none() {
    check_source("src = \"./linux.tar\"", &["linux.tar", "kiln.toml:2:"]);
}

#[test]
fn a_download_with_another_hash() {
    let zeros = "0".repeat(64);
    let expected = format!("expected sha256 {zeros}");
    let source = format!("src = {{ url = \"URL\", sha256 = \"{zeros}\" }}");
    check_source(&source, &[&expected, "found    sha256", "kiln.toml:2:"]);
}
