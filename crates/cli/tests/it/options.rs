//! `kiln options`.

use expect_test::expect;

use crate::kiln::kiln;

#[test]
fn one_option() {
    let dir = tempfile::tempdir().expect("a folder");
    expect![[""]].assert_eq(&kiln(dir.path(), &["options", "kernel.modular"]).to_string());
    expect![[""]].assert_eq(&kiln(dir.path(), &["options", "kernel.modulr"]).to_string());
}
