//! Headers with wrong numbers, long names and deep paths; and GNU tar over random headers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kiln_exec::Exec;
use kiln_store::Silent;
use tempfile::TempDir;

use super::super::unpack;

/// Returns a header, whose checksum is right.
fn header(name: &str, kind: u8, size: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    for (at, text) in [(100, "0000644\0"), (108, "0001750\0"), (116, "0001750\0"), (136, "14531064000\0")] {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar  \0");
    seal(&mut block);
    block
}

/// Writes the checksum.
fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Returns an entry with its bytes.
fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, format!("{:011o}\0", content.len()).as_bytes());
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn link(name: &str, kind: u8, target: &str) -> Vec<u8> {
    let mut bytes = header(name, kind, b"00000000000\0");
    bytes[157..157 + target.len()].copy_from_slice(target.as_bytes());
    seal(&mut bytes[..512]);
    bytes
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let length = (rest.len()..).find(|n| n.to_string().len() + rest.len() == *n).unwrap();
        format!("{length}{rest}")
    };
    entry("pax", b'x', records.iter().map(record).collect::<String>().as_bytes())
}

fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

/// Unpacks `bytes`; returns the tree, or the error's own text.
fn unpacked(bytes: &[u8]) -> Result<Tree, String> {
    let dir = TempDir::new().unwrap();
    let (file, into) = (dir.path().join("a.tar"), dir.path().join("into"));
    fs::write(&file, bytes).unwrap();
    fs::create_dir(&into).unwrap();
    unpack(&file, &into, &Silent).map_err(|error| error.to_string().replace(&dir.path().display().to_string(), ""))?;
    Ok(tree(&into))
}

#[track_caller]
fn refused(parts: &[Vec<u8>], expected: &str) {
    assert_eq!(unpacked(&archive(parts)), Err(format!("/a.tar is refused: its entry {expected}")));
}

#[test]
fn sizes_are_exact_and_unsigned() {
    let file = |size: &[u8]| vec![header("f", b'0', size)];
    for size in [
        &b"\x80\x01\0\0\0\0\0\0\0\0\0\0"[..],
        b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"00000000009\0",
        b"-1\0",
        b"            ",
    ] {
        refused(&file(size), "`f` has no valid size in its header");
    }
    for size in ["99999999999999999999", "9223372036854775808", "-1", "0x10", ""] {
        refused(&[pax(&[("size", size)]), entry("f", b'0', b"")], "`pax` has no valid size in its header");
    }
    for (name, kind) in [("d/f", b'1'), ("d", b'5'), ("d/", b'0')] {
        let shown = format!("`{name}` is a hard link or a directory, but has bytes");
        refused(&[header(name, kind, b"00000001000\0")], &shown);
    }
    refused(&[pax(&[("GNU.sparse.major", "1")])], "`pax` is a sparse file in pax format, which is not known here");
    // The size of a pax header counts instead of that of the entry.
    let found = unpacked(&archive(&[
        pax(&[("size", "3")]),
        [header("f", b'0', b"00000000000\0"), b"abc".to_vec()].concat(),
        vec![0; 509],
    ]));
    assert_eq!(found.unwrap().get("f").map(String::as_str), Some("file abc"));
}

/// The headers are refused by the sizes that they claim, before their bytes are read.
#[test]
fn names_and_headers_have_limits() {
    let six_gib = b"\x80\0\0\0\0\0\0\x01\x80\0\0\0";
    refused(&[header("././@LongLink", b'L', six_gib)], "`././@LongLink` has a name of more than 4096 bytes");
    refused(&[header("././@LongLink", b'K', six_gib)], "`././@LongLink` has a name of more than 4096 bytes");
    refused(&[header("p", b'x', six_gib)], "`p` has a header of more than 1048576 bytes");
    refused(&[header("p", b'g', six_gib)], "`p` has a header of more than 1048576 bytes");
    refused(&[pax(&[("path", &"a/".repeat(2100))])], "`pax` has a name of more than 4096 bytes");
    let long = entry("././@LongLink", b'L', &[&b"d/"[..], &[b'x'; 300], b"\0"].concat());
    let shown = format!("`d/{}…` has no valid size in its header", "x".repeat(118));
    refused(&[long, header("f", b'0', b"x")], &shown);
    let mut sparse = header("s", b'S', b"00000000000\0");
    sparse[482] = 1;
    seal(&mut sparse);
    let mut map = vec![0; 512];
    map[504] = 1;
    refused(&[sparse, map.repeat(4097)], "`s` is a file with too many holes");
}

#[test]
fn paths_have_a_greatest_depth() {
    let deep = |n: usize| vec![entry("././@LongLink", b'L', "d/".repeat(n).as_bytes()), entry("d", b'5', b"")];
    let tree = unpacked(&archive(&[deep(128), vec![entry("f", b'0', b"")]].concat())).unwrap();
    assert_eq!(tree.len(), 129);
    for n in [129, 2000] {
        let path = "d/".repeat(n);
        refused(&deep(n), &format!("`{path}` is more than 128 directories deep"));
    }
    refused(&deep(100_000), "`././@LongLink` has a name of more than 4096 bytes");
}

/// The files of a tree by path, each with its kind and its bytes or its target.
type Tree = BTreeMap<String, String>;

fn tree(root: &Path) -> Tree {
    let listing = kiln_store::directory::list(root).unwrap();
    let show = |found: &kiln_store::directory::Found| {
        let path = root.join(&found.path);
        let what = match &found.kind {
            kiln_store::directory::Kind::File if found.size < 10_000 => {
                format!("file {}", String::from_utf8_lossy(&fs::read(path).unwrap()))
            }
            kiln_store::directory::Kind::File => format!("file of {}", found.size),
            kiln_store::directory::Kind::Folder => "directory".to_owned(),
            kiln_store::directory::Kind::Link(target) => format!("link to {}", target.display()),
            kiln_store::directory::Kind::Other => "other".to_owned(),
        };
        (String::from_utf8_lossy(found.path.as_os_str().as_encoded_bytes()).into_owned(), what)
    };
    listing.files().iter().map(show).collect()
}

/// Unpacks with GNU tar; `None` when it fails.
fn unpacked_by_tar(bytes: &[u8]) -> Option<Tree> {
    let dir = TempDir::new().unwrap();
    let tar = Exec::new("tar").env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").dir(dir.path());
    let args = ["--extract", "--file=-", "--no-same-owner", "--no-same-permissions", "--delay-directory-restore"];
    let output = tar.args(args).stdin(bytes).capture().unwrap();
    output.status.success().then(|| tree(dir.path()))
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Changes a few bytes of the headers, mostly within numbers, and mostly with a right checksum.
fn mutated(random: &mut Random, parts: &[Vec<u8>]) -> Vec<u8> {
    const FIELDS: &[(usize, usize)] = &[
        (0, 100),
        (100, 8),
        (108, 8),
        (116, 8),
        (124, 12),
        (124, 12),
        (136, 12),
        (156, 1),
        (157, 20),
        (257, 8),
        (345, 155),
        (386, 109),
    ];
    const BYTES: &[u8] = b"\0\x80\xff\x7f 01789+-.=/axLKgS\n";
    let mut parts = parts.to_vec();
    for _ in 0..=random.below(2) {
        let n_parts = parts.len();
        let part = &mut parts[random.below(n_parts)];
        let (start, length) = *random.of(FIELDS);
        let is_content = part.len() > 512 && random.below(3) == 0;
        match random.below(3) {
            _ if is_content => {
                let at = 512 + random.below((part.len() - 512).min(40));
                part[at] = *random.of(BYTES);
            }
            0 => {
                let byte = *random.of(BYTES);
                part[start..start + length].fill(byte);
            }
            1 => {
                // A number of base 256, of random width and sign.
                part[start..start + length].fill(0);
                part[start] = *random.of(&[0x80, 0xff, 0x81]);
                let at = start + random.below(length);
                part[at..start + length].fill(*random.of(BYTES));
            }
            _ => part[start + random.below(length)] = *random.of(BYTES),
        }
        if random.below(10) > 0 {
            seal(&mut part[..512]);
        }
    }
    let mut bytes = archive(&parts);
    if random.below(20) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
    bytes
}

/// Returns the number of archives to compare; more than usual with `KILN_TAR_ROUNDS`.
#[expect(clippy::disallowed_methods, reason = "a test is asked for more by its environment")]
fn rounds() -> usize {
    std::env::var("KILN_TAR_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

/// Whatever GNU tar refuses is refused here, and whatever both unpack is the same tree.
#[test]
fn accepts_nothing_that_gnu_tar_refuses() {
    let mut sparse = entry("s/s", b'S', &[b'x'; 512]);
    for (at, number) in [(386, 512), (398, 512), (483, 1024)] {
        sparse[at..at + 12].copy_from_slice(format!("{number:011o}\0").as_bytes());
    }
    seal(&mut sparse[..512]);
    let bases = [
        vec![entry("a/", b'5', b""), entry("a/f", b'0', b"text"), link("l", b'2', "a/f"), link("h", b'1', "a/f")],
        vec![
            pax(&[("path", "a/p"), ("size", "4"), ("mtime", "1.5")]),
            entry("x", b'0', b"long"),
            entry("b", b'0', b""),
        ],
        vec![entry("././@LongLink", b'L', b"a/name\0"), entry("x", b'0', b"text"), sparse],
        vec![entry("././@LongLink", b'K', b"target\0"), link("l", b'2', "x"), entry("f/", b'0', b"")],
    ];
    let mut random = Random(7);
    let (mut n_good, mut n_refused, mut n_stricter) = (0, 0, 0);
    for round in 0..rounds() {
        let base = &bases[round % bases.len()];
        let bytes = if round < bases.len() { archive(base) } else { mutated(&mut random, base) };
        let (ours, theirs) = (unpacked(&bytes), unpacked_by_tar(&bytes));
        let dump = || {
            let path = std::env::temp_dir().join("kiln-differs.tar");
            fs::write(&path, &bytes).unwrap();
            format!("round {round}, see {}: {ours:?}", path.display())
        };
        match (&ours, &theirs) {
            (Ok(ours), Some(theirs)) => {
                n_good += 1;
                // A single directory at the top is left out here.
                let is_same = ours == theirs || theirs.len() == ours.len() + 1;
                assert!(is_same, "{} instead of {theirs:?}", dump());
            }
            (Ok(_), None) => panic!("{}", dump()),
            (Err(_), Some(_)) => n_stricter += 1,
            (Err(_), None) => n_refused += 1,
        }
        assert!(round >= bases.len() || (ours.is_ok() && theirs.is_some()), "{}", dump());
    }
    // All three kinds of outcome are there in numbers.
    assert!(n_good > 100 && n_refused > 100 && n_stricter > 10, "{n_good} {n_refused} {n_stricter}");
}
