//! Finds what the host lacks for a piece of work, and the one command that installs it.
//!
//! [`needs`] lists the requirements of a recipe as far as it is known, [`checks`] looks for each on the host, and
//! [`install_command`] names the Debian packages in one `apt-get`. A failed build is reported in the same form: a
//! program or header that is missing according to its log is also a [`Missing`].
//! Programs are looked up on the `PATH`; headers and libraries by compiling a small program, because only the compiler
//! knows where they are.

use std::collections::BTreeSet;
use std::path::Path;

use kiln_exec::{Exec, ExecError};
use kiln_plan::Arch;
use kiln_plan::tools::Tool;
use kiln_store::Progress;

use crate::toolchain::{Host, Programs, Target, ToolchainError};

mod package;
mod probe;

pub use package::{cross_compiler_package, qemu_package};

/// The work that a recipe requires, as far as it concerns the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The target of the build; `None` when nothing is compiled.
    pub target: Option<Target>,
    /// Values that are on, as in a `.config`: requests before the kernel is resolved, the whole `.config` after.
    pub config: kiln_kconfig::Config,
    /// Whether the source comes from a Debian package.
    pub apt_source: bool,
    /// Whether the source comes from a git repository.
    pub git_source: bool,
    /// The programs that outputs are made with.
    pub outputs: BTreeSet<&'static str>,
    /// Whether there are patches.
    pub patches: bool,
    /// The machine that the result will be booted on in QEMU (as `uname -m` prints, `aarch64`); `None` for no boot.
    pub boot_machine: Option<String>,
}

/// A requirement of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The way to look for it.
    pub probe: Probe,
    /// Its purpose, to follow "needed".
    pub why: String,
    /// The Debian package that has it.
    pub debian_package: String,
}

/// A way to look for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// A program on the `PATH`.
    Program(String),
    /// A header that the host's compiler finds, and a library that it links (`None` for the header alone).
    Library {
        /// The compiler's name.
        compiler: String,
        /// As in `#include <…>`.
        header: String,
        /// As in `-l…`.
        library: Option<String>,
    },
    /// The headers of the plugins of a GCC.
    GccPlugins {
        /// The compiler's name.
        compiler: String,
    },
    /// The source of the Rust compiler's library.
    RustSource,
    /// A library that a compiler for another machine finds.
    CrossLibrary {
        /// The compiler's name.
        compiler: String,
        /// The library's file name.
        library: String,
    },
}

/// A requirement that is not met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The program or header, for people.
    pub what: String,
    /// Its purpose, to follow "needed".
    pub why: String,
    /// The Debian package that has it.
    pub debian_package: String,
}

/// Lists what `work` requires of the host, without probing the host.
///
/// # Source
/// The kernel's `Documentation/process/changes.rst`, and the commands in its makefiles.
pub fn needs(work: &Work) -> Vec<Need> {
    let mut needs = BTreeSet::new();
    let mut guest = None;
    let mut program = |name: &str, why: &str, package: &str| {
        let probe = Probe::Program(name.to_owned());
        needs.insert(Need { probe, why: why.to_owned(), debian_package: package.to_owned() });
    };
    if work.apt_source {
        program("apt-get", "to download the kernel's source package", "apt");
        program("dpkg-deb", "to unpack the kernel's source package", "dpkg");
    }
    if work.git_source {
        program("git", "to fetch the kernel's source", "git");
    }
    if work.patches {
        program("patch", "to apply the recipe's patches", "patch");
    }
    for name in &work.outputs {
        for (_, why, package) in OUTPUT_PROGRAMS.iter().filter(|(known, ..)| known == name) {
            program(name, why, package);
        }
    }
    if let Some(machine) = &work.boot_machine {
        let (name, package) = qemu_package(machine);
        program(&name, "to boot the result", package);
        if let Some(arch) = Arch::parse(machine).filter(|arch| !arch.is_debian_port()) {
            program("make", "to compile busybox for a guest", "make");
            program("patch", "to apply Debian's patches to busybox", "patch");
            let why = format!("to compile busybox for a guest ({arch})");
            program(&format!("{}gcc", arch.cross_prefix()), &why, &cross_compiler_package(&arch.cross_prefix()));
            guest = Some(Need::guest_library(arch));
        }
    }
    if let Some(target) = &work.target {
        let is_gnu = matches!(target.programs, Programs::Gnu { .. });
        for (name, why, package) in BUILD_PROGRAMS.iter().filter(|(name, ..)| is_gnu || !GNU_ONLY.contains(name)) {
            program(name, why, package);
        }
        match &target.programs {
            Programs::Gnu { prefix } if prefix.is_empty() => {}
            Programs::Gnu { prefix } => {
                let why = format!("to compile the kernel for {}", target.arch);
                program(&format!("{prefix}gcc"), &why, &cross_compiler_package(prefix));
                program(&format!("{prefix}ld"), &why, &package::cross_binutils_package(prefix));
            }
            Programs::Llvm { value } => {
                program("ld", "to link the programs of the build", "binutils");
                for (name, why, _) in BUILD_PROGRAMS.iter().filter(|(name, ..)| LLVM_PROGRAMS.contains(name)) {
                    let llvm = target.programs.name(name);
                    program(&llvm, why, &package::llvm_package(&llvm, value).unwrap_or_else(|| llvm.clone()));
                }
            }
        }
        for (symbol, name, why, package) in CONFIG_PROGRAMS {
            if matches!(work.config.get(symbol), Some("y" | "m")) {
                program(name, why, package);
            }
        }
        needs.extend(libraries(target, work));
        needs.extend(parts(target, work));
    }
    needs.extend(guest);
    needs.into_iter().collect()
}

/// Looks for every need of `work`; returns those that are missing, by package.
///
/// # Errors
/// The host's compiler could not be run for another reason than being missing.
pub fn checks(work: &Work, host: &Host) -> Result<Vec<Missing>, ExecError> {
    let mut missing = Vec::new();
    for need in needs(work) {
        if !probe::is_there(&need.probe, host)? {
            let package = probe::package(&need.probe, host).unwrap_or_else(|| need.debian_package.clone());
            missing.push(Need { debian_package: package, ..need }.missing());
        }
    }
    missing.sort_by(|a, b| (&a.debian_package, &a.what).cmp(&(&b.debian_package, &b.what)));
    Ok(missing)
}

/// Returns the one command that installs all that is missing; `None` when nothing is.
///
/// `root`: whether the caller is root, and needs no `sudo`.
pub fn install_command(missing: &[Missing], root: bool) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let sudo = if root { "" } else { "sudo " };
    let packages: Vec<&str> = packages(missing).into_iter().collect();
    Some(format!("{sudo}apt-get install --yes --no-install-recommends {}", packages.join(" ")))
}

/// Installs all that is missing, like [`install_command`] but after an `apt-get update`.
///
/// Before anything is installed, a note says how many packages that takes and how large they are.
/// # Errors
/// `apt-get` or `sudo` is missing or failed; both are run without prompts, as they have no terminal.
pub fn install(missing: &[Missing], host: &Host, root: bool, progress: &dyn Progress) -> Result<(), ExecError> {
    if missing.is_empty() {
        return Ok(());
    }
    let apt = |args: &[&str]| {
        let exec = if root { Exec::new("apt-get") } else { Exec::new("sudo").args(["--non-interactive", "apt-get"]) };
        exec.args(args).env("PATH", &host.path).env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive")
    };
    let run = |task: &str, total, exec: Exec| {
        progress.begin(task, total);
        let mut n_set_up = 0;
        let ran = exec.run(&mut |_, line| {
            n_set_up += u64::from(line.starts_with("Setting up "));
            progress.advance(n_set_up, line);
            std::ops::ControlFlow::Continue(())
        });
        progress.end();
        ran
    };
    run("read the lists of packages", None, apt(&["update"]))?;
    let install = ["install", "--yes", "--no-install-recommends"];
    let listed = apt(&install).arg("--print-uris").args(packages(missing)).text()?;
    let sizes: Vec<u64> = listed.lines().filter_map(download_size).collect();
    let (n_packages, bytes): (usize, u64) = (sizes.len(), sizes.iter().sum());
    progress.note(&format!("installing {n_packages} packages, {:.1} MB to download", bytes as f64 / 1e6));
    run("install packages", Some(n_packages as u64), apt(&install).args(packages(missing)))
}

/// Returns the size in a line of `apt-get --print-uris`: `'URI' FILE SIZE HASH`; `None` for any other line.
fn download_size(line: &str) -> Option<u64> {
    let mut words = line.strip_prefix('\'')?.split_ascii_whitespace().skip(2);
    words.next()?.parse().ok()
}

/// Returns the names of what is missing, in one line for people.
pub fn names(missing: &[Missing]) -> String {
    missing.iter().map(|missing| missing.what.as_str()).collect::<Vec<_>>().join(", ")
}

impl Need {
    /// Returns the need for the C library of `arch`: Debian has no busybox for such a guest, so one is compiled.
    fn guest_library(arch: Arch) -> Need {
        let probe =
            Probe::CrossLibrary { compiler: format!("{}gcc", arch.cross_prefix()), library: "libc.a".to_owned() };
        let why = format!("to compile busybox for a guest ({arch})");
        Need { probe, why, debian_package: package::cross_libc_package(arch) }
    }

    /// Turns the need into one that is not met.
    pub(crate) fn missing(self) -> Missing {
        Missing { what: self.probe.to_string(), why: self.why, debian_package: self.debian_package }
    }
}

impl Missing {
    /// Returns a missing `make`.
    pub(crate) fn make() -> Missing {
        Missing::program("make", &Target { arch: String::new(), srcarch: String::new(), programs: Programs::gnu("") })
    }

    /// Returns a missing program that a build called.
    pub(crate) fn program(name: &str, target: &Target) -> Missing {
        let base = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy().into_owned());
        let known = BUILD_PROGRAMS.iter().map(|&(name, why, package)| (name, why, package));
        let configured = CONFIG_PROGRAMS.iter().map(|&(_, name, why, package)| (name, why, package));
        let found = known.chain(configured).find(|&(known, _, _)| known == base);
        let toolchain = match &target.programs {
            Programs::Gnu { prefix } => {
                (!prefix.is_empty() && base.starts_with(prefix)).then(|| cross_compiler_package(prefix))
            }
            Programs::Llvm { value } => package::llvm_package(&base, value),
        };
        let (why, debian_package) = match (found, toolchain) {
            (Some((_, why, package)), _) => (why.to_owned(), package.to_owned()),
            (None, Some(package)) if target.arch.is_empty() => ("to compile the kernel".to_owned(), package),
            (None, Some(package)) => (format!("to compile the kernel for {}", target.arch), package),
            // Most Debian packages are named after their program; after a wrong guess, apt fails with an error.
            (None, None) => ("by the kernel's build".to_owned(), base.clone()),
        };
        Missing { what: format!("the program `{base}`"), why, debian_package }
    }

    /// Returns the missing C library that a guest's busybox is linked with.
    pub fn guest_library(arch: Arch) -> Missing {
        Need::guest_library(arch).missing()
    }

    /// Returns a missing program that makes an output.
    pub fn of_output(name: &str) -> Missing {
        let known = OUTPUT_PROGRAMS.iter().find(|(known, ..)| *known == name);
        let (why, package) = known.map_or(("to make an output", name), |(_, why, package)| (*why, *package));
        Missing { what: format!("the program `{name}`"), why: why.to_owned(), debian_package: package.to_owned() }
    }

    /// Returns a missing header that a build included.
    pub(crate) fn header(name: &str) -> Option<Missing> {
        let &(_, _, why, package) = HEADERS.iter().find(|&&(prefix, ..)| name.starts_with(prefix))?;
        Some(Missing { what: header_name(name), why: why.to_owned(), debian_package: package.to_owned() })
    }
}

impl ToolchainError {
    /// Returns what the host lacks, when that is the error.
    pub fn missing(&self) -> Option<Missing> {
        let ToolchainError::Missing { program, programs } = self else { return None };
        let arch = programs.cross_compile().trim_end_matches('-').to_owned();
        let target = Target { arch, srcarch: String::new(), programs: programs.clone() };
        Some(Missing::program(program, &target))
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is missing: needed {} (Debian package {})", self.what, self.why, self.debian_package)
    }
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Probe::Program(name) => write!(f, "the program `{name}`"),
            Probe::Library { header, .. } => f.write_str(&header_name(header)),
            Probe::GccPlugins { compiler } => write!(f, "the headers of `{compiler}`'s plugins"),
            Probe::RustSource => f.write_str("the source of Rust's library"),
            Probe::CrossLibrary { compiler, library } => write!(f, "`{library}` of `{compiler}`"),
        }
    }
}

fn header_name(header: &str) -> String {
    format!("the header <{header}>")
}

/// Returns the headers that the kernel's host programs include, and why, for the given target and configuration.
fn libraries(target: &Target, work: &Work) -> Vec<Need> {
    let on = |symbol: &str| work.config.get(symbol) == Some("y");
    let signing = ["MODULE_SIG", "SYSTEM_TRUSTED_KEYRING", "IMA_APPRAISE_MODSIG"].into_iter().any(on);
    // Before the configuration is resolved, assume that objtool checks an x86 kernel: its unwinder, its static calls
    // and its mitigations each select it.
    let objtool = on("OBJTOOL") || on("UNWINDER_ORC") || target.srcarch == "x86";
    let mut wanted = vec!["stdio.h"];
    if signing {
        wanted.push("openssl/");
    }
    if objtool || on("DEBUG_INFO_BTF") {
        wanted.push("gelf.h");
    }
    HEADERS
        .iter()
        .filter(|(prefix, ..)| wanted.contains(prefix))
        .map(|&(prefix, library, why, package)| {
            let header = if prefix == "openssl/" { "openssl/opensslv.h" } else { prefix };
            let probe = Probe::Library {
                compiler: target.programs.host_cc(),
                header: header.to_owned(),
                library: library.map(str::to_owned),
            };
            Need { probe, why: why.to_owned(), debian_package: package.to_owned() }
        })
        .collect()
}

/// Returns the parts of compilers that requested symbols need, and that are packages of their own.
fn parts(target: &Target, work: &Work) -> Vec<Need> {
    let is_on = |symbol: &str| matches!(work.config.get(symbol), Some("y" | "m"));
    let wanted = |tool: Tool| {
        let mut names = work.config.iter().map(|(symbol, _)| symbol).filter(|symbol| is_on(symbol));
        names.find(|symbol| Tool::of_request(symbol) == Some(tool)).map(str::to_owned)
    };
    let is_listed = |name: &str| CONFIG_PROGRAMS.iter().any(|(symbol, known, ..)| *known == name && is_on(symbol));
    let mut needs = Vec::new();
    if let (Some(symbol), Programs::Gnu { .. }) = (wanted(Tool::GccPlugins), &target.programs) {
        let compiler = target.programs.name("gcc");
        // The version is in the package's name; the compiler is asked for it where the headers are missing.
        let debian_package = package::gcc_plugin(&compiler, "");
        let why = format!("to build the compiler's plugins ({symbol})");
        needs.push(Need { probe: Probe::GccPlugins { compiler }, why, debian_package });
    }
    let mut program = |name: &str, why: &str| {
        let (probe, why) = (Probe::Program(name.to_owned()), why.to_owned());
        needs.extend((!is_listed(name)).then(|| Need { probe, why, debian_package: name.to_owned() }));
    };
    if let Some(symbol) = wanted(Tool::Pahole) {
        program("pahole", &format!("to write type information ({symbol})"));
    }
    if let Some(symbol) = wanted(Tool::Rust) {
        let why = format!("to compile the kernel's Rust parts ({symbol})");
        program("rustc", &why);
        program("bindgen", &why);
        needs.push(Need { probe: Probe::RustSource, why, debian_package: "rust-src".to_owned() });
    }
    needs
}

fn packages(missing: &[Missing]) -> BTreeSet<&str> {
    missing.iter().map(|missing| missing.debian_package.as_str()).collect()
}

/// Programs that every kernel build calls: name, why, package.
const BUILD_PROGRAMS: &[(&str, &str, &str)] = &[
    ("ar", "to build the kernel", "binutils"),
    ("as", "to assemble the kernel", "binutils"),
    ("bc", "to generate the kernel's time constants", "bc"),
    ("bison", "to build the kernel's configuration program", "bison"),
    ("flex", "to build the kernel's configuration program", "flex"),
    ("gcc", "to compile the kernel and its build programs", "gcc"),
    ("ld", "to link the kernel", "binutils"),
    ("make", "to build the kernel", "make"),
    ("nm", "to list the kernel's symbols", "binutils"),
    ("objcopy", "to make the kernel's image", "binutils"),
    ("perl", "to generate parts of the kernel", "perl-base"),
    ("gzip", "to compress the kernel's image", "gzip"),
];

/// Programs of every build that LLVM's replace. Its compiler still links the build's own programs with `ld`.
const GNU_ONLY: &[&str] = &["ar", "as", "gcc", "ld", "nm", "objcopy"];
/// Programs of every build that LLVM has, by GNU's names.
const LLVM_PROGRAMS: &[&str] = &["ar", "gcc", "ld", "nm", "objcopy"];

/// Programs that a build calls when a symbol is on: symbol, name, why, package.
const CONFIG_PROGRAMS: &[(&str, &str, &str, &str)] = &[
    ("DRM_MSM", "python3", "to generate headers (DRM_MSM)", "python3-minimal"),
    ("DEBUG_INFO_BTF", "pahole", "to write type information (DEBUG_INFO_BTF)", "pahole"),
    ("IKHEADERS", "cpio", "to pack the kernel's headers (IKHEADERS)", "cpio"),
    ("KERNEL_BZIP2", "bzip2", "to compress the kernel's image (KERNEL_BZIP2)", "bzip2"),
    ("KERNEL_LZ4", "lz4", "to compress the kernel's image (KERNEL_LZ4)", "lz4"),
    ("KERNEL_LZO", "lzop", "to compress the kernel's image (KERNEL_LZO)", "lzop"),
    ("KERNEL_LZMA", "xz", "to compress the kernel's image (KERNEL_LZMA)", "xz-utils"),
    ("KERNEL_XZ", "xz", "to compress the kernel's image (KERNEL_XZ)", "xz-utils"),
    ("KERNEL_ZSTD", "zstd", "to compress the kernel's image (KERNEL_ZSTD)", "zstd"),
    ("MODULE_COMPRESS_ZSTD", "zstd", "to compress modules (MODULE_COMPRESS_ZSTD)", "zstd"),
    ("MODULE_SIG", "openssl", "to make the key that signs modules (MODULE_SIG)", "openssl"),
    ("RUST", "rustc", "to compile the kernel's Rust parts (RUST)", "rustc"),
    ("RUST", "bindgen", "to compile the kernel's Rust parts (RUST)", "bindgen"),
];

/// Programs that make outputs: name, why, package.
const OUTPUT_PROGRAMS: &[(&str, &str, &str)] = &[
    ("mkimage", "to make U-Boot's images", "u-boot-tools"),
    ("dtc", "to make U-Boot's images", "device-tree-compiler"),
    ("mksquashfs", "to make a squashfs", "squashfs-tools"),
    ("bzip2", "to compress an output", "bzip2"),
    ("lzop", "to compress an output", "lzop"),
    ("lz4", "to compress an output", "lz4"),
];

/// Headers by the prefix of their name: prefix, library, why, package.
const HEADERS: &[(&str, Option<&str>, &str, &str)] = &[
    ("stdio.h", None, "to compile the kernel's build programs", "libc6-dev"),
    ("openssl/", Some("crypto"), "to sign modules", "libssl-dev"),
    ("gelf.h", Some("elf"), "to build objtool", "libelf-dev"),
    ("libelf.h", Some("elf"), "to build objtool", "libelf-dev"),
    ("elf.h", None, "to build the kernel's build programs", "libc6-dev"),
    ("gmp.h", None, "to build the kernel's compiler plugins", "libgmp-dev"),
    ("mpc.h", None, "to build the kernel's compiler plugins", "libmpc-dev"),
    ("yaml.h", Some("yaml"), "to check device trees", "libyaml-dev"),
    ("ncurses.h", Some("ncurses"), "to show the kernel's menus", "libncurses-dev"),
    ("zlib.h", Some("z"), "to build the kernel's build programs", "zlib1g-dev"),
];

#[cfg(test)]
mod tests;
