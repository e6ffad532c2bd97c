use super::*;
use crate::Layout;

fn sample() -> Trie {
    let mut trie = Trie::new();
    for (key, priority, value) in [
        ("pci:v*d1", 5, "late"),
        ("pci:v*d1", 2, "early"),
        ("pci:v*d1", 5, "later_but_first"),
        ("pci", 1, "prefix"),
        ("", 9, "root"),
        ("usb:v[0-9]?", 3, "usb"),
        ("usb:v", 4, ""),
    ] {
        trie.insert(key, priority, value);
    }
    trie
}

fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| std::str::from_utf8(&value.bytes).unwrap()).collect()
}

#[test]
fn what_is_written_is_read_again() {
    for layout in [Layout::V30, Layout::V34] {
        for trie in [Trie::new(), sample()] {
            let bytes = write(&trie, layout).unwrap();
            let again = read(&bytes).unwrap();
            assert_eq!(again, trie, "{layout:?}");
            assert_eq!(write(&again, layout).unwrap(), bytes, "{layout:?}");
        }
    }
}

#[test]
fn equal_priorities_come_latest_first() {
    assert_eq!(texts(sample().get(b"pci:v*d1")), ["early", "later_but_first", "late"]);
}

#[test]
fn keys_are_found_exactly_and_as_patterns() {
    let bytes = write(&sample(), Layout::V34).unwrap();
    let reader = Reader::new(&bytes).unwrap();
    assert_eq!(texts(&reader.get(b"pci").unwrap()), ["prefix"]);
    assert_eq!(texts(&reader.get(b"").unwrap()), ["root"]);
    assert!(reader.get(b"pc").unwrap().is_empty() && reader.get(b"pci:v1d1").unwrap().is_empty());
    assert_eq!(texts(&reader.matching(b"pci:v123d1").unwrap()), ["early", "later_but_first", "late"]);
    assert_eq!(texts(&reader.matching(b"usb:v7x").unwrap()), ["usb"]);
    assert!(reader.matching(b"usb:vxx").unwrap().is_empty());
}

/// The bytes of the two layouts, from the format's description.
#[test]
fn layouts_differ_in_the_order_of_nodes() {
    let mut trie = Trie::new();
    trie.insert("ab", 1, "x");
    let header =
        |root: u32| [0xB007_F457, 0x0002_0001, root].iter().flat_map(|word: &u32| word.to_be_bytes()).collect();
    let leaf = *b"b\0\0\0\0\x01\0\0\0\x01x\0";
    let root = |child: u32| [&b"aa"[..], &child.to_be_bytes()].concat();
    let old: Vec<u8> = header(0x2000_0000 | 24);
    let old = [old, leaf.to_vec(), root(0xC000_0000 | 12)].concat();
    assert_eq!(write(&trie, Layout::V30).unwrap(), old);
    let new: Vec<u8> = header(0x2000_0000 | 12);
    let new = [new, root(0xC000_0000 | 18), leaf.to_vec()].concat();
    assert_eq!(write(&trie, Layout::V34).unwrap(), new);
}

#[test]
fn what_is_no_index_is_refused() {
    let good = write(&sample(), Layout::V30).unwrap();
    assert_eq!(read(b"hello"), Err(ReadError::Magic));
    assert_eq!(read(&[&good[..4], &[0, 3, 0, 0], &good[8..]].concat()), Err(ReadError::Version(0x0003_0000)));
    // A root that has itself as its child.
    let circle = [&good[..8], &0x2000_000Cu32.to_be_bytes()[..], b"aa", &0x2000_000Cu32.to_be_bytes()[..]].concat();
    assert_eq!(read(&circle), Err(ReadError::Tangled));
}

#[test]
fn keys_and_values_have_limits() {
    for (key, value) in [("caf\u{e9}", ""), ("a\0b", ""), ("a", "x\0y")] {
        let mut trie = Trie::new();
        trie.insert(key, 0, value);
        assert!(write(&trie, Layout::V30).is_err(), "{key:?} {value:?}");
    }
}
