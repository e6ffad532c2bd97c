//! The variables that Linux's makefiles export to `conf`.
//!
//! The engine itself requests variables by name and knows none; this is the list for the implementer of a [`Host`].
//!
//! [`Host`]: crate::Host

use std::collections::BTreeMap;

/// Variables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Name to value.
    pub variables: BTreeMap<String, String>,
}

/// Inputs for the variables of a Linux tree. Tools are written as for make: a name or path with arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linux<'a> {
    /// `ARCH`: `x86_64`, `arm64`, …
    pub arch: &'a str,
    /// The machine that this runs on, as Rust or `uname -m` name it (`x86_64`, `aarch64`, …): `SUBARCH` follows from it.
    pub host: &'a str,
    /// Path of the tree.
    pub srctree: &'a str,
    /// The version without local parts: `6.12.117`.
    pub version: &'a str,
    /// The names of the tools.
    pub programs: &'a Programs,
    /// The C compiler; the default is that of `programs`.
    pub cc: Option<&'a str>,
    /// The linker; the default is that of `programs`.
    pub ld: Option<&'a str>,
    /// The output of `$CC --version`; its first line is used.
    pub cc_version: &'a str,
    /// The flags that the tree's `scripts/Makefile.clang` passes to clang; empty for another compiler.
    pub clang_flags: &'a str,
    /// The output of `$RUSTC --version`; empty without a compiler.
    pub rustc_version: &'a str,
}

/// The names of the compiler and related tools: the variables `CROSS_COMPILE` and `LLVM` of Linux's makefiles.
///
/// # Source
/// Linux's Makefile; `Documentation/kbuild/llvm.rst`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Programs {
    /// GCC and binutils.
    Gnu {
        /// The prefix of each name (`aarch64-linux-gnu-`); empty for the host's own.
        prefix: String,
    },
    /// Clang, LLD and LLVM's tools, each of which supports all machines.
    Llvm {
        /// The suffix of each name (`-14`), or the directory of all (`/opt/llvm/bin/`); any other value means the plain
        /// names.
        value: String,
    },
}

impl Programs {
    /// Returns GCC and binutils with `prefix` in front of their names.
    pub fn gnu(prefix: &str) -> Programs {
        Programs::Gnu { prefix: prefix.to_owned() }
    }

    /// Returns the equivalent of GNU's program `name` (`gcc`, `ld`, `objcopy`).
    pub fn name(&self, name: &str) -> String {
        match self {
            Programs::Gnu { prefix } => format!("{prefix}{name}"),
            Programs::Llvm { value } => {
                let program = match name {
                    "gcc" => "clang".to_owned(),
                    "ld" => "ld.lld".to_owned(),
                    other => format!("llvm-{other}"),
                };
                match value.as_str() {
                    folder if folder.ends_with('/') => format!("{folder}{program}"),
                    version if version.starts_with('-') => format!("{program}{version}"),
                    _ => program,
                }
            }
        }
    }

    /// Returns the compiler for the programs that the build itself runs.
    pub fn host_cc(&self) -> String {
        match self {
            Programs::Gnu { .. } => "gcc".to_owned(),
            Programs::Llvm { .. } => self.name("gcc"),
        }
    }

    /// Returns the value of `CROSS_COMPILE`; empty if the names have no prefix.
    pub fn cross_compile(&self) -> &str {
        match self {
            Programs::Gnu { prefix } => prefix,
            Programs::Llvm { .. } => "",
        }
    }

    /// Returns the value of `LLVM`; `None` if it is not set.
    pub fn llvm(&self) -> Option<&str> {
        match self {
            Programs::Gnu { .. } => None,
            Programs::Llvm { value } => Some(value),
        }
    }
}

impl Environment {
    /// Returns the variables for Linux (its Makefile and scripts/kconfig/Makefile).
    pub fn linux(linux: &Linux<'_>) -> Environment {
        let tool = |name: &str| linux.programs.name(name);
        let srcarch = source_arch(linux.arch);
        let mut numbers = linux.version.splitn(3, '.');
        let mut number = || numbers.next().unwrap_or_default().to_owned();
        let sublevel_of = |text: String| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        // make drops everything after `#`, so the makefile removes it from the compiler's name.
        let cc_version = linux.cc_version.lines().next().unwrap_or_default().replace('#', "");
        let subarch = subarch(linux.host);
        let header_arch = if linux.arch == "um" { subarch } else { srcarch };
        let pairs = [
            ("ARCH", linux.arch.to_owned()),
            ("SRCARCH", srcarch.to_owned()),
            ("SUBARCH", subarch.to_owned()),
            ("HEADER_ARCH", header_arch.to_owned()),
            ("KERNELVERSION", linux.version.to_owned()),
            ("VERSION", number()),
            ("PATCHLEVEL", number()),
            ("SUBLEVEL", sublevel_of(number())),
            ("srctree", linux.srctree.to_owned()),
            ("objtree", ".".to_owned()),
            ("CC", linux.cc.map_or_else(|| tool("gcc"), str::to_owned)),
            ("LD", linux.ld.map_or_else(|| tool("ld"), str::to_owned)),
            ("AR", tool("ar")),
            ("NM", tool("nm")),
            ("OBJCOPY", tool("objcopy")),
            ("OBJDUMP", tool("objdump")),
            ("READELF", tool("readelf")),
            ("STRIP", tool("strip")),
            ("HOSTCC", linux.programs.host_cc()),
            ("RUSTC", "rustc".to_owned()),
            ("BINDGEN", "bindgen".to_owned()),
            ("PAHOLE", "pahole".to_owned()),
            ("PYTHON3", "python3".to_owned()),
            ("MAKE", "make".to_owned()),
            ("CONFIG_SHELL", "sh".to_owned()),
            ("CC_VERSION_TEXT", cc_version),
            ("RUSTC_VERSION_TEXT", linux.rustc_version.lines().next().unwrap_or_default().to_owned()),
            ("CROSS_COMPILE", linux.programs.cross_compile().to_owned()),
            ("CLANG_FLAGS", linux.clang_flags.to_owned()),
            ("USERCFLAGS", String::new()),
            ("USERLDFLAGS", String::new()),
            ("RUSTC_BOOTSTRAP", "1".to_owned()),
            ("LC_ALL", String::new()),
            ("LC_COLLATE", "C".to_owned()),
            ("LC_NUMERIC", "C".to_owned()),
        ];
        Environment { variables: pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
    }

    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Environment {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// The name that the makefiles use for a machine (scripts/subarch.include).
fn subarch(host: &str) -> &str {
    let starts = [
        ("aarch64", "arm64"),
        ("arm64", "arm64"),
        ("arm", "arm"),
        ("mips", "mips"),
        ("powerpc", "powerpc"),
        ("ppc", "powerpc"),
        ("riscv", "riscv"),
        ("s390", "s390"),
        ("loongarch", "loongarch"),
        ("x86_64", "x86"),
    ];
    let is_pc = host.len() == 4 && host.starts_with('i') && host.ends_with("86");
    let known = starts.into_iter().find(|(start, _)| host.starts_with(start)).map(|(_, subarch)| subarch);
    known.unwrap_or(if is_pc || host == "x86" { "x86" } else { host })
}

/// The directory below `arch/` that an `ARCH` is built from.
pub(crate) fn source_arch(arch: &str) -> &str {
    match arch {
        "i386" | "x86_64" => "x86",
        "sparc32" | "sparc64" => "sparc",
        "parisc64" => "parisc",
        "sh64" => "sh",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Programs, subarch};

    #[test]
    fn programs_are_called_as_the_makefile_calls_them() {
        let check = |programs: Programs, want: [&str; 4]| {
            let [cc, ld, objcopy] = ["gcc", "ld", "objcopy"].map(|name| programs.name(name));
            assert_eq!([cc, ld, objcopy, programs.host_cc()], want, "{programs:?}");
        };
        check(Programs::gnu(""), ["gcc", "ld", "objcopy", "gcc"]);
        check(
            Programs::gnu("mips-linux-gnu-"),
            ["mips-linux-gnu-gcc", "mips-linux-gnu-ld", "mips-linux-gnu-objcopy", "gcc"],
        );
        let llvm = |value: &str| Programs::Llvm { value: value.to_owned() };
        check(llvm("1"), ["clang", "ld.lld", "llvm-objcopy", "clang"]);
        check(llvm("-14"), ["clang-14", "ld.lld-14", "llvm-objcopy-14", "clang-14"]);
        check(llvm("/opt/"), ["/opt/clang", "/opt/ld.lld", "/opt/llvm-objcopy", "/opt/clang"]);
    }

    #[test]
    fn machines_have_the_makefiles_names() {
        let pairs = [
            ("x86_64", "x86"),
            ("x86", "x86"),
            ("i686", "x86"),
            ("aarch64", "arm64"),
            ("arm64", "arm64"),
            ("armv7l", "arm"),
            ("riscv64", "riscv"),
            ("ppc64le", "powerpc"),
            ("s390x", "s390"),
            ("sparc64", "sparc64"),
        ];
        for (host, expected) in pairs {
            assert_eq!(subarch(host), expected, "{host}");
        }
    }
}
