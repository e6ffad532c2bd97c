//! Patched trees.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use kiln_fetch::patch::{self, PatchError};
use kiln_fetch::{Fetch, Source};
use kiln_plan::SourceSpec;
use kiln_testkit::chain;

use crate::ground::{Ground, kernel_tar};

const GOOD: &str =
    "--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n int one;\n-int two;\n+int deux;\n int three;\n";
const NEXT: &str = "--- a/init/main.c\n+++ b/init/main.c\n@@ -2,2 +2,2 @@\n-int deux;\n+int zwei;\n int three;\n";

fn source(ground: &Ground) -> Source {
    fs::write(ground.path("linux.tar"), kernel_tar(0)).unwrap();
    ground.get(&SourceSpec::Path(ground.path("linux.tar"))).unwrap()
}

fn main_c(source: &Source) -> String {
    fs::read_to_string(source.tree.join("init/main.c")).unwrap()
}

#[test]
fn patches_then_the_script_change_a_copy() {
    let ground = Ground::new();
    let source = source(&ground);
    let patches = [ground.write("1.patch", GOOD), ground.write("2.patch", NEXT)];
    let phase = "echo 'int four;' >> init/main.c\nsed -i s/one/un/ init/main.c";
    let patched = patch::apply(&ground.fetch(), &source, &patches, phase).unwrap();
    assert_eq!(main_c(&patched), "int un;\nint zwei;\nint three;\nint four;\n");
    assert_eq!(main_c(&source), "int one;\nint two;\nint three;\n");
    assert_eq!(fs::read_dir(patched.tree.join("init")).unwrap().count(), 1, "no copies or rejects are left");
    ground.said();
    assert_eq!(patch::apply(&ground.fetch(), &source, &patches, phase).unwrap().key, patched.key);
    assert!(ground.said().is_empty(), "the second time it is there");
    let reversed = [patches[1].clone(), patches[0].clone()];
    assert!(patch::apply(&ground.fetch(), &source, &reversed, phase).is_err(), "their order counts");
}

#[test]
fn nothing_to_do_gives_the_source_itself() {
    let ground = Ground::new();
    let source = source(&ground);
    let same = patch::apply(&ground.fetch(), &source, &[], "true").unwrap();
    assert_eq!((same.key, same.tree), (source.key, source.tree));
}

#[test]
fn a_reject_shows_its_hunk() {
    let ground = Ground::new();
    let source = source(&ground);
    let bad = ground.write("bad.patch", &format!("Subject: no\n\n{}", GOOD.replace("int two;", "int twelve;")));
    let error = patch::apply(&ground.fetch(), &source, std::slice::from_ref(&bad), "true").unwrap_err();
    let expected = format!(
        "the patch {} does not apply\ninit/main.c (line 5 of the patch):\n  | @@ -1,3 +1,3 @@\n  |  int one;\n  | \
         -int twelve;\n  | +int deux;\n  |  int three;",
        bad.display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(ground.is_clean());
}

#[test]
fn a_patch_that_is_already_in_is_refused() {
    let ground = Ground::new();
    let source = source(&ground);
    let good = ground.write("good.patch", GOOD);
    let error = patch::apply(&ground.fetch(), &source, &[good.clone(), good], "true").unwrap_err();
    assert!(error.to_string().contains("Reversed (or previously applied) patch detected"), "{error}");
}

#[test]
fn a_patch_does_not_leave_the_tree() {
    let ground = Ground::new();
    let source = source(&ground);
    ground.write("store/victim", "int one;\nint two;\nint three;\n");
    let hostile = ground.write("hostile.patch", &GOOD.replace("init/main.c", "../../../../victim"));
    patch::apply(&ground.fetch(), &source, &[hostile], "true").unwrap_err();
    assert_eq!(fs::read_to_string(ground.path("store/victim")).unwrap(), "int one;\nint two;\nint three;\n");
}

#[test]
fn what_is_no_patch_is_told_so() {
    let ground = Ground::new();
    let source = source(&ground);
    let nonsense = ground.write("n.patch", "hello\n");
    let error = patch::apply(&ground.fetch(), &source, &[nonsense], "true").unwrap_err();
    assert!(error.to_string().contains("Only garbage was found"), "{error}");
    let error = patch::apply(&ground.fetch(), &source, &[ground.path("lost.patch")], "true").unwrap_err();
    assert!(matches!(error, PatchError::Unreadable { .. }), "{error}");
}

#[test]
fn a_script_that_fails_shows_what_it_said() {
    let ground = Ground::new();
    let source = source(&ground);
    let error = patch::apply(&ground.fetch(), &source, &[], "echo first words\nfalse\necho not reached").unwrap_err();
    let shown = chain(&error);
    assert!(shown.starts_with("extraPatchPhase failed") && shown.contains("  | first words"), "{shown}");
    assert!(!shown.contains("| not reached"), "the first command that fails ends it: {shown}");
    assert!(ground.is_clean());
}

#[test]
fn a_script_sees_nothing_of_the_user() {
    let mut ground = Ground::new();
    ground.env.insert("SECRET".into(), "x".into());
    let source = source(&ground);
    let patched = patch::apply(&ground.fetch(), &source, &[], "env > seen; pwd > where").unwrap();
    let seen = fs::read_to_string(patched.tree.join("seen")).unwrap();
    assert!(!seen.contains("SECRET") && seen.contains("LC_ALL=C"), "{seen}");
}

#[test]
fn without_the_program_the_package_is_named() {
    let ground = Ground::new();
    let source = source(&ground);
    let empty = ground.path("empty");
    fs::create_dir(&empty).unwrap();
    let env = [("PATH".into(), empty.into())].into();
    let good = ground.write("good.patch", GOOD);
    let error = patch::apply(&Fetch { env: &env, ..ground.fetch() }, &source, &[good], "true").unwrap_err();
    assert!(error.to_string().ends_with("run `apt-get install patch`, or `kiln doctor --install`"), "{error}");
}
