use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A directory of programs that answer like a toolchain.
struct Fake {
    dir: tempfile::TempDir,
}

impl Fake {
    fn new() -> Fake {
        let fake = Fake { dir: tempfile::tempdir().unwrap() };
        let cc1 = fake.dir.path().join("cc1").display().to_string();
        fake.script("cc1", "#!/bin/sh\n");
        fake.script("x-gcc", &format!("#!/bin/sh\ncase $1 in\n-print-prog-name=cc1) echo {cc1};;\n-print*) echo x-as;;\n*) echo x-gcc 12;;\nesac\n"));
        for name in ["x-as", "x-ld", "x-objcopy", "make"] {
            fake.script(name, &format!("#!/bin/sh\necho {name} 1.0\necho more\n"));
        }
        fake
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn host(&self) -> Host {
        let mut path = self.dir.path().as_os_str().to_owned();
        path.push(":/nonexistent");
        Host::new(path)
    }

    fn discover(&self) -> Result<Toolchain, ToolchainError> {
        Toolchain::discover(&self.host(), &Programs::gnu("x-"))
    }
}

#[test]
fn the_same_programs_have_the_same_identity_wherever_they_are() {
    let (one, other) = (Fake::new(), Fake::new());
    let cc1 = |fake: &Fake| fake.discover().unwrap();
    // The fake driver names its cc1 by path, so only its own file differs; take that out of the comparison.
    other.script("x-gcc", &std::fs::read_to_string(one.dir.path().join("x-gcc")).unwrap());
    assert_eq!(cc1(&one).identity(), cc1(&other).identity());
    assert_ne!(cc1(&one).cc(), cc1(&other).cc());
    assert_eq!(cc1(&one).versions()[0], ("x-gcc".to_owned(), "x-gcc 12".to_owned()));
}

#[test]
fn a_changed_compiler_is_noticed() {
    let fake = Fake::new();
    let before = fake.discover().unwrap().identity().to_owned();
    fake.script("cc1", "#!/bin/sh\n# patched\n");
    let patched = fake.discover().unwrap().identity().to_owned();
    fake.script("x-ld", "#!/bin/sh\necho x-ld 2.0\n");
    let linker = fake.discover().unwrap().identity().to_owned();
    assert!(before != patched && patched != linker);
}

#[test]
fn a_toolchain_is_remembered_until_a_program_changes() {
    let fake = Fake::new();
    let store_dir = tempfile::tempdir().unwrap();
    let store = Store::open(store_dir.path()).unwrap();
    let runs = fake.dir.path().with_extension("runs");
    let ld = |version: &str| {
        fake.script("x-ld", &format!("#!/bin/sh\necho >> {}\necho x-ld {version}\n", runs.display()));
    };
    let n_runs = || std::fs::read(&runs).unwrap_or_default().len();
    ld("1.0");
    let remembered = || Toolchain::remembered(&store, &fake.host(), &Programs::gnu("x-")).unwrap();
    let first = remembered();
    assert_eq!(first, fake.discover().unwrap());
    let n_first = n_runs();
    assert_eq!(remembered(), first);
    assert_eq!(n_runs(), n_first, "nothing is asked twice");
    ld("2.0");
    assert_eq!(remembered(), fake.discover().unwrap());
    assert_ne!(remembered().identity(), first.identity());
    // It is installed where there was none.
    fake.script("pahole", "#!/bin/sh\necho v1.24\n");
    assert_eq!(remembered(), fake.discover().unwrap());
    std::fs::remove_file(runs).unwrap();
}

/// Creates the proxies of a version manager in its own directory, whose settings are in the home directory.
fn with_proxy(fake: &Fake) {
    let home = fake.dir.path().join("home");
    std::fs::create_dir_all(home.join(".rustup/toolchains")).unwrap();
    std::fs::write(home.join(".rustup/settings.toml"), "1.80").unwrap();
    fake.script("rustup", "#!/bin/sh\nset -e; version=$(cat $HOME/.rustup/settings.toml); echo rustc $version\n");
    std::os::unix::fs::symlink("rustup", fake.dir.path().join("rustc")).unwrap();
}

#[test]
fn a_proxy_finds_its_tool_by_the_home_directory() {
    let fake = Fake::new();
    with_proxy(&fake);
    let path = format!("{}:/usr/bin:/bin", fake.dir.path().display());
    let home = fake.dir.path().join("home");
    let environment = BTreeMap::from([("HOME".into(), home.clone().into_os_string()), ("CFLAGS".into(), "-O0".into())]);
    let host = Host::with_environment(&path, &environment);
    let (store_dir, programs) = (tempfile::tempdir().unwrap(), Programs::gnu("x-"));
    let store = Store::open(store_dir.path()).unwrap();
    let rustc = |host: &Host| {
        let found = Toolchain::remembered(&store, host, &programs).unwrap();
        found.versions().iter().find(|(name, _)| name == "rustc").map(|(_, line)| line.clone())
    };
    assert_eq!(rustc(&Host::new(&path)), None, "without a home directory it finds nothing");
    assert_eq!(rustc(&host).as_deref(), Some("rustc 1.80"));
    // Another toolchain is chosen; the proxy itself does not change.
    std::fs::write(home.join(".rustup/settings.toml"), "1.81.0").unwrap();
    assert_eq!(rustc(&host).as_deref(), Some("rustc 1.81.0"));
    assert!(host.variables().all(|(name, _)| name != "CFLAGS"), "flags of the caller do not reach a build");
}

/// Creates a clang that only calls another program, as Debian's only loads shared libraries.
fn llvm() -> Fake {
    let fake = Fake { dir: tempfile::tempdir().unwrap() };
    let real = fake.dir.path().join("real").display().to_string();
    fake.script("real", "#!/bin/sh\n");
    fake.script(
        "clang",
        &format!("#!/bin/sh\ncase $1 in\n-\\#*) echo ' \"{real}\" \"-cc1\"' >&2;;\n*) echo clang 14;;\nesac\n"),
    );
    for name in ["ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-strip", "make"] {
        fake.script(name, &format!("#!/bin/sh\necho {name}, compatible with another\necho Test version 14.0\n"));
    }
    fake
}

fn of_llvm(value: &str) -> Programs {
    Programs::Llvm { value: value.to_owned() }
}

#[test]
fn a_changed_clang_is_noticed() {
    let fake = llvm();
    let identity = || Toolchain::discover(&fake.host(), &of_llvm("1")).unwrap().identity().to_owned();
    let before = identity();
    fake.script("real", "#!/bin/sh\n# patched\n");
    let patched = identity();
    fake.script("llvm-strip", "#!/bin/sh\necho LLVM version 15\n");
    let strip = identity();
    fake.script("ld.lld", "#!/bin/sh\n# patched\necho Test version 14.0\n");
    let linker = identity();
    let all = std::collections::BTreeSet::from([before, patched, strip, linker]);
    assert_eq!(all.len(), 4);
}

#[test]
fn llvms_programs_say_their_version_in_the_second_line() {
    let found = Toolchain::discover(&llvm().host(), &of_llvm("1")).unwrap();
    let versions = found.versions();
    assert_eq!(versions[0], ("clang".to_owned(), "clang 14".to_owned()));
    assert!(versions.contains(&("llvm-objcopy".to_owned(), "Test version 14.0".to_owned())), "{versions:?}");
    // The first line of the host's own programs is still used.
    assert!(versions.contains(&("make".to_owned(), "make, compatible with another".to_owned())), "{versions:?}");
}

#[test]
fn two_toolchains_of_one_path_are_remembered_apart() {
    let (fake, store_dir) = (llvm(), tempfile::tempdir().unwrap());
    for name in ["gcc", "as", "ld", "objcopy"] {
        fake.script(name, &format!("#!/bin/sh\necho {name} 1.0\n"));
    }
    let store = Store::open(store_dir.path()).unwrap();
    for _ in 0..2 {
        for programs in [Programs::gnu(""), of_llvm("1")] {
            let toolchain = Toolchain::remembered(&store, &fake.host(), &programs).unwrap();
            assert_eq!(toolchain, Toolchain::discover(&fake.host(), &programs).unwrap());
        }
    }
    fake.script("real", "#!/bin/sh\n# patched\n");
    let again = Toolchain::remembered(&store, &fake.host(), &of_llvm("1")).unwrap();
    assert_eq!(again, Toolchain::discover(&fake.host(), &of_llvm("1")).unwrap(), "what clang calls is watched");
}

#[test]
fn a_missing_program_of_llvms_is_named_with_its_package() {
    let fake = llvm();
    let missing = |value: &str| {
        let missing = Toolchain::discover(&fake.host(), &of_llvm(value)).unwrap_err().missing().unwrap();
        assert_eq!(missing.why, "to compile the kernel");
        (missing.what, missing.debian_package)
    };
    std::fs::remove_file(fake.dir.path().join("llvm-nm")).unwrap();
    assert_eq!(missing("1"), ("the program `llvm-nm`".to_owned(), "llvm".to_owned()));
    assert_eq!(missing("-19"), ("the program `clang-19`".to_owned(), "clang-19".to_owned()));
}

#[test]
fn a_missing_program_is_named() {
    let fake = Fake::new();
    std::fs::remove_file(fake.dir.path().join("x-objcopy")).unwrap();
    let missing = |fake: &Fake| fake.discover().unwrap_err().missing().unwrap();
    assert_eq!(missing(&fake).what, "the program `x-objcopy`");
    std::fs::remove_file(fake.dir.path().join("x-gcc")).unwrap();
    assert_eq!(missing(&fake).debian_package, "gcc-x");
    let host = Host::new("/nonexistent");
    assert_eq!(Toolchain::discover(&host, &Programs::gnu("")).unwrap_err().missing().unwrap().debian_package, "gcc");
}
