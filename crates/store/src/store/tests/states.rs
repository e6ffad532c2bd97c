//! Parts of a store in states that no kiln leaves them in.

use super::*;

/// The parts of the store itself, each in all states that it may be found in.
#[test]
fn the_store_itself_is_mended_by_the_next_run_and_nothing_is_written_through_a_link() {
    let files = ["kiln-store", "CACHEDIR.TAG", "in-use"];
    let directories = ["locks", "results", "making", "work", "downloads", "cache", "roots", "cache/trees"];
    for name in files.iter().chain(&directories) {
        for state in ["gone", "file", "directory", "link", "pipe", "no rights"] {
            let is_directory = directories.contains(name);
            let dir = TempDir::new().unwrap();
            let (top, outside) = (dir.path().join("s"), dir.path().join("outside"));
            let store = Store::open(&top).unwrap();
            store.cached("trees", "t").unwrap().write(b"tree").unwrap();
            drop(store);
            if is_directory { fs::create_dir(&outside) } else { fs::write(&outside, "mine") }.unwrap();
            put(&top.join(name), state, &outside);
            let notes = Notes::default();
            let store = Store::open_with(&top, Arc::new(notes.clone())).unwrap_or_else(|error| {
                panic!("{name}, {state}: {error}");
            });
            store.cached("trees", "t").unwrap().write(b"tree").unwrap();
            let made = store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
            assert_eq!(fs::read_to_string(made.join("sub/f")).unwrap(), "one");
            let mut area = store.work_dir(&key("a"), "kbuild", &Silent).unwrap();
            area.clear().unwrap();
            area.finish().unwrap();
            let said = notes.take();
            // A directory that is missing may be one of a new version; an empty file is what `in-use` is.
            let is_mended = match state {
                "gone" => !is_directory && *name != "in-use",
                "file" => is_directory || *name != "in-use",
                "directory" => !is_directory,
                "no rights" => false,
                _ => true,
            };
            assert_eq!(said.lines().count(), usize::from(is_mended), "{name}, {state}: {said}");
            assert!(said.is_empty() || said.contains(&format!("{} in the store is damaged", top.join(name).display())));
            if is_directory {
                assert_eq!(names(&outside).unwrap().len(), 0, "{name}, {state}");
            } else {
                assert_eq!(fs::read_to_string(&outside).unwrap(), "mine", "{name}, {state}");
            }
            drop(store);
            Store::open_with(&top, Arc::new(notes.clone())).unwrap();
            assert_eq!(notes.take(), "", "{name}, {state}: once is enough");
        }
    }
}

/// Puts something else in the place of a file or directory.
fn put(path: &Path, state: &str, outside: &Path) {
    if state == "no rights" {
        return fs::set_permissions(path, fs::Permissions::from_mode(0o0)).unwrap();
    }
    remove(path).unwrap();
    match state {
        "file" => fs::write(path, "").unwrap(),
        "directory" => fs::create_dir(path).unwrap(),
        "link" => symlink(outside, path).unwrap(),
        "pipe" => {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        _ => {}
    }
}

#[test]
fn another_number_in_the_version_file_alone_is_damage() {
    let (dir, store) = open();
    fs::write(store.dir().join(layout::VERSION_FILE), "3\n").unwrap();
    let store = Store::open(&dir.path().join("s")).unwrap();
    assert_eq!(fs::read_to_string(store.dir().join(layout::VERSION_FILE)).unwrap(), "1\n");
    assert_eq!(store.mended()[0].path, Path::new("kiln-store"));
}

#[test]
fn locks_in_any_state_are_taken() {
    let (dir, store) = open();
    let (path, outside) = (store.dir().join("locks/one"), dir.path().join("outside"));
    fs::write(&outside, "mine").unwrap();
    for state in ["gone", "file", "directory", "link", "pipe"] {
        put(&path, state, &outside);
        drop(store.lock("one", "thing", &Silent).unwrap());
        assert!(!path.exists(), "{state}");
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
}

#[test]
fn a_log_is_never_written_through_a_link() {
    let (dir, store) = open();
    let outside = dir.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    for state in ["gone", "file", "directory", "link", "pipe", "no rights"] {
        if state == "no rights" {
            put(&store.log("a.log").unwrap(), "file", &outside);
        }
        put(&store.dir().join("cache/logs/a.log"), state, &outside);
        fs::write(store.log("a.log").unwrap(), state).unwrap();
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
}

#[test]
fn a_working_area_that_something_else_changed_is_emptied() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 9] = [
        ("bytes, with the times put back", |area| {
            let file = area.join("dir/a.o");
            let time = fs::metadata(&file).unwrap().modified().unwrap();
            fs::write(&file, "eno").unwrap();
            File::options().append(true).open(&file).unwrap().set_modified(time).unwrap();
        }),
        ("a file more", |area| fs::write(area.join("dir/b.o"), "").unwrap()),
        ("a file less", |area| fs::remove_file(area.join("dir/a.o")).unwrap()),
        ("a file that is a directory", |area| {
            fs::remove_file(area.join("dir/a.o")).unwrap();
            fs::create_dir(area.join("dir/a.o")).unwrap();
        }),
        ("the record", |area| fs::write(area.join("state"), "").unwrap()),
        ("no record", |area| fs::remove_file(area.join("state")).unwrap()),
        ("a record that is a directory", |area| {
            fs::remove_file(area.join("state")).unwrap();
            fs::create_dir(area.join("state")).unwrap();
        }),
        ("a directory that is a file", |area| {
            remove(&area.join("dir")).unwrap();
            fs::write(area.join("dir"), "").unwrap();
        }),
        ("an area that is a link", |area| {
            remove(area).unwrap();
            fs::create_dir_all(area.with_file_name("elsewhere/dir")).unwrap();
            symlink(area.with_file_name("elsewhere"), area).unwrap();
        }),
    ];
    for (what, change) in changes {
        let (_dir, store) = open();
        let area = || store.work_dir(&key("a"), "kbuild", &Silent).unwrap();
        let first = area();
        fs::write(first.path().join("a.o"), "one").unwrap();
        let path = first.path().parent().unwrap().to_owned();
        first.finish().unwrap();
        assert!(!area().is_new(), "{what}");
        area().finish().unwrap();
        change(&path);
        let audited = store.audit(&Silent).unwrap();
        assert!(audited.iter().any(|fault| fault.path.starts_with("work")), "{what}");
        let second = area();
        assert!(second.is_new() && names(second.path()).unwrap().is_empty(), "{what}");
        second.finish().unwrap();
        assert_eq!(store.mended().len(), 1, "{what}");
    }
    // A mark in any state is one of a killed run.
    let (dir, store) = open();
    let area = || store.work_dir(&key("a"), "kbuild", &Silent).unwrap();
    let mark = area().path().with_file_name("in-use");
    let outside = dir.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    for state in ["file", "directory", "link", "pipe"] {
        put(&mark, state, &outside);
        let found = area();
        assert!(found.was_cut_off(), "{state}");
        found.finish().unwrap();
        assert!(!area().was_cut_off(), "{state}");
        area().finish().unwrap();
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
}

#[test]
fn every_kind_of_entry_is_audited_and_what_is_removed_is_made_again() {
    let (dir, store) = open();
    let outside = dir.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    store.realize(&key("a"), "thing", &Silent, text("one")).unwrap();
    store.cached("trees", "t").unwrap().write(b"tree").unwrap();
    fs::write(store.log("a.log").unwrap(), "lines").unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    fs::write(store.download(empty).unwrap().join("empty.tar"), "").unwrap();
    store.work_dir(&key("w"), "kbuild", &Silent).unwrap().finish().unwrap();
    assert_eq!(store.audit(&Silent).unwrap(), []);
    let flip = |name: &str| {
        let path = store.dir().join(name);
        let (mut bytes, time) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        bytes.push(b'x');
        fs::write(&path, bytes).unwrap();
        File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    flip(&format!("results/{}-thing/out/sub/f", key("a")));
    flip("cache/trees/t");
    flip(&format!("downloads/{empty}/empty.tar"));
    put(&store.dir().join("cache/logs/a.log"), "link", &outside);
    put(&store.dir().join("locks/stale"), "directory", &outside);
    fs::write(store.dir().join(format!("work/{}-kbuild/dir/new.o", key("w"))), "").unwrap();
    let faults = store.audit(&Silent).unwrap();
    let folders: Vec<String> =
        faults.iter().map(|fault| fault.path.iter().next().unwrap().to_string_lossy().into()).collect();
    assert_eq!(folders, ["cache", "cache", "downloads", "locks", "results", "work"], "{faults:?}");
    store.remove_damaged(&faults, |_| false, &Silent).unwrap();
    assert_eq!(store.audit(&Silent).unwrap(), []);
    assert!(faults.iter().all(|fault| fs::symlink_metadata(store.dir().join(&fault.path)).is_err()));
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
}
