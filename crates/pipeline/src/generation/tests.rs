use kiln_store::Silent;

use super::*;

struct Ground {
    dir: tempfile::TempDir,
    store: Store,
}

fn ground() -> Ground {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    for name in ["a.toml", "b.toml"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    Ground { dir, store }
}

impl Ground {
    fn recipe(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Records a build of `recipe` whose kernel is `kernel`, at `time`.
    fn add(&self, recipe: &str, kernel: &str, time: u64) -> (Generation, bool) {
        let text = str::to_owned;
        let keys =
            Keys { source: text("s"), tree: text("t"), kernel: text(kernel), work: text("w"), result: text("r") };
        let mut generation = Generation {
            version: VERSION,
            number: 0,
            recipe: real(&self.recipe(recipe)).unwrap(),
            time,
            release: text("6.12"),
            arch: text("x86_64"),
            make_targets: vec![text("bzImage")],
            keys,
            results: BTreeSet::new(),
        };
        let is_new = add(&self.store, &mut generation, &Silent).unwrap();
        (generation, is_new)
    }

    fn numbers(&self, recipe: &str) -> Vec<u32> {
        list(&self.store, &self.recipe(recipe)).unwrap().generations.iter().map(|one| one.number).collect()
    }

    fn file(&self, number: u32) -> PathBuf {
        let found = all(&self.store).unwrap().generations;
        found.iter().find(|one| one.number == number).unwrap().file(&self.store)
    }
}

#[test]
fn a_recipe_counts_its_own_builds_and_the_same_result_is_none() {
    let ground = ground();
    assert!(ground.add("a.toml", "k1", 10).1);
    assert!(!ground.add("a.toml", "k1", 20).1);
    assert_eq!(ground.add("a.toml", "k2", 5).0.number, 2);
    assert_eq!(ground.add("b.toml", "k1", 30).0.number, 1);
    // Going back is a change too.
    assert_eq!(ground.add("a.toml", "k1", 1).0.number, 3);
    assert_eq!(ground.numbers("a.toml"), [1, 2, 3]);
    let last = latest(&ground.store, &ground.recipe("a.toml")).unwrap().unwrap();
    assert_eq!((last.number, last.time), (3, 1), "the number counts, not the clock");
    assert_eq!(last, find(&ground.store, &ground.recipe("a.toml"), "latest").unwrap());
    assert_eq!(find(&ground.store, &ground.recipe("a.toml"), "2").unwrap().keys.kernel, "k2");
    let error = find(&ground.store, &ground.recipe("a.toml"), "7").unwrap_err().to_string();
    assert!(error.ends_with("has no generation `7`; it has 1, 2, 3"), "{error}");
}

#[test]
fn numbers_are_ordered_as_numbers() {
    let ground = ground();
    for number in 1..=11_u64 {
        ground.add("a.toml", &format!("k{number}"), number);
    }
    assert_eq!(ground.numbers("a.toml"), (1..=11).collect::<Vec<u32>>());
}

#[test]
fn a_link_to_a_recipe_is_that_recipe() {
    let ground = ground();
    ground.add("a.toml", "k1", 1);
    std::os::unix::fs::symlink(ground.recipe("a.toml"), ground.recipe("link.toml")).unwrap();
    assert_eq!(ground.numbers("link.toml"), [1]);
}

#[test]
fn one_that_was_deleted_is_none_and_the_rest_stays() {
    let ground = ground();
    (1..=3).for_each(|number| drop(ground.add("a.toml", &format!("k{number}"), number)));
    fs::remove_file(ground.file(2)).unwrap();
    assert_eq!(ground.numbers("a.toml"), [1, 3]);
    assert_eq!(ground.add("a.toml", "k4", 4).0.number, 4);
}

#[test]
fn a_corrupt_one_is_named_and_passed_over_and_its_number_is_not_given_again() {
    let ground = ground();
    (1..=2).for_each(|number| drop(ground.add("a.toml", &format!("k{number}"), number)));
    let file = ground.file(2);
    let text = fs::read(&file).unwrap();
    let is_refused = |text: &[u8], what: &str| {
        fs::write(&file, text).unwrap();
        let Kept { generations, unreadable } = list(&ground.store, &ground.recipe("a.toml")).unwrap();
        assert_eq!((generations.len(), unreadable.len()), (1, 1), "{what}");
        assert_eq!(unreadable[0].path, file);
    };
    for at in 0..text.len() {
        is_refused(&text[..at], &format!("cut at {at}"));
        let mut flipped = text.clone();
        flipped[at] ^= 1;
        is_refused(&flipped, &format!("another byte at {at}"));
    }
    is_refused(&fs::read(ground.file(1)).unwrap(), "a copy of another generation");
    // Even when the build is that of an earlier generation, and so would be none of its own.
    assert_eq!(ground.add("a.toml", "k1", 3).0.number, 3);
    assert_eq!(latest(&ground.store, &ground.recipe("a.toml")).unwrap().unwrap().number, 3);
    assert!(!file.exists(), "it is removed");
}

#[test]
fn one_of_an_earlier_kiln_is_read() {
    let ground = ground();
    let (generation, _) = ground.add("a.toml", "k1", 1);
    fs::write(ground.file(1), serde_json::to_vec_pretty(&generation).unwrap()).unwrap();
    assert_eq!(ground.numbers("a.toml"), [1]);
}
