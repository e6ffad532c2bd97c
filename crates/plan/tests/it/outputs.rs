//! The option `outputs`: its results and its faults.

use expect_test::{Expect, expect};
use kiln_plan::outputs::order;
use kiln_plan::{Evaluated, evaluate};

use crate::fixture::{Files, evaluated, findings};

fn finds(recipe: &str, expect: Expect) {
    let (sources, evaluation) = evaluated(&Files::parse(recipe));
    expect.assert_eq(&findings(&sources, &evaluation.diagnostics));
}

fn sound(recipe: &str) -> Evaluated {
    let (sources, evaluation) = evaluated(&Files::parse(recipe));
    let said = findings(&sources, &evaluation.diagnostics);
    evaluation.evaluated.unwrap_or_else(|| panic!("{said}"))
}

/// One of each type, for a router with U-Boot.
const WHOLE: &str = r#"
[kernel]
arch = "arm"
makeTargets = ["zImage", "dtbs"]
[outputs.plain]
type = "kernel"
image = "Image"
compression = "gzip"
[outputs.board]
type = "dtb"
dts = "./boards/own.dts"
includes = ["./dts"]
[outputs.other]
type = "dtb"
inTree = "vendor/board.dtb"
[outputs.one]
type = "uImage"
compression = "lzma"
loadAddress = "0x8000_8000"
appendedDtb = "board"
[outputs."rescue.cpio"]
type = "initramfs"
files."/init" = "./init"
boot = ["one"]
[outputs.all]
type = "fit"
loadAddress = 0x80008000
entryPoint = "0x80008040"
dtbs = ["board", "other"]
initramfs = "rescue.cpio"
[outputs.root]
type = "squashfs"
file = "root.img"
services = "s6-rc"
compression = "xz"
blockSize = "256K"
"#;

#[test]
fn all_types_together() {
    let evaluated = sound(WHOLE);
    assert_eq!(evaluated.make_targets(), ["zImage", "dtbs", "Image"]);
    let shown = evaluated.outputs.values().map(|output| {
        let needs: Vec<&str> = output.kind.needs().iter().map(|(_, name)| name.value.as_str()).collect();
        format!("{} {} {} {needs:?}\n", output.name, output.kind.word(), output.file)
    });
    expect![[r#"
        all fit all.itb ["board", "other", "rescue.cpio"]
        board dtb board.dtb []
        one uImage one.uImage ["board"]
        other dtb other.dtb []
        plain kernel plain.gz []
        rescue.cpio initramfs rescue.cpio ["one"]
        root squashfs root.img []
    "#]]
    .assert_eq(&shown.collect::<String>());
    let order = order(&evaluated.outputs).expect("no circle");
    let at = |name: &str| order.iter().position(|one| one == name).expect("there");
    assert!(at("board") < at("one") && at("one") < at("rescue.cpio") && at("rescue.cpio") < at("all"));
}

#[test]
fn paths_are_shown_joined() {
    let recipe = format!("imports = [\"sub/part.toml\"]\n#- sub/part.toml\n{WHOLE}");
    let (sources, evaluation) = evaluated(&Files::parse(&recipe));
    let text = evaluate::text(&evaluation.evaluated.expect("sound"), &sources, false);
    for path in ["sub/boards/own.dts", "sub/dts", "sub/init"] {
        assert!(text.contains(&format!("{path}\"")), "{path}: {text}");
    }
}

#[test]
fn names_must_be_there_and_fit() {
    finds(
        "[kernel]\narch = \"arm\"\n[outputs.board]\ntype = \"dtb\"\ndts = \"a.dts\"\n[outputs.k]\ntype = \"fit\"\nloadAddress = 1\n\
         dtbs = [\"bord\", \"k\"]\ninitramfs = \"board\"\n",
        expect![[r#"
            error[bad-output]: there is no output `bord`
              option outputs.k.dtbs
              kiln.toml:9:9 written here
              help: did you mean `board`?
            error[bad-output]: `k` is of type `fit`, but type `dtb` is expected
              option outputs.k.dtbs
              kiln.toml:9:17 written here
              kiln.toml:7:1 its type
            error[bad-output]: `board` is of type `dtb`, but type `initramfs` is expected
              option outputs.k.initramfs
              kiln.toml:10:1 written here
              kiln.toml:4:1 its type
        "#]],
    );
}

#[test]
fn circles_are_shown() {
    finds(
        "[kernel]\narch = \"arm64\"\n[outputs.a]\ntype = \"fit\"\nloadAddress = 1\ninitramfs = \"b\"\n\
         [outputs.b]\ntype = \"initramfs\"\nboot = [\"c\"]\n[outputs.c]\ntype = \"squashfs\"\nboot = [\"a\"]\n",
        expect![[r#"
            error[bad-output]: outputs form a cycle: `a` needs `b` needs `c` needs `a`
              option outputs
              kiln.toml:6:1 `a` needs `b`
              kiln.toml:9:9 `b` needs `c`
              kiln.toml:12:9 `c` needs `a`
        "#]],
    );
}

#[test]
fn fields_belong_to_types() {
    finds(
        "[outputs.a]\ntype = \"dtb\"\ndts = \"a.dts\"\nloadAddress = \"0x1\"\n[outputs.b]\ncompression = \"xz\"\n\
         [outputs.c]\ntype = \"dtb\"\n[outputs.d]\ntype = \"dtb\"\ndts = \"a\"\ninTree = \"b\"\n",
        expect![[r#"
            error[bad-output]: `loadAddress` does not apply to a `dtb`
              option outputs.a.loadAddress
              kiln.toml:4:1 written here
              kiln.toml:2:1 its type
              help: it has `file`, `dts`, `inTree`, `includes`, `symbols`
            error[missing-option]: the output `b` has no `type`
              option outputs.b.type
              kiln.toml:6:1 the output is written here
              help: `kiln options outputs` shows all of them, for example `type = "uImage"`
            error[bad-output]: the device tree `c` has no source
              option outputs.c.dts
              kiln.toml:8:1 its type
              help: write either `dts = "./board.dts"` or `inTree = "vendor/board"`
            error[bad-output]: the device tree `d` has both `dts` and `inTree`
              option outputs.d.dts
              kiln.toml:10:1 its type
              help: write either `dts = "./board.dts"` or `inTree = "vendor/board"`
        "#]],
    );
}

#[test]
fn addresses_fit_the_format() {
    finds(
        "[kernel]\narch = \"arm64\"\n[outputs.a]\ntype = \"uImage\"\n\
         [outputs.b]\ntype = \"uImage\"\nloadAddress = \"0x100000000\"\n\
         [outputs.c]\ntype = \"fit\"\nloadAddress = \"0x100000000\"\nentryPoint = 0x1000\n",
        expect![[r#"
            error[bad-output]: the uImage `a` has no `loadAddress`
              option outputs.a.loadAddress
              kiln.toml:4:1 its type
              help: it is where the boot loader puts the kernel, for example `loadAddress = "0x80000000"`; it is the board's memory that decides
            error[bad-output]: a `uImage` has room for 32 bits of `loadAddress`
              option outputs.b.loadAddress
              kiln.toml:7:1 written here
              help: a `fit` has room for 64
            error[bad-output]: the entry point 0x1000 is before the image, which begins at 0x100000000
              option outputs.c.entryPoint
              kiln.toml:11:1 written here
        "#]],
    );
    finds(
        "[outputs.a]\ntype = \"uImage\"\nloadAddress = \"80g\"\n",
        expect![[r#"
        error[type]: `outputs.a.loadAddress`: `80g` is not an address
          option outputs.a.loadAddress
          kiln.toml:3:15
          help: write it as in `"0x80000000"`
    "#]],
    );
}

#[test]
fn a_64_bit_mips_has_addresses_with_their_sign() {
    sound("[kernel]\narch = \"mips\"\n[outputs.a]\ntype = \"uImage\"\nloadAddress = \"0xffffffff80100000\"\n");
    sound("[kernel]\narch = \"mips\"\n[outputs.a]\ntype = \"uImage\"\n");
}

#[test]
fn boot_loaders_take_plain_images_in_ways_they_know() {
    finds(
        "[kernel]\narch = \"arm64\"\n[outputs.a]\ntype = \"uImage\"\nloadAddress = 1\nimage = \"vmlinux\"\n\
         [outputs.b]\ntype = \"fit\"\nloadAddress = 1\nimage = \"Image.gz\"\n\
         [outputs.c]\ntype = \"fit\"\nloadAddress = 1\ncompression = \"xz\"\n\
         [outputs.d]\ntype = \"squashfs\"\ncompression = \"bzip2\"\n\
         [outputs.e]\ntype = \"uImage\"\nloadAddress = 1\ntitle = \"a name that is longer than a header has room\"\n",
        expect![[r#"
            error[bad-output]: `vmlinux` is an ELF file, and a `uImage` takes a plain image
              option outputs.a.image
              kiln.toml:6:1 written here
              help: write `image = "vmlinux.bin"`, where the architecture has it
            error[bad-output]: `Image.gz` is already compressed, which the header would not record
              option outputs.b.image
              kiln.toml:10:1 written here
              help: write `image = "Image"` and `compression`
            error[bad-output]: U-Boot does not support the compression `xz`
              option outputs.c.compression
              kiln.toml:12:1 its type
            error[bad-output]: Linux's squashfs does not support the compression `bzip2`
              option outputs.d.compression
              kiln.toml:17:1 written here
            error[bad-output]: a `uImage`'s title has at most 32 bytes
              option outputs.e.title
              kiln.toml:19:1 its type
        "#]],
    );
}

#[test]
fn files_have_names_of_their_own() {
    finds(
        "[kernel]\narch = \"arm\"\n[outputs.a]\ntype = \"zImage\"\nfile = \"k\"\n[outputs.k]\ntype = \"Image\"\n",
        expect![[r#"
            error[bad-output]: the outputs `a` and `k` are both the file `k`
              option outputs.k.file
              kiln.toml:7:1 its type
              kiln.toml:4:1 the other one
        "#]],
    );
    finds(
        "[outputs.\"../b\"]\ntype = \"Image\"\n",
        expect![[r#"
            error[name]: `../b` cannot be the name of an output or its file
              option outputs."../b"
              kiln.toml:1:10
              help: a name has letters, digits, `_`, `-`, `.` and `+`, and begins with a letter or digit
        "#]],
    );
}

#[test]
fn some_architectures_have_no_usual_image() {
    finds(
        "[kernel]\narch = \"s390\"\n[outputs.k]\ntype = \"kernel\"\n",
        expect![[r#"
            error[missing-option]: the output `k` has no `image`
              option outputs.k.image
              kiln.toml:4:1 its type
              help: write which target of `s390`'s makefiles it is made of
        "#]],
    );
}
