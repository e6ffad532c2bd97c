//! The guest's files.

use expect_test::expect;

use super::*;
use crate::program::ProgramSpec;

fn spec() -> GuestSpec {
    let mut result = FileTree::new();
    result.file("lib/modules/6.1/x.ko", 0o644, Contents::bytes(*b"x")).unwrap();
    result.file("lib/kmodloader/a", 0o755, Contents::bytes(*b"#!/bin/sh")).unwrap();
    GuestSpec { busybox: Contents::bytes(*b"busybox"), result, packages: FileTree::new(), files: FileTree::new() }
}

fn program() -> Program {
    Program::plan(&ProgramSpec::default(), "N").unwrap()
}

#[test]
fn usr_is_merged_whatever_the_packages_think() {
    let mut spec = spec();
    for file in ["lib/x86_64/libc.so", "usr/lib/x86_64/libm.so", "sbin/modprobe", "usr/sbin/nft", "usr/share/doc"] {
        spec.packages.file(file, 0o755, Contents::bytes(*b"")).unwrap();
    }
    spec.packages.symlink("lib64", "usr/lib64").unwrap();
    spec.packages.symlink("bin/ls", "/bin/coreutils").unwrap();
    spec.packages.file("usr/bin/[", 0o755, Contents::bytes(*b"")).unwrap();
    spec.files.file("etc/x", 0o600, Contents::bytes(*b"")).unwrap();
    let tree = tree(&spec, &program()).unwrap();
    let list: String = tree
        .iter()
        .filter(|(_, node)| !matches!(node.kind, NodeKind::Directory))
        .map(|(path, node)| match &node.kind {
            NodeKind::Symlink(target) => format!("{path} -> {target}\n"),
            _ => format!("{path}\n"),
        })
        .collect();
    expect![[r#"
        bin -> usr/bin
        dev/console
        dev/kmsg
        dev/null
        dev/random
        dev/tty
        dev/urandom
        dev/zero
        etc/inittab
        etc/x
        init -> kiln/busybox
        kiln/busybox
        kiln/init.sh
        kiln/modprobe
        kiln/plan
        kiln/tools
        lib -> usr/lib
        lib32 -> usr/lib32
        lib64 -> usr/lib64
        libx32 -> usr/libx32
        sbin -> usr/sbin
        usr/bin/[
        usr/bin/ls -> /bin/coreutils
        usr/bin/sh -> /kiln/busybox
        usr/lib/kmodloader/a
        usr/lib/modules/6.1/x.ko
        usr/lib/x86_64/libc.so
        usr/lib/x86_64/libm.so
        usr/sbin/modprobe
        usr/sbin/nft
        usr/share/doc
    "#]]
    .assert_eq(&list);
    expect![[r#"
        alias ls=/usr/bin/ls
        alias modprobe=/usr/sbin/modprobe
        alias nft=/usr/sbin/nft
    "#]]
    .assert_eq(&aliases(&merged(&spec.packages).unwrap()));
    assert!(spec.has_kmod());
}

#[test]
fn the_boots_own_files_cannot_be_replaced() {
    for path in ["init", "kiln/plan", "etc/inittab"] {
        let mut spec = spec();
        spec.files.file(path, 0o644, Contents::bytes(*b"")).unwrap();
        let error = tree(&spec, &program()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`/{path}` is reserved for the boot: the recipe cannot put a file there")
        );
    }
}

#[test]
fn the_users_files_go_over_the_rest() {
    let mut spec = spec();
    spec.files.file("lib/kmodloader/a", 0o700, Contents::bytes(*b"mine")).unwrap();
    spec.files.file("etc/inittab2", 0o700, Contents::bytes(*b"mine")).unwrap();
    let tree = tree(&spec, &program()).unwrap();
    assert_eq!(tree.get("usr/lib/kmodloader/a").unwrap().mode, 0o700);
}
