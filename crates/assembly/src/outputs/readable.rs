//! The compressions that the kernel can read.

use kiln_diag::{Code, Diagnostic};
use kiln_kconfig::Config;
use kiln_plan::outputs::{Compression, Output, OutputKind};

/// Returns the symbol that lets the kernel read an image of files in this form; `None` for a form that it always reads.
fn symbol(kind: &OutputKind, compression: Compression) -> Option<&'static str> {
    let initramfs = matches!(kind, OutputKind::Initramfs(_));
    Some(match (compression, initramfs) {
        (Compression::None, _) => return None,
        (Compression::Gzip, true) => "RD_GZIP",
        (Compression::Gzip, false) => "SQUASHFS_ZLIB",
        (Compression::Bzip2, _) => "RD_BZIP2",
        (Compression::Lzma, _) => "RD_LZMA",
        (Compression::Xz, true) => "RD_XZ",
        (Compression::Xz, false) => "SQUASHFS_XZ",
        (Compression::Lzo, true) => "RD_LZO",
        (Compression::Lzo, false) => "SQUASHFS_LZO",
        (Compression::Lz4, true) => "RD_LZ4",
        (Compression::Lz4, false) => "SQUASHFS_LZ4",
        (Compression::Zstd, true) => "RD_ZSTD",
        (Compression::Zstd, false) => "SQUASHFS_ZSTD",
    })
}

fn is_on(config: &Config, symbol: &str) -> bool {
    matches!(config.get(symbol), Some("y" | "m"))
}

/// Returns the best compression that the kernel reads, for an output that names none.
///
/// A squashfs of a kernel without squashfs is for another kernel: it gets the compression that every kernel with
/// squashfs reads.
pub fn best(kind: &OutputKind, config: &Config) -> Compression {
    let wished = kind.file_system().and_then(|files| files.compression.as_ref());
    if let Some(wished) = wished {
        return wished.value;
    }
    let by_size = [Compression::Zstd, Compression::Xz, Compression::Gzip, Compression::Lz4, Compression::Lzo];
    let read = by_size.into_iter().find(|&way| symbol(kind, way).is_some_and(|symbol| is_on(config, symbol)));
    let otherwise = if matches!(kind, OutputKind::Squashfs { .. }) { Compression::Gzip } else { Compression::None };
    read.unwrap_or(otherwise)
}

/// Returns an error when the kernel of this config cannot read the output: its compression is off, or the kernel does
/// not look for it where it is put.
pub fn readable(output: &Output, config: &Config) -> Option<Diagnostic> {
    let option = |field: &str| format!("outputs.{}.{field}", output.name);
    if let Some(finding) = appended(output, config) {
        return Some(finding);
    }
    let files = output.kind.file_system()?;
    let (is_read, what) = match output.kind {
        OutputKind::Initramfs(_) => (is_on(config, "BLK_DEV_INITRD"), "an initramfs"),
        // A squashfs of a kernel without squashfs is for another kernel, about which nothing is known.
        _ => (true, "a squashfs"),
    };
    if !is_read {
        let message = format!("this kernel cannot use an initramfs, and `{}` is one", output.name);
        let finding = Diagnostic::error(Code::BadOutput, message).option(option("type"));
        return Some(finding.label(output.origin, "requested here").help("set `BLK_DEV_INITRD = \"y\"`"));
    }
    let compression = files.compression.as_ref()?;
    let symbol = symbol(&output.kind, compression.value)?;
    let unknown = matches!(output.kind, OutputKind::Squashfs { .. }) && !is_on(config, "SQUASHFS");
    if unknown || is_on(config, symbol) {
        return None;
    }
    let message = format!("this kernel cannot read {what} that is compressed with {}", compression.value.word());
    let finding = Diagnostic::error(Code::UnreadableCompression, message).option(option("compression"));
    let help = format!("set `{symbol} = \"y\"` under `kernel.config`, or leave `compression` out");
    Some(finding.label(compression.origin, "requested here").help(help))
}

/// Returns an error when the kernel does not look for a device tree that is appended to it.
fn appended(output: &Output, config: &Config) -> Option<Diagnostic> {
    let payload = output.kind.payload()?;
    let named = payload.appended_dtb.as_ref()?;
    let is_elf = payload.image.value == "vmlinux";
    let symbol = if is_on(config, "MIPS") {
        if is_elf { "MIPS_ELF_APPENDED_DTB" } else { "MIPS_RAW_APPENDED_DTB" }
    } else if is_on(config, "ARM") {
        "ARM_APPENDED_DTB"
    } else {
        let message = "kernels of this architecture do not support an appended device tree".to_owned();
        return Some(bad_appended(output, named.origin, message));
    };
    if is_on(config, symbol) {
        return None;
    }
    let message = format!("this kernel does not support an appended device tree: `{symbol}` is off");
    Some(bad_appended(output, named.origin, message).help(format!("set `{symbol} = \"y\"` under `kernel.config`")))
}

fn bad_appended(output: &Output, origin: Option<kiln_diag::Span>, message: String) -> Diagnostic {
    Diagnostic::error(Code::BadOutput, message)
        .option(format!("outputs.{}.appendedDtb", output.name))
        .label(origin, "requested here")
}
