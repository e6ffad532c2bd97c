use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use kiln_assembly::{Content, Firmware};
use kiln_kbuild::toolchain::Host;
use kiln_plan::Arch;
use kiln_plan::firmware::Packing;
use kiln_store::{Silent, Store};

use super::collection::{Collection, Found, Origin};
use super::{add, install};
use crate::compress;
use crate::session::Session;

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Returns a collection with each kind of name.
fn scene() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("fw").join(name);
    write(&at("cypress/a.bin"), "a");
    write(&at("packed.bin.xz"), compress::xz(b"packed").unwrap());
    write(&at("frozen.bin.zst"), compress::zstd(b"frozen").unwrap());
    write(&at("table.db"), "table");
    write(&dir.path().join("elsewhere"), "elsewhere");
    fs::create_dir_all(at("brcm")).unwrap();
    symlink("../cypress/a.bin", at("brcm/a.bin")).unwrap();
    symlink("cypress", at("alias")).unwrap();
    symlink("../elsewhere", at("outside.bin")).unwrap();
    symlink("nowhere", at("broken.bin")).unwrap();
    write(&at("WHENCE"), "RawFile: table.db\nLink: new/b.bin -> ../brcm/a.bin\nLink: soft.db -> table.db\n");
    dir
}

fn looked_up(dir: &Path, names: &[&str]) -> Found {
    let collection = Collection::open(dir.join("fw"));
    let mut found = Found::new();
    names.iter().for_each(|name| add(&mut found, collection.look_up(name)));
    found
}

fn installed(dir: &Path, found: &Found, packing: Packing) -> BTreeMap<String, Firmware> {
    let store = Store::open(&dir.join("store")).unwrap();
    let (host, env) = (Host::new(OsString::new()), BTreeMap::new());
    let host_arch = Arch::parse("x86_64").unwrap();
    let session = Session { store: &store, host: &host, host_arch, env: &env, progress: &Silent, jobs: 1 };
    install(&session, found, packing).unwrap()
}

/// Shows `name: text` for a file, `name -> target` for a link.
fn shown(installed: &BTreeMap<String, Firmware>) -> Vec<String> {
    let show = |firmware: &Firmware| match &firmware.content {
        Content::Link(target) => format!("{} -> {target}", firmware.installed),
        Content::File(path) => {
            let bytes = fs::read(path).unwrap();
            let raw = match firmware.installed.rsplit_once('.') {
                Some((_, "xz")) => compress::unxz(&bytes).unwrap(),
                Some((_, "zst")) => compress::unzstd(&bytes).unwrap(),
                _ => bytes,
            };
            format!("{}: {}", firmware.installed, String::from_utf8(raw).unwrap())
        }
        other => format!("{other:?}"),
    };
    installed.values().map(show).collect()
}

#[test]
fn links_stay_links_and_their_targets_come_along() {
    let dir = scene();
    let found = looked_up(dir.path(), &["brcm/a.bin", "alias/a.bin", "new/b.bin", "soft.db", "outside.bin"]);
    assert_eq!(
        shown(&installed(dir.path(), &found, Packing::Raw)),
        [
            "alias/a.bin -> ../cypress/a.bin",
            "brcm/a.bin -> ../cypress/a.bin",
            "cypress/a.bin: a",
            "new/b.bin -> ../cypress/a.bin",
            "outside.bin: elsewhere",
            "soft.db -> table.db",
            "table.db: table",
        ]
    );
}

#[test]
fn every_form_becomes_the_one_that_the_kernel_reads() {
    let dir = scene();
    let names = ["packed.bin", "frozen.bin", "brcm/a.bin", "soft.db"];
    let found = looked_up(dir.path(), &names);
    for (packing, ending) in [(Packing::Raw, ""), (Packing::Xz, ".xz"), (Packing::Zstd, ".zst")] {
        let expected = [
            format!("brcm/a.bin{ending} -> ../cypress/a.bin{ending}"),
            format!("cypress/a.bin{ending}: a"),
            format!("frozen.bin{ending}: frozen"),
            format!("packed.bin{ending}: packed"),
            // The collection requires that it stays as it is.
            "soft.db -> table.db".to_owned(),
            "table.db: table".to_owned(),
        ];
        assert_eq!(shown(&installed(dir.path(), &found, packing)), expected);
    }
}

#[test]
fn patterns_mean_links_too() {
    let dir = scene();
    let names = |pattern: &str| looked_up(dir.path(), &[pattern]).into_keys().collect::<Vec<_>>();
    assert_eq!(names("brcm/*.bin"), ["brcm/a.bin", "cypress/a.bin"]);
    assert_eq!(names("new/?.bin"), ["cypress/a.bin", "new/b.bin"]);
    assert_eq!(names("*ed.bin"), ["packed.bin"]);
    assert_eq!(names("*.db"), ["soft.db", "table.db"]);
    for nothing in ["broken.bin", "../elsewhere", "absent/*", "brcm"] {
        assert!(names(nothing).is_empty(), "{nothing}");
    }
}

#[test]
fn a_link_into_a_name_that_another_collection_has_gets_the_content() {
    let dir = scene();
    let mut found = Found::new();
    write(&dir.path().join("first/cypress/a.bin"), "mine");
    add(&mut found, Collection::open(dir.path().join("first")).look_up("cypress/a.bin"));
    add(&mut found, Collection::open(dir.path().join("fw")).look_up("brcm/a.bin"));
    assert!(matches!(found["brcm/a.bin"], Origin::File(_)));
    assert_eq!(shown(&installed(dir.path(), &found, Packing::Raw)), ["brcm/a.bin: a", "cypress/a.bin: mine"]);
}
