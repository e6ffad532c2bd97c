//! Damage in the store, of each kind of entry: the next run notices it, says so, and gives the bytes of a clean one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;
use crate::small_tree;

const KCONFIG: &str = r#"config MODULES
	bool "Loadable modules"
	modules
	default y

config NET
	tristate "Networking"

config NAME
	string "A name"

config GREETING
	string
	default "$(shell,echo hello)"
"#;

fn recipe(name: &str) -> String {
    format!(
        r#"
[kernel]
src = "./linux"
arch = "x86_64"
makeTargets = ["bzImage"]
extraPatchPhase = "echo patched > patched.txt"
[kernel.config]
MODULES = "y"
NET = "m"
NAME = "{name}"
[kmodloader.net]
targets = ["net"]
"#
    )
}

/// Returns a tree whose vmlinux has an object in it that is made once, and a recipe over it.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    small_tree::write(&sandbox);
    small_tree::write_file(&sandbox, "linux/net/net.ko", "").expect("module");
    let makefile = fs::read_to_string(sandbox.path().join("linux/Makefile")).expect("makefile");
    let object = "@test -f $(O)/a.o || echo object > $(O)/a.o\n\t@cat $(O)/a.o > $(O)/vmlinux;";
    let with_object = makefile.replace("@echo vmlinux > $(O)/vmlinux;", object);
    assert_ne!(makefile, with_object);
    sandbox.file("linux/Makefile", with_object).file("linux/Kconfig", KCONFIG).file("kiln.toml", recipe("good"));
    sandbox
}

/// Builds, and builds again when all files are old enough to be believed by their times.
fn built() -> Sandbox {
    let sandbox = sandbox();
    sandbox.kiln(&["build"]).expect(0);
    std::thread::sleep(std::time::Duration::from_millis(3100));
    sandbox.kiln(&["build"]).expect(0);
    sandbox
}

/// Returns all files of a directory by their path in it, with their bytes, or a link's target.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("directory").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("kind"));
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = if kind.is_symlink() {
                fs::read_link(&path).expect("link").into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).expect("file")
            };
            found.insert(path.strip_prefix(dir).expect("below").to_owned(), bytes);
        }
    }
    found
}

fn result(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    files(&fs::canonicalize(sandbox.path().join("result")).expect("result"))
}

/// Changes a byte in the middle of a file, and puts its time back.
fn flip(path: &Path) {
    let (mut bytes, time) =
        (fs::read(path).expect("file"), fs::metadata(path).and_then(|meta| meta.modified()).expect("time"));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("file");
    let file = File::options().append(true).open(path).expect("file");
    file.set_modified(time).expect("time");
}

/// Returns one file of each kind of entry, by its path in the store.
fn entries(store: &Path) -> Vec<PathBuf> {
    let all = files(store);
    let first = |is: &dyn Fn(&str) -> bool, what: &str| {
        let found = all.keys().find(|path| is(&path.to_string_lossy()));
        found.unwrap_or_else(|| panic!("no {what} in {all:?}")).clone()
    };
    let mut entries = Vec::new();
    for folder in ["catalogues-x86_64", "probes", "resolutions", "toolchains", "tree-reads", "trees"] {
        let start = format!("cache/{folder}/");
        entries.push(first(&|path| path.starts_with(&start) && !path.ends_with(".files"), folder));
    }
    for (kind, file) in [
        ("patched", "out/Kconfig"),
        ("patched", "out/net/Kbuild"),
        ("patched", "stamp.json"),
        ("kernel", "out/kernel/bzImage"),
        ("kernel", "out/lib/modules/6.12.1/kernel/net/net.ko"),
        ("kernel", "out/record.zst"),
        ("kernel", "stamp.json"),
        ("result", "out/manifest.json"),
        ("result", "stamp.json"),
    ] {
        entries.push(first(&|path| path.ends_with(&format!("-{kind}/{file}")), file));
    }
    entries.push(first(&|path| path.starts_with("roots/"), "generation"));
    entries.push("kiln-store".into());
    entries.push("CACHEDIR.TAG".into());
    entries
}

/// Returns the path of the entry that a file belongs to.
fn entry_of(file: &Path) -> PathBuf {
    if file.starts_with("results") { file.iter().take(2).collect() } else { file.to_owned() }
}

#[test]
fn a_changed_byte_of_any_entry_is_noticed_and_the_result_is_that_of_a_clean_build() {
    let sandbox = built();
    let store = sandbox.path().join("store");
    let clean = result(&sandbox);
    sandbox.kiln(&["store", "verify"]).expect(0);
    for file in entries(&store) {
        let (shown, name) = (file.display(), entry_of(&file).display().to_string());
        flip(&store.join(&file));
        let verified = sandbox.kiln(&["store", "verify"]).expect(1);
        assert!(verified.stdout.starts_with(&format!("DIR/store/{name}: ")), "{shown}: {}", verified.block());
        assert_eq!(verified.stdout.lines().count(), 1, "{shown}: {}", verified.block());
        let said: String = [["build"], ["check"]].map(|command| sandbox.kiln(&command).expect(0).stderr).concat();
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("is damaged")).collect();
        // Parts of the store itself are mended whenever it is opened, so by `store verify` already.
        let expected = if file.components().count() == 1 { 0 } else { 1 };
        assert_eq!(lines.len(), expected, "{shown}: {said}");
        assert!(lines.iter().all(|line| line.contains(&format!("DIR/store/{name}"))), "{shown}: {said}");
        assert_eq!(result(&sandbox), clean, "{shown}");
        sandbox.kiln(&["store", "verify"]).expect(0);
        let silent = sandbox.kiln(&["build"]).expect(0);
        assert!(!silent.stderr.contains("damaged"), "{shown}: {}", silent.block());
    }
}

/// Of a tree of more than 5000 files, as every kernel's is, a build with nothing to do looks at the top directory only.
#[test]
fn a_changed_kconfig_file_of_a_large_tree_is_noticed_when_it_is_read() {
    let sandbox = sandbox();
    let many = "mkdir many && seq 5001 | while read -r name; do : > many/$name; done";
    sandbox.file("kiln.toml", recipe("good").replace("echo patched > patched.txt", many));
    sandbox.kiln(&["check"]).expect(0);
    let store = sandbox.path().join("store");
    let all = files(&store);
    let kconfig = all.keys().find(|path| path.ends_with("out/Kconfig")).expect("the patched tree");
    // Once before it is known which files a parse reads, and once after.
    for n_checks in 1..3 {
        flip(&store.join(kconfig));
        let ran = sandbox.kiln(&["check"]).expect(0).says("-patched/out in the store is damaged");
        assert_eq!(fs::read(store.join(kconfig)).unwrap(), all[kconfig], "{n_checks}: {}", ran.block());
        assert!(!sandbox.kiln(&["check"]).expect(0).stderr.contains("damaged"), "{n_checks}");
    }
}

#[test]
fn damage_that_no_run_would_meet_is_found_and_removed_by_verify() {
    let sandbox = built();
    let store = sandbox.path().join("store");
    let all = files(&store);
    let listed = all.keys().find(|path| path.to_string_lossy().ends_with(".files")).expect("digests of files");
    let object = all.keys().find(|path| path.ends_with("dir/a.o")).expect("Kbuild's directory");
    let area: PathBuf = object.iter().take(2).collect();
    flip(&store.join(listed));
    flip(&store.join(object));
    let found = sandbox.kiln(&["store", "verify", "--json"]).expect(1);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["version"], 1);
    let paths: Vec<&str> =
        found["damaged"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [listed.to_str().unwrap(), area.to_str().unwrap()]);
    assert!(found["damaged"].as_array().unwrap().iter().all(|one| one["repaired"] == false));
    sandbox.kiln(&["store", "verify", "--repair"]).expect(0).shows("; repaired").says("the next run makes again");
    assert!(!store.join(listed).exists() && !store.join(&area).exists());
    sandbox.kiln(&["store", "verify"]).expect(0).says("every entry of the store is as it was made");
}

#[test]
fn a_changed_object_is_not_linked_into_another_kernel() {
    let (sandbox, other) = (built(), self::sandbox());
    let store = sandbox.path().join("store");
    let object = files(&store).into_keys().find(|path| path.ends_with("dir/a.o")).expect("Kbuild's directory");
    flip(&store.join(&object));
    for one in [&sandbox, &other] {
        one.file("kiln.toml", recipe("other"));
    }
    let area: PathBuf = object.iter().take(2).collect();
    sandbox.kiln(&["build"]).expect(0).says(&format!("DIR/store/{}/dir in the store is damaged", area.display()));
    other.kiln(&["build"]).expect(0);
    assert_eq!(result(&sandbox)[Path::new("kernel/vmlinux")], result(&other)[Path::new("kernel/vmlinux")]);
}

#[test]
fn a_value_changed_in_a_cached_config_or_in_another_ones_place_is_not_used() {
    let sandbox = built();
    let clean = result(&sandbox);
    let folder = sandbox.path().join("store/cache/resolutions");
    let own = folder.join(files(&folder).into_keys().next().expect("a resolution"));
    let text = fs::read_to_string(&own).unwrap();
    fs::write(&own, text.replace("\"good\"", "\"evil\"")).unwrap();
    sandbox.kiln(&["build"]).expect(0).says("its bytes are not those that were written; it is made again");
    assert_eq!(result(&sandbox), clean);

    sandbox.file("kiln.toml", recipe("other"));
    sandbox.kiln(&["build"]).expect(0);
    let other = files(&folder).into_keys().map(|name| folder.join(name)).find(|path| *path != own).expect("another");
    fs::copy(other, &own).unwrap();
    sandbox.file("kiln.toml", recipe("good"));
    sandbox.kiln(&["build"]).expect(0).says("is damaged");
    assert_eq!(result(&sandbox), clean);
}

/// Every file of a store, in turn: a directory and a link to elsewhere in its place.
#[test]
fn whatever_is_in_the_place_of_a_file_is_mended_and_nothing_is_written_elsewhere() {
    let sandbox = built();
    let store = sandbox.path().join("store");
    let clean = result(&sandbox);
    let victim = sandbox.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    let places = || {
        let log = files(&store).into_keys().find(|path| path.starts_with("cache/logs"));
        entries(&store).into_iter().chain(log).collect::<Vec<PathBuf>>()
    };
    for n_place in 0..places().len() {
        for kind in ["directory", "link"] {
            // A mended entry may have another name.
            let file = places().swap_remove(n_place);
            let path = store.join(&file);
            fs::remove_file(&path).unwrap();
            if kind == "link" { symlink(&victim, &path) } else { fs::create_dir(&path) }.unwrap();
            sandbox.kiln(&["check"]).expect(0);
            sandbox.kiln(&["build"]).expect(0);
            assert_eq!(result(&sandbox), clean, "{kind} for {}", file.display());
            // Those that these did not need.
            sandbox.kiln(&["store", "verify", "--repair"]).expect(0);
            sandbox.kiln(&["store", "verify"]).expect(0);
            sandbox.file("kiln.toml", recipe(&format!("{kind}-{}", file.display())));
            sandbox.kiln(&["build"]).expect(0);
            sandbox.file("kiln.toml", recipe("good"));
            sandbox.kiln(&["build"]).expect(0);
        }
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn a_link_of_the_users_is_not_replaced_by_the_result() {
    let sandbox = sandbox();
    let link = sandbox.path().join("result");
    symlink("linux", &link).unwrap();
    sandbox.kiln(&["build"]).expect(1).says("DIR/result exists and is not a link that kiln made");
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("linux"));
    fs::remove_file(&link).unwrap();
    sandbox.kiln(&["build"]).expect(0);
    sandbox.file("kiln.toml", recipe("other"));
    sandbox.kiln(&["build"]).expect(0);
    assert!(fs::read_link(&link).unwrap().ends_with("out"));
}
