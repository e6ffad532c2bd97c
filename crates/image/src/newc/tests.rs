//! The archive's bytes, and the errors while writing.

use expect_test::expect;

use super::*;

/// The archive with `|` for every run of NULs and a newline before every header.
fn readable(tree: &FileTree) -> String {
    let mut bytes = Vec::new();
    write(tree, &mut bytes).unwrap();
    assert_eq!(bytes.len() % 512, 0);
    let text = String::from_utf8(bytes).unwrap().replace("070701", "\n070701 ");
    text.split('\0').filter(|part| !part.is_empty()).map(|part| format!("{part}|")).collect()
}

#[test]
fn every_kind_of_node_has_its_header() {
    let mut tree = FileTree::new();
    tree.file("init", 0o755, Contents::bytes(*b"hello")).unwrap();
    tree.symlink("bin", "usr/bin").unwrap();
    tree.device("dev/console", 0o600, DeviceClass::Char, 5, 1).unwrap();
    tree.device("dev/vda", 0o660, DeviceClass::Block, 254, 16).unwrap();
    let lines: Vec<String> = readable(&tree).lines().map(str::to_owned).collect();
    expect![[r#"

        070701 000002D10000A1FF0000000000000000000000010000000000000008000000030000000100000000000000000000000400000000bin|usr/bin|
        070701 000002D2000041ED0000000000000000000000020000000000000000000000030000000100000000000000000000000400000000dev|
        070701 000002D3000021800000000000000000000000010000000000000000000000030000000100000005000000010000000C00000000dev/console|
        070701 000002D4000061B000000000000000000000000100000000000000000000000300000001000000FE000000100000000800000000dev/vda|
        070701 000002D5000081ED0000000000000000000000010000000000000005000000030000000100000000000000000000000500000000init|hello|
        070701 00000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000B00000000TRAILER!!!|"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn equal_trees_give_equal_bytes_whatever_the_order_of_making() {
    let parts: [(&str, &[u8]); 3] = [("b/c", b"1"), ("a", b"22"), ("b/a", b"")];
    let archive = |parts: &mut dyn Iterator<Item = &(&str, &[u8])>| {
        let mut tree = FileTree::new();
        for (path, bytes) in parts {
            tree.file(path, 0o644, Contents::bytes(*bytes)).unwrap();
        }
        let mut out = Vec::new();
        write(&tree, &mut out).unwrap();
        out
    };
    assert_eq!(archive(&mut parts.iter()), archive(&mut parts.iter().rev()));
}

#[test]
fn lazy_contents_are_checked_against_their_size() {
    let archive = |size, bytes: &'static [u8]| {
        let mut tree = FileTree::new();
        tree.file("f", 0o644, Contents::lazy(size, move || Ok(Box::new(bytes)))).unwrap();
        let mut out = Vec::new();
        write(&tree, &mut out).map(|()| out)
    };
    let mut plain = FileTree::new();
    plain.file("f", 0o644, Contents::bytes(*b"abc")).unwrap();
    let mut out = Vec::new();
    write(&plain, &mut out).unwrap();
    assert_eq!(archive(3, b"abc").unwrap(), out);
    assert!(matches!(archive(4, b"abc"), Err(WriteError::SizeChanged { path }) if path == "f"));
    assert!(matches!(archive(2, b"abc"), Err(WriteError::SizeChanged { .. })));
    assert!(matches!(archive(1 << 32, b"abc"), Err(WriteError::FileTooLarge { size: 4_294_967_296, .. })));
}

#[test]
fn errors_of_reading_and_writing_are_told_apart() {
    let mut tree = FileTree::new();
    tree.file("f", 0o644, Contents::lazy(1, || Err(io::Error::other("gone")))).unwrap();
    let error = write(&tree, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `f` for the archive");
    let error = write(&FileTree::new(), &mut &mut [0_u8; 100][..]).unwrap_err();
    assert!(matches!(error, WriteError::Write(_)), "{error:?}");
}
