use kiln_testkit::Ko;

use super::*;

/// Runs over copies of one module at `paths`, and compares the paths of `modules.dep`.
fn check(paths: &[&str], config: &str, expected: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    for path in paths {
        let file = dir.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, Ko::new().build()).unwrap();
    }
    let mut parsed = Config::default();
    parsed.add(config, "depmod.conf");
    let input = DepmodInput {
        dir: dir.path(),
        version: "6.12.1",
        config: &parsed,
        only: None,
        kernel_symbols: None,
        layout: Layout::V30,
    };
    let output = depmod(input).unwrap();
    let dep = String::from_utf8(output.files[0].1.clone()).unwrap();
    let mut found: Vec<&str> = dep.lines().filter_map(|line| line.strip_suffix(':')).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{config}");
}

#[test]
fn updates_win_unless_told_otherwise() {
    check(&["kernel/m.ko", "updates/m.ko"], "", &["updates/m.ko"]);
    check(&["kernel/m.ko", "updates/m.ko"], "search built-in updates", &["kernel/m.ko"]);
    check(&["kernel/m.ko", "updates2/m.ko"], "search updates2 built-in", &["updates2/m.ko"]);
}

#[test]
fn the_byte_wise_smaller_path_wins_a_tie() {
    check(&["kernel/m.ko", "extra/m.ko", "extra-more/m.ko"], "", &["extra-more/m.ko"]);
    check(&["kernel/a-b.ko", "kernel/a_b.ko"], "", &["kernel/a-b.ko"]);
}

#[test]
fn overrides_go_before_the_search_list() {
    let paths = &["kernel/m.ko", "updates/m.ko", "extra/m.ko"];
    check(paths, "override m * extra", &["extra/m.ko"]);
    check(paths, "override m 6\\.12 extra\noverride m * kernel", &["kernel/m.ko"]);
    check(paths, "override m ^5 extra", &["updates/m.ko"]);
}

#[test]
fn words_are_whole_directories() {
    let paths = &["kernel/m.ko", "updates/m.ko", "updates-2/m.ko"];
    check(paths, "search updates-2 built-in", &["updates-2/m.ko"]);
    // None of these names a directory of a module, so that all have one priority.
    for config in ["search up", "search updates/", "search updates\r", "  # search updates"] {
        check(&["kernel/m.ko", "updates-2/m.ko"], config, &["kernel/m.ko"]);
    }
    check(&["kernel/m.ko", "updates/m.ko"], "search\tkernel", &["kernel/m.ko"]);
    check(&["kernel/m.ko", "updates/m.ko"], "override m * kernel/", &["updates/m.ko"]);
}

#[test]
fn bad_lines_are_reported() {
    let mut config = Config::default();
    config.add("external *\noverride m\n # x\nsearch\nbogus y\n#z\ninclude a\n", "c");
    let lines: Vec<&str> = config.ignored.iter().map(String::as_str).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[2].contains("starting with '#'") && lines[3].contains("starting with 'bogus'"), "{lines:?}");
}

#[test]
fn excluded_names_are_passed_over_at_any_depth() {
    check(&["kernel/skip/m.ko", "kernel/n.ko", "source/o.ko"], "exclude \\\n skip", &["kernel/n.ko"]);
}

#[test]
fn modules_from_outside_keep_their_absolute_path() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("m.ko"), Ko::new().build()).unwrap();
    let path = outside.path().display();
    check(&["kernel/n.ko"], &format!("external * {path}"), &[&format!("{path}/m.ko"), "kernel/n.ko"]);
    check(&["kernel/m.ko"], &format!("external * {path}\nsearch external built-in"), &[&format!("{path}/m.ko")]);
    check(&["kernel/n.ko"], &format!("external 5.10 {path}"), &["kernel/n.ko"]);
}

#[test]
fn versions_begin_with_two_numbers() {
    for (version, expected) in [("6.1.0-56-amd64", true), ("5.1", true), ("bad", false), ("6", false), ("6.x", false)] {
        assert_eq!(is_version(version), expected, "{version}");
    }
}
