//! Unpacking of the archive by other programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use kiln_image::{Contents, FileTree, write};

use crate::sh;

fn check(tool: &str) {
    let mut tree = FileTree::new();
    tree.file("etc/motd", 0o640, Contents::bytes(*b"hello\n")).unwrap();
    tree.file("etc/empty", 0o600, Contents::bytes(*b"")).unwrap();
    tree.file("a name with blanks", 0o755, Contents::bytes(vec![7; 70_001])).unwrap();
    tree.file("höhe/ä", 0o644, Contents::lazy(3, || Ok(Box::new(&b"abc"[..])))).unwrap();
    tree.dir("private", 0o700).unwrap();
    tree.symlink("bin", "usr/bin").unwrap();
    tree.symlink("usr/bin/sh", "/bin/busybox").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    write(&tree, &mut fs::File::create(&archive).unwrap()).unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    sh(&out, &format!("umask 0; {tool} -idm"), Some(&archive));

    let mode = |path: &str| fs::symlink_metadata(out.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(fs::read(out.join("etc/motd")).unwrap(), b"hello\n");
    assert_eq!(fs::read(out.join("etc/empty")).unwrap(), b"");
    assert_eq!(fs::read(out.join("a name with blanks")).unwrap(), vec![7; 70_001]);
    assert_eq!(fs::read(out.join("höhe/ä")).unwrap(), b"abc");
    assert_eq!(["etc/motd", "etc/empty", "a name with blanks", "private"].map(mode), [0o640, 0o600, 0o755, 0o700]);
    let link = |path: &str| fs::read_link(out.join(path)).unwrap();
    assert_eq!(link("bin").to_str(), Some("usr/bin"));
    assert_eq!(link("usr/bin/sh").to_str(), Some("/bin/busybox"));
    let listing = String::from_utf8(sh(&out, &format!("{tool} -t 2>/dev/null"), Some(&archive))).unwrap();
    let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
    assert_eq!(listing.lines().collect::<Vec<_>>(), paths);
}

#[test]
fn gnu_cpio_gives_back_what_went_in() {
    check("cpio");
}

#[test]
fn busybox_gives_back_what_went_in() {
    check("busybox cpio");
}
