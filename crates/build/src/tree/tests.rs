//! Digests of small trees, and of trees that change.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::Store;

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
fn the_digest_is_of_names_bytes_links_and_the_right_to_run() {
    let whole = digest(tree().path());
    assert_eq!(whole, digest(tree().path()), "times and places are not in it");
    type Change = fn(&Path);
    let changes: [(&str, Change); 7] = [
        ("bytes", |dir| fs::write(dir.join("g"), "othes").unwrap()),
        ("a name", |dir| fs::rename(dir.join("g"), dir.join("h")).unwrap()),
        ("a new file", |dir| fs::write(dir.join("a/n"), "").unwrap()),
        ("a file less", |dir| fs::remove_file(dir.join("g")).unwrap()),
        ("the right to run", |dir| fs::set_permissions(dir.join("g"), fs::Permissions::from_mode(0o755)).unwrap()),
        ("a folder", |dir| fs::create_dir(dir.join("a/c")).unwrap()),
        ("a link", |dir| {
            fs::remove_file(dir.join("l")).unwrap();
            symlink("g", dir.join("l")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let other = tree();
        change(other.path());
        assert_ne!(whole, digest(other.path()), "{what}");
    }
}

#[test]
fn a_repository_is_not_part_of_its_tree() {
    let dir = tree();
    let whole = digest(dir.path());
    fs::create_dir(dir.path().join(".git")).unwrap();
    fs::write(dir.path().join(".git/HEAD"), "ref").unwrap();
    assert_eq!(whole, digest(dir.path()));
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
    // Of the same size and time, so that only what no program can set tells of the change.
    fs::write(dir.path().join("g"), "othes").unwrap();
    settle("g");
    assert_eq!(remembered(), digest(dir.path()));
    fs::remove_file(dir.path().join("a/b/f")).unwrap();
    assert_eq!(remembered(), digest(dir.path()));
    let memory = fs::read_dir(store.cache("trees").unwrap()).unwrap().next().unwrap().unwrap().path();
    for nonsense in ["nonsense", "kiln tree digests 2\n", "kiln tree digests 2\nno numbers\nand no files"] {
        fs::write(&memory, nonsense).unwrap();
        assert_eq!(remembered(), digest(dir.path()));
    }
}

#[test]
fn a_settled_tree_is_known_as_a_whole() {
    let (dir, store) = (tree(), TempDir::new().unwrap());
    let store = Store::open(store.path()).unwrap();
    let remembered = || remembered_digest(&store, dir.path()).unwrap();
    let memory = || store.cache("trees").unwrap().read_dir().unwrap().next().unwrap().unwrap().path();
    let first = remembered();
    // As long as a file may still change within a tick of the clock, the tree as a whole is not known.
    assert_eq!(whole_line(&memory()).0, "0".repeat(64));
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert_eq!(remembered(), first);
    let (numbers, digest_then) = whole_line(&memory());
    assert_eq!(digest_then, first.to_string());
    // That line is what is asked: with another digest in it, that one is given.
    let other = "1".repeat(64);
    let text =
        fs::read_to_string(memory()).unwrap().replace(&format!("{numbers} {first}"), &format!("{numbers} {other}"));
    fs::write(memory(), text).unwrap();
    assert_eq!(remembered().to_string(), other);
    // Every kind of change leads past it: bytes, the right to run, a target, a name, a new folder.
    let changes: [&dyn Fn(); 5] = [
        &|| fs::write(dir.path().join("g"), "others").unwrap(),
        &|| fs::set_permissions(dir.path().join("g"), fs::Permissions::from_mode(0o755)).unwrap(),
        &|| std::os::unix::fs::symlink("elsewhere", dir.path().join("new-link")).unwrap(),
        &|| fs::rename(dir.path().join("g"), dir.path().join("h")).unwrap(),
        &|| fs::create_dir(dir.path().join("empty")).unwrap(),
    ];
    for change in changes {
        let text = fs::read_to_string(memory()).unwrap();
        change();
        assert_eq!(remembered(), digest(dir.path()));
        fs::write(memory(), text).unwrap();
        assert_eq!(remembered(), digest(dir.path()));
    }
}

/// The numbers and the digest of the tree as a whole.
fn whole_line(memory: &Path) -> (String, String) {
    let text = fs::read_to_string(memory).unwrap();
    let (numbers, digest) = text.lines().nth(1).unwrap().split_once(' ').unwrap();
    (numbers.to_owned(), digest.to_owned())
}

#[test]
fn a_copy_shares_nothing_with_its_original() {
    let (dir, to) = (tree(), TempDir::new().unwrap());
    copy(&list(dir.path()).unwrap(), to.path()).unwrap();
    assert_eq!(digest(dir.path()), digest(to.path()));
    fs::write(to.path().join("a/b/f"), "edited in place").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a/b/f")).unwrap(), "text");
}

#[test]
fn what_cannot_be_read_is_named() {
    let error = list(Path::new("/nonexistent/tree")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nonexistent/tree");
}
