//! One store, intact and damaged.

mod states;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::mpsc::channel;
use std::time::Duration;

use kiln_plan::KeyWriter;
use tempfile::TempDir;

use super::*;
use crate::Silent;

#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error("made to fail")]
    Own,
    #[error("the compiler said: {0}")]
    Said(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records the notes; copies share them.
#[derive(Default, Clone)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn take(&self) -> String {
        self.0.lock().unwrap().drain(..).collect::<Vec<_>>().join("\n")
    }
}

impl Progress for Notes {
    fn begin(&self, _task: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _item: &str) {}
    fn end(&self) {}
    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

fn key(name: &str) -> Key {
    KeyWriter::new("test/1").field("name", name).finish()
}

fn open() -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&dir.path().join("s")).unwrap();
    (dir, store)
}

fn text(text: &str) -> impl FnOnce(&Path) -> Result<(), TestError> {
    move |dir| {
        fs::create_dir(dir.join("sub")).unwrap();
        fs::write(dir.join("sub/f"), text).unwrap();
        Ok(())
    }
}

fn never(_: &Path) -> Result<(), TestError> {
    panic!("made again")
}

#[test]
fn a_result_is_made_once() {
    let (dir, store) = open();
    let made = store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
    assert_eq!(fs::read_to_string(made.join("sub/f")).unwrap(), "one");
    assert_eq!(store.realize(&key("a"), "thing", &Silent, never).unwrap(), made);
    assert_eq!(store.get(&key("a"), "thing"), Some(made.clone()));
    assert_eq!(store.get(&key("b"), "thing"), None);
    store.verify(&key("a"), "thing").unwrap();
    let again = Store::open(&dir.path().join("s")).unwrap();
    assert_eq!(again.realize(&key("a"), "thing", &Silent, never).unwrap(), made);
    assert_eq!(names(&store.dir().join("locks")).unwrap().len(), 0, "locks do not pile up");
}

#[test]
fn a_failure_leaves_nothing() {
    let (_dir, store) = open();
    let failed = store.realize(&key("a"), "thing", &Silent, |dir| {
        fs::write(dir.join("half"), "x").unwrap();
        Err(TestError::Own)
    });
    assert!(matches!(failed, Err(TestError::Own)));
    assert_eq!(store.get(&key("a"), "thing"), None);
    assert_eq!(names(&store.dir().join("making")).unwrap().len(), 0);
    store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
}

#[test]
fn damage_is_noticed_and_mended() {
    type Change = fn(&Path, &Path);
    fn entry(out: &Path) -> &Path {
        out.parent().unwrap()
    }
    let changes: [(&str, Change); 12] = [
        ("cut", |out, _| fs::write(out.join("sub/f"), "on").unwrap()),
        ("same size", |out, _| fs::write(out.join("sub/f"), "eno").unwrap()),
        ("gone", |out, _| fs::remove_file(out.join("sub/f")).unwrap()),
        ("more", |out, _| fs::write(out.join("g"), "").unwrap()),
        ("stamp", |out, _| fs::write(out.with_file_name("stamp.json"), "{").unwrap()),
        ("no stamp", |out, _| fs::remove_file(out.with_file_name("stamp.json")).unwrap()),
        ("a byte of the stamp", |out, _| {
            let stamp = out.with_file_name("stamp.json");
            fs::write(&stamp, fs::read_to_string(&stamp).unwrap().replace("\"content\"", "\"kontent\"")).unwrap();
        }),
        ("another result in its place", |out, other| {
            remove(entry(out)).unwrap();
            kiln_exec::Exec::new("cp").arg("-a").arg(entry(other)).arg(entry(out)).text().unwrap();
        }),
        ("a link to another", |out, other| {
            remove(entry(out)).unwrap();
            symlink(entry(other), entry(out)).unwrap();
        }),
        ("a link to nothing", |out, _| {
            remove(entry(out)).unwrap();
            symlink("/nonexistent/place", entry(out)).unwrap();
        }),
        ("a link inside", |out, other| {
            remove(out).unwrap();
            symlink(other, out).unwrap();
        }),
        ("a file", |out, _| {
            remove(entry(out)).unwrap();
            fs::write(entry(out), "").unwrap();
        }),
    ];
    for (what, change) in changes {
        let notes = Notes::default();
        let dir = TempDir::new().unwrap();
        let store = Store::open_with(&dir.path().join("s"), Arc::new(notes.clone())).unwrap();
        let made = store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
        let other = store.realize(&key("b"), "thing", &Silent, text("two")).unwrap();
        change(&made, &other);
        assert_eq!(store.get(&key("a"), "thing"), None, "{what}");
        assert_eq!(store.audit(&Silent).unwrap().len(), 1, "{what}");
        store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
        assert_eq!(fs::read_to_string(made.join("sub/f")).unwrap(), "one", "{what}");
        let said = notes.take();
        assert!(said.contains("is damaged") && said.lines().count() == 1, "{what}: {said}");
        assert_eq!(store.audit(&Silent).unwrap(), [], "{what}");
        assert_eq!(fs::read_to_string(other.join("sub/f")).unwrap(), "two", "{what}");
    }
}

#[test]
fn other_bytes_of_the_same_size_and_time_are_noticed() {
    let (_dir, store) = open();
    let made = store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
    let file = made.join("sub/f");
    let changed = fs::metadata(&file).unwrap().modified().unwrap();
    let set = |text: &str| {
        fs::write(&file, text).unwrap();
        File::options().append(true).open(&file).unwrap().set_modified(changed).unwrap();
    };
    set("eno");
    assert_eq!(store.get(&key("a"), "thing"), None);
    assert!(matches!(store.verify(&key("a"), "thing"), Err(Damage::Content)));
    // The same bytes again, as in a store that was restored from a copy.
    set("one");
    assert_eq!(store.get(&key("a"), "thing"), Some(made));
    store.verify(&key("a"), "thing").unwrap();
    assert!(matches!(store.verify(&key("b"), "thing"), Err(Damage::Absent)));
}

#[test]
fn all_bytes_are_read_at_the_first_use_after_the_start_of_the_machine() {
    let (_dir, store) = open();
    let made = store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
    // As if a disk had changed bytes: only their digest differs.
    let stamp = made.with_file_name("stamp.json");
    let name = format!("results/{}-thing/stamp.json", key("a"));
    let text = crate::sealed::read_at(&stamp, &name).unwrap().unwrap();
    let mut noted: serde_json::Value = serde_json::from_slice(&text).unwrap();
    noted["content"] = "0".repeat(64).into();
    fs::write(&stamp, crate::sealed::seal(&name, noted.to_string().as_bytes())).unwrap();
    assert!(store.get(&key("a"), "thing").is_some(), "not twice in one run of the machine");
    assert!(matches!(store.verify(&key("a"), "thing"), Err(Damage::Content)));
    fs::write(made.with_file_name("checked"), "another start").unwrap();
    assert!(store.get(&key("a"), "thing").is_none());
}

#[test]
fn a_large_result_is_looked_at_once_per_start_of_the_machine() {
    let (_dir, store) = open();
    let made = store.realize(&key("a"), "thing", &Silent, |dir| {
        fs::create_dir(dir.join("sub")).unwrap();
        (0..5001).for_each(|number| fs::write(dir.join(format!("sub/{number}")), "x").unwrap());
        Ok::<(), TestError>(())
    });
    let made = made.unwrap();
    fs::write(made.join("sub/17"), "xx").unwrap();
    assert!(store.get(&key("a"), "thing").is_some());
    assert!(store.damaged(&made).is_some(), "before work begins on it, all of it is looked at");
    fs::write(made.with_file_name("checked"), "another start").unwrap();
    assert!(store.get(&key("a"), "thing").is_none());
    fs::write(made.join("sub/17"), "x").unwrap();
    fs::write(made.join("top"), "").unwrap();
    assert!(store.get(&key("a"), "thing").is_none());
}

#[test]
fn the_second_waits_for_the_first_and_takes_its_result() {
    let (dir, store) = open();
    let (started, is_started) = channel();
    let (go_on, may_go_on) = channel::<()>();
    std::thread::scope(|scope| {
        let first = scope.spawn(move || {
            store.realize(&key("a"), "thing", &Silent, |dir| {
                started.send(()).unwrap();
                may_go_on.recv().unwrap();
                text("one")(dir)
            })
        });
        is_started.recv().unwrap();
        let other = Store::open(&dir.path().join("s")).unwrap();
        assert_eq!(names(&other.dir().join("making")).unwrap().len(), 1, "what is being made is left alone");
        let notes = Notes::default();
        let second = scope.spawn(move || {
            let made = other.realize(&key("a"), "thing", &notes, never);
            (made, notes.take())
        });
        std::thread::sleep(Duration::from_millis(300));
        assert!(!second.is_finished());
        go_on.send(()).unwrap();
        let (made, said) = second.join().unwrap();
        assert_eq!(made.unwrap(), first.join().unwrap().unwrap());
        assert_eq!(said, "another kiln is busy with the same thing: waiting for it");
    });
}

#[test]
fn leftovers_are_swept_at_the_next_run() {
    let (dir, store) = open();
    let leftover = store.dir().join("making/0123-thing");
    fs::create_dir_all(leftover.join("out/sub")).unwrap();
    drop(store);
    Store::open(&dir.path().join("s")).unwrap();
    assert!(!leftover.exists());
}

#[test]
fn a_working_area_remembers_a_run_that_was_cut_off() {
    let (_dir, store) = open();
    let area = || store.work_dir(&key("a"), "kbuild", &Silent).unwrap();
    let first = area();
    assert!(first.is_new() && !first.was_cut_off());
    fs::write(first.path().join("half.o"), "").unwrap();
    drop(first);
    let mut second = area();
    assert!(second.was_cut_off() && !second.is_new() && second.path().join("half.o").exists());
    second.clear().unwrap();
    assert!(second.is_new() && !second.path().join("half.o").exists());
    fs::write(second.path().join("whole.o"), "").unwrap();
    second.finish().unwrap();
    let third = area();
    assert!(!third.was_cut_off() && !third.is_new() && third.path().join("whole.o").exists());
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("thesis.txt"), "").unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Foreign { .. })));
    assert_eq!(names(dir.path()).unwrap().len(), 1);
}

#[test]
fn another_layout_is_left_alone() {
    let (dir, store) = open();
    // As a later kiln would make it; the version file alone would be damage.
    let tag = store.dir().join("CACHEDIR.TAG");
    fs::write(&tag, fs::read_to_string(&tag).unwrap().replace("layout 1", "layout 99")).unwrap();
    fs::write(store.dir().join(layout::VERSION_FILE), "99\n").unwrap();
    let error = Store::open(&dir.path().join("s")).unwrap_err();
    assert!(error.to_string().contains("has layout `99`, this kiln supports 1"), "{error}");
}

#[test]
fn a_file_is_no_store() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("f");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn a_full_disk_is_told_by_what_programs_print() {
    let (_dir, store) = open();
    let full = |said| store.realize(&key("a"), "thing", &Silent, |_| Err(TestError::Said(said)));
    let error = full("ld: final link failed: No space left on device").unwrap_err();
    assert!(matches!(error, TestError::Store(StoreError::Full { .. })), "{error}");
    assert!(matches!(full("syntax error"), Err(TestError::Said(_))));
}

#[test]
fn a_stamp_of_an_earlier_kiln_is_taken_over_after_all_bytes_were_compared() {
    let (_dir, store) = open();
    let made = store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
    let stamp = made.with_file_name("stamp.json");
    let sealed = fs::read_to_string(&stamp).unwrap();
    let bare = sealed.split_once('\n').unwrap().1;
    fs::write(&stamp, bare).unwrap();
    assert!(store.get(&key("a"), "thing").is_some());
    assert_eq!(fs::read_to_string(&stamp).unwrap(), sealed, "it has a digest now");
    fs::write(&stamp, bare.replace("\"content\":\"", "\"content\":\"0")).unwrap();
    assert!(store.get(&key("a"), "thing").is_none());
}
