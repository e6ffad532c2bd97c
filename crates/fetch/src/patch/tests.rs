//! Parsing patches, and finding them.

use std::fs;

use expect_test::expect;
use tempfile::TempDir;

use super::*;

const PATCH: &str = "\
From: somebody
Subject: two files

--- a/drivers/x.c\t2024-01-01
+++ b/drivers/x.c
@@ -1,3 +1,3 @@
 one
--- two
+-- TWO
 three
@@ -10 +10,2 @@ int f(void)
 ten
+more
diff --git a/old b/old
deleted file mode 100644
--- a/old
+++ /dev/null
@@ -1 +0,0 @@
-gone
--
2.40
";

#[test]
fn finds_the_hunks_that_patch_names() {
    let said = [
        "checking file drivers/x.c",
        "Hunk #2 FAILED at 10.",
        "1 out of 2 hunks FAILED",
        "checking file old",
        "Hunk #1 FAILED at 1.",
        "Hunk #7 FAILED at 1.",
    ];
    let said = said.map(str::to_owned);
    expect![[r#"

        drivers/x.c (line 11 of the patch):
          | @@ -10 +10,2 @@ int f(void)
          |  ten
          | +more
        old (line 18 of the patch):
          | @@ -1 +0,0 @@
          | -gone"#]]
    .assert_eq(&hunk::show(&hunk::rejects(PATCH, &said), &said));
}

#[test]
fn shows_what_patch_said_when_it_names_no_hunk() {
    let said = ["patch: **** Only garbage was found in the patch input.".to_owned()];
    let shown = hunk::show(&hunk::rejects("nonsense", &said), &said);
    assert_eq!(shown, "\n  | patch: **** Only garbage was found in the patch input.");
}

#[test]
fn expands_patterns_in_order() {
    let dir = TempDir::new().unwrap();
    let patches = dir.path().join("p [1]");
    fs::create_dir(&patches).unwrap();
    for name in ["b.patch", "a.patch", "Z.patch", "c.diff", "odd[1].patch"] {
        fs::write(patches.join(name), "").unwrap();
    }
    let expand = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let files = expand(&patches, &patterns).map_err(|error| error.to_string())?;
        Ok::<_, String>(files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect())
    };
    let found: Vec<String> = expand(&["c.diff", "*.patch"]).unwrap();
    assert_eq!(found, ["c.diff", "Z.patch", "a.patch", "b.patch", "odd[1].patch"]);
    assert_eq!(expand(&["odd[1].patch"]), Ok(vec!["odd[1].patch".to_owned()]));
    let lost = expand(&["a.patch", "*.none"]).unwrap_err();
    assert!(lost.starts_with("no file matches the patch `*.none`"), "{lost}");
    let wrong = expand(&["a***b"]).unwrap_err();
    assert_eq!(wrong, "`a***b` is not a pattern for files");
}

#[test]
fn knows_a_script_that_does_nothing() {
    for (phase, nothing) in
        [("true", true), ("", true), ("# a\n\n true\n", true), ("sed -i s/a/b/ x", false), ("true && x", false)]
    {
        assert_eq!(does_nothing(phase), nothing, "{phase}");
    }
}
