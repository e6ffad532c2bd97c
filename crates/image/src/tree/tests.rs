//! The entries that a tree accepts and refuses.

use expect_test::{Expect, expect};

use super::*;

fn listing(tree: &FileTree) -> String {
    tree.iter().map(|(path, node)| format!("{path} {:o} {:?}\n", node.mode, node.kind)).collect()
}

#[test]
fn parents_come_first_and_by_themselves() {
    let mut tree = FileTree::new();
    tree.file("lib/modules/6.1/kernel/x.ko", 0o644, Contents::bytes(*b"ELF")).unwrap();
    tree.file("lib-x", 0o755, Contents::bytes(*b"")).unwrap();
    tree.symlink("bin", "usr/bin").unwrap();
    tree.device("dev/console", 0o600, DeviceClass::Char, 5, 1).unwrap();
    tree.dir("lib", 0o700).unwrap();
    expect![[r#"
        bin 777 Symlink("usr/bin")
        dev 755 Directory
        dev/console 600 Device { class: Char, major: 5, minor: 1 }
        lib 700 Directory
        lib-x 755 File(0 bytes)
        lib/modules 755 Directory
        lib/modules/6.1 755 Directory
        lib/modules/6.1/kernel 755 Directory
        lib/modules/6.1/kernel/x.ko 644 File(3 bytes)
    "#]]
    .assert_eq(&listing(&tree));
}

#[test]
fn bad_paths_are_refused() {
    let check = |path: &str, expect: Expect| {
        let error = FileTree::new().file(path, 0o644, Contents::bytes(*b"")).unwrap_err();
        expect.assert_eq(&error.to_string());
    };
    check("", expect!["`` cannot be a path in an archive: it is empty"]);
    check("/etc", expect!["`/etc` cannot be a path in an archive: it is absolute"]);
    check("a/../b", expect!["`a/../b` cannot be a path in an archive: it has a part `.` or `..`"]);
    check("./a", expect!["`./a` cannot be a path in an archive: it has a part `.` or `..`"]);
    check("a//b", expect!["`a//b` cannot be a path in an archive: a part of it is empty"]);
    check("a/", expect!["`a/` cannot be a path in an archive: a part of it is empty"]);
    check("a\0b", expect![[r#"`a\0b` cannot be a path in an archive: it contains a NUL"#]]);
    check("TRAILER!!!", expect!["`TRAILER!!!` cannot be a path in an archive: that name ends an archive"]);
    assert!(matches!(
        FileTree::new().dir(&"a/".repeat(2048).trim_end_matches('/').repeat(2), 0o755),
        Err(TreeError::BadPath { .. })
    ));
    assert!(matches!(FileTree::new().dir(&"a".repeat(256), 0o755), Err(TreeError::BadPath { .. })));
    FileTree::new().dir(&["a"; 2048].join("/"), 0o755).unwrap();
}

#[test]
fn clashes_are_refused_and_leave_the_tree_as_it_was() {
    let mut tree = FileTree::new();
    tree.file("a", 0o644, Contents::bytes(*b"1")).unwrap();
    tree.symlink("l", "elsewhere").unwrap();
    tree.dir("d/e", 0o755).unwrap();
    let before = listing(&tree);
    let empty = || Contents::bytes(*b"");
    assert_eq!(tree.file("a", 0o644, empty()), Err(TreeError::Exists { path: "a".to_owned() }));
    assert_eq!(tree.file("a/b/c", 0o644, empty()), Err(TreeError::NotADirectory { path: "a".to_owned() }));
    assert_eq!(tree.file("l/x", 0o644, empty()), Err(TreeError::NotADirectory { path: "l".to_owned() }));
    assert_eq!(tree.dir("a", 0o755), Err(TreeError::NotADirectory { path: "a".to_owned() }));
    assert_eq!(tree.file("d/e", 0o644, empty()), Err(TreeError::Exists { path: "d/e".to_owned() }));
    assert_eq!(tree.dir("new/dir", 0o10000), Err(TreeError::TooLarge { path: "new/dir".to_owned() }));
    let device = tree.device("dev/x", 0o600, DeviceClass::Block, 1 << 12, 0);
    assert_eq!(device, Err(TreeError::TooLarge { path: "dev/x".to_owned() }));
    assert!(matches!(tree.symlink("m", ""), Err(TreeError::BadTarget { .. })));
    assert!(matches!(tree.symlink("m", "a\0b"), Err(TreeError::BadTarget { .. })));
    assert!(matches!(tree.symlink("m", &"x".repeat(4096)), Err(TreeError::BadTarget { .. })));
    assert_eq!(listing(&tree), before);
}

#[test]
fn an_overlay_wins_but_never_turns_a_folder_into_a_file() {
    let mut tree = FileTree::new();
    tree.file("etc/a", 0o644, Contents::bytes(*b"1")).unwrap();
    let mut over = FileTree::new();
    over.file("etc/a", 0o600, Contents::bytes(*b"22")).unwrap();
    over.symlink("etc/b", "a").unwrap();
    tree.overlay(over).unwrap();
    expect![[r#"
        etc 755 Directory
        etc/a 600 File(2 bytes)
        etc/b 777 Symlink("a")
    "#]]
    .assert_eq(&listing(&tree));
    let mut bad = FileTree::new();
    bad.symlink("etc", "usr/etc").unwrap();
    assert_eq!(tree.overlay(bad), Err(TreeError::NotADirectory { path: "etc".to_owned() }));
}
