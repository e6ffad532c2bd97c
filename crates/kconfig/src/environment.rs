//! The variables that Linux's makefiles export to `conf`.
//!
//! The engine itself asks for variables by name and knows none; this is the list for whoever makes a [`Host`].
//!
//! [`Host`]: crate::Host

use std::collections::BTreeMap;

/// Variables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Name to value.
    pub variables: BTreeMap<String, String>,
}

/// What the variables of a Linux tree follow from. Tools are as make would have them: a name or path with arguments.
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
    /// Prefix of the tools' names, like `aarch64-linux-gnu-`; may be empty.
    pub cross_compile: &'a str,
    /// The C compiler; the default is `${cross_compile}gcc`.
    pub cc: Option<&'a str>,
    /// The linker; the default is `${cross_compile}ld`.
    pub ld: Option<&'a str>,
    /// What `$CC --version` prints; its first line is used.
    pub cc_version: &'a str,
    /// What `$RUSTC --version` prints; empty without a compiler.
    pub rustc_version: &'a str,
}

impl Environment {
    /// The variables for Linux (its Makefile and scripts/kconfig/Makefile).
    pub fn linux(linux: &Linux<'_>) -> Environment {
        let tool = |name: &str| format!("{}{name}", linux.cross_compile);
        let srcarch = source_arch(linux.arch);
        let mut numbers = linux.version.splitn(3, '.');
        let mut number = || numbers.next().unwrap_or_default().to_owned();
        let sublevel_of = |text: String| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        // make drops everything behind `#`, so the makefile takes it out of the compiler's name.
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
            ("HOSTCC", "gcc".to_owned()),
            ("RUSTC", "rustc".to_owned()),
            ("BINDGEN", "bindgen".to_owned()),
            ("PAHOLE", "pahole".to_owned()),
            ("PYTHON3", "python3".to_owned()),
            ("MAKE", "make".to_owned()),
            ("CONFIG_SHELL", "sh".to_owned()),
            ("CC_VERSION_TEXT", cc_version),
            ("RUSTC_VERSION_TEXT", linux.rustc_version.lines().next().unwrap_or_default().to_owned()),
            ("CROSS_COMPILE", linux.cross_compile.to_owned()),
            ("CLANG_FLAGS", String::new()),
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

/// What the makefiles take a machine's name for (scripts/subarch.include).
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

/// The folder below `arch/` that an `ARCH` is built from.
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
    use super::subarch;

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
