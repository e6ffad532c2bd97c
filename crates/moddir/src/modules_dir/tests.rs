use std::os::unix::fs::symlink;

use kiln_testkit::{Codec, Ko};

use super::*;

#[test]
fn a_folder_becomes_a_graph() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = dir.path().join("kernel");
    std::fs::create_dir_all(kernel.join("build")).unwrap();
    std::fs::write(kernel.join("build/hidden.ko"), "not looked at").unwrap();
    std::fs::write(kernel.join("a-user.ko.xz"), Codec::Xz.pack(&Ko::new().want("thing").build()).unwrap()).unwrap();
    std::fs::write(kernel.join("giver.ko"), Ko::new().export("thing").build()).unwrap();
    symlink("nowhere", kernel.join("dangling.ko")).unwrap();
    symlink("..", kernel.join("loop")).unwrap();
    let read = read_modules_dir(dir.path(), None).unwrap();
    let user = read.graph.find("a-user").unwrap();
    let needed: Vec<&str> = read.graph.needs_all(user).iter().map(|&id| &*read.graph.module(id).path).collect();
    assert_eq!(needed, ["kernel/giver.ko"]);
    assert_eq!(read.graph.ids().len(), 2);
    assert!(matches!(read.oddities[..], [Oddity::Unreadable { .. }, Oddity::Loop { .. }]), "{:?}", read.oddities);
}

#[test]
fn all_broken_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("empty.ko"), "").unwrap();
    std::fs::write(dir.path().join("text.ko"), "text").unwrap();
    let error = read_modules_dir(dir.path(), None).unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(lines[0].ends_with("empty.ko: the file is empty") && lines[1].ends_with("text.ko: not an ELF file"));
}
