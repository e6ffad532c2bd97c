//! The source of a FIT, for `mkimage`.

use std::fmt::Write as _;

use kiln_plan::outputs::Fit;

/// The data of a FIT that the recipe does not contain.
#[derive(Debug, Clone, Copy)]
pub struct FitParts<'a> {
    /// U-Boot's name for the architecture.
    pub arch: &'a str,
    /// The kernel's release.
    pub release: &'a str,
    /// Where the kernel is put.
    pub load: u64,
    /// Where it is started.
    pub entry: u64,
    /// The kernel's file, relative to the source.
    pub kernel: &'a str,
    /// The output's name of each device tree, and its file.
    pub dtbs: &'a [(String, String)],
    /// The initramfs's file.
    pub initramfs: Option<&'a str>,
}

/// Returns the source of `fit`.
///
/// # Source
/// U-Boot's `doc/uImage.FIT/source_file_format.txt`.
pub fn fit_source(fit: &Fit, parts: &FitParts<'_>) -> String {
    let mut out = String::from("/dts-v1/;\n\n/ {\n");
    let title = fit.title.clone().unwrap_or_else(|| format!("Linux {}", parts.release));
    let _ = writeln!(out, "\tdescription = {};\n\t#address-cells = <1>;\n\n\timages {{", quoted(&title));
    let kernel = format!(
        "\t\t\ttype = \"kernel\";\n\t\t\tos = \"linux\";\n\t\t\tload = {};\n\t\t\tentry = {};\n",
        cells(parts.load),
        cells(parts.entry)
    );
    let image = Image { arch: parts.arch, compression: fit.compression.word() };
    image.write("kernel-1", &format!("Linux {}", parts.release), parts.kernel, &kernel, &mut out);
    let image = Image { compression: "none", ..image };
    for (name, file) in parts.dtbs {
        image.write(&format!("fdt-{name}"), name, file, "\t\t\ttype = \"flat_dt\";\n", &mut out);
    }
    if let Some(file) = parts.initramfs {
        // The kernel unpacks it, whatever the compression.
        let ramdisk = "\t\t\ttype = \"ramdisk\";\n\t\t\tos = \"linux\";\n";
        image.write("ramdisk-1", "initramfs", file, ramdisk, &mut out);
    }
    out.push_str("\t};\n\n\tconfigurations {\n");
    let ramdisk = if parts.initramfs.is_some() { "\t\t\tramdisk = \"ramdisk-1\";\n" } else { "" };
    let names: Vec<(String, String)> = match parts.dtbs {
        [] => vec![("conf-1".to_owned(), String::new())],
        dtbs => {
            dtbs.iter().map(|(name, _)| (format!("conf-{name}"), format!("\t\t\tfdt = \"fdt-{name}\";\n"))).collect()
        }
    };
    let _ = writeln!(out, "\t\tdefault = \"{}\";", names[0].0);
    for (name, fdt) in names {
        let description = name.strip_prefix("conf-").unwrap_or(&name);
        let _ = write!(
            out,
            "\t\t{name} {{\n\t\t\tdescription = {};\n\t\t\tkernel = \"kernel-1\";\n{fdt}{ramdisk}\t\t}};\n",
            quoted(description)
        );
    }
    out.push_str("\t};\n};\n");
    out
}

/// The data shared by the images of one FIT.
#[derive(Clone, Copy)]
struct Image<'a> {
    arch: &'a str,
    compression: &'a str,
}

impl Image<'_> {
    fn write(self, node: &str, description: &str, file: &str, properties: &str, out: &mut String) {
        let Image { arch, compression } = self;
        let _ = write!(
            out,
            "\t\t{node} {{\n\t\t\tdescription = {};\n\t\t\tdata = /incbin/({});\n{properties}\t\t\tarch = \"{arch}\";\n\
             \t\t\tcompression = \"{compression}\";\n\t\t\thash-1 {{\n\t\t\t\talgo = \"crc32\";\n\t\t\t}};\n\
             \t\t\thash-2 {{\n\t\t\t\talgo = \"sha256\";\n\t\t\t}};\n\t\t}};\n",
            quoted(description),
            quoted(file)
        );
    }
}

/// Returns an address in as many cells as it needs: U-Boot uses the length.
fn cells(address: u64) -> String {
    match u32::try_from(address) {
        Ok(address) => format!("<{address:#x}>"),
        Err(_) => format!("<{:#x} {:#x}>", address >> 32, address & 0xffff_ffff),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
