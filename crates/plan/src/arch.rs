//! The architectures, with their names in Kbuild, the toolchain and the distribution.

use std::fmt;

/// One machine that a kernel is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arch {
    /// Kbuild's `ARCH`.
    pub karch: &'static str,
    /// Kbuild's `SRCARCH`: the directory under `arch/`.
    pub srcarch: &'static str,
    /// The output of `uname -m` on it.
    pub machine: &'static str,
    /// The GNU triple of its toolchain, as Debian names it.
    pub triple: &'static str,
    /// Debian's name for it; `None` where it has none.
    pub debian: Option<&'static str>,
    /// Its byte order.
    pub endian: Endian,
    /// Further names that are accepted.
    names: &'static [&'static str],
}

/// The order of the bytes in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

use Endian::{Big, Little};

const fn arch(
    [karch, srcarch, machine, triple]: [&'static str; 4],
    debian: Option<&'static str>,
    endian: Endian,
    names: &'static [&'static str],
) -> Arch {
    Arch { karch, srcarch, machine, triple, debian, endian, names }
}

/// The ports of Debian 12.
///
/// # Source
/// `Architectures` in the archive's `dists/bookworm/Release`.
const PORTS: &[&str] = &["amd64", "arm64", "armel", "armhf", "i386", "mips64el", "mipsel", "ppc64el", "s390x"];

/// Every machine. Where several share an `ARCH`, the bare `ARCH` means the first.
#[rustfmt::skip]
const ALL: &[Arch] = &[
    arch(["x86_64", "x86", "x86_64", "x86_64-linux-gnu"], Some("amd64"), Little, &["amd64", "x86-64"]),
    arch(["i386", "x86", "i686", "i686-linux-gnu"], Some("i386"), Little, &["i486", "i586"]),
    arch(["arm64", "arm64", "aarch64", "aarch64-linux-gnu"], Some("arm64"), Little, &["armv8"]),
    arch(["arm64", "arm64", "aarch64_be", "aarch64_be-linux-gnu"], None, Big, &[]),
    arch(["arm", "arm", "armv7l", "arm-linux-gnueabihf"], Some("armhf"), Little, &["armv7", "armhf"]),
    arch(["arm", "arm", "armv6l", "arm-linux-gnueabi"], Some("armel"), Little, &["armv5", "armv5tel", "armv6", "armel"]),
    arch(["mips", "mips", "mips", "mips-linux-gnu"], Some("mips"), Big, &["mipseb"]),
    arch(["mips", "mips", "mipsel", "mipsel-linux-gnu"], Some("mipsel"), Little, &[]),
    arch(["mips", "mips", "mips64", "mips64-linux-gnuabi64"], Some("mips64"), Big, &["mips64eb"]),
    arch(["mips", "mips", "mips64el", "mips64el-linux-gnuabi64"], Some("mips64el"), Little, &[]),
    arch(["riscv", "riscv", "riscv64", "riscv64-linux-gnu"], Some("riscv64"), Little, &[]),
    arch(["riscv", "riscv", "riscv32", "riscv32-linux-gnu"], None, Little, &[]),
    arch(["powerpc", "powerpc", "ppc", "powerpc-linux-gnu"], Some("powerpc"), Big, &["ppc32"]),
    arch(["powerpc", "powerpc", "ppc64", "powerpc64-linux-gnu"], Some("ppc64"), Big, &["powerpc64"]),
    arch(["powerpc", "powerpc", "ppc64le", "powerpc64le-linux-gnu"], Some("ppc64el"), Little, &["ppc64el", "powerpc64le"]),
    arch(["s390", "s390", "s390x", "s390x-linux-gnu"], Some("s390x"), Big, &[]),
    arch(["loongarch", "loongarch", "loongarch64", "loongarch64-linux-gnu"], Some("loong64"), Little, &["loong64"]),
    arch(["sparc", "sparc", "sparc", "sparc-linux-gnu"], None, Big, &["sparc32"]),
    arch(["sparc64", "sparc", "sparc64", "sparc64-linux-gnu"], Some("sparc64"), Big, &[]),
    arch(["parisc", "parisc", "parisc", "hppa-linux-gnu"], Some("hppa"), Big, &["hppa"]),
    arch(["parisc64", "parisc", "parisc64", "hppa64-linux-gnu"], None, Big, &["hppa64"]),
    arch(["alpha", "alpha", "alpha", "alpha-linux-gnu"], Some("alpha"), Little, &[]),
    arch(["m68k", "m68k", "m68k", "m68k-linux-gnu"], Some("m68k"), Big, &[]),
    arch(["sh", "sh", "sh4", "sh4-linux-gnu"], Some("sh4"), Little, &[]),
    arch(["arc", "arc", "arc", "arc-linux-gnu"], Some("arc"), Little, &[]),
    arch(["csky", "csky", "csky", "csky-linux-gnu"], None, Little, &[]),
    arch(["hexagon", "hexagon", "hexagon", "hexagon-linux-musl"], None, Little, &[]),
    arch(["microblaze", "microblaze", "microblaze", "microblaze-linux-gnu"], None, Big, &[]),
    arch(["microblaze", "microblaze", "microblazeel", "microblazeel-linux-gnu"], None, Little, &[]),
    arch(["nios2", "nios2", "nios2", "nios2-linux-gnu"], None, Little, &[]),
    arch(["openrisc", "openrisc", "openrisc", "or1k-linux-gnu"], None, Big, &["or1k"]),
    arch(["xtensa", "xtensa", "xtensa", "xtensa-linux-gnu"], None, Little, &[]),
];

impl Arch {
    /// Returns the machine that `name` means: an `ARCH`, the output of `uname -m`, or another usual name.
    pub fn parse(name: &str) -> Option<Arch> {
        let named = |arch: &&Arch| arch.machine == name || arch.names.contains(&name);
        ALL.iter().find(|arch| arch.karch == name).or_else(|| ALL.iter().find(named)).copied()
    }

    /// Whether `name` is this machine's `ARCH`, `SRCARCH`, machine name, or one of its further names.
    pub fn is(self, name: &str) -> bool {
        [self.karch, self.srcarch, self.machine].contains(&name) || self.names.contains(&name)
    }

    /// Returns every name that [`Arch::is`] accepts.
    pub fn known() -> impl Iterator<Item = &'static str> {
        ALL.iter()
            .flat_map(|arch| [arch.karch, arch.srcarch, arch.machine].into_iter().chain(arch.names.iter().copied()))
    }

    /// Whether the archive of Debian 12 has packages for it; another release may have more or fewer ports.
    pub fn is_debian_port(self) -> bool {
        self.debian.is_some_and(|name| PORTS.contains(&name))
    }

    /// Returns the prefix of toolchain programs (`aarch64-linux-gnu-`).
    pub fn cross_prefix(self) -> String {
        format!("{}-", self.triple)
    }
}

/// Displays the machine name, which distinguishes machines of one `ARCH`.
impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_machines() {
        let check = |name, want: &str| {
            let arch = Arch::parse(name).map(|arch| format!("{} {} {}", arch.karch, arch.machine, arch.triple));
            assert_eq!(arch.as_deref().unwrap_or("unknown"), want, "{name}");
        };
        check("x86_64", "x86_64 x86_64 x86_64-linux-gnu");
        check("i386", "i386 i686 i686-linux-gnu");
        check("aarch64", "arm64 aarch64 aarch64-linux-gnu");
        check("arm64", "arm64 aarch64 aarch64-linux-gnu");
        check("arm", "arm armv7l arm-linux-gnueabihf");
        check("armv7", "arm armv7l arm-linux-gnueabihf");
        check("armel", "arm armv6l arm-linux-gnueabi");
        check("mips", "mips mips mips-linux-gnu");
        check("mipsel", "mips mipsel mipsel-linux-gnu");
        check("riscv64", "riscv riscv64 riscv64-linux-gnu");
        check("ppc64el", "powerpc ppc64le powerpc64le-linux-gnu");
        check("s390x", "s390 s390x s390x-linux-gnu");
        check("x86", "unknown");
        check("", "unknown");
    }

    #[test]
    fn every_name_is_understood_or_a_source_folder() {
        for name in Arch::known() {
            assert!(Arch::parse(name).is_some() || ALL.iter().any(|arch| arch.srcarch == name), "{name}");
        }
    }

    #[test]
    fn a_machine_answers_to_all_its_names() {
        let mipsel = Arch::parse("mipsel").expect("known");
        assert!(mipsel.is("mips") && mipsel.is("mipsel") && !mipsel.is("mipseb"));
        let x86_64 = Arch::parse("x86_64").expect("known");
        assert!(x86_64.is("x86") && x86_64.is("amd64") && !x86_64.is("i386"));
    }
}
