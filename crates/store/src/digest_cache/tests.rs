//! Digests of trees that change.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

fn tree() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    fs::write(dir.path().join("a/b/f"), "text").unwrap();
    fs::write(dir.path().join("g"), "other").unwrap();
    symlink("a/b/f", dir.path().join("l")).unwrap();
    dir
}

fn digest(dir: &Path) -> TreeDigest {
    list(dir).unwrap().content().unwrap()
}

#[test]
fn a_remembered_digest_is_the_digest() {
    let (dir, store) = (tree(), TempDir::new().unwrap());
    let store = Store::open(store.path()).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
    let settle =
        |name: &str| File::options().append(true).open(dir.path().join(name)).unwrap().set_modified(long_ago).unwrap();
    let remembered = || remembered_digest(&store, dir.path()).unwrap();
    assert_eq!(remembered(), digest(dir.path()));
    // Of the same size and time, so that only the ctime, which no program can set, reveals the change.
    fs::write(dir.path().join("g"), "othes").unwrap();
    settle("g");
    assert_eq!(remembered(), digest(dir.path()));
    fs::remove_file(dir.path().join("a/b/f")).unwrap();
    assert_eq!(remembered(), digest(dir.path()));
    let memory = Memory::of(&store, &memory_name(dir.path())).unwrap();
    for nonsense in ["nonsense", "kiln tree digests 3\n", "kiln tree digests 3\nno numbers\nand no files"] {
        // As content that kiln wrote, and as that of a damaged file.
        for file in [&memory.whole, &memory.files] {
            file.write(nonsense.as_bytes()).unwrap();
            assert_eq!(remembered(), digest(dir.path()));
            fs::write(file.path(), nonsense).unwrap();
            assert_eq!(remembered(), digest(dir.path()));
        }
    }
}

/// Returns the name of the cache of the tree `root`.
fn memory_name(root: &Path) -> String {
    blake3::hash(root.as_os_str().as_bytes()).to_hex().as_str()[..32].to_owned()
}

#[test]
fn a_settled_tree_is_known_as_a_whole() {
    let (dir, store) = (tree(), TempDir::new().unwrap());
    let store = Store::open(store.path()).unwrap();
    let remembered = || remembered_digest(&store, dir.path()).unwrap();
    let memory = Memory::of(&store, &memory_name(dir.path())).unwrap();
    let first = remembered();
    // As long as a file may still change within a tick of the clock, no digest of the whole tree is cached.
    assert_eq!(whole_line(&memory).0, "0".repeat(64));
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert_eq!(remembered(), first);
    let (numbers, digest_then) = whole_line(&memory);
    assert_eq!(digest_then, first.to_string());
    // That line is what is read: with another digest in it, that one is returned.
    let other = "1".repeat(64);
    memory.whole.write(format!("{FORMAT}{numbers} {other}\n").as_bytes()).unwrap();
    assert_eq!(remembered().to_string(), other);
    // But not where it was changed by something other than kiln.
    let text = fs::read_to_string(memory.whole.path()).unwrap();
    fs::write(memory.whole.path(), text.replace(&other, &"2".repeat(64))).unwrap();
    assert_eq!(remembered(), first);
    assert_eq!(store.mended().len(), 1);
    // Every kind of change invalidates it: bytes, the executable bit, a target, a name, a new directory.
    let changes: [&dyn Fn(); 5] = [
        &|| fs::write(dir.path().join("g"), "others").unwrap(),
        &|| fs::set_permissions(dir.path().join("g"), fs::Permissions::from_mode(0o755)).unwrap(),
        &|| std::os::unix::fs::symlink("elsewhere", dir.path().join("new-link")).unwrap(),
        &|| fs::rename(dir.path().join("g"), dir.path().join("h")).unwrap(),
        &|| fs::create_dir(dir.path().join("empty")).unwrap(),
    ];
    for change in changes {
        let text = memory.whole.read().unwrap();
        change();
        assert_eq!(remembered(), digest(dir.path()));
        memory.whole.write(&text).unwrap();
        assert_eq!(remembered(), digest(dir.path()));
    }
}

/// The numbers and the digest of the tree as a whole.
fn whole_line(memory: &Memory) -> (String, String) {
    let text = String::from_utf8(memory.whole.read().unwrap()).unwrap();
    let (numbers, digest) = text.lines().nth(1).unwrap().split_once(' ').unwrap();
    (numbers.to_owned(), digest.to_owned())
}

#[test]
fn what_cannot_be_read_is_named() {
    let error = list(Path::new("/nonexistent/tree")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nonexistent/tree");
}
