//! Checks of outputs before anything is built.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic, Diagnostics, Span};
use kiln_recipe::nearest;

use super::{Addresses, Compression, Output, OutputKind, is_linked_for_one_place, uboot_arch};
use crate::Arch;

/// The fields that a type of output has beside `type` and `file`.
pub(crate) type Fields = &'static [&'static str];

/// Bytes of the name in a `uImage`'s header (U-Boot's `IH_NMLEN`).
const TITLE_MAX: usize = 32;

/// Returns the fields of a type.
pub(crate) fn fields_of(word: &str) -> Fields {
    const FILES: Fields = &["compression", "services", "files", "boot"];
    match word {
        "kernel" => &["image", "compression", "appendedDtb"],
        "Image" | "zImage" | "bzImage" => &["compression", "appendedDtb"],
        "uImage" => &["image", "compression", "appendedDtb", "loadAddress", "entryPoint", "title"],
        "fit" => &["image", "compression", "appendedDtb", "loadAddress", "entryPoint", "title", "dtbs", "initramfs"],
        "dtb" => &["dts", "inTree", "includes", "symbols"],
        "squashfs" => &["compression", "services", "files", "boot", "blockSize"],
        _ => FILES,
    }
}

/// Returns every fault of `outputs` as they are written.
pub(crate) fn check(outputs: &BTreeMap<String, Output>, arch: &Arch) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for output in outputs.values() {
        diagnostics.extend(references(output, outputs));
        diagnostics.extend(image(output, arch));
        diagnostics.extend(compression(output));
    }
    diagnostics.extend(same_files(outputs));
    if !diagnostics.has_errors()
        && let Err(cycle) = order(outputs)
    {
        diagnostics.push(circle(outputs, &cycle));
    }
    diagnostics
}

/// Returns the names in an order in which each comes after those that it needs.
///
/// # Errors
/// The names of a cycle, each needing the next, and the last one the first.
pub fn order(outputs: &BTreeMap<String, Output>) -> Result<Vec<String>, Vec<String>> {
    let mut done: Vec<String> = Vec::new();
    for name in outputs.keys() {
        visit(name, outputs, &mut Vec::new(), &mut done)?;
    }
    Ok(done)
}

fn visit(
    name: &str,
    outputs: &BTreeMap<String, Output>,
    around: &mut Vec<String>,
    done: &mut Vec<String>,
) -> Result<(), Vec<String>> {
    if done.iter().any(|one| one == name) {
        return Ok(());
    }
    if let Some(start) = around.iter().position(|one| one == name) {
        return Err(around[start..].to_vec());
    }
    around.push(name.to_owned());
    for (_, needed) in outputs.get(name).into_iter().flat_map(|output| output.kind.needs()) {
        visit(&needed.value, outputs, around, done)?;
    }
    around.pop();
    done.push(name.to_owned());
    Ok(())
}

fn bad(output: &Output, field: &str, message: impl Into<String>, origin: Option<Span>) -> Diagnostic {
    Diagnostic::error(Code::BadOutput, message)
        .option(format!("outputs.{}.{field}", output.name))
        .label(origin, if origin == output.origin { "its type" } else { "written here" })
}

fn references(output: &Output, outputs: &BTreeMap<String, Output>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (field, named) in output.kind.needs() {
        let name = &named.value;
        let Some(other) = outputs.get(name) else {
            let finding = bad(output, field, format!("there is no output `{name}`"), named.origin);
            let near = nearest(name, outputs.keys().map(String::as_str));
            findings.push(match near {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!("outputs are declared under `outputs`, as in `[outputs.{name}]`")),
            });
            continue;
        };
        let wanted = match field {
            "appendedDtb" | "dtbs" => "dtb",
            "initramfs" => "initramfs",
            _ => continue,
        };
        if other.kind.word() != wanted {
            let message = format!("`{name}` is of type `{}`, but type `{wanted}` is expected", other.kind.word());
            findings.push(bad(output, field, message, named.origin).label(other.origin, "its type"));
        }
    }
    findings
}

/// Checks the image: boot loaders put a plain image into memory, not one that states its own address.
fn image(output: &Output, arch: &Arch) -> Vec<Diagnostic> {
    let (image, addresses, title) = match &output.kind {
        OutputKind::UImage(image) => (&image.payload.image, &image.addresses, image.title.as_ref()),
        OutputKind::Fit(fit) => (&fit.payload.image, &fit.addresses, None),
        _ => return Vec::new(),
    };
    let mut findings = Vec::new();
    let kind = output.kind.word();
    let place = image.origin.or(output.origin);
    if matches!(image.value.as_str(), "vmlinux" | "vmlinuz") {
        let message = format!("`{}` is an ELF file, and a `{kind}` takes a plain image", image.value);
        let help = format!("write `image = \"{}.bin\"`, where the architecture has it", image.value);
        findings.push(bad(output, "image", message, place).help(help));
    }
    let packed = Compression::ALL
        .iter()
        .map(|(way, _)| way.ending())
        .find(|ending| !ending.is_empty() && image.value.ends_with(ending));
    if let Some(ending) = packed {
        let message = format!("`{}` is already compressed, which the header would not record", image.value);
        let plain = image.value.trim_end_matches(ending);
        findings
            .push(bad(output, "image", message, place).help(format!("write `image = \"{plain}\"` and `compression`")));
    }
    if uboot_arch(arch).is_none() {
        findings.push(bad(
            output,
            "type",
            format!("U-Boot has no name for the architecture `{}`", arch.karch),
            output.origin,
        ));
    }
    if title.is_some_and(|title| title.len() > TITLE_MAX) {
        findings.push(bad(output, "title", format!("a `{kind}`'s title has at most {TITLE_MAX} bytes"), output.origin));
    }
    findings.extend(places(output, addresses, arch));
    findings
}

fn places(output: &Output, addresses: &Addresses, arch: &Arch) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let kind = output.kind.word();
    if addresses.load.is_none() && !is_linked_for_one_place(arch) {
        let message = format!("the {kind} `{}` has no `loadAddress`", output.name);
        let help = "it is where the boot loader puts the kernel, for example `loadAddress = \"0x80000000\"`; it is the \
                    board's memory that decides";
        findings.push(bad(output, "loadAddress", message, output.origin).help(help));
    }
    let only_32_bit = matches!(output.kind, OutputKind::UImage(_));
    for (field, address) in [("loadAddress", &addresses.load), ("entryPoint", &addresses.entry)] {
        if let Some(address) = address
            && only_32_bit
            && in_32_bit(address.value).is_none()
        {
            let message = format!("a `{kind}` has room for 32 bits of `{field}`");
            findings.push(bad(output, field, message, address.origin).help("a `fit` has room for 64"));
        }
    }
    if let (Some(load), Some(entry)) = (&addresses.load, &addresses.entry)
        && entry.value < load.value
    {
        let (entry, start) = (entry, load.value);
        let message = format!("the entry point {:#x} is before the image, which begins at {start:#x}", entry.value);
        findings.push(bad(output, "entryPoint", message, entry.origin));
    }
    findings
}

/// Returns the address in 32 bits; a 64-bit MIPS address is one with its sign extended.
pub(crate) fn in_32_bit(address: u64) -> Option<u32> {
    let is_extended = address >> 31 == (1 << 33) - 1;
    u32::try_from(address).ok().or(is_extended.then_some(address as u32))
}

fn compression(output: &Output) -> Option<Diagnostic> {
    let (way, origin) = match &output.kind {
        OutputKind::UImage(image) => (image.compression, output.origin),
        OutputKind::Fit(fit) => (fit.compression, output.origin),
        OutputKind::Squashfs { contents, .. } => {
            (contents.compression.as_ref()?.value, contents.compression.as_ref()?.origin)
        }
        _ => return None,
    };
    let (who, not) = match &output.kind {
        OutputKind::Squashfs { .. } => ("Linux's squashfs", [Compression::None, Compression::Bzip2, Compression::Lzma]),
        _ => ("U-Boot", [Compression::Xz; 3]),
    };
    not.contains(&way)
        .then(|| bad(output, "compression", format!("{who} does not support the compression `{}`", way.word()), origin))
}

fn same_files(outputs: &BTreeMap<String, Output>) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<&str, &Output> = BTreeMap::new();
    let mut findings = Vec::new();
    for output in outputs.values() {
        if let Some(other) = seen.insert(&output.file, output) {
            let message =
                format!("the outputs `{}` and `{}` are both the file `{}`", other.name, output.name, output.file);
            findings.push(bad(output, "file", message, output.origin).label(other.origin, "the other one"));
        }
    }
    findings
}

fn circle(outputs: &BTreeMap<String, Output>, names: &[String]) -> Diagnostic {
    let chain: Vec<String> = names.iter().chain(names.first()).map(|name| format!("`{name}`")).collect();
    let message = format!("outputs form a cycle: {}", chain.join(" needs "));
    let mut finding = Diagnostic::error(Code::BadOutput, message).option("outputs");
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for (at, name) in names.iter().enumerate() {
        let next = &names[(at + 1) % names.len()];
        let named = outputs.get(name).into_iter().flat_map(|output| output.kind.needs());
        if let Some((_, place)) = named.into_iter().find(|(_, needed)| needed.value == *next)
            && shown.insert(name)
        {
            finding = finding.label(place.origin, format!("`{name}` needs `{next}`"));
        }
    }
    finding
}
