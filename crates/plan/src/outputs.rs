//! Files made from a built kernel for boot loaders: images with headers, device trees, file systems.
//!
//! An [`Output`] is one entry of the option `outputs`, lowered and checked: fields fit its type, addresses fit the
//! format, and the other outputs that it names exist, have the right type, and do not need it themselves. [`order`]
//! returns an order in which each comes after those that it needs.

mod check;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kiln_diag::Span;

use crate::Arch;
use crate::evaluate::Located;

pub use self::check::order;
pub(crate) use self::check::{check, fields_of};

/// One entry of `outputs`.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Where its type is written.
    pub origin: Option<Span>,
    /// The name of its file.
    pub file: String,
    /// Its type, with that type's settings.
    pub kind: OutputKind,
}

/// The type of an output.
#[derive(Debug, Clone)]
pub enum OutputKind {
    /// A kernel as the kernel's own makefiles make it.
    Kernel {
        /// The kernel.
        payload: Payload,
        /// Its compression.
        compression: Compression,
    },
    /// U-Boot's older format: a header of 64 bytes before the kernel.
    UImage(UImage),
    /// U-Boot's newer format: kernel, device trees and initramfs in one tree.
    Fit(Fit),
    /// A device tree.
    Dtb(Dtb),
    /// A cpio archive that the kernel starts with.
    Initramfs(FileSystem),
    /// A file system that is read in place.
    Squashfs {
        /// Its contents.
        contents: FileSystem,
        /// The number of bytes that are compressed together.
        block_size: u32,
    },
}

/// A kernel's image, with its device tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The target of the kernel's makefiles that makes it.
    pub image: Located<String>,
    /// The output whose device tree is appended to it.
    pub appended_dtb: Option<Located<String>>,
}

/// The settings of a `uImage`.
#[derive(Debug, Clone)]
pub struct UImage {
    /// The kernel.
    pub payload: Payload,
    /// Its compression.
    pub compression: Compression,
    /// Where the boot loader puts and starts it.
    pub addresses: Addresses,
    /// The name in its header.
    pub title: Option<String>,
}

/// The settings of a FIT.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The kernel.
    pub payload: Payload,
    /// Its compression.
    pub compression: Compression,
    /// Where the boot loader puts and starts it.
    pub addresses: Addresses,
    /// Its description.
    pub title: Option<String>,
    /// The outputs whose device trees it has; the first one's configuration is the default.
    pub dtbs: Vec<Located<String>>,
    /// The output whose initramfs it has.
    pub initramfs: Option<Located<String>>,
}

/// The settings of a device tree.
#[derive(Debug, Clone)]
pub struct Dtb {
    /// Its source.
    pub source: DtbSource,
    /// Directories with more files to include.
    pub includes: Vec<PathBuf>,
    /// Whether it has the symbols that overlays need.
    pub symbols: bool,
}

/// The source of a device tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DtbSource {
    /// The user's own file.
    File(Located<PathBuf>),
    /// A file of the kernel's tree: its path below `arch/SRCARCH/boot/dts`, without an extension.
    Tree(Located<String>),
}

/// The contents of an image of files, beside the result's modules, firmware and loaders.
#[derive(Debug, Clone)]
pub struct FileSystem {
    /// Its compression; when absent, the best that the kernel can read.
    pub compression: Option<Located<Compression>>,
    /// The service manager whose services it has.
    pub services: Services,
    /// The user's files and directories, by their path in the image.
    pub files: BTreeMap<String, Located<PathBuf>>,
    /// Other outputs, whose files are in `/boot`.
    pub boot: Vec<Located<String>>,
}

/// Where the kernel is put and started; absent values are read from `vmlinux`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Where it is put.
    pub load: Option<Located<u64>>,
    /// Where it is started.
    pub entry: Option<Located<u64>>,
}

/// A compression format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// No compression.
    None,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// The LZMA format of xz's predecessor.
    Lzma,
    /// xz.
    Xz,
    /// lzop.
    Lzo,
    /// LZ4.
    Lz4,
    /// zstd.
    Zstd,
}

/// A service manager, by the form of its services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Services {
    /// Plain scripts only.
    Sh,
    /// Source directories of s6-rc.
    S6Rc,
    /// Units of systemd.
    Systemd,
    /// Scripts of OpenRC.
    Openrc,
}

impl Compression {
    /// Every format, with its name in recipes.
    pub const ALL: [(Compression, &'static str); 8] = [
        (Compression::None, "none"),
        (Compression::Gzip, "gzip"),
        (Compression::Bzip2, "bzip2"),
        (Compression::Lzma, "lzma"),
        (Compression::Xz, "xz"),
        (Compression::Lzo, "lzo"),
        (Compression::Lz4, "lz4"),
        (Compression::Zstd, "zstd"),
    ];

    /// Parses the name in recipes.
    pub fn parse(word: &str) -> Option<Compression> {
        Compression::ALL.iter().find(|(_, known)| *known == word).map(|(compression, _)| *compression)
    }

    /// Returns the name in recipes; U-Boot's is the same.
    pub fn word(self) -> &'static str {
        Compression::ALL.iter().find(|(known, _)| *known == self).map_or("none", |(_, word)| word)
    }

    /// Returns the file name extension.
    pub fn ending(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Bzip2 => ".bz2",
            Compression::Lzma => ".lzma",
            Compression::Xz => ".xz",
            Compression::Lzo => ".lzo",
            Compression::Lz4 => ".lz4",
            Compression::Zstd => ".zst",
        }
    }
}

impl Services {
    pub(crate) fn parse(word: &str) -> Option<Services> {
        Some(match word {
            "sh" => Services::Sh,
            "s6-rc" => Services::S6Rc,
            "systemd" => Services::Systemd,
            "openrc" => Services::Openrc,
            _ => return None,
        })
    }
}

impl OutputKind {
    /// Returns its name in recipes.
    pub fn word(&self) -> &'static str {
        match self {
            OutputKind::Kernel { .. } => "kernel",
            OutputKind::UImage(_) => "uImage",
            OutputKind::Fit(_) => "fit",
            OutputKind::Dtb(_) => "dtb",
            OutputKind::Initramfs(_) => "initramfs",
            OutputKind::Squashfs { .. } => "squashfs",
        }
    }

    /// Returns the kernel's image in it.
    pub fn payload(&self) -> Option<&Payload> {
        match self {
            OutputKind::Kernel { payload, .. } => Some(payload),
            OutputKind::UImage(image) => Some(&image.payload),
            OutputKind::Fit(fit) => Some(&fit.payload),
            OutputKind::Dtb(_) | OutputKind::Initramfs(_) | OutputKind::Squashfs { .. } => None,
        }
    }

    /// Returns the files in it.
    pub fn file_system(&self) -> Option<&FileSystem> {
        match self {
            OutputKind::Initramfs(contents) | OutputKind::Squashfs { contents, .. } => Some(contents),
            _ => None,
        }
    }

    /// Returns the outputs that it is made from, each with the field that names it.
    pub fn needs(&self) -> Vec<(&'static str, &Located<String>)> {
        let appended = self.payload().and_then(|payload| payload.appended_dtb.as_ref());
        let mut needs: Vec<_> = appended.map(|name| ("appendedDtb", name)).into_iter().collect();
        if let OutputKind::Fit(fit) = self {
            needs.extend(fit.dtbs.iter().map(|name| ("dtbs", name)));
            needs.extend(fit.initramfs.iter().map(|name| ("initramfs", name)));
        }
        needs.extend(self.file_system().into_iter().flat_map(|files| files.boot.iter().map(|name| ("boot", name))));
        needs
    }
}

/// Returns the make targets that `outputs` need, in order of the outputs' names.
pub fn make_targets(outputs: &BTreeMap<String, Output>) -> Vec<String> {
    let mut targets: Vec<String> = Vec::new();
    for image in outputs.values().filter_map(|output| output.kind.payload()).map(|payload| &payload.image.value) {
        // Every build makes `vmlinux`, so it is not a target.
        if image != "vmlinux" && !targets.contains(image) {
            targets.push(image.clone());
        }
    }
    targets
}

/// Returns the image that boot loaders of an architecture take, when the recipe names none.
pub fn usual_image(arch: &Arch) -> Option<&'static str> {
    Some(match arch.srcarch {
        "x86" => "bzImage",
        "arm" => "zImage",
        "arm64" | "riscv" | "loongarch" => "Image",
        "mips" => "vmlinux.bin",
        _ => return None,
    })
}

/// Whether `vmlinux` determines its own address: it is linked for one address and runs nowhere else.
pub fn is_linked_for_one_place(arch: &Arch) -> bool {
    arch.srcarch == "mips"
}

/// Returns U-Boot's name for an architecture.
///
/// # Source
/// U-Boot's `boot/image.c`, `uimage_arch`.
pub fn uboot_arch(arch: &Arch) -> Option<&'static str> {
    Some(match (arch.srcarch, arch.machine) {
        ("x86", "x86_64") => "x86_64",
        ("x86", _) => "x86",
        ("arm", _) => "arm",
        ("arm64", _) => "arm64",
        ("mips", _) => "mips",
        ("riscv", _) => "riscv",
        ("powerpc", _) => "powerpc",
        ("m68k", _) => "m68k",
        ("sh", _) => "sh",
        ("sparc", _) => "sparc",
        ("microblaze", _) => "microblaze",
        ("arc", _) => "arc",
        ("xtensa", _) => "xtensa",
        ("nios2", _) => "nios2",
        ("openrisc", _) => "or1k",
        _ => return None,
    })
}
