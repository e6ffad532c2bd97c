//! Kernels for boot loaders.

use std::fs;
use std::path::Path;

use kiln_assembly::outputs::{FitParts, fit_source};
use kiln_plan::outputs::{Addresses, Compression, Fit, Payload, UImage, uboot_arch};
use kiln_plan::step::OutputInputs;

use super::program::Program;
use super::{Made, OutputError, Work, io_error, read, write};
use crate::compress::{self, Reader};
use crate::elf::Elf;

/// Makes the kernel, with a device tree appended or compressed where the recipe requests it.
pub(super) fn kernel(work: &Work<'_>, payload: &Payload, compression: Compression) -> Result<Made, OutputError> {
    let mut inputs = inputs(work, payload, compression)?;
    inputs.settings.push(("for".to_owned(), "itself".to_owned()));
    work.step(compression, inputs, |file| write(file, &packed(work, payload, compression)?.bytes))
}

/// Makes a `uImage`.
pub(super) fn uimage(work: &Work<'_>, image: &UImage) -> Result<Made, OutputError> {
    let mkimage = Program::find(work, "mkimage")?;
    let (load, entry) = addresses(work, &image.addresses)?;
    let arch = uboot_arch(&work.context.arch).unwrap_or_default();
    // The name has 32 bytes, all of which a longer release fills.
    let title = image.title.clone().unwrap_or_else(|| format!("Linux-{}", work.context.kernel.release));
    let title: String = title.chars().take(32).collect();
    let mut inputs = inputs(work, &image.payload, image.compression)?;
    let settings = [("load", format!("{load:#x}")), ("entry", format!("{entry:#x}")), ("title", title.clone())];
    inputs.settings.extend(settings.map(|(name, value)| (name.to_owned(), value)));
    inputs.settings.push(("arch".to_owned(), arch.to_owned()));
    inputs.contents.push(mkimage.identity());
    work.step(image.compression, inputs, |file| {
        let packed = packed(work, &image.payload, image.compression)?;
        check_plain(work, &image.payload, &packed)?;
        check_entry(work, &image.addresses, (load, entry), packed.n_plain)?;
        staged(file, |stage| {
            write(&stage.join("kernel"), &packed.bytes)?;
            let low = |address: u64| format!("{:#010x}", address & 0xffff_ffff);
            let exec = mkimage
                .exec(work, stage)
                .env("SOURCE_DATE_EPOCH", "0")
                .args(["-A", arch, "-O", "linux", "-T", "kernel", "-C", image.compression.word()])
                .args(["-a", &low(load), "-e", &low(entry), "-n", &title, "-d", "kernel", "image"]);
            exec.text().map_err(|source| OutputError::Program { name: work.name(), source })?;
            Ok("image")
        })
    })
}

/// Makes a FIT.
pub(super) fn fit(work: &Work<'_>, fit: &Fit) -> Result<Made, OutputError> {
    let (mkimage, dtc) = (Program::find(work, "mkimage")?, Program::find(work, "dtc")?);
    let (load, entry) = addresses(work, &fit.addresses)?;
    let dtbs: Vec<(String, String)> =
        fit.dtbs.iter().map(|dtb| (dtb.value.clone(), format!("fdt-{}", dtb.value))).collect();
    let parts = FitParts {
        arch: uboot_arch(&work.context.arch).unwrap_or_default(),
        release: &work.context.kernel.release,
        load,
        entry,
        kernel: "kernel",
        dtbs: &dtbs,
        initramfs: fit.initramfs.as_ref().map(|_| "ramdisk"),
    };
    let source = fit_source(fit, &parts);
    let mut inputs = inputs(work, &fit.payload, fit.compression)?;
    inputs.settings.push(("source".to_owned(), source.clone()));
    inputs.contents.extend([mkimage.identity(), dtc.identity()]);
    for name in fit.dtbs.iter().chain(&fit.initramfs) {
        inputs.outputs.push((name.value.clone(), work.needed(&name.value).key));
    }
    work.step(fit.compression, inputs, |file| {
        let packed = packed(work, &fit.payload, fit.compression)?;
        check_plain(work, &fit.payload, &packed)?;
        check_entry(work, &fit.addresses, (load, entry), packed.n_plain)?;
        staged(file, |stage| {
            write(&stage.join("kernel"), &packed.bytes)?;
            for (name, there) in &dtbs {
                let from = &work.needed(name).path;
                kiln_file::copy(from, stage.join(there)).map_err(io_error(from))?;
            }
            if let Some(initramfs) = &fit.initramfs {
                let from = &work.needed(&initramfs.value).path;
                kiln_file::copy(from, stage.join("ramdisk")).map_err(io_error(from))?;
            }
            write(&stage.join("image.its"), source.as_bytes())?;
            let exec = mkimage.exec(work, stage).env("SOURCE_DATE_EPOCH", "0").args(["-f", "image.its", "image.itb"]);
            exec.text().map_err(|source| OutputError::Program { name: work.name(), source })?;
            Ok("image.itb")
        })
    })
}

/// Returns the inputs that every kernel's key contains.
fn inputs(work: &Work<'_>, payload: &Payload, compression: Compression) -> Result<OutputInputs, OutputError> {
    let mut inputs = OutputInputs { kernel: Some(work.context.kernel.key), ..OutputInputs::default() };
    inputs.settings.push(("image".to_owned(), payload.image.value.clone()));
    inputs.settings.push(("compression".to_owned(), compression.word().to_owned()));
    if let Some(dtb) = &payload.appended_dtb {
        inputs.outputs.push(("appended".to_owned(), work.needed(&dtb.value).key));
    }
    if let Some(name) = compress::program(compression) {
        inputs.contents.push(Program::find(work, name)?.identity());
    }
    Ok(inputs)
}

/// A kernel ready for its header.
struct Packed {
    bytes: Vec<u8>,
    /// Its first bytes before compression.
    head: Vec<u8>,
    /// Its number of bytes before compression.
    n_plain: u64,
}

fn packed(work: &Work<'_>, payload: &Payload, compression: Compression) -> Result<Packed, OutputError> {
    let base = payload.image.value.rsplit('/').next().unwrap_or_default();
    let path = work.context.kernel.dir.join("kernel").join(base);
    let mut bytes = read(&path)?;
    if let Some(dtb) = &payload.appended_dtb {
        let dtb = &work.needed(&dtb.value).path;
        if Elf::is_elf(&bytes) {
            bytes = with_section(work, &path, dtb)?;
        } else {
            bytes.extend(read(dtb)?);
        }
    }
    let head = bytes[..bytes.len().min(16)].to_vec();
    let n_plain = bytes.len() as u64;
    let packed = compress::compress(compression, Reader::BootLoader, &bytes, work.context.host);
    let bytes = packed.map_err(|source| OutputError::Compress { name: work.name(), source })?;
    Ok(Packed { bytes, head, n_plain })
}

/// Puts a device tree into the section that an ELF kernel reserves for it.
///
/// # Source
/// The help of `MIPS_ELF_APPENDED_DTB` in `arch/mips/Kconfig`.
fn with_section(work: &Work<'_>, kernel: &Path, dtb: &Path) -> Result<Vec<u8>, OutputError> {
    let stage = tempfile::tempdir().map_err(io_error(kernel))?;
    let to = stage.path().join("vmlinux");
    let objcopy = work.context.toolchain.programs().name("objcopy");
    let exec = work
        .context
        .toolchain
        .exec(objcopy)
        .arg("--update-section")
        .arg(format!(".appended_dtb={}", dtb.display()))
        .arg(kernel)
        .arg(&to);
    exec.text().map_err(|source| OutputError::Program { name: work.name(), source })?;
    read(&to)
}

/// Returns the load and entry addresses, from the recipe or from those that `vmlinux` was linked for.
fn addresses(work: &Work<'_>, wished: &Addresses) -> Result<(u64, u64), OutputError> {
    let (load, entry) = (wished.load.as_ref().map(|load| load.value), wished.entry.as_ref().map(|entry| entry.value));
    if let Some(load) = load
        && (entry.is_some() || !kiln_plan::outputs::is_linked_for_one_place(&work.context.arch))
    {
        return Ok((load, entry.unwrap_or(load)));
    }
    let path = work.context.kernel.dir.join("kernel/vmlinux");
    let linked = Elf::read(&read(&path)?).ok_or_else(|| {
        let message = "`vmlinux` does not say where it belongs".to_owned();
        work.fault("loadAddress", message, None, "write `loadAddress` and `entryPoint`")
    })?;
    Ok((load.unwrap_or(linked.lowest), entry.unwrap_or(linked.entry)))
}

/// A boot loader jumps into its payload: that must be code, not the header of a file.
fn check_plain(work: &Work<'_>, payload: &Payload, packed: &Packed) -> Result<(), OutputError> {
    if !Elf::is_elf(&packed.head) {
        return Ok(());
    }
    let message =
        format!("`{}` is an ELF file, and a `{}` takes a plain image", payload.image.value, work.output.kind.word());
    Err(work.fault("image", message, payload.image.origin, "`kiln options outputs` shows which image is usual"))
}

fn check_entry(work: &Work<'_>, wished: &Addresses, real: (u64, u64), n_bytes: u64) -> Result<(), OutputError> {
    let (load, entry) = real;
    if (load..load.saturating_add(n_bytes)).contains(&entry) {
        return Ok(());
    }
    let end = load.saturating_add(n_bytes);
    let message = format!("the entry point {entry:#x} is not in the image, which is at {load:#x} to {end:#x}");
    let origin = wished.entry.as_ref().or(wished.load.as_ref()).and_then(|address| address.origin);
    Err(work.fault(
        "entryPoint",
        message,
        origin,
        "leave `entryPoint` out, or give both addresses as the board has them",
    ))
}

/// Runs `make` in a directory beside `file`, and moves the file whose name it returns from there to `file`.
pub(super) fn staged(
    file: &Path,
    make: impl FnOnce(&Path) -> Result<&'static str, OutputError>,
) -> Result<(), OutputError> {
    let stage = file.with_file_name("stage");
    fs::create_dir(&stage).map_err(io_error(&stage))?;
    let made = stage.join(make(&stage)?);
    fs::rename(&made, file).map_err(io_error(&made))?;
    fs::remove_dir_all(&stage).map_err(io_error(&stage))
}
