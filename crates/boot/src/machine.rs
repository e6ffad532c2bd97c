//! The machines that QEMU emulates, one per architecture.

/// The settings to boot a kernel of one architecture.
///
/// All run under TCG: it needs no privilege and behaves the same on every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// The usual machine name (`x86_64`, `mipsel`).
    pub name: &'static str,
    /// The kernel's ARCH.
    pub arch: &'static str,
    /// The QEMU program.
    pub program: &'static str,
    /// The Debian package that contains it.
    pub package: &'static str,
    /// QEMU's machine type, with its settings.
    pub board: &'static str,
    /// QEMU's processor; `None` is the board's own.
    pub cpu: Option<&'static str>,
    /// The serial console's name in the guest.
    pub console: &'static str,
    /// The parameters that make the kernel print messages before its console driver is up.
    pub early_console: &'static str,
    /// Memory in MiB that is enough for a kernel with an initramfs of some 100 MiB.
    pub memory_mib: u32,
    /// Names of kernel images that QEMU can start, best first.
    pub images: &'static [&'static str],
}

/// A shorthand for the table.
const fn machine(
    (name, arch): (&'static str, &'static str),
    (program, package): (&'static str, &'static str),
    (board, cpu): (&'static str, Option<&'static str>),
    (console, early_console): (&'static str, &'static str),
    images: &'static [&'static str],
) -> Machine {
    Machine { name, arch, program, package, board, cpu, console, early_console, memory_mib: 512, images }
}

/// Early messages of an x86 kernel come over the same port as its console.
const X86_EARLY: &str = "earlyprintk=serial,ttyS0,115200";
/// The device tree names the port.
const TREE_EARLY: &str = "earlycon";
const X86: &str = "qemu-system-x86";
const ARM: &str = "qemu-system-arm";
const MIPS: &str = "qemu-system-mips";
const MISC: &str = "qemu-system-misc";
/// A board whose firmware starts the kernel as an ELF file.
const ELF: &[&str] = &["vmlinux", "vmlinuz"];

const MACHINES: &[Machine] = &[
    machine(
        ("x86_64", "x86_64"),
        ("qemu-system-x86_64", X86),
        ("q35", Some("Nehalem")),
        ("ttyS0", X86_EARLY),
        &["bzImage"],
    ),
    machine(("i386", "i386"), ("qemu-system-i386", X86), ("q35", Some("coreduo")), ("ttyS0", X86_EARLY), &["bzImage"]),
    machine(
        ("aarch64", "arm64"),
        ("qemu-system-aarch64", ARM),
        ("virt", Some("cortex-a57")),
        ("ttyAMA0", TREE_EARLY),
        &["Image", "Image.gz", "vmlinuz"],
    ),
    machine(
        ("arm", "arm"),
        ("qemu-system-arm", ARM),
        // A kernel without LPAE cannot reach a board's devices above 4 GiB.
        ("virt,highmem=off", Some("cortex-a15")),
        ("ttyAMA0", TREE_EARLY),
        &["zImage", "Image", "vmlinuz"],
    ),
    machine(("mips", "mips"), ("qemu-system-mips", MIPS), ("malta", Some("24Kf")), ("ttyS0", ""), ELF),
    machine(("mipsel", "mips"), ("qemu-system-mipsel", MIPS), ("malta", Some("24Kf")), ("ttyS0", ""), ELF),
    machine(("mips64", "mips"), ("qemu-system-mips64", MIPS), ("malta", Some("MIPS64R2-generic")), ("ttyS0", ""), ELF),
    machine(
        ("mips64el", "mips"),
        ("qemu-system-mips64el", MIPS),
        ("malta", Some("MIPS64R2-generic")),
        ("ttyS0", ""),
        ELF,
    ),
    machine(
        ("riscv64", "riscv"),
        ("qemu-system-riscv64", MISC),
        ("virt", None),
        ("ttyS0", TREE_EARLY),
        &["Image", "vmlinux"],
    ),
];

impl Machine {
    /// Returns the machine of that name, or the first of that ARCH.
    ///
    /// A known name decides, since one ARCH has machines of either byte order (`mips`, `mipsel`).
    pub fn find(name: &str) -> Option<&'static Machine> {
        let alias = match name {
            "amd64" | "x86" => "x86_64",
            "i486" | "i586" | "i686" => "i386",
            "armv5" | "armv5te" | "armv6" | "armv6l" | "armv7" | "armv7l" | "armhf" | "armel" => "arm",
            _ => name,
        };
        let named = MACHINES.iter().find(|machine| machine.name == alias);
        named.or_else(|| MACHINES.iter().find(|machine| machine.arch == alias))
    }

    /// Returns all machines, in the order of the table.
    pub fn all() -> &'static [Machine] {
        MACHINES
    }
}
