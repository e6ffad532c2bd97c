//! A run that is killed, interrupted, one of two, or out of space; and the run after it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kiln_fetch::{Fetch, SourceError, fetch as fetch_source, patch};
use kiln_plan::SourceSpec;
use kiln_store::{Store, StoreError};
use kiln_testkit::{Tmpfs, chain, is_clean};
use tempfile::TempDir;

use crate::ground::{Ground, kernel_tar};

/// Files enough that unpacking them takes a while.
const MANY: usize = 10_000;

/// The example `fetch`, which cargo builds along with the tests.
fn fetch_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/fetch");
    assert!(program.exists(), "{} is not there: run `cargo test -p kiln-fetch`, which builds it", program.display());
    program
}

#[expect(clippy::disallowed_methods, reason = "these processes are sent signals, which Exec does not do")]
fn spawn(store: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(fetch_program());
    command.arg(store).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end; returns whether it succeeded, and both outputs.
fn ended(mut child: Child) -> (bool, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().success(), out, err)
}

/// Waits until an unpacking is well under way.
fn wait_for_files(store: &Path) {
    let started = Instant::now();
    let n_files = || {
        let making = fs::read_dir(store.join("making")).into_iter().flatten().flatten();
        making
            .map(|entry| fs::read_dir(entry.path().join("out/linux-9.8/many")).into_iter().flatten().count())
            .sum::<usize>()
    };
    while n_files() < 100 {
        assert!(started.elapsed() < Duration::from_secs(60), "the unpacking never began");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn big_tarball(dir: &Path) -> PathBuf {
    let path = dir.join("linux.tar");
    fs::write(&path, kernel_tar(MANY)).unwrap();
    path
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_run_after_a_killed_one_succeeds() {
    let dir = TempDir::new().unwrap();
    let (tarball, store) = (big_tarball(dir.path()), dir.path().join("store"));
    let args = ["path", tarball.to_str().unwrap()];
    let child = spawn(&store, &args);
    wait_for_files(&store);
    signal(&child, rustix::process::Signal::KILL);
    assert!(!ended(child).0);
    assert!(!is_clean(&store), "it was killed in the middle");
    assert_eq!(fs::read_dir(store.join("results")).unwrap().count(), 0);
    let (good, out, err) = ended(spawn(&store, &args));
    assert!(good, "{err}");
    assert_eq!(fs::read_dir(Path::new(out.trim()).join("many")).unwrap().count(), MANY);
    assert!(is_clean(&store));
}

#[test]
fn an_interrupt_leaves_nothing_half_made() {
    let dir = TempDir::new().unwrap();
    let (tarball, store) = (big_tarball(dir.path()), dir.path().join("store"));
    let child = spawn(&store, &["path", tarball.to_str().unwrap()]);
    wait_for_files(&store);
    signal(&child, rustix::process::Signal::INT);
    let (good, _, err) = ended(child);
    assert!(!good && err.trim_end().ends_with("error: interrupted"), "{err}");
    assert!(is_clean(&store));
    assert_eq!(fs::read_dir(store.join("results")).unwrap().count(), 0);
}

#[test]
fn of_two_at_once_one_unpacks_and_both_have_it() {
    let dir = TempDir::new().unwrap();
    let (tarball, store) = (big_tarball(dir.path()), dir.path().join("store"));
    let args = ["path", tarball.to_str().unwrap()];
    let first = spawn(&store, &args);
    wait_for_files(&store);
    let second = spawn(&store, &args);
    let ((good_1, out_1, err_1), (good_2, out_2, err_2)) = (ended(first), ended(second));
    assert!(good_1 && good_2, "{err_1}{err_2}");
    assert_eq!(out_1, out_2);
    assert_eq!(err_1.matches("unpack linux.tar").count() + err_2.matches("unpack linux.tar").count(), 1);
    assert!(err_2.contains("another kiln is busy with the same source: waiting for it"), "{err_2}");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let ground = Ground::new();
    let Some(small) = Tmpfs::mount(&ground.path("small"), "size=4m") else { return };
    let tarball = ground.path("linux.tar");
    fs::write(&tarball, kernel_tar(8000)).unwrap();
    let store = Store::open(&small.path().join("store")).unwrap();
    let fetch = Fetch { store: &store, ..ground.fetch() };
    let error = fetch_source(&fetch, &SourceSpec::Path(tarball)).unwrap_err();
    let shown = chain(&error);
    assert!(matches!(error, SourceError::Store(StoreError::Full { .. })), "{shown}");
    assert!(shown.contains(&format!("the disk of the store {} is full", store.dir().display())), "{shown}");
    assert!(shown.contains("--store") && shown.contains("cannot write"), "{shown}");
    assert!(is_clean(store.dir()));
    // Half-written files have been removed, so that there is room again.
    fs::write(ground.path("less.tar"), kernel_tar(100)).unwrap();
    fetch_source(&fetch, &SourceSpec::Path(ground.path("less.tar"))).unwrap();
}

#[test]
fn two_sources_at_once_in_one_store() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let tarballs = ["one.tar", "two.tar"].map(|name| dir.path().join(name));
    for (tarball, n_files) in tarballs.iter().zip([3000, 3001]) {
        fs::write(tarball, kernel_tar(n_files)).unwrap();
    }
    let spawned = tarballs.each_ref().map(|tarball| spawn(&store, &["path", tarball.to_str().unwrap()]));
    let [one, two] = spawned.map(ended);
    assert!(one.0 && two.0, "{}{}", one.2, two.2);
    assert_ne!(one.1, two.1);
    assert!(is_clean(&store));
    // Neither contains files of the other: both are found complete.
    for (tarball, out) in tarballs.iter().zip([one.1, two.1]) {
        let (good, again, err) = ended(spawn(&store, &["path", tarball.to_str().unwrap()]));
        assert!(good && again == out && !err.contains("unpack"), "{err}");
    }
}

#[test]
fn a_store_that_cannot_be_written_is_told() {
    let ground = Ground::new();
    let Some(disk) = Tmpfs::mount(&ground.path("disk"), "size=4m") else { return };
    Store::open(&disk.path().join("store")).unwrap();
    disk.remount("remount,ro");
    let error = Store::open(&disk.path().join("store")).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    let error = Store::open(&disk.path().join("new")).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}

#[test]
fn the_store_may_be_on_another_file_system() {
    let ground = Ground::new();
    let Some(disk) = Tmpfs::mount(&ground.path("disk"), "size=16m") else { return };
    let store = Store::open(&disk.path().join("store")).unwrap();
    fs::write(ground.path("linux.tar"), kernel_tar(10)).unwrap();
    let fetch = Fetch { store: &store, ..ground.fetch() };
    let source = fetch_source(&fetch, &SourceSpec::Path(ground.path("linux.tar"))).unwrap();
    let patched = patch::apply(&fetch, &source, &[], "echo x > y").unwrap();
    assert!(patched.tree.starts_with(store.dir()) && patched.tree.join("y").exists());
}
