//! Debian packages, unpacked into the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use kiln_exec::Exec;
use kiln_testkit::assert_has;

/// The programs that download and unpack.
const TOOLS: &[&str] = &["apt-cache", "apt-get", "dpkg-deb"];

/// One download at a time: the tests of this program share the cache.
static DOWNLOAD: Mutex<()> = Mutex::new(());

/// Debian's packages for one architecture.
#[derive(Debug, Clone)]
pub(crate) struct Debian {
    /// The options with which `apt-get` and related programs work for that architecture.
    options: Vec<String>,
    arch: &'static str,
}

impl Debian {
    /// This machine's own packages, as its apt knows them.
    pub(crate) fn native() -> Debian {
        assert_has(TOOLS);
        Debian { options: Vec::new(), arch: "native" }
    }

    /// Another architecture's packages, with a state of their own that does not affect this machine's apt.
    pub(crate) fn foreign(arch: &'static str) -> Debian {
        assert_has(TOOLS);
        let _one = one();
        let state = cache().join(format!("apt-{arch}"));
        for folder in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(state.join(folder)).unwrap();
        }
        fs::write(state.join("status"), "").unwrap();
        let deb822 = Path::new("/etc/apt/sources.list.d/debian.sources");
        let sources = if deb822.exists() { deb822 } else { Path::new("/etc/apt/sources.list") };
        let options = [
            format!("APT::Architecture={arch}"),
            format!("APT::Architectures={arch}"),
            format!("Dir::State={}", state.display()),
            format!("Dir::State::status={}/status", state.display()),
            format!("Dir::Cache={}", state.display()),
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ];
        let options = options.iter().flat_map(|option| ["-o".to_owned(), option.clone()]).collect();
        let debian = Debian { options, arch };
        debian.tool("apt-get").arg("update").text().unwrap();
        debian
    }

    /// Returns the directory that `package` is unpacked in.
    pub(crate) fn package(&self, package: &str) -> PathBuf {
        let _one = one();
        let about = self.tool("apt-cache").args(["show", "--no-all-versions", package]).text().unwrap();
        let version = about.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap().replace(':', "_");
        let there = cache().join(format!("{package}-{version}-{}", self.arch));
        if !there.exists() {
            let scratch = tempfile::tempdir_in(cache()).unwrap();
            self.tool("apt-get").args(["download", package]).dir(scratch.path()).text().unwrap();
            let archive = fs::read_dir(scratch.path()).unwrap().next().unwrap().unwrap().path();
            tool("dpkg-deb").arg("-x").arg(archive).arg(scratch.path().join("root")).text().unwrap();
            // Another test program may have been faster.
            let _ = fs::rename(scratch.path().join("root"), &there);
        }
        assert!(there.is_dir());
        there
    }

    /// Returns the kernel that the package `meta` stands for: its directory, its release, its image.
    pub(crate) fn kernel(&self, meta: &str) -> (PathBuf, String, PathBuf) {
        let text = self.tool("apt-cache").args(["depends", meta]).text().unwrap();
        let mut names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        let root = self.package(names.find(|name| name.starts_with("linux-image-")).unwrap());
        let files = fs::read_dir(root.join("boot")).unwrap().map(|entry| entry.unwrap());
        let mut names = files.map(|file| file.file_name().into_string().unwrap());
        let image = names.find(|name| name.starts_with("vmlinuz-")).unwrap();
        let release = image.strip_prefix("vmlinuz-").unwrap().to_owned();
        (root.clone(), release, root.join("boot").join(image))
    }

    fn tool(&self, name: &str) -> Exec {
        tool(name).args(&self.options)
    }
}

fn one() -> std::sync::MutexGuard<'static, ()> {
    DOWNLOAD.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn tool(name: &str) -> Exec {
    Exec::new(name).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C")
}

#[expect(clippy::disallowed_methods, reason = "a test's own directory")]
fn cache() -> PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").unwrap()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("kiln-tests");
    fs::create_dir_all(&cache).unwrap();
    cache
}
