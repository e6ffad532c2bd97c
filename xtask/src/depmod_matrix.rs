//! `kiln depmod` against Debian's `depmod`, byte for byte, on Debian's kernels, in the layouts of kmod 30 and 34; and
//! kiln's closures against `modprobe`'s, for every module.
//!
//! Packages are downloaded once into the user's cache directory, foreign machines' with an apt state of their own, so
//! that the host's apt is not changed.

mod archive;
mod closures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::root;
use archive::{Apt, cache, output};

/// A kernel: the suite, apt's name of the machine, and the package that depends on the newest kernel of its kind.
const CORPORA: [(&str, &str, &str); 8] = [
    ("bookworm", "amd64", "linux-image-cloud-amd64"),
    ("bookworm", "amd64", "linux-image-amd64"),
    ("bookworm", "arm64", "linux-image-arm64"),
    ("bookworm", "armhf", "linux-image-armmp"),
    ("bookworm", "mipsel", "linux-image-4kc-malta"),
    ("bookworm", "mips64el", "linux-image-5kc-malta"),
    // Compressed with xz.
    ("bookworm-backports", "amd64", "linux-image-amd64"),
    // In no earlier release.
    ("trixie", "riscv64", "linux-image-riscv64"),
];

/// The packages that kmod 34 needs to run on a host with another C library.
const KMOD_34: (&str, [&str; 7]) =
    ("trixie", ["kmod", "libkmod2", "libc6", "liblzma5", "libzstd1", "zlib1g", "libssl3t64"]);

/// A depmod to compare with.
struct Depmod {
    layout: &'static str,
    command: Vec<PathBuf>,
    /// Whether it has `-o`; without it the indexes are written next to the modules.
    writes_elsewhere: bool,
}

/// Compares all kernels, or those whose package name has `filter`; fails when any file or closure differs.
#[expect(clippy::print_stdout, reason = "a developer's tool prints its table")]
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    let version = output(Command::new("depmod").arg("--version"))?;
    ensure!(version.starts_with("kmod version 30"), "the bytes are those of kmod 30, not of {version}");
    output(Command::new(env!("CARGO")).args(["build", "--release", "--bin", "kiln"]).current_dir(root()))?;
    let depmods = [Depmod { layout: "30", command: vec!["depmod".into()], writes_elsewhere: false }, kmod_34()?];
    let mut differing = 0;
    for (suite, machine, package) in CORPORA {
        if filter.is_some_and(|filter| !package.contains(filter)) {
            continue;
        }
        let (base, release) = unpacked(suite, machine, package)?;
        for depmod in &depmods {
            let (modules, differ) = compare(depmod, &base, &release)?;
            println!("{machine:9} {release:40} layout {} {modules:5} modules, differ: {differ:?}", depmod.layout);
            differing += differ.len();
        }
        if machine == "amd64" && suite == "bookworm" {
            // modprobe reads what depmod wrote.
            output(Command::new("depmod").args(["-C", "/dev/null", "-b"]).arg(&base).arg(&release))?;
            let closures = closures::compare(&base, &release)?;
            println!("{machine:9} {release:40} {closures}");
            differing += closures.wrong.len();
        }
    }
    ensure!(differing == 0, "{differing} files or closures differ");
    Ok(())
}

/// Runs both; returns the number of modules, and the files that differ.
fn compare(depmod: &Depmod, base: &Path, release: &str) -> Result<(usize, Vec<String>)> {
    let (theirs, ours) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let common = |command: &mut Command| output(command.args(["-C", "/dev/null", "-b"]).arg(base).arg(release));
    let mut command = Command::new(&depmod.command[0]);
    command.args(&depmod.command[1..]);
    if depmod.writes_elsewhere {
        command.arg("-o").arg(theirs.path());
    }
    common(&mut command)?;
    let kiln = root().join("target/release/kiln");
    common(Command::new(kiln).args(["depmod", "--layout", depmod.layout, "-o"]).arg(ours.path()))?;
    let folder = |out: &Path| out.join("lib/modules").join(release);
    let theirs = folder(if depmod.writes_elsewhere { theirs.path() } else { base });
    let ours = folder(ours.path());
    let mut names: Vec<_> = fs::read_dir(&ours)?.flatten().map(|entry| entry.file_name()).collect();
    if depmod.writes_elsewhere {
        names.extend(fs::read_dir(&theirs)?.flatten().map(|entry| entry.file_name()));
    }
    names.sort();
    names.dedup();
    let differs = |name: &std::ffi::OsString| {
        let (theirs, ours) = (fs::read(theirs.join(name)).ok(), fs::read(ours.join(name)).ok());
        theirs.is_none() || theirs != ours
    };
    let differ = names.iter().filter(|name| differs(name)).map(|name| name.to_string_lossy().into_owned());
    Ok((fs::read_to_string(theirs.join("modules.dep"))?.lines().count(), differ.collect()))
}

/// Returns kmod 34's depmod from its package, run by the dynamic linker that belongs to it.
fn kmod_34() -> Result<Depmod> {
    let (suite, packages) = KMOD_34;
    let machine = output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let base = cache()?.join(format!("kmod-{suite}-{machine}"));
    if !base.join("complete").exists() {
        let apt = Apt::new(&cache()?.join(format!("apt-{suite}-{machine}")), suite, &machine)?;
        for package in packages {
            apt.unpack(package, &base)?;
        }
        fs::write(base.join("complete"), "")?;
    }
    let triplet = fs::read_dir(base.join("usr/lib"))?.flatten().map(|entry| entry.path());
    let libraries = triplet.filter(|path| path.join("libkmod.so.2").exists()).last();
    let libraries = libraries.context("the package libkmod2 has no libkmod.so.2")?;
    let linker = fs::read_dir(&libraries)?.flatten().map(|entry| entry.path());
    let is_linker =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"));
    let linker = linker.filter(is_linker).last().context("the package libc6 has no dynamic linker")?;
    let depmod = Depmod {
        layout: "34",
        command: vec![linker, "--library-path".into(), libraries, base.join("usr/sbin/depmod")],
        writes_elsewhere: true,
    };
    let version = output(Command::new(&depmod.command[0]).args(&depmod.command[1..]).arg("--version"))?;
    ensure!(version.starts_with("kmod version 34"), "the bytes are those of kmod 34, not of {version}");
    Ok(depmod)
}

/// Returns the directory and the release of an unpacked kernel package.
pub(crate) fn unpacked(suite: &str, machine: &str, package: &str) -> Result<(PathBuf, String)> {
    let state = cache()?.join(format!("apt-{suite}-{machine}"));
    let apt = Apt::new(&state, suite, machine)?;
    let depends = output(apt.command("apt-cache").args(["depends", "--important", package]))?;
    let concrete = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: linux-image-"));
    let release = concrete.with_context(|| format!("{package} depends on no kernel"))?.to_owned();
    let base = cache()?.join(format!("linux-image-{release}-{machine}"));
    if !base.join("complete").exists() {
        apt.unpack(&format!("linux-image-{release}"), &base)?;
        // Newer suites have the modules only below /usr.
        if !base.join("lib").exists() {
            std::os::unix::fs::symlink("usr/lib", base.join("lib"))?;
        }
        fs::write(base.join("complete"), "")?;
    }
    if !base.join("lib/modules").join(&release).is_dir() {
        bail!("the package of {release} has no modules");
    }
    Ok((base, release))
}

/// Returns the directory with the makefiles of a kernel's source package, and nothing else of it.
pub(crate) fn unpacked_makefiles(suite: &str, machine: &str, package: &str) -> Result<PathBuf> {
    let base = cache()?.join(format!("{package}-makefiles-{suite}"));
    if !base.join("complete").exists() {
        let apt = Apt::new(&cache()?.join(format!("apt-{suite}-{machine}")), suite, machine)?;
        let whole = tempfile::tempdir_in(cache()?)?;
        apt.unpack(package, whole.path())?;
        fs::create_dir_all(&base)?;
        let archive = whole.path().join(format!("usr/src/{package}.tar.xz"));
        let names = ["--wildcards", "*/Makefile", "*/Kbuild"];
        output(
            Command::new("tar").arg("-xJf").arg(archive).arg("-C").arg(&base).arg("--strip-components=1").args(names),
        )?;
        fs::write(base.join("complete"), "")?;
    }
    Ok(base)
}
