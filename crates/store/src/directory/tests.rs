//! Digests of small trees.

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
        ("a directory", |dir| fs::create_dir(dir.join("a/c")).unwrap()),
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
fn a_copy_shares_nothing_with_its_original() {
    let (dir, to) = (tree(), TempDir::new().unwrap());
    copy(&list(dir.path()).unwrap(), to.path()).unwrap();
    assert_eq!(digest(dir.path()), digest(to.path()));
    fs::write(to.path().join("a/b/f"), "edited in place").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a/b/f")).unwrap(), "text");
}
