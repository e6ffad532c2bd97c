//! Compares configurations of a real kernel with those of the tree's own targets.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kiln_exec::Exec;
use kiln_kbuild::resolve::{Base, KconfigTree, config_of};
use kiln_kbuild::toolchain::{Host, Programs, Target, Toolchain};
use kiln_kconfig::{BaseValues, Request};
use kiln_testkit::assert_has;

use crate::conf::Conf;
use crate::fake_kernel::host;

const PACKAGE: &str = "linux-source-6.12";

/// Tests run in parallel, and only one of them may fetch.
static FETCHING: Mutex<()> = Mutex::new(());

/// Returns the kernel's source, from the distribution, kept in the user's cache directory.
pub(crate) fn kernel_tree() -> PathBuf {
    assert_has(&["apt-get", "bison", "dpkg-deb", "flex", "gcc", "make", "tar", "xz"]);
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
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
    tree
}

#[expect(clippy::disallowed_methods, reason = "slow tests find their cache and programs by the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(crate) fn x86() -> Target {
    Target { arch: "x86_64".into(), srcarch: "x86".into(), programs: Programs::gnu("") }
}

fn target(arch: &str, srcarch: &str, programs: Programs) -> Target {
    Target { arch: arch.into(), srcarch: srcarch.into(), programs }
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn configurations_equal_the_trees_own() {
    let tree = kernel_tree();
    compare(&tree, &x86(), &["defconfig", "tinyconfig", "x86_64_defconfig"]);
    compare(&tree, &target("arm64", "arm64", Programs::gnu("aarch64-linux-gnu-")), &["defconfig"]);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn configurations_equal_the_trees_own_with_llvm() {
    let tree = kernel_tree();
    let llvm = || Programs::Llvm { value: "1".into() };
    compare(&tree, &target("arm64", "arm64", llvm()), &["defconfig"]);
    // A target that the host's own programs do not support, with another byte order than clang's initial one.
    compare(&tree, &target("mips", "mips", llvm()), &["allnoconfig"]);
}

/// Checks that kiln's engine and the tree's target have the same result, and with requests the engine and the tree's
/// `conf`.
fn compare(tree: &Path, target: &Target, bases: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    // The caller's own programs too: a Rust compiler that works only in the caller's home is not usable for the kernel.
    let everything = Host::new(variable("PATH").unwrap());
    let toolchain = Toolchain::discover(&everything, &target.programs);
    let toolchain = toolchain.unwrap_or_else(|error| panic!("{error}: `scripts/test` installs it"));
    let conf = Conf { tree, out: dir.path().join("conf"), target, toolchain: &toolchain };
    for name in bases {
        let base = match *name {
            "tinyconfig" => Base::Tinyconfig,
            "allnoconfig" => Base::Allnoconfig,
            other => Base::Defconfig(other.to_owned()),
        };
        let kconfig = KconfigTree::new(tree, &dir.path().join("native"), target, &toolchain, None).unwrap();
        let parsed = kconfig.parse(&base, BaseValues::Written).unwrap();
        let theirs = conf.make(&dir.path().join("own"), name, None);
        let ours = config_of(&parsed.resolve(&[]).unwrap());
        assert!(ours.text() == theirs, "{} {name} differs:\n{}", target.arch, first_difference(ours.text(), &theirs));
        assert_eq!(ours.is_yes("CC_IS_CLANG") && ours.is_yes("LD_IS_LLD"), target.programs.llvm().is_some(), "{name}");
        // The first base with all requests, the others with none; the engine's own tests compare many more.
        let n_sets = if *name == bases[0] { usize::MAX } else { 1 };
        for requests in requests().into_iter().take(n_sets) {
            let ours = config_of(&parsed.resolve(&requests).unwrap());
            let theirs = conf.resolve(parsed.model(), &base, &requests);
            let difference = first_difference(ours.text(), &theirs);
            assert!(ours.text() == theirs, "{} {name} {requests:?}:\n{difference}", target.arch);
        }
        // The whole `.config` edited: what a base that a makefile puts together always means.
        let requests =
            [("NET_9P", "n"), ("EXPERT", "y"), ("USB", "m")].map(|(name, value)| Request::fixed(name, value));
        let is_made = matches!(base, Base::Defconfig(_)) && !kconfig.has_file(name);
        let values = if is_made { BaseValues::Written } else { BaseValues::All };
        let edited = config_of(&parsed.resolve_keeping(values, &requests).unwrap());
        let theirs = conf.edit(parsed.model(), name, &requests);
        let difference = first_difference(edited.text(), &theirs);
        assert!(edited.text() == theirs, "{} {name} edited:\n{difference}", target.arch);
    }
}

/// Returns no requests, and sets of requests that interact, have invalid values, or name undeclared symbols.
fn requests() -> Vec<Vec<Request>> {
    let sets: [&[(&str, &str)]; 4] = [
        &[],
        &[("MODULES", "y"), ("NETFILTER", "y"), ("NF_TABLES", "m"), ("USB", "m"), ("USB_GADGET", "m")],
        &[("LOCALVERSION", "-a \"b\" \\c"), ("HZ_250", "y"), ("LOG_BUF_SHIFT", "99"), ("NR_CPUS", "x")],
        &[("NO_SUCH_SYMBOL", "y"), ("NET", "n"), ("DRM", "m"), ("VIRTIO_NET", "y"), ("SND_SOC", "y")],
    ];
    let request = |(name, value): &(&str, &str)| Request::fixed(*name, *value);
    sets.iter().map(|set| set.iter().map(request).collect()).collect()
}

pub(crate) fn first_difference(ours: &str, theirs: &str) -> String {
    let pairs = ours.lines().zip(theirs.lines());
    pairs.filter(|(a, b)| a != b).take(5).map(|(a, b)| format!("{a}\n{b}\n")).collect()
}
