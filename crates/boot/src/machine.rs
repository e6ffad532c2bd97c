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

/// Early messages of an x86 kernel come over the same port as its console.
const X86_EARLY: &str = "earlyprintk=serial,ttyS0,115200";
/// The device tree names the port.
const TREE_EARLY: &str = "earlycon";
/// A board whose firmware starts the kernel as an ELF file.
const ELF: &[&str] = &["vmlinux", "vmlinuz"];

const X86_64: Machine = Machine {
    name: "x86_64",
    arch: "x86_64",
    program: "qemu-system-x86_64",
    package: "qemu-system-x86",
    board: "q35",
    cpu: Some("Nehalem"),
    console: "ttyS0",
    early_console: X86_EARLY,
    memory_mib: 512,
    images: &["bzImage"],
};

const AARCH64: Machine = Machine {
    name: "aarch64",
    arch: "arm64",
    program: "qemu-system-aarch64",
    package: "qemu-system-arm",
    board: "virt",
    cpu: Some("cortex-a57"),
    console: "ttyAMA0",
    early_console: TREE_EARLY,
    memory_mib: 512,
    images: &["Image", "Image.gz", "vmlinuz"],
};

const MIPS: Machine = Machine {
    name: "mips",
    arch: "mips",
    program: "qemu-system-mips",
    package: "qemu-system-mips",
    board: "malta",
    cpu: Some("24Kf"),
    console: "ttyS0",
    early_console: "",
    memory_mib: 512,
    images: ELF,
};

/// The 64-bit board differs in its processor.
const MIPS64: Machine =
    Machine { name: "mips64", program: "qemu-system-mips64", cpu: Some("MIPS64R2-generic"), ..MIPS };

const RISCV64: Machine = Machine {
    name: "riscv64",
    arch: "riscv",
    program: "qemu-system-riscv64",
    package: "qemu-system-misc",
    board: "virt",
    cpu: None,
    console: "ttyS0",
    early_console: TREE_EARLY,
    memory_mib: 512,
    images: &["Image", "vmlinux"],
};

const MACHINES: &[Machine] = &[
    X86_64,
    Machine { name: "i386", arch: "i386", program: "qemu-system-i386", cpu: Some("coreduo"), ..X86_64 },
    AARCH64,
    Machine {
        name: "arm",
        arch: "arm",
        program: "qemu-system-arm",
        // A kernel without LPAE cannot reach a board's devices above 4 GiB.
        board: "virt,highmem=off",
        cpu: Some("cortex-a15"),
        images: &["zImage", "Image", "vmlinuz"],
        ..AARCH64
    },
    MIPS,
    Machine { name: "mipsel", program: "qemu-system-mipsel", ..MIPS },
    MIPS64,
    Machine { name: "mips64el", program: "qemu-system-mips64el", ..MIPS64 },
    RISCV64,
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
