//! Archives made for the tests: complete ones, truncated ones, and ones with forbidden entries.

use std::io::Write;

use expect_test::{Expect, expect};
use kiln_store::Silent;
use tempfile::TempDir;

use super::*;

/// Something to put into an archive.
enum Entry<'a> {
    File(&'a str, &'a str),
    Folder(&'a str),
    Link(&'a str, &'a str),
    HardLink(&'a str, &'a str),
    Odd(&'a str, tar::EntryType),
}

use Entry::{File as F, Folder as D, HardLink as H, Link as L, Odd as O};

fn tar_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let (path, kind, target, content) = match entry {
            F(path, content) => (path, tar::EntryType::Regular, "", *content),
            D(path) => (path, tar::EntryType::Directory, "", ""),
            L(path, target) => (path, tar::EntryType::Symlink, *target, ""),
            H(path, target) => (path, tar::EntryType::Link, *target, ""),
            O(path, kind) => (path, *kind, "", ""),
        };
        let mut header = tar::Header::new_gnu();
        // The builder's own setters refuse the names that these tests need.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o4755);
        header.set_mtime(1_700_000_000);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Unpacks `bytes` and shows the tree, or the error with its sources.
fn unpacked(bytes: &[u8]) -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let (archive, into) = (dir.path().join("a.tar"), dir.path().join("into"));
    std::fs::write(&archive, bytes).unwrap();
    std::fs::create_dir(&into).unwrap();
    let shown = match unpack(&archive, &into, &Silent) {
        Ok(()) => {
            let listing = kiln_store::directory::list(&into).unwrap();
            let show = |file: &kiln_store::directory::Found| match &file.kind {
                kiln_store::directory::Kind::Link(target) => {
                    format!("{} -> {}\n", file.path.display(), target.display())
                }
                kiln_store::directory::Kind::Folder => format!("{}/\n", file.path.display()),
                _ => format!("{} {:o}\n", file.path.display(), file.mode),
            };
            listing.files().iter().map(show).collect()
        }
        Err(error) => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                text += &format!(": {error}");
                source = error.source();
            }
            text.replace(&dir.path().display().to_string(), "")
        }
    };
    (dir, shown)
}

fn check(entries: &[Entry<'_>], expected: Expect) {
    let (dir, shown) = unpacked(&tar_of(entries));
    // Whatever an archive contained, nothing was created beside the directory.
    let beside: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
    expected.assert_eq(&shown);
}

#[test]
fn leaves_out_the_single_folder_at_the_top() {
    check(
        &[D("linux/"), F("linux/Makefile", "x"), F("linux/linux", "y"), L("linux/arch/dts", "../Makefile")],
        expect![[r#"
            Makefile 755
            arch/
            arch/dts -> ../Makefile
            linux 755
        "#]],
    );
    check(
        &[F("./Makefile", "x"), F("./a/b", "y")],
        expect![[r#"
            Makefile 755
            a/
            a/b 755
        "#]],
    );
}

#[test]
fn copies_hard_links() {
    let (dir, shown) = unpacked(&tar_of(&[F("t/a", "text"), H("t/b", "t/a")]));
    expect![[r#"
        a 755
        b 755
    "#]]
    .assert_eq(&shown);
    std::fs::write(dir.path().join("into/a"), "other").unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("into/b")).unwrap(), "text");
}

#[test]
fn keeps_times() {
    let (dir, _) = unpacked(&tar_of(&[F("a", "text")]));
    let changed = std::fs::metadata(dir.path().join("into/a")).unwrap().modified().unwrap();
    assert_eq!(changed, std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
}

#[test]
fn refuses_paths_out_of_the_tree() {
    check(&[F("/etc/x", "")], expect!["/a.tar is refused: its entry `/etc/x` has an absolute path"]);
    check(&[F("t/../../x", "")], expect!["/a.tar is refused: its entry `t/../../x` has `..` in its path"]);
    check(&[D("..")], expect!["/a.tar is refused: its entry `..` has `..` in its path"]);
}

#[test]
fn refuses_links_out_of_the_tree() {
    check(
        &[F("t/f", ""), L("t/l", "/etc/passwd")],
        expect!["/a.tar is refused: its entry `t/l` links to `/etc/passwd`, outside of the tree"],
    );
    check(
        &[F("t/f", ""), L("t/a/l", "../../../x")],
        expect!["/a.tar is refused: its entry `t/a/l` links to `../../../x`, outside of the tree"],
    );
    // Inside of the archive, but not inside of what becomes the tree.
    check(
        &[F("t/f", ""), L("t/l", "../t/f")],
        expect!["/a.tar is refused: its entry `t/l` links to `../t/f`, outside of the tree"],
    );
    // Through another link, which makes `..` mean another directory.
    check(
        &[F("t/f", ""), D("t/a/b"), L("t/a/b/up", "../.."), L("t/l", "a/b/up/../x")],
        expect!["/a.tar is refused: its entry `t/l` links to `a/b/up/../x`, outside of the tree"],
    );
    check(
        &[F("t/f", ""), H("t/h", "../../etc/passwd")],
        expect!["/a.tar is refused: its entry `t/h` links to `../../etc/passwd`, outside of the tree"],
    );
    check(
        &[F("t/f", ""), H("t/h", "t/later"), F("t/later", "")],
        expect!["/a.tar is refused: its entry `t/h` is a hard link to `t/later`, which is not a file before it"],
    );
    check(
        &[L("t/l", "f"), H("t/h", "t/l")],
        expect!["/a.tar is refused: its entry `t/h` is a hard link to `t/l`, which is not a file before it"],
    );
}

#[test]
fn refuses_to_write_through_links() {
    check(
        &[D("t"), D("t/real"), L("t/l", "real"), F("t/l/x", "")],
        expect!["/a.tar is refused: its entry `t/l/x` would be written through the link `t/l`"],
    );
    check(&[L("l", "/tmp"), D("l")], expect!["/a.tar is refused: its entry `l` would be written through the link `l`"]);
    check(&[L("l", "f"), F("l", "x")], expect!["/a.tar is refused: its entry `l` is there twice"]);
    check(&[F("f", "x"), F("f/g", "y")], expect!["/a.tar is refused: its entry `f/g` would be inside of the file `f`"]);
    check(&[F("f", "x"), F("./f", "y")], expect!["/a.tar is refused: its entry `./f` is there twice"]);
    check(&[F("f", "x"), L("f", "y")], expect!["/a.tar is refused: its entry `f` is there twice"]);
}

#[test]
fn refuses_what_is_no_file() {
    check(&[O("d", tar::EntryType::Char)], expect!["/a.tar is refused: its entry `d` is a device"]);
    check(&[O("d", tar::EntryType::Block)], expect!["/a.tar is refused: its entry `d` is a device"]);
    check(&[O("p", tar::EntryType::Fifo)], expect!["/a.tar is refused: its entry `p` is a named pipe"]);
    check(&[O("u", tar::EntryType::new(b'Z'))], expect!["/a.tar is refused: its entry `u` is of the unknown kind `Z`"]);
    check(&[], expect!["/a.tar has no file in it"]);
}

#[test]
fn refuses_a_file_of_nothing_but_a_huge_hole() {
    let sparse = |size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_path("s").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_mode(0o644);
        header.set_size(0);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(size);
        gnu.sparse[0].set_offset(size);
        gnu.sparse[0].set_length(0);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, &b""[..]).unwrap();
        builder.into_inner().unwrap()
    };
    let (dir, _) = unpacked(&sparse(5000));
    assert_eq!(std::fs::read(dir.path().join("into/s")).unwrap(), [0; 5000]);
    expect!["/a.tar is refused: its entry `s` is a file of 1152921504606846976 bytes, most of them holes"]
        .assert_eq(&unpacked(&sparse(1 << 60)).1);
}

fn packed(format: &str, tar: &[u8]) -> Vec<u8> {
    match format {
        "xz" => {
            let mut packer = liblzma::write::XzEncoder::new(Vec::new(), 1);
            packer.write_all(tar).unwrap();
            packer.finish().unwrap()
        }
        "gz" => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(tar).unwrap();
            packer.finish().unwrap()
        }
        "bz2" => {
            let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            packer.write_all(tar).unwrap();
            packer.finish().unwrap()
        }
        "zst" => {
            let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
            // As the program `zstd` does.
            packer.include_checksum(true).unwrap();
            packer.write_all(tar).unwrap();
            packer.finish().unwrap()
        }
        _ => tar.to_vec(),
    }
}

/// Returns text that does not compress to nothing.
fn noise(length: usize) -> String {
    let mut state = 1_u32;
    let next = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b' ' + (*state >> 24) as u8 % 95)
    };
    (0..length).map(|_| next(&mut state)).collect()
}

#[test]
fn unpacks_every_format() {
    let text = noise(1 << 20);
    let tar = tar_of(&[F("t/a", &text), F("t/b", "b")]);
    for format in ["xz", "gz", "bz2", "zst", "tar"] {
        let (dir, shown) = unpacked(&packed(format, &tar));
        assert_eq!(shown, "a 755\nb 755\n", "{format}");
        assert_eq!(std::fs::read_to_string(dir.path().join("into/a")).unwrap(), text, "{format}");
    }
    let half = tar.len() / 2;
    let streams = [packed("xz", &tar[..half]), vec![0; 8], packed("xz", &tar[half..])].concat();
    assert_eq!(unpacked(&streams).1, "a 755\nb 755\n", "an xz of two streams");
}

#[test]
fn notices_every_cut() {
    let text = noise(300_000);
    let tar = tar_of(&[F("t/a", &text), F("t/b", &text)]);
    for format in ["xz", "gz", "bz2", "zst", "tar"] {
        let whole = packed(format, &tar);
        // The last one cuts the end mark of a plain tar, and the checksum of the others.
        for keep in [700, whole.len() / 4, whole.len() / 2, whole.len() - 2000, whole.len() - 1025, whole.len() - 4] {
            // The end mark of a plain tar is 1024 bytes, of which the first 512 suffice.
            if format == "tar" && keep == whole.len() - 4 {
                continue;
            }
            let (_, shown) = unpacked(&whole[..keep]);
            assert!(
                shown.contains("/a.tar is damaged or cut off"),
                "{format} cut to {keep} of {}: {shown}",
                whole.len()
            );
        }
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0x55;
        if format != "tar" {
            let (_, shown) = unpacked(&flipped);
            assert!(shown.contains("/a.tar is damaged or cut off"), "{format} with a flipped byte: {shown}");
        }
    }
}

#[test]
fn names_the_entry_at_a_cut() {
    let text = noise(300_000);
    let tar = tar_of(&[F("t/a", &text), F("t/b", &text)]);
    let (_, shown) = unpacked(&tar[..tar.len() - 2000]);
    expect!["/a.tar is damaged or cut off (at `t/b`): bytes are missing"].assert_eq(&shown);
    let (_, shown) = unpacked(&tar[..tar.len() - 1024]);
    expect!["/a.tar is damaged or cut off (at `t/b`): the end mark is missing"].assert_eq(&shown);
}

#[test]
fn knows_what_is_no_archive() {
    for bytes in [&b"hello"[..], b"", b"PK\x03\x04"] {
        let (_, shown) = unpacked(bytes);
        assert_eq!(shown, "/a.tar is not a tar archive, plain or compressed with xz, gzip, bzip2 or zstd");
    }
}

/// Returns a package of these members, as `ar` writes it.
fn ar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, content.len()).unwrap();
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[test]
fn finds_the_kernel_within_a_package() {
    let kernel =
        packed("xz", &tar_of(&[F("linux-source-9/Makefile", "VERSION = 9\n"), F("linux-source-9/Kconfig", "")]));
    let outer = |name: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in [("./usr/share/doc/x", &b"doc"[..]), (name, &kernel)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, path, bytes).unwrap();
        }
        packed("zst", &builder.into_inner().unwrap())
    };
    let dir = TempDir::new().unwrap();
    let deb = dir.path().join("k.deb");
    let unpack = |bytes: &[u8]| {
        std::fs::write(&deb, bytes).unwrap();
        let into = TempDir::new().unwrap();
        let unpacked = deb::unpack_source(&deb, into.path(), &Silent);
        unpacked.map(|()| into).map_err(|error| error.to_string().replace(&dir.path().display().to_string(), ""))
    };
    let data = outer("./usr/src/linux-source-9.tar.xz");
    let whole = ar_of(&[("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.zst/", &data)]);
    let into = unpack(&whole).unwrap();
    assert_eq!(std::fs::read_to_string(into.path().join("Makefile")).unwrap(), "VERSION = 9\n");

    let cut = unpack(&whole[..whole.len() - 100]).unwrap_err();
    assert!(cut.starts_with("/k.deb is damaged or cut off"), "{cut}");
    let other = ar_of(&[("data.tar.zst", &outer("./usr/src/other.tar.xz"))]);
    expect!["/k.deb has no usr/src/linux-source-*.tar.* in it"].assert_eq(&unpack(&other).unwrap_err());
    let none = ar_of(&[("debian-binary", b"2.0\n")]);
    assert!(unpack(&none).unwrap_err().starts_with("/k.deb is damaged or cut off"));
}

#[test]
fn lays_packages_into_one_merged_root() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let packages = [
        tar_of(&[D("./"), D("./lib/"), F("./lib/libc.so.6", "c"), L("./lib64/ld.so", "/lib/libc.so.6")]),
        tar_of(&[
            L("./lib", "usr/lib"),
            D("./usr/"),
            F("./usr/lib/libn.so", "n"),
            L("./etc/alternatives/x", "/usr/lib/libn.so"),
        ]),
    ];
    let debs = packages.iter().enumerate().map(|(index, tar)| {
        let name = dir.path().join(format!("{index}.deb"));
        std::fs::write(&name, ar_of(&[("data.tar", tar)])).unwrap();
        Ok::<_, ArchiveError>(name)
    });
    deb::unpack_packages(debs, dir.path(), 0, &root, &Silent).unwrap();
    // The links mean the same seen from the host and from within the root.
    assert_eq!(std::fs::read_to_string(root.join("lib64/ld.so")).unwrap(), "c");
    assert_eq!(std::fs::read_to_string(root.join("etc/alternatives/x")).unwrap(), "n");
    assert_eq!(std::fs::read_link(root.join("lib")).unwrap(), Path::new("usr/lib"));
}
