//! `kiln depmod`: the command line, and the files that it leaves.

use std::process::Command;

use kiln_testkit::{Codec, Ko};

use crate::sandbox::Sandbox;

const DIR: &str = "base/lib/modules/6.1.0-test";

fn tree() -> Sandbox {
    let sandbox = Sandbox::new();
    let user = Ko::new().want("given").info("alias", "pci:v*").info("softdep", "pre: giver").build();
    sandbox
        .file(&format!("{DIR}/kernel/net/the-user.ko.xz"), Codec::Xz.pack(&user).expect("packs"))
        .file(&format!("{DIR}/kernel/giver.ko"), Ko::new().export("given").build())
        .file(&format!("{DIR}/modules.order"), "kernel/giver.ko\nkernel/net/the-user.ko\n")
        .file(&format!("{DIR}/modules.builtin"), "kernel/lib/zlib.ko\n")
        .file(&format!("{DIR}/modules.builtin.modinfo"), "zlib.alias=zip-*\0");
    sandbox
}

#[test]
fn all_files_are_depmods() {
    let version = Command::new("depmod").arg("--version").output();
    if !version.is_ok_and(|output| output.stdout.starts_with(b"kmod version 30")) {
        eprintln!("left out: depmod of kmod 30 is not here");
        return;
    }
    let sandbox = tree();
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0);
    let mut ours = Vec::new();
    for entry in std::fs::read_dir(sandbox.path().join(DIR)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            ours.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    assert_eq!(ours.len(), 13, "3 lists and 10 indexes");
    let mut depmod = Command::new("depmod");
    depmod.args(["-C", "/dev/null", "-b"]).arg(sandbox.path().join("base")).arg("6.1.0-test");
    assert!(depmod.status().unwrap().success());
    for (path, bytes) in ours {
        assert!(bytes == std::fs::read(&path).unwrap(), "{} differs", path.display());
    }
}

#[test]
fn layout_34_has_weakdep_too() {
    let sandbox = tree();
    sandbox.kiln(&["depmod", "-b", "base", "--layout", "34", "-o", "out", "6.1.0-test"]).expect(0);
    assert!(sandbox.path().join("out/lib/modules/6.1.0-test/modules.weakdep").exists());
    assert!(!sandbox.path().join(DIR).join("modules.dep").exists());
}

#[test]
fn show_prints_the_text_files_and_writes_none() {
    let sandbox = tree();
    let ran = sandbox.kiln(&["depmod", "-n", "-b", "base", "6.1.0-test"]).expect(0);
    let dep = "kernel/giver.ko:\nkernel/net/the-user.ko.xz: kernel/giver.ko\n";
    assert!(ran.stdout.starts_with(dep), "{}", ran.stdout);
    assert!(ran.stdout.contains("softdep the_user pre: giver\n") && ran.stdout.contains("alias symbol:given giver\n"));
    assert!(!sandbox.path().join(DIR).join("modules.dep").exists());
}

#[test]
fn bad_versions_and_missing_folders_exit_1() {
    let sandbox = tree();
    sandbox.kiln(&["depmod", "-b", "base", "test"]).expect(1).says("Bad version passed test");
    sandbox.kiln(&["depmod", "-b", "base", "9.9"]).expect(1).says("lib/modules/9.9");
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test", "x.ko"]).expect(1).says("not absolute path");
}

#[test]
fn broken_modules_are_named_and_the_rest_is_written() {
    let sandbox = tree();
    sandbox.file(&format!("{DIR}/extra/empty.ko"), "");
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0).says("extra/empty.ko");
    let dep = std::fs::read_to_string(sandbox.path().join(DIR).join("modules.dep")).unwrap();
    assert!(dep.contains("extra/empty.ko:\n") && dep.contains("the-user.ko.xz: kernel/giver.ko\n"), "{dep}");
}

#[test]
fn a_cycle_is_shown_with_its_symbols_and_nothing_is_written() {
    let sandbox = tree();
    sandbox
        .file(&format!("{DIR}/a.ko"), Ko::new().export("of_a").want("of_b").build())
        .file(&format!("{DIR}/b.ko"), Ko::new().export("of_b").want("of_a").build());
    let ran = sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(1);
    let ran = ran.says("Cycle detected").says("a needs b for of_b").says("Found 2 modules in dependency cycles!");
    drop(ran);
    assert!(!sandbox.path().join(DIR).join("modules.dep").exists());
}

#[test]
fn unknown_symbols_are_warned_of_when_asked() {
    let sandbox = tree();
    sandbox.file("symvers", "0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n");
    sandbox.file(&format!("{DIR}/lost.ko"), Ko::new().want("nowhere").build());
    let ran = sandbox.kiln(&["depmod", "-e", "-E", "symvers", "-b", "base", "6.1.0-test"]).expect(0);
    drop(ran.says("lost needs the symbol nowhere"));
    sandbox.kiln(&["depmod", "-e", "-b", "base", "6.1.0-test"]).expect(0).says("-e needs -E or -F");
}

/// Root may read anything except what a file system itself refuses, as sysfs does with files for writing.
#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_written() {
    let sandbox = tree();
    let at = |name: &str| sandbox.path().join(DIR).join(name);
    let links =
        [("dangling.ko", "nowhere"), ("self.ko", "self.ko"), ("loop", "."), ("refused.ko", "/sys/bus/platform/uevent")];
    for (name, target) in links {
        std::os::unix::fs::symlink(target, at(name)).unwrap();
    }
    std::fs::create_dir(at("folder.ko")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe.ko")).status().unwrap().success());
    sandbox.file(&format!("{DIR}/text.ko"), "#!/bin/sh\n").file(&format!("{DIR}/packed.ko.xz"), "\u{fd}7zXZ");
    let ran = sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0);
    for (name, why) in [
        ("dangling.ko", "No such file"),
        ("self.ko", "symbolic links"),
        ("loop", "links back to a directory that contains it"),
        ("refused.ko", "ermission denied"),
        ("pipe.ko", "unsupported file type"),
        ("text.ko", "not an ELF file"),
        ("packed.ko.xz", "not an ELF file"),
    ] {
        let named = |line: &str| line.contains(&format!("{DIR}/{name}")) && line.contains(why);
        assert!(ran.stderr.lines().any(named), "{name}: {why}\n{}", ran.block());
    }
    let dep = std::fs::read_to_string(at("modules.dep")).unwrap();
    assert!(dep.contains("the-user.ko.xz: kernel/giver.ko\n") && dep.contains("refused.ko:\n"), "{dep}");
}

#[test]
fn an_alias_that_no_index_can_hold_names_its_module() {
    let sandbox = tree();
    sandbox.file(&format!("{DIR}/m.ko"), Ko::new().info("alias", "caf\u{e9}").build());
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(1).says("m.ko").says("7-bit ASCII");
    assert!(!sandbox.path().join(DIR).join("modules.dep").exists());
}

#[test]
fn lists_that_are_broken_are_said_and_sort_nothing() {
    let sandbox = tree();
    sandbox.file(&format!("{DIR}/modules.order"), "kernel/net/the-user.ko\nkernel/giver.ko");
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0).says("modules.order:2 corrupted line");
    std::fs::remove_file(sandbox.path().join(DIR).join("modules.order")).unwrap();
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0).says("no modules.order");
    std::fs::create_dir(sandbox.path().join(DIR).join("modules.order")).unwrap();
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(1).says("modules.order");
}

/// A file with holes can be larger than all memory.
#[test]
fn a_file_of_a_terabyte_is_refused() {
    let sandbox = tree();
    let plain = Ko::new().export("x").build();
    let packed = Codec::Xz.pack(&plain).expect("packs");
    // Every section is as long as the file.
    let mut claims = plain.clone();
    let table = u64::from_le_bytes(claims[40..48].try_into().unwrap()) as usize;
    for section in 1..usize::from(u16::from_le_bytes(claims[60..62].try_into().unwrap())) {
        let size = table + 64 * section + 32;
        claims[size..size + 8].copy_from_slice(&(1u64 << 39).to_le_bytes());
    }
    for (name, bytes) in [("claims.ko", claims), ("packed.ko.xz", packed)] {
        sandbox.file(&format!("{DIR}/{name}"), bytes);
        let file = std::fs::OpenOptions::new().write(true).open(sandbox.path().join(DIR).join(name)).unwrap();
        if file.set_len(1 << 40).is_err() {
            eprintln!("left out: this file system has no files of a terabyte");
            return;
        }
    }
    let ran = sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0);
    for name in ["claims.ko", "packed.ko.xz"] {
        let named = |line: &str| line.contains(name) && line.contains("larger than a module can be");
        assert!(ran.stderr.lines().any(named), "{name}\n{}", ran.block());
    }
}

/// As with kmod: a package's script that names a file which is gone must not lose the indexes.
#[test]
fn a_named_file_that_is_gone_is_an_error_and_nothing_is_written() {
    let sandbox = tree();
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test"]).expect(0);
    let dep = sandbox.path().join(DIR).join("modules.dep");
    let before = std::fs::read_to_string(&dep).unwrap();
    let at = |name: &str| format!("{}/{DIR}/{name}", sandbox.path().display());
    let (giver, gone) = (at("kernel/giver.ko"), at("kernel/gone.ko"));
    let ran = sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test", &giver, &gone]).expect(1);
    drop(ran.says("could not create module DIR/").says("kernel/gone.ko").says("No such file or directory"));
    let ran = sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test", &giver, &giver]).expect(1);
    drop(ran.says("could not add module DIR/").says("is the module giver too"));
    assert_eq!(std::fs::read_to_string(&dep).unwrap(), before);
    sandbox.kiln(&["depmod", "-b", "base", "6.1.0-test", &giver]).expect(0);
    assert_eq!(std::fs::read_to_string(&dep).unwrap(), "kernel/giver.ko:\n");
}

/// kmod 30 reads a zstd frame without a size, kmod 34 does not.
#[test]
fn a_zstd_frame_without_a_size_is_read_by_the_old_layout_only() {
    let module = Ko::new().info("alias", "rtnl-link-dummy").build();
    let packed = |name: &str, bytes: &[u8]| {
        let sandbox = Sandbox::new();
        sandbox.file(&format!("{DIR}/{name}.ko.zst"), bytes);
        sandbox
    };
    let sized = Codec::Zstd.pack(&module).expect("packs");
    let (half, rest) = module.split_at(module.len() / 2);
    let two = [half, rest].map(|part| Codec::Zstd.pack(part).expect("packs")).concat();
    let aliases = |sandbox: &Sandbox, layout: &str| {
        let ran = sandbox.kiln(&["depmod", "-b", "base", "--layout", layout, "6.1.0-test"]).expect(0);
        let text = std::fs::read_to_string(sandbox.path().join(DIR).join("modules.alias")).unwrap();
        (text.contains("rtnl-link-dummy"), ran.stderr.contains("does not state the size"))
    };
    for (name, bytes, is_read) in
        [("sized", &sized, true), ("two", &two, false), ("stream", &unsized_frame(&sized), false)]
    {
        let sandbox = packed(name, bytes);
        assert_eq!(aliases(&sandbox, "30"), (true, false), "{name}");
        assert_eq!(aliases(&sandbox, "34"), (is_read, !is_read), "{name}");
    }
}

/// Takes the size out of a zstd frame's header: the descriptor, then one byte of window in its place.
///
/// # Source
/// RFC 8878, section 3.1.1.1.
fn unsized_frame(sized: &[u8]) -> Vec<u8> {
    let descriptor = sized[4];
    let is_single = descriptor & 0x20 != 0;
    let size_bytes = match descriptor >> 6 {
        0 => usize::from(is_single),
        flag => 1 << flag,
    };
    let window = if is_single { vec![0x50] } else { vec![sized[5]] };
    let data = 5 + usize::from(!is_single) + size_bytes;
    [&sized[..4], &[descriptor & 0x1f], &window, &sized[data..]].concat()
}
