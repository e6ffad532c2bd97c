//! The environment of every `make` that kiln starts in a kernel tree.
//!
//! It contains only these variables, so that nothing of the caller's environment affects the result:
//!
//! | variable | value | reason |
//! |---|---|---|
//! | `PATH` | the toolchain's | the directories of programs |
//! | `HOME`, `RUSTUP_HOME` and others | the caller's; without one a private directory in the output | proxies and wrappers find their tools by them; they set no compiler flags |
//! | `GIT_CONFIG_GLOBAL`, `PYTHONNOUSERSITE` | `/dev/null`, `1` | the user's settings do not matter |
//! | those of `kernel.environment` | the recipe's; none of the others here | some trees' Kconfig files and makefiles read variables of their own |
//! | `TMPDIR` | a private directory in the output | a killed build leaves nothing elsewhere |
//! | `LC_ALL` | `C` | messages and sort order |
//! | `ARCH`, `CROSS_COMPILE`, `LLVM` | the target, `LLVM` only for LLVM's toolchain | passed to `make` as arguments, as Kbuild expects them |
//! | `KBUILD_BUILD_TIMESTAMP` | `Thu Jan  1 00:00:00 UTC 1970` | appears in `/proc/version` |
//! | `KBUILD_BUILD_USER`, `KBUILD_BUILD_HOST` | `kiln`, `kiln` | likewise |
//! | `KBUILD_BUILD_VERSION` | `1` | the `#1` there; Kbuild would count builds in this directory |
//! | `SOURCE_DATE_EPOCH` | `0` | for compilers (`__DATE__`) and archivers |
//! | `LOCALVERSION` | empty | without it a tree under git gets a `+` at the end of its release |
//! | `KCFLAGS`, `KAFLAGS` | prefix maps | debug information and `__FILE__` contain the names below |
//! | `KRUSTFLAGS` | prefix maps | likewise |
//!
//! The source directory appears as `/usr/src/linux`, the output directory as `/usr/src/linux-build`. Kbuild records the
//! flags of each object next to it, so moving either directory recompiles everything; the bytes stay the same.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use kiln_exec::Exec;

use crate::toolchain::{Target, Toolchain};

/// The build time of every kernel, as reported by it.
const TIMESTAMP: &str = "Thu Jan  1 00:00:00 UTC 1970";
/// The name of the source directory in debug information.
pub(crate) const SOURCE_NAME: &str = "/usr/src/linux";
/// The name of the output directory in debug information.
pub(crate) const OUTPUT_NAME: &str = "/usr/src/linux-build";
/// The directory in the output for kiln's own files, which are not Kbuild's.
const PRIVATE: &str = ".kiln";

/// Returns the directories of git's that `scripts/setlocalversion` reads, where `tree` is a linked work tree: its `.git`
/// is a file that names one of them.
///
/// A tree may name any directory; only one that names the tree in turn is a repository's record of it.
///
/// # Source
/// gitrepository-layout(5): `gitfile`, `worktrees/<id>/gitdir`, `commondir`.
fn git_directories(tree: &Path) -> Vec<PathBuf> {
    let line = |file: &Path| Some(kiln_file::read_to_string(file).ok()?.trim_end().to_owned());
    let named = |file: &Path, prefix: &str| {
        let path = line(file)?.strip_prefix(prefix)?.to_owned();
        Some(file.parent()?.join(path))
    };
    let is_same =
        |one: &Path, other: &Path| one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|it| it == one));
    let file = tree.join(".git");
    let names_tree = |dir: &PathBuf| named(&dir.join("gitdir"), "").is_some_and(|back| is_same(&back, &file));
    let own = named(&file, "gitdir: ").filter(names_tree);
    let common = own.as_deref().and_then(|dir| named(&dir.join("commondir"), ""));
    own.into_iter().chain(common).collect()
}

/// Runs `make` where `/tmp` cannot be written to.
///
/// Quirk: `make` before 4.4 has its files for `--output-sync` in `/tmp`, whatever `TMPDIR` is, and ends without a word when
/// it can make none. Without the option the lines of two compilers may be mixed, but each is whole.
const LIMITED: &str = "case $(make --version) in \"GNU Make \"[1-3].*|\"GNU Make 4.\"[0-3]*) sync= ;; \
                       *) sync=--output-sync=target ;; esac; exec make $sync \"$@\" 2>&1";

/// A tree, the directory it is built in, its target and toolchain.
#[derive(Debug, Clone, Copy)]
pub struct Make<'a> {
    /// The tree; never written to.
    pub tree: &'a Path,
    /// The output directory.
    pub out: &'a Path,
    /// The target of the build.
    pub target: &'a Target,
    /// The toolchain of the build.
    pub toolchain: &'a Toolchain,
}

impl Make<'_> {
    /// Creates the private directories that [`Make::exec`] names.
    pub fn prepare(&self) -> io::Result<()> {
        for folder in ["home", "tmp"] {
            std::fs::create_dir_all(self.private(folder))?;
        }
        Ok(())
    }

    /// Returns the path of a file of kiln's own in the output directory.
    pub(crate) fn private(&self, name: &str) -> std::path::PathBuf {
        self.out.join(PRIVATE).join(name)
    }

    /// Returns the variables that tools see in a build and while Kconfig is evaluated.
    pub(crate) fn variables(&self) -> BTreeMap<OsString, OsString> {
        let host = self.toolchain.host();
        let private = |name: &str| (OsString::from(name), self.private(&name.to_lowercase()).into_os_string());
        let home = (!host.has_home()).then(|| private("HOME"));
        let tmp = (OsString::from("TMPDIR"), self.private("tmp").into_os_string());
        self.toolchain.variables().chain(home).chain([tmp]).collect()
    }

    /// Starts a `make` command line, both outputs joined into standard output, without goals.
    ///
    /// The streams are joined so that the output of one compiler stays together: with `--output-sync`, `make` writes a
    /// target's lines at once, but only per stream.
    pub fn exec(&self) -> Exec {
        let sandbox = self.toolchain.host().sandbox();
        let is_limited = sandbox.support().is_some_and(|support| support.files);
        self.toolchain
            .exec("/bin/sh")
            .args(["-c", if is_limited { LIMITED } else { "exec make --output-sync=target \"$@\" 2>&1" }, "sh"])
            .args(["--no-print-directory", "-C"])
            .arg(self.tree)
            .arg(assignment("O", self.out.as_os_str()))
            .arg(format!("ARCH={}", self.target.arch))
            // Also when empty: the makefiles of some architectures would otherwise look for a prefix themselves.
            .arg(format!("CROSS_COMPILE={}", self.toolchain.programs().cross_compile()))
            .args(self.toolchain.programs().llvm().map(|value| format!("LLVM={value}")))
            .dir(self.out)
            .confined(sandbox, &[self.tree], &[self.out])
            .reading(&git_directories(self.tree))
            .envs(self.variables())
            .env("KBUILD_BUILD_TIMESTAMP", TIMESTAMP)
            .env("KBUILD_BUILD_USER", "kiln")
            .env("KBUILD_BUILD_HOST", "kiln")
            .env("KBUILD_BUILD_VERSION", "1")
            .env("SOURCE_DATE_EPOCH", "0")
            .env("LOCALVERSION", "")
            .env("KCFLAGS", self.compiler_flags())
            .env("KAFLAGS", self.compiler_flags())
            .env("KRUSTFLAGS", self.rust_flags())
    }

    /// Returns the prefix maps for C and assembly.
    ///
    /// Later versions of Kbuild set the macro map themselves; in earlier ones every `WARN()` has the directory's path.
    pub(crate) fn compiler_flags(&self) -> OsString {
        let mut flags = OsString::new();
        for (folder, name) in self.maps() {
            flags.push(format!("-fdebug-prefix-map={}={name} ", folder.display()));
        }
        flags.push(format!("-fmacro-prefix-map={}/=", self.tree.display()));
        flags
    }

    fn rust_flags(&self) -> String {
        let flags: Vec<String> = self
            .maps()
            .iter()
            .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
            .collect();
        flags.join(" ")
    }

    /// Returns the directories with their names. The output directory may be in the source directory's parent, never in
    /// the source directory itself, so the order does not matter.
    fn maps(&self) -> [(&Path, &'static str); 2] {
        [(self.tree, SOURCE_NAME), (self.out, OUTPUT_NAME)]
    }
}

fn assignment(name: &str, value: &std::ffi::OsStr) -> OsString {
    let mut text = OsString::from(name);
    text.push("=");
    text.push(value);
    text
}

#[cfg(test)]
mod tests {
    use kiln_kconfig::{Environment, Linux};
    use kiln_plan::environment::is_own;

    use crate::toolchain::Programs;

    /// A tree that is no work tree of the repository that it names opens nothing.
    #[test]
    fn a_linked_work_tree_opens_its_own_repository_only() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let git = |args: &[&str]| {
            let made = kiln_exec::Exec::new("git").env("PATH", "/usr/bin:/bin").env("HOME", dir.path()).dir(dir.path());
            let who = ["-c", "user.name=n", "-c", "user.email=e@example.org"];
            made.args(who).args(args).text().unwrap();
        };
        git(&["init", "-q", "repository"]);
        git(&["-C", "repository", "commit", "-q", "--allow-empty", "-m", "first"]);
        git(&["-C", "repository", "worktree", "add", "-q", "../linked"]);
        let opened = super::git_directories(&at("linked"));
        let real = |path: &std::path::Path| path.canonicalize().unwrap();
        let expected = ["repository/.git/worktrees/linked", "repository/.git"].map(|name| real(&at(name)));
        assert_eq!(opened.iter().map(|path| real(path)).collect::<Vec<_>>(), expected);
        assert_eq!(super::git_directories(&at("repository")), Vec::<std::path::PathBuf>::new());
        // What a hostile tree could say.
        std::fs::create_dir(at("hostile")).unwrap();
        for named in [at("repository/.git/worktrees/linked"), at("repository/.git"), dir.path().to_owned()] {
            std::fs::write(at("hostile/.git"), format!("gitdir: {}\n", named.display())).unwrap();
            assert_eq!(super::git_directories(&at("hostile")), Vec::<std::path::PathBuf>::new(), "{named:?}");
        }
    }

    #[test]
    fn a_recipe_cannot_set_what_kiln_sets() {
        let linux = Linux {
            arch: "arm64",
            host: "x86_64",
            srctree: "/tree",
            version: "6.12.1",
            programs: &Programs::gnu("x-"),
            cc: None,
            ld: None,
            cc_version: "gcc",
            clang_flags: "-f",
            rustc_version: "rustc",
        };
        for name in Environment::linux(&linux).variables.keys() {
            assert!(is_own(name), "{name}");
        }
        for name in
            ["HOME", "TMPDIR", "SOURCE_DATE_EPOCH", "LOCALVERSION", "KCFLAGS", "KAFLAGS", "KRUSTFLAGS", "LC_ALL"]
        {
            assert!(is_own(name), "{name}");
        }
    }
}
