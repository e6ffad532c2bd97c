//! The environment of every `make` that kiln starts in a kernel tree.
//!
//! It is empty but for these, so that nothing of the caller reaches the result:
//!
//! | variable | value | why |
//! |---|---|---|
//! | `PATH` | the toolchain's | where programs are |
//! | `HOME` | a private folder in the output | no dot file of the user is read |
//! | `TMPDIR` | a private folder in the output | a killed build leaves nothing elsewhere |
//! | `LC_ALL` | `C` | messages and sort order |
//! | `ARCH`, `CROSS_COMPILE`, `LLVM` | the target, `LLVM` only for LLVM's toolchain | given to `make` as arguments, as Kbuild wants them |
//! | `KBUILD_BUILD_TIMESTAMP` | `Thu Jan  1 00:00:00 UTC 1970` | appears in `/proc/version` |
//! | `KBUILD_BUILD_USER`, `KBUILD_BUILD_HOST` | `kiln`, `kiln` | likewise |
//! | `KBUILD_BUILD_VERSION` | `1` | the `#1` there; Kbuild would count builds in this folder |
//! | `SOURCE_DATE_EPOCH` | `0` | for compilers (`__DATE__`) and archivers |
//! | `LOCALVERSION` | empty | without it a tree under git gets a `+` at its release |
//! | `KCFLAGS`, `KAFLAGS` | prefix maps | debug information and `__FILE__` name the folders below |
//! | `KRUSTFLAGS` | prefix maps | likewise |
//!
//! The source folder appears as `/usr/src/linux`, the output folder as `/usr/src/linux-build`. Kbuild notes the flags of
//! each object beside it, so moving either folder recompiles everything; the bytes stay the same.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use kiln_exec::Exec;

use crate::toolchain::{Target, Toolchain};

/// When every kernel was built, as far as it says.
const TIMESTAMP: &str = "Thu Jan  1 00:00:00 UTC 1970";
/// What the source folder is called in debug information.
pub(crate) const SOURCE_NAME: &str = "/usr/src/linux";
/// What the output folder is called in debug information.
pub(crate) const OUTPUT_NAME: &str = "/usr/src/linux-build";
/// The folder in the output that holds what is kiln's and not Kbuild's.
const PRIVATE: &str = ".kiln";

/// A tree, the folder it is built in, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Make<'a> {
    /// The tree; never written to.
    pub tree: &'a Path,
    /// The folder.
    pub out: &'a Path,
    /// What is built for.
    pub target: &'a Target,
    /// What is built with.
    pub toolchain: &'a Toolchain,
}

impl Make<'_> {
    /// Makes the private folders that [`Make::exec`] names.
    pub fn prepare(&self) -> io::Result<()> {
        for folder in ["home", "tmp"] {
            std::fs::create_dir_all(self.private(folder))?;
        }
        Ok(())
    }

    /// A path of kiln's own in the output folder.
    pub(crate) fn private(&self, name: &str) -> std::path::PathBuf {
        self.out.join(PRIVATE).join(name)
    }

    /// Starts a `make` command line, both outputs joined into standard output, without goals.
    ///
    /// The streams are joined so that what one compiler says stays together: with `--output-sync`, `make` writes a
    /// target's lines at once, but only per stream.
    pub fn exec(&self) -> Exec {
        self.toolchain
            .exec("/bin/sh")
            .args(["-c", "exec \"$@\" 2>&1", "sh", "make"])
            .args(["--no-print-directory", "--output-sync=target", "-C"])
            .arg(self.tree)
            .arg(assignment("O", self.out.as_os_str()))
            .arg(format!("ARCH={}", self.target.arch))
            // Empty too: the makefiles of some architectures would look for a prefix themselves.
            .arg(format!("CROSS_COMPILE={}", self.toolchain.programs().cross_compile()))
            .args(self.toolchain.programs().llvm().map(|value| format!("LLVM={value}")))
            .dir(self.out)
            .env("HOME", self.private("home"))
            .env("TMPDIR", self.private("tmp"))
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

    /// The macro map is what Kbuild itself sets in later versions; earlier ones leave the folder in every `WARN()`.
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

    /// The output folder may lie in the source folder's parent, never in it, so the order does not matter.
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
