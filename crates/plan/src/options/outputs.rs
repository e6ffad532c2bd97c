//! The options under `outputs`.

use kiln_recipe::{AttrsOf, Declaration, Fault, Section, Shape, TextType, Type};

use super::{With, kernel, list, name, option};

/// Returns the declaration of all of them.
pub(super) fn declaration() -> Declaration {
    option(
        "outputs",
        "What is made of the built kernel for boot loaders and devices, as files in `./result/outputs`.",
        AttrsOf {
            placeholder: "NAME",
            key: Some(output_name),
            shape: Box::new(Shape::Section(Section { entries: entries() })),
        },
    )
}

fn entries() -> Vec<Declaration> {
    let mut entries = vec![
        option(
            "type",
            "What the output is: the kernel as its own makefiles make it (`kernel` with an `image`, or `Image`, `zImage`, \
             `bzImage` for short), U-Boot's `uImage` or `fit`, a device tree (`dtb`), or the result's modules, firmware and \
             loaders as an `initramfs` or a `squashfs`.",
            Type::Text(TextType {
                among: &["kernel", "Image", "zImage", "bzImage", "uImage", "fit", "dtb", "initramfs", "squashfs"],
                ..TextType::default()
            }),
        )
        .example("\"uImage\""),
        option(
            "file",
            "The name of the file. Otherwise it is the output's own with an ending for the type: `.uImage`, `.itb`, \
             `.dtb`, `.cpio`, `.squashfs`, for a kernel that of its compression.",
            Type::Text(TextType { noun: Some("file name"), check: Some(output_name), ..TextType::default() }),
        )
        .example("\"openwrt-kernel.bin\""),
        option(
            "compression",
            "How it is compressed. By default a kernel is not compressed; an initramfs or squashfs has the best \
             compression that the kernel can read.",
            Type::Text(TextType {
                among: &["none", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"],
                ..TextType::default()
            }),
        )
        .example("\"lzma\""),
    ];
    entries.extend(kernels());
    entries.extend(device_trees());
    entries.extend(file_systems());
    entries
}

fn kernels() -> Vec<Declaration> {
    let address = || {
        let check: kiln_recipe::Check = |text| address(text).map(drop);
        Type::Text(TextType { noun: Some("address"), takes_int: true, check: Some(check), ..TextType::default() })
    };
    let image = TextType { noun: Some("target"), check: Some(kernel::make_target), ..TextType::default() };
    let title = TextType { noun: Some("text"), non_empty: true, check: Some(name::one_line), ..TextType::default() };
    vec![
        option(
            "image",
            "The kernel's image: a target of its makefiles, which does not have to be in `kernel.makeTargets`. \
             Otherwise it is what boot loaders of the architecture take: `bzImage`, `zImage` on arm, `Image` on arm64 \
             and riscv, `vmlinux.bin` on mips.",
            Type::Text(image),
        )
        .example("\"vmlinux.bin\""),
        option(
            "appendedDtb",
            "The output of type `dtb` that is appended to the kernel, if the kernel supports that (on arm and mips).",
            reference(),
        )
        .example("\"board\""),
        option(
            "loadAddress",
            "Where the boot loader puts the kernel. On mips it can be left out: it is read from `vmlinux`.",
            address(),
        )
        .example("\"0x80000000\""),
        option(
            "entryPoint",
            "Where the boot loader starts the kernel. By default it is the load address, on mips the entry point of \
             `vmlinux`.",
            address(),
        )
        .example("\"0x80000000\""),
        option(
            "title",
            "The name in the image's header. Otherwise it is `Linux-` with the release.",
            Type::Text(title),
        ),
        option(
            "dtbs",
            "The outputs of type `dtb` that a FIT has, each with a configuration; the first one's is the default.",
            list(reference()),
        )
        .example("[\"board\"]"),
        option("initramfs", "The output of type `initramfs` that a FIT has.", reference()).example("\"rescue\""),
    ]
}

fn device_trees() -> Vec<Declaration> {
    let path = || TextType { noun: Some("path"), non_empty: true, check: Some(name::one_line), ..TextType::default() };
    vec![
        option("dts", "The source of a device tree, a file of your own.", Type::Text(path()))
            .example("\"./board.dts\""),
        option(
            "inTree",
            "The source of a device tree in the kernel's tree, below `arch/SRCARCH/boot/dts`.",
            Type::Text(TextType { check: Some(in_tree), ..path() }),
        )
        .example("\"qca/ar9331_carambola2\""),
        option(
            "includes",
            "Directories in which a device tree's includes are looked for, after its own directory and before those \
             of the kernel's tree.",
            list(Type::Text(path())),
        )
        .example("[\"./dts\"]"),
        option("symbols", "Whether a device tree has the symbols that overlays need.", Type::Bool).example("true"),
    ]
}

fn file_systems() -> Vec<Declaration> {
    let path = TextType { noun: Some("path"), non_empty: true, ..TextType::default() };
    let size = TextType {
        noun: Some("size"),
        takes_int: true,
        check: Some(|text| block_size(text).map(drop)),
        ..TextType::default()
    };
    vec![
        option(
            "services",
            "The service manager whose services are in the image beside the scripts in `/lib/kmodloader`: none \
             (`sh`), source directories in `/etc/s6-rc/source`, units in `/lib/systemd/system`, scripts in \
             `/etc/init.d`.",
            Type::Text(TextType { among: &["sh", "s6-rc", "systemd", "openrc"], ..TextType::default() }),
        )
        .example("\"s6-rc\""),
        option(
            "files",
            "More files and directories for the image: the path in it, and the file or directory here.",
            AttrsOf { placeholder: "PATH", key: Some(name::guest_path), shape: Box::new(Type::Text(path).into()) },
        )
        .example("files.\"/init\" = \"./init.sh\""),
        option("boot", "Other outputs, whose files the image has in `/boot`.", list(reference()))
            .example("[\"kernel\"]"),
        option("blockSize", "The block size of a squashfs: a power of two from `4K` to `1M`.", Type::Text(size))
            .example("\"256K\""),
    ]
}

fn reference() -> Type {
    Type::Text(TextType { noun: Some("output"), check: Some(output_name), ..TextType::default() })
}

/// Checks the name of an output or of its file: safe for files and for nodes of a device tree.
fn output_name(name: &str) -> Result<(), Fault> {
    let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.+".contains(c));
    if sound && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && name.len() <= 100 {
        return Ok(());
    }
    let message = format!("`{}` cannot be the name of an output or its file", name.escape_debug());
    Err(Fault::new(message)
        .help("a name has letters, digits, `_`, `-`, `.` and `+`, and begins with a letter or digit"))
}

/// Checks an address: hexadecimal after `0x`, or decimal.
pub(crate) fn address(text: &str) -> Result<u64, Fault> {
    let digits = text.trim().replace('_', "");
    let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => u64::from_str_radix(hex, 16),
        Some(_) => "".parse(),
        None => digits.parse(),
    };
    parsed.map_err(|_| {
        Fault::new(format!("`{}` is not an address", text.escape_debug())).help("write it as in `\"0x80000000\"`")
    })
}

/// Checks a squashfs's block size in bytes.
pub(crate) fn block_size(text: &str) -> Result<u32, Fault> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1 << 10),
        None => text.strip_suffix(['M', 'm']).map_or((text, 1), |digits| (digits, 1 << 20)),
    };
    let size = digits.parse::<u32>().ok().and_then(|size| size.checked_mul(unit));
    size.filter(|size| size.is_power_of_two() && (4 << 10..=1 << 20).contains(size)).ok_or_else(|| {
        let message = format!("`{}` is not the size of a block", text.escape_debug());
        Fault::new(message).help("it is a power of two from `4K` to `1M`")
    })
}

fn in_tree(text: &str) -> Result<(), Fault> {
    name::one_line(text)?;
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let message = format!("`{text}` is not the path of a file below `arch/SRCARCH/boot/dts`");
        return Err(Fault::new(message).help("a file of your own is named with `dts`"));
    }
    Ok(())
}
