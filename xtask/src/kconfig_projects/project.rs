//! The projects: where their Kconfig is, and what their makefiles set for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where the trees come from.
pub(super) const WHERE: &str = "\
Trees, each cloned or unpacked under the name to the left:
  buildroot    https://gitlab.com/buildroot.org/buildroot
  u-boot       https://source.denx.de/u-boot/u-boot
  busybox      https://git.busybox.net/busybox
  barebox      https://git.pengutronix.de/git/barebox
  coreboot     https://review.coreboot.org/coreboot
  xen          https://xenbits.xen.org/git-http/xen.git
  crosstool-ng https://github.com/crosstool-ng/crosstool-ng (./bootstrap run once)
  uclibc-ng    https://cgit.uclibc-ng.org/cgi/cgit/uclibc-ng.git";

/// One project.
pub(super) struct Project {
    pub(super) name: &'static str,
    /// The directory that Kconfig's paths start from.
    pub(super) top: &'static str,
    /// The directory of the sources of `conf`, from there.
    pub(super) program: &'static str,
    pub(super) entry: &'static str,
    /// Variables beside those that every project gets; `@` is the scratch directory.
    more: &'static [(&'static str, &'static str)],
    /// The makefile's definition of the prefix of names, if it has one.
    pub(super) prefix: &'static str,
    /// Directories of sample configs, and how their names start and end.
    samples: (&'static [&'static str], &'static str, &'static str),
    /// Whether `conf` finds its files only when it runs in the tree.
    pub(super) runs_in_tree: bool,
    /// A command that writes generated Kconfig files, run in the tree when its result is not there.
    generate: Option<(&'static str, &'static str)>,
}

const PLAIN: Project = Project {
    name: "",
    top: "",
    program: "scripts/kconfig",
    entry: "Kconfig",
    more: &[],
    prefix: "",
    samples: (&["configs"], "", "_defconfig"),
    runs_in_tree: false,
    generate: None,
};

/// All of them, the most used first.
pub(super) const PROJECTS: &[Project] = &[
    Project {
        name: "buildroot",
        program: "support/kconfig",
        entry: "Config.in",
        more: &[
            ("BASE_DIR", "@"),
            ("BR2_VERSION_FULL", "2025.02"),
            ("HOSTARCH", "x86_64"),
            ("HOST_GCC_VERSION", "12"),
            ("SKIP_LEGACY", ""),
        ],
        prefix: "-DCONFIG_=\"\"",
        ..PLAIN
    },
    Project { name: "u-boot", more: &[("UBOOTVERSION", "2025.01"), ("CC", "gcc"), ("LD", "ld")], ..PLAIN },
    Project {
        name: "busybox",
        entry: "Config.in",
        generate: Some(("shell/Config.in", "sh scripts/gen_build_files.sh . .")),
        ..PLAIN
    },
    Project {
        name: "barebox",
        more: &[("ARCH", "arm"), ("SRCARCH", "arm"), ("KERNELVERSION", "2025.01"), ("CC", "gcc"), ("LD", "ld")],
        samples: (&["arch/arm/configs"], "", "_defconfig"),
        ..PLAIN
    },
    Project {
        name: "coreboot",
        program: "util/kconfig",
        entry: "src/Kconfig",
        more: &[("KERNELVERSION", "24.12")],
        samples: (&["configs"], "config.", ""),
        runs_in_tree: true,
        ..PLAIN
    },
    Project {
        name: "xen",
        top: "xen",
        program: "tools/kconfig",
        more: &[
            ("ARCH", "x86_64"),
            ("SRCARCH", "x86"),
            ("XEN_FULLVERSION", "4.20"),
            ("XEN_HAS_BUILD_ID", "y"),
            ("XEN_HAS_CHECKPOLICY", "n"),
            ("CC", "gcc"),
            ("LD", "ld"),
        ],
        samples: (&["arch/x86/configs"], "", "_defconfig"),
        ..PLAIN
    },
    Project {
        name: "crosstool-ng",
        program: "kconfig",
        entry: "config/config.in",
        more: &[("CT_VERSION", "1.27"), ("CT_VCHECK", ""), ("CT_CONFIG_VERSION_CURRENT", "4")],
        prefix: "-DCONFIG_=\"CT_\"",
        samples: (&["samples/*"], "crosstool.config", ""),
        generate: Some((
            "config/configure.in",
            "sed 's/@KCONFIG_[a-z0-9_]*@/def_bool y/' config/configure.in.in > config/configure.in",
        )),
        ..PLAIN
    },
    Project {
        name: "uclibc-ng",
        program: "extra/config",
        entry: "extra/Configs/Config.in",
        more: &[("ARCH", "x86_64"), ("VERSION", "1.0.50")],
        prefix: "-DCONFIG_=\"\"",
        samples: (&["extra/Configs/defconfigs/*"], "", ""),
        ..PLAIN
    },
];

impl Project {
    /// Returns the variables that both programs get, and writes the files that they name.
    pub(super) fn variables(&self, tree: &Path, scratch: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
        if let Some((result, command)) = self.generate
            && !tree.join(result).exists()
        {
            let status = Command::new("sh").args(["-c", command]).current_dir(tree).status().context(command)?;
            ensure!(status.success(), "{}: `{command}` failed", tree.display());
        }
        let text = |path: &Path| path.display().to_string();
        let mut variables: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value.into_bytes());
        set("srctree", text(tree));
        set("PATH", std::env::var("PATH").unwrap_or_default());
        // An absolute name is too much for the program of uClibc-ng.
        let config = Path::new(".config");
        set("KCONFIG_CONFIG", text(&if self.runs_in_tree { scratch.join(config) } else { config.to_owned() }));
        for (name, file) in
            [("KCONFIG_AUTOCONFIG", "auto.conf"), ("KCONFIG_AUTOHEADER", "auto.h"), ("KCONFIG_TRISTATE", "tristate")]
        {
            set(name, text(&scratch.join(file)));
        }
        std::fs::create_dir_all(scratch.join("include/config"))?;
        std::fs::write(scratch.join("auto.conf"), "")?;
        std::fs::write(scratch.join("include/config/auto.conf"), "")?;
        for (name, value) in self.more {
            set(name, value.replace('@', &text(scratch)));
        }
        for part in ["paths", "menus", "toolchains", "jpeg", "openssl", "skeleton", "init", "linux"] {
            std::fs::write(scratch.join(format!(".br2-external.in.{part}")), "")?;
        }
        Ok(variables)
    }

    /// Returns the project's sample configs, by name.
    pub(super) fn samples(&self, tree: &Path) -> Result<Vec<PathBuf>> {
        let (directories, start, end) = self.samples;
        let mut found = Vec::new();
        for directory in directories {
            let inner = match directory.strip_suffix("/*") {
                Some(outer) => entries(&tree.join(outer))?,
                None => vec![tree.join(directory)],
            };
            for path in inner.iter().filter(|path| path.is_dir()).map(|path| entries(path)) {
                found.extend(path?.into_iter().filter(|path| {
                    let name = path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
                    path.is_file() && name.starts_with(start) && name.ends_with(end)
                }));
            }
        }
        found.sort();
        Ok(found)
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    read.map(|entry| Ok(entry?.path())).collect()
}
