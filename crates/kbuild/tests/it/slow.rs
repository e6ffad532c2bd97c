//! A real kernel: configurations compared with the tree's own targets. Run by `SLOW_TESTS=1`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kiln_exec::Exec;
use kiln_kbuild::resolve::{Base, Native, Resolver, TreeConf};
use kiln_kbuild::toolchain::{Host, Programs, Target, Toolchain};

use crate::fake_kernel::host;

const PACKAGE: &str = "linux-source-6.12";

/// Tests run side by side, and only one of them may fetch.
static FETCHING: Mutex<()> = Mutex::new(());

/// The kernel's source, from the distribution, kept in the user's cache folder; `None` unless slow tests are wanted.
pub(crate) fn kernel_tree() -> Option<PathBuf> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    if variable("SLOW_TESTS")? != "1" {
        return None;
    }
    let cache =
        variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(Path::new(&variable("HOME")?).join(".cache")));
    let folder = cache.unwrap().join("kiln-tests");
    let tree = folder.join(PACKAGE);
    if !tree.join("Makefile").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let script = format!(
            "set -e; rm -rf part; mkdir part; cd part; apt-get download {PACKAGE}; dpkg-deb -x *.deb .; \
             tar -xf usr/src/{PACKAGE}.tar.*; mv {PACKAGE} ..; cd ..; rm -rf part"
        );
        Exec::new("sh").args(["-c", &script]).dir(&folder).env("PATH", host().path).text().unwrap();
    }
    Some(tree)
}

#[expect(clippy::disallowed_methods, reason = "slow tests are switched on, and find their cache, by the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(crate) fn x86() -> Target {
    Target { arch: "x86_64".into(), srcarch: "x86".into(), programs: Programs::gnu("") }
}

/// What the tree's own target makes, values only: the tools named in the heading are the same anyway.
fn own(tree: &Path, out: &Path, target: &Target, name: &str) -> String {
    std::fs::create_dir_all(out).unwrap();
    let cross = target.programs.cross_compile();
    Exec::new("make")
        .args(["-s", "-C", tree.to_str().unwrap(), &format!("O={}", out.display())])
        .args([&format!("ARCH={}", target.arch), &format!("CROSS_COMPILE={cross}"), name])
        .args(target.programs.llvm().map(|value| format!("LLVM={value}")))
        .env("PATH", variable("PATH").unwrap())
        .env("HOME", out)
        .env("LC_ALL", "C")
        .text()
        .unwrap();
    std::fs::read_to_string(out.join(".config")).unwrap()
}

fn target(arch: &str, srcarch: &str, programs: Programs) -> Target {
    Target { arch: arch.into(), srcarch: srcarch.into(), programs }
}

#[test]
fn configurations_equal_the_trees_own() {
    let Some(tree) = kernel_tree() else { return };
    compare(&tree, &x86(), &["allnoconfig", "tinyconfig", "x86_64_defconfig", "defconfig"]);
    compare(&tree, &target("arm64", "arm64", Programs::gnu("aarch64-linux-gnu-")), &["defconfig", "tinyconfig"]);
}

#[test]
fn configurations_equal_the_trees_own_with_llvm() {
    let Some(tree) = kernel_tree() else { return };
    let llvm = || Programs::Llvm { value: "1".into() };
    compare(&tree, &target("x86_64", "x86", llvm()), &["defconfig", "tinyconfig"]);
    compare(&tree, &target("arm64", "arm64", llvm()), &["defconfig", "tinyconfig"]);
    // A target that the host's own programs are not for, in another order of bytes than clang is told at first.
    compare(&tree, &target("mips", "mips", llvm()), &["allnoconfig"]);
}

/// kiln's own engine, its use of the tree's `conf`, and the tree's own target give the same; the first base with requests
/// too. Nothing is compared where the host has no such toolchain.
fn compare(tree: &Path, target: &Target, bases: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    // The caller's own programs too: a Rust compiler that works only in the caller's home is none for the kernel.
    let everything = Host { path: variable("PATH").unwrap().into() };
    let Ok(toolchain) = Toolchain::discover(&everything, &target.programs) else { return };
    let conf = TreeConf::new(tree, &dir.path().join("conf"), target, &toolchain).unwrap();
    let native = Native::new(tree, &dir.path().join("native"), target, &toolchain, None).unwrap();
    for name in bases {
        let base = match *name {
            "tinyconfig" => Base::Tinyconfig,
            "allnoconfig" => Base::Allnoconfig,
            other => Base::Defconfig(other.to_owned()),
        };
        let ours = conf.resolve(&base, &BTreeMap::new()).unwrap().config_text;
        let theirs = own(tree, &dir.path().join("own"), target, name);
        assert!(ours == theirs, "{} {name} differs:\n{}", target.arch, first_difference(&ours, &theirs));
        let is_llvm = theirs.contains("CONFIG_CC_IS_CLANG=y") && theirs.contains("CONFIG_LD_IS_LLD=y");
        assert_eq!(is_llvm, target.programs.llvm().is_some(), "{} {name}", target.arch);
        // Each base as it is; the rest is the engine's, and compared there with many more.
        let n_sets = if *name == bases[0] { usize::MAX } else { 1 };
        for requests in requests().into_iter().take(n_sets) {
            let (ours, theirs) = (native.resolve(&base, &requests).unwrap(), conf.resolve(&base, &requests).unwrap());
            let (config, other) = (&ours.config_text, &theirs.config_text);
            assert!(config == other, "{} {name} {requests:?}:\n{}", target.arch, first_difference(config, other));
            assert_eq!(ours.warnings, theirs.warnings, "{} {name} {requests:?}", target.arch);
        }
    }
}

/// None, and some that pull at others, that do not fit, and that nothing declares.
fn requests() -> Vec<BTreeMap<String, String>> {
    let sets: [&[(&str, &str)]; 4] = [
        &[],
        &[("MODULES", "y"), ("NETFILTER", "y"), ("NF_TABLES", "m"), ("USB", "m"), ("USB_GADGET", "m")],
        &[("LOCALVERSION", "-a \"b\" \\c"), ("HZ_250", "y"), ("LOG_BUF_SHIFT", "99"), ("NR_CPUS", "x")],
        &[("NO_SUCH_SYMBOL", "y"), ("NET", "n"), ("DRM", "m"), ("VIRTIO_NET", "y"), ("SND_SOC", "y")],
    ];
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    sets.iter().map(|set| set.iter().map(owned).collect()).collect()
}

pub(crate) fn first_difference(ours: &str, theirs: &str) -> String {
    let pairs = ours.lines().zip(theirs.lines());
    pairs.filter(|(a, b)| a != b).take(5).map(|(a, b)| format!("{a}\n{b}\n")).collect()
}
