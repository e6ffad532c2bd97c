//! The recipes that `kiln init` writes.

use kiln_plan::Arch;
use kiln_recipe::Data;

/// The part of a recipe that differs by its purpose.
pub(super) enum Template<'a> {
    /// A virtual machine.
    Vm,
    /// A board.
    Board,
    /// A board with its own config.
    Base { file: &'a str, version: Option<&'a str> },
}

/// An architecture, as recipes and makefiles name it.
pub(super) struct Machine {
    pub(super) arch: Arch,
}

/// Architectures with a module of their own that ships with kiln, and with a machine in QEMU.
const WITH_MODULE: [&str; 7] = ["x86_64", "aarch64", "arm", "mips", "mipseb", "mipsel", "riscv64"];

/// Debian's package with the newest long-term kernel.
const PACKAGE: &str = "linux-source-6.12";

impl Machine {
    /// Returns the name in a recipe.
    pub(super) fn name(&self) -> &'static str {
        match self.arch.machine {
            "armv7l" => "arm",
            "i686" => "i386",
            machine => machine,
        }
    }

    /// Whether a module of kiln's has what a machine of this architecture needs.
    pub(super) fn has_module(&self) -> bool {
        WITH_MODULE.contains(&self.name())
    }

    /// Returns the image that boot loaders take.
    fn image(&self) -> &'static str {
        match self.arch.srcarch {
            "x86" | "s390" => "bzImage",
            "arm" => "zImage",
            "arm64" | "riscv" => "Image",
            _ => "vmlinux",
        }
    }

    /// Returns the text of a recipe.
    pub(super) fn recipe(&self, template: &Template<'_>) -> String {
        let (name, image) = (self.name(), self.image());
        match template {
            Template::Vm => self.vm(),
            Template::Board => {
                let import = if self.has_module() {
                    format!("imports = [\"kiln:base\", \"kiln:arch/{name}\"]\n\n")
                } else {
                    String::new()
                };
                format!(
                    "# A kernel for a board of {name}, with the architecture's own default config.\n{HELP}{import}[kernel]\n\
                     src = {{ apt = \"{PACKAGE}\" }}\narch = \"{name}\"\nbaseConfig = \"defconfig\"\n\
                     makeTargets = [\"{image}\"]\n{REQUESTS}{LOADER}"
                )
            }
            Template::Base { file, version } => {
                let made_for =
                    version.map(|version| format!(", which was made for Linux {version}")).unwrap_or_default();
                // Quoted as TOML does it, so that a name cannot end its line.
                let base = Data::Text(format!("./{file}"));
                format!(
                    "# A kernel for {name} with the config of {base}{made_for}.\n# `kiln distill` reduces that to the \
                     requests that matter.\n{HELP}[kernel]\nsrc = {{ apt = \"{PACKAGE}\" }}\narch = \"{name}\"\n\
                     baseConfig = {base}\nmakeTargets = [\"{image}\"]\n{REQUESTS}{LOADER}"
                )
            }
        }
    }

    fn vm(&self) -> String {
        let (name, image) = (self.name(), self.image());
        // QEMU's `virt` has virtio devices at fixed addresses, the others have them on PCI.
        let bus = match self.arch.srcarch {
            "arm" | "arm64" | "riscv" => "VIRTIO_MMIO = \"y\"",
            _ => "PCI = \"y\"\nVIRTIO_PCI = \"y\"",
        };
        format!(
            "# A kernel for a virtual machine with a firewall.\n{HELP}\
             imports = [\"kiln:base\", \"kiln:firewall\", \"kiln:qemu\", \"kiln:arch/{name}\"]\n\n[kernel]\n\
             src = {{ apt = \"{PACKAGE}\" }}\narch = \"{name}\"\nbaseConfig = \"allnoconfig\"\n\
             makeTargets = [\"{image}\"]\n{REQUESTS}VIRTIO_MENU = \"y\"\n{bus}\nNET_CORE = \"y\"\nVIRTIO_NET = \"m\"\n\n\
             # A requirement: these modules with all that they need, and a service that loads and unloads them.\n\
             [kmodloader.network]\ntargets = [\"virtio_net\"]\n"
        )
    }
}

const HELP: &str = "\
# `kiln eval` shows what this amounts to, `kiln check` whether every request holds, `kiln build` builds it, and
# `kiln boot` proves it. `kiln options` documents every setting.
";

const REQUESTS: &str = "
[kernel.config]
# One request a line: \"y\", \"m\", \"n\", a number or a text.
";

const LOADER: &str = "
# A requirement: these modules with all that they need, and a service that loads and unloads them.
# [kmodloader.network]
# targets = [\"virtio_net\"]
";

/// Returns the architecture that the text of a config shows: by its heading, or by the symbol that is its architecture's
/// own.
pub(super) fn arch_of(text: &str) -> Option<Arch> {
    let is_on = |symbol: &str| text.lines().any(|line| line.strip_prefix("CONFIG_") == Some(&format!("{symbol}=y")));
    let is_big = is_on("CPU_BIG_ENDIAN");
    let by_symbol = [
        ("X86_64", "x86_64"),
        ("X86_32", "i386"),
        ("ARM64", "arm64"),
        ("ARM", "arm"),
        ("RISCV", "riscv"),
        ("MIPS", "mips"),
        ("PPC64", "ppc64le"),
        ("PPC", "ppc"),
        ("S390", "s390"),
        ("LOONGARCH", "loongarch"),
        ("SPARC64", "sparc64"),
        ("SPARC", "sparc"),
        ("PARISC", "parisc"),
        ("ALPHA", "alpha"),
        ("M68K", "m68k"),
    ];
    let named = by_symbol.iter().find(|(symbol, _)| is_on(symbol)).map(|(_, arch)| *arch).or_else(|| {
        let heading = text.lines().take(4).find_map(|line| line.strip_prefix("# Linux/")?.split_once(' '))?.0;
        Some(match heading {
            "x86" => "x86_64",
            "powerpc" => "ppc64le",
            other => other,
        })
    })?;
    let name = match named {
        "mips" if is_on("64BIT") => {
            if is_big {
                "mips64"
            } else {
                "mips64el"
            }
        }
        // A defconfig has no line for the byte order that is its machine's default, which is big-endian for most.
        "mips" if is_on("CPU_LITTLE_ENDIAN") => "mipsel",
        "ppc64le" if is_big => "ppc64",
        "arm64" if is_big => "aarch64_be",
        name => name,
    };
    Arch::parse(name)
}

/// Returns the version in the heading of a `.config`.
pub(super) fn version_of(text: &str) -> Option<String> {
    let heading = text.lines().take(4).find_map(|line| line.strip_prefix("# Linux/"))?;
    let (_, version) = heading.strip_suffix(" Kernel Configuration")?.split_once(' ')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{arch_of, version_of};

    #[test]
    fn a_config_tells_its_architecture_and_version() {
        let of = |text: &str| arch_of(text).map(|arch| arch.machine);
        assert_eq!(of("CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_X86=y\n"), Some("x86_64"));
        assert_eq!(of("CONFIG_ARM64=y\nCONFIG_CPU_BIG_ENDIAN=y\n"), Some("aarch64_be"));
        assert_eq!(of("CONFIG_MIPS=y\nCONFIG_CPU_LITTLE_ENDIAN=y\n"), Some("mipsel"));
        assert_eq!(of("CONFIG_MIPS=y\nCONFIG_CPU_LITTLE_ENDIAN=y\nCONFIG_64BIT=y\n"), Some("mips64el"));
        let heading = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/riscv 6.1.2 Kernel Configuration\n#\n";
        assert_eq!(of(heading), Some("riscv64"));
        assert_eq!(version_of(heading).as_deref(), Some("6.1.2"));
        assert_eq!(of("CONFIG_NET=y\n# CONFIG_ARM64 is not set\n"), None);
    }
}
