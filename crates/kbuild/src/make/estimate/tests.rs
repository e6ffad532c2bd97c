use super::*;

#[test]
fn only_what_was_expected_is_counted() {
    let names: BTreeSet<String> = ["a.o", "b.ko"].map(str::to_owned).into();
    let mut pending = Pending { total: 2, names };
    assert_eq!(["scripts/x.o", "a.o", "a.o", "b.ko"].map(|object| pending.made(object)), [0, 1, 1, 2]);
}

#[test]
fn an_object_is_stale_when_a_symbol_in_its_note_changed() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path();
    std::fs::create_dir_all(out.join("include/config")).unwrap();
    std::fs::write(out.join("include/config/auto.conf"), "CONFIG_NET=y\nCONFIG_HZ=250\n").unwrap();
    std::fs::write(out.join("a.o"), "").unwrap();
    std::fs::write(out.join(".a.o.cmd"), "deps_a.o := \\\n  $(wildcard include/config/NET) \\\n  a.h\n").unwrap();
    let stale = |config: &str| is_stale(out, "a.o", &changed_symbols(out, &Config::parse(config)));
    assert!(!stale("CONFIG_NET=y\nCONFIG_HZ=250\n"));
    assert!(!stale("CONFIG_NET=y\nCONFIG_HZ=100\n"));
    assert!(stale("CONFIG_NET=m\nCONFIG_HZ=250\n"));
    assert!(stale("CONFIG_HZ=250\n"));
    assert!(is_stale(out, "b.o", &BTreeSet::new()));
}
