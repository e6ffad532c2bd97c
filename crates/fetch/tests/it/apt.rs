//! Real packages through the host's apt (slow).

use kiln_fetch::{Origin, apt, patch, source_package};
use kiln_plan::SourceSpec;
use kiln_testkit::assert_has;
use kiln_testkit::chain;

use crate::ground::{Ground, makefile};

fn ground() -> Ground {
    assert_has(&["apt-cache", "apt-get", "dpkg-deb", "patch", "tar", "xz"]);
    Ground::new()
}

#[test]
#[ignore = "slow: downloads packages"]
fn a_package_that_is_not_there_shows_what_apt_said() {
    let ground = ground();
    let spec = SourceSpec::Apt { package: "linux-source-0.99".into(), version: None };
    let shown = chain(&ground.get(&spec).unwrap_err());
    assert!(shown.contains("Unable to locate package linux-source-0.99"), "{shown}");
    assert!(shown.contains("apt's sources"), "{shown}");
}

#[test]
#[ignore = "slow: downloads packages"]
fn a_kernel_comes_from_its_package() {
    let ground = ground();
    let source = ground.get(&SourceSpec::Apt { package: "linux-source-6.12".into(), version: None }).unwrap();
    let makefile = makefile(&source);
    let number = |name: &str| makefile.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = ")).unwrap();
    let version = ["VERSION", "PATCHLEVEL", "SUBLEVEL"].map(number).join(".");
    let Origin::Apt { version: package, .. } = &source.origin else { panic!("{:?}", source.origin) };
    assert!(package.starts_with(&version), "{package} has {version}");
}

#[test]
#[ignore = "slow: downloads packages"]
fn packages_of_another_architecture_become_a_root() {
    let ground = ground();
    let root = apt::packages(&ground.fetch(), &["nftables", "busybox-static"], "arm64").unwrap();
    for file in
        ["usr/sbin/nft", "bin/busybox", "lib/ld-linux-aarch64.so.1", "usr/lib/aarch64-linux-gnu/libnftables.so.1"]
    {
        assert!(root.join(file).exists(), "{file}");
    }
    // Byte 18 of an ELF file is its machine; 0xb7 is AArch64.
    assert_eq!(std::fs::read(root.join("bin/busybox")).unwrap()[18], 0xb7);
    ground.said();
    assert_eq!(apt::packages(&ground.fetch(), &["nftables", "busybox-static"], "arm64").unwrap(), root);
    assert_eq!(ground.said(), <[String; 0]>::default());
}

#[test]
#[ignore = "slow: downloads packages"]
fn a_port_that_debian_does_not_have_lacks_every_package() {
    let ground = ground();
    let absent = |names: &[&str], architecture: &str| apt::absent(&ground.fetch(), names, architecture).unwrap();
    assert_eq!(absent(&["busybox-static", "no-such-package"], "arm64"), ["no-such-package"]);
    assert_eq!(absent(&["busybox-static"], "mips"), ["busybox-static"]);
}

#[test]
#[ignore = "slow: downloads packages"]
fn a_source_package_has_debians_patches_in_order() {
    let ground = Ground::new();
    let package = source_package(&ground.fetch(), "busybox").unwrap();
    assert!(package.upstream.tree.join("include/applets.src.h").is_file());
    assert!(package.debian.join("config/pkg/static").is_file());
    assert!(!package.patches.is_empty() && package.patches.iter().all(|patch| patch.is_file()), "{package:?}");
    let patched = patch::apply(&ground.fetch(), &package.upstream, &package.patches, "").unwrap();
    assert_ne!(patched.key, package.upstream.key);
    // The second time nothing is fetched.
    ground.said();
    let again = source_package(&ground.fetch(), "busybox").unwrap();
    assert_eq!(again.upstream.tree, package.upstream.tree);
    assert_eq!(ground.said(), <[String; 0]>::default());
}
