use std::collections::BTreeSet;
use std::sync::mpsc::channel;

use kiln_plan::{Key, KeyWriter};
use kiln_store::Silent;
use tempfile::TempDir;

use super::*;
use crate::generation::Keys;

const ALL: Limits = Limits { older_than: None, max_size: None, keep: None, verify: false, dry_run: false };

struct Ground {
    dir: TempDir,
    store: Store,
}

fn ground() -> Ground {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    Ground { dir, store }
}

fn key(name: &str) -> Key {
    KeyWriter::new("test/1").field("name", name).finish()
}

impl Ground {
    /// Makes a result of `bytes` bytes that was used `age` ago.
    fn result(&self, name: &str, kind: &str, bytes: usize, age: Duration) {
        let made = self.store.realize(&key(name), kind, &Silent, |out| {
            fs::write(out.join("f"), vec![b'x'; bytes]).unwrap();
            Ok::<(), StoreError>(())
        });
        let stamp = made.unwrap().with_file_name("stamp.json");
        let file = fs::File::options().append(true).open(stamp).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    fn generation(&self, recipe: &str, number: u32, names: &[&str], age: Duration) {
        let text = |name: &str| key(name).to_string();
        let [kernel, result, work] = names else { panic!("three names") };
        let keys = Keys {
            source: text("source"),
            tree: text("source"),
            kernel: text(kernel),
            work: text(work),
            result: text(result),
        };
        let time = (SystemTime::now() - age).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let generation = Generation {
            version: 1,
            number,
            recipe: recipe.into(),
            time,
            release: "6.12".to_owned(),
            arch: "x86_64".to_owned(),
            make_targets: Vec::new(),
            keys,
            results: BTreeSet::from([format!("{}-base", key("base"))]),
        };
        fs::write(generation.file(&self.store), serde_json::to_vec(&generation).unwrap()).unwrap();
    }

    /// Makes a working area of [`AREA`] bytes.
    fn work(&self, name: &str) {
        let area = self.store.work_dir(&key(name), "kbuild", &Silent).unwrap();
        fs::write(area.path().join("o"), "object").unwrap();
        area.finish().unwrap();
    }

    /// Frees, and returns the names (the test's own) of the remaining entries.
    fn left(&self, limits: Limits) -> Vec<&'static str> {
        gc(&self.store, &limits, &Silent).unwrap();
        self.names()
    }

    fn names(&self) -> Vec<&'static str> {
        let known = ["source", "base", "k1", "r1", "k2", "r2", "k3", "r3", "lost", "w1", "w2", "w3"];
        let there = |name: &str| {
            let key = key(name).to_string();
            ["results", "work"].iter().any(|folder| {
                names(&self.store.dir().join(folder)).unwrap().iter().any(|found| found.starts_with(&key))
            })
        };
        known.into_iter().filter(|name| there(name)).collect()
    }
}

/// A file of 6 bytes, and the record of it.
const AREA: u64 = 6 + 207;

fn days(number: u64) -> Duration {
    Duration::from_secs(number * 86_400)
}

/// Returns three generations of one recipe, and a result that no generation needs.
fn three() -> Ground {
    let ground = ground();
    ground.result("source", "source", 100, days(9));
    ground.result("base", "base", 10, days(9));
    for (number, [kernel, result, work]) in
        [["k1", "r1", "w1"], ["k2", "r2", "w2"], ["k3", "r3", "w3"]].iter().enumerate()
    {
        let age = days(30 - 10 * number as u64);
        ground.result(kernel, "kernel", 1000, age);
        ground.result(result, "result", 100, age);
        ground.work(work);
        ground.generation("/r/kiln.toml", number as u32 + 1, &[kernel, result, work], age);
    }
    ground.result("lost", "kernel", 5000, days(1));
    ground
}

#[test]
fn what_a_generation_needs_stays_and_the_rest_goes() {
    let ground = three();
    let dry = gc(&ground.store, &Limits { dry_run: true, ..ALL }, &Silent).unwrap();
    assert_eq!(dry.bytes(), 5000 + 2 * AREA, "the lost kernel, and where the first two were built");
    assert_eq!((dry.total, dry.held), (110 + 3 * (1100 + AREA) + 5000, 110 + 3 * 1100 + AREA));
    assert_eq!(ground.names().len(), 12, "nothing goes yet");
    assert_eq!(ground.left(ALL), ["source", "base", "k1", "r1", "k2", "r2", "k3", "r3", "w3"]);
    assert_eq!(names(&ground.store.dir().join("making")).unwrap().len(), 0);
    assert_eq!(names(&ground.store.dir().join("locks")).unwrap().len(), 0);
}

#[test]
fn earlier_generations_are_let_go_by_number_whatever_the_clock_said() {
    let ground = three();
    // The last one was built while the clock was wrong.
    ground.generation("/r/kiln.toml", 3, &["k3", "r3", "w3"], days(9000));
    ground.generation("/other/kiln.toml", 1, &["k1", "r1", "w1"], days(400));
    assert_eq!(ground.left(Limits { keep: Some(1), ..ALL }), ["source", "base", "k1", "r1", "k3", "r3", "w1", "w3"]);
    let left = generation::all(&ground.store).unwrap().generations;
    assert_eq!(left.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn with_an_age_only_what_is_older_goes() {
    let ground = three();
    let limits = Limits { keep: Some(1), older_than: Some(days(25)), ..ALL };
    // The first generation is older than that, the second is not; areas and the lost kernel are young.
    assert_eq!(ground.left(limits), ["source", "base", "k2", "r2", "k3", "r3", "lost", "w1", "w2", "w3"]);
}

#[test]
fn with_a_size_what_was_used_longest_ago_goes_first() {
    let ground = ground();
    ground.result("k1", "kernel", 1000, days(3));
    ground.result("k2", "kernel", 1000, days(2));
    ground.result("k3", "kernel", 1000, days(1));
    assert_eq!(ground.left(Limits { max_size: Some(2500), ..ALL }), ["k2", "k3"]);
    assert_eq!(ground.left(Limits { max_size: Some(2500), ..ALL }), ["k2", "k3"]);
    ground.generation("/r/kiln.toml", 1, &["k2", "r2", "w2"], days(2));
    assert_eq!(ground.left(Limits { max_size: Some(0), ..ALL }), ["k2"], "what is held stays at any size");
}

#[test]
fn what_seems_to_come_from_the_future_counts_as_new() {
    let ground = ground();
    ground.result("k1", "kernel", 10, days(0));
    let stamp = ground.store.get(&key("k1"), "kernel").unwrap().with_file_name("stamp.json");
    let file = fs::File::options().append(true).open(stamp).unwrap();
    file.set_modified(SystemTime::now() + days(1000)).unwrap();
    assert_eq!(ground.left(Limits { older_than: Some(days(1)), ..ALL }), ["k1"]);
    assert!(ground.left(ALL).is_empty());
}

#[test]
fn a_corrupt_generation_holds_nothing_and_is_named() {
    let ground = three();
    fs::write(ground.dir.path().join("store/roots/0123-1.json"), "{").unwrap();
    let freed = gc(&ground.store, &ALL, &Silent).unwrap();
    assert_eq!(freed.unreadable.len(), 1);
    assert_eq!(ground.names().len(), 9);
}

#[test]
fn verify_finds_other_bytes_whoever_needs_them() {
    let ground = three();
    let file = ground.store.get(&key("k3"), "kernel").unwrap().join("f");
    fs::write(&file, vec![b'y'; 1000]).unwrap();
    let freed = gc(&ground.store, &Limits { verify: true, max_size: Some(u64::MAX), ..ALL }, &Silent).unwrap();
    assert_eq!(freed.things.len(), 1);
    assert!(freed.things[0].damage.is_some());
    assert!(!ground.names().contains(&"k3"));
}

#[test]
fn nothing_goes_while_another_kiln_works() {
    let ground = three();
    let other = Store::open(ground.store.dir()).unwrap();
    let (ended, has_ended) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            gc(&ground.store, &ALL, &Silent).unwrap();
            ended.send(()).unwrap();
        });
        assert!(has_ended.recv_timeout(Duration::from_millis(400)).is_err(), "it waits");
        assert_eq!(ground.names().len(), 12);
        drop(other);
        has_ended.recv_timeout(Duration::from_secs(20)).unwrap();
    });
    assert_eq!(ground.names().len(), 9);
    Store::open(ground.store.dir()).unwrap();
}
