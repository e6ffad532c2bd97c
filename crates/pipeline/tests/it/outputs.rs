//! Outputs of a kernel in miniature, examined with the usual programs.
//!
//! A test that needs a program which the host lacks is skipped, and that is printed; CI has them all.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test asks the oracles, and says what it leaves out"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_assembly::manifest::{KernelEntry, MANIFEST_VERSION, Manifest, Sizes};
use kiln_assembly::{Assembly, Content};
use kiln_diag::Sources;
use kiln_kbuild::kernel::Kernel;
use kiln_kbuild::toolchain::{Host, Programs, Target, Toolchain};
use kiln_pipeline::outputs::{Made, OutputContext, OutputError, make};
use kiln_plan::evaluate::{Setting, evaluate};
use kiln_plan::{Arch, KeyWriter};
use kiln_recipe::{Fault, Found, Reader};
use kiln_store::{Silent, Store};

/// Returns the host, with the programs of outputs.
fn host() -> Host {
    Host::new("/usr/local/bin:/usr/bin:/bin")
}

/// A recipe's directory, a tree that can build `dtc`, a kernel in the store's layout, and a store.
struct Ground {
    dir: tempfile::TempDir,
}

/// A recipe in memory, of a directory.
struct OneFile {
    text: String,
    dir: String,
}

impl Reader for OneFile {
    fn find(&self, _: &str, name: &str) -> Result<Found, Fault> {
        Ok(Found { identity: name.to_owned(), name: name.to_owned(), dir: self.dir.clone() })
    }

    fn read(&self, _: &Found) -> Result<Vec<u8>, Fault> {
        Ok(self.text.clone().into_bytes())
    }
}

const RECIPE: &str = r#"
[kernel]
arch = "mips"
[outputs.board]
type = "dtb"
dts = "own.dts"
includes = ["more"]
[outputs.one]
type = "uImage"
compression = "lzma"
appendedDtb = "board"
[outputs.rescue]
type = "initramfs"
compression = "none"
files."/init" = "init"
files."/etc" = "etc"
boot = ["one"]
[outputs.all]
type = "fit"
compression = "gzip"
dtbs = ["board"]
initramfs = "rescue"
loadAddress = "0x80200000"
entryPoint = "0x80200010"
[outputs.root]
type = "squashfs"
services = "s6-rc"
files."/etc" = "etc"
"#;

impl Ground {
    fn new() -> Ground {
        let ground = Ground { dir: tempfile::tempdir().unwrap() };
        ground.write(
            "tree/Makefile",
            "scripts_dtc:\n\tmkdir -p $(O)/scripts/dtc && cp /usr/bin/dtc $(O)/scripts/dtc/dtc\n",
        );
        ground.write("tree/arch/mips/boot/dts/vendor/base.dtsi", "/ { compatible = \"acme,base\"; };\n");
        ground.write("tree/scripts/dtc/include-prefixes/dt-bindings/x.h", "#define FROM_TREE 3\n");
        let dts = "/dts-v1/;\n#include \"vendor/base.dtsi\"\n#include <dt-bindings/x.h>\n#include \"mine.h\"\n\
                   / { model = \"own\"; value = <FROM_TREE MINE>; data = /incbin/(\"blob\"); };\n";
        ground.write("own.dts", dts);
        ground.write("more/mine.h", "#define MINE 4\n");
        ground.write("blob", "1234");
        ground.write("init", "#!/bin/sh\n");
        ground.write("etc/passwd", "root:x:0:0::/:/bin/sh\n");
        std::os::unix::fs::symlink("passwd", ground.at("etc/shadow")).unwrap();
        fs::write(ground.at("plain"), vec![0x5a; 100_000]).unwrap();
        fs::create_dir_all(ground.at("kernel/kernel")).unwrap();
        fs::rename(ground.at("plain"), ground.at("kernel/kernel/vmlinux.bin")).unwrap();
        fs::write(ground.at("kernel/kernel/vmlinux"), vmlinux()).unwrap();
        ground
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes the outputs of a recipe in the store `store`.
    fn make(&self, recipe: &str, store: &str) -> Result<BTreeMap<String, Made>, OutputError> {
        let setting = Setting { host: Arch::parse("x86_64").unwrap(), version: None };
        let reader = OneFile { text: recipe.to_owned(), dir: self.dir.path().display().to_string() };
        let evaluation = evaluate("kiln.toml", &reader, &setting, &mut Sources::new());
        let evaluated = evaluation.evaluated.unwrap_or_else(|| panic!("{:?}", evaluation.diagnostics));
        let store = Store::open(&self.at(store)).unwrap();
        let (host, toolchain) = (host(), Toolchain::discover(&host(), &Programs::gnu("")).unwrap());
        let key = KeyWriter::new("test").finish();
        let kernel =
            Kernel { dir: self.at("kernel"), key, release: "6.12.1".to_owned(), images: Vec::new(), work: key };
        let target = Target { arch: "mips".into(), srcarch: "mips".into(), programs: Programs::gnu("") };
        let context = OutputContext {
            store: &store,
            host: &host,
            progress: &Silent,
            tree: &self.at("tree"),
            tree_key: &key,
            target: &target,
            arch: evaluated.kernel.arch.value,
            toolchain: &toolchain,
            config_text: "CONFIG_BLK_DEV_INITRD=y\n",
            kernel: &kernel,
            assembly: &assembly(),
        };
        make(&context, &evaluated.outputs)
    }
}

/// Returns the result's own files.
fn assembly() -> Assembly {
    let text = |text: &str, mode| Content::Bytes { bytes: text.as_bytes().to_vec(), mode };
    let files = [
        ("lib/modules/6.12.1/modules.dep", text("", 0o644)),
        ("lib/firmware/a.bin", text("a", 0o644)),
        ("lib/firmware/b.bin", Content::Link("a.bin".to_owned())),
        ("services/sh/net", text("#!/bin/sh\n", 0o755)),
        ("services/s6-rc/kmodloader-net/up", text("up", 0o644)),
        ("services/systemd/kmodloader-net.service", text("unit", 0o644)),
    ];
    let kernel = KernelEntry {
        release: "6.12.1".to_owned(),
        arch: "mips".to_owned(),
        machine: "mips".to_owned(),
        modular: true,
        source: String::new(),
        toolchain: Vec::new(),
        keys: BTreeMap::new(),
        images: Vec::new(),
    };
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        kiln: String::new(),
        kernel,
        requests: BTreeMap::new(),
        loaders: BTreeMap::new(),
        firmware: BTreeMap::new(),
        outputs: BTreeMap::new(),
        left_out: Vec::new(),
        left_out_aliases: BTreeMap::new(),
        sizes: Sizes { modules: 0, module_bytes: 0, all_modules: 0, all_module_bytes: 0 },
    };
    Assembly { files: files.map(|(path, content)| (path.to_owned(), content)).into(), manifest }
}

/// Returns a big-endian executable that is linked for 0x80100000 and starts a little after that.
fn vmlinux() -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1, 2]);
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    put(24, 0x8010_0040);
    put(28, 64);
    // The size of a segment's header, and that there is one.
    put(42, 32 << 16 | 1);
    put(64, 1);
    put(76, 0x8010_0000);
    put(80, 16);
    bytes
}

/// Returns the output of a program about `file`; `None` when the host has no such program.
fn said(program: &str, args: &[&str], file: &Path) -> Option<String> {
    let output = Command::new(program).args(args).arg(file).env("TZ", "UTC").output().ok();
    let Some(output) = output else {
        eprintln!("left out: the host has no {program}");
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn has_all() -> bool {
    let missing = ["mkimage", "dumpimage", "dtc", "mksquashfs", "unsquashfs", "cpio"]
        .iter()
        .find(|name| !Path::new("/usr/bin").join(name).exists());
    if let Some(name) = missing {
        eprintln!("left out: the host has no {name}");
    }
    missing.is_none()
}

fn contains_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn boot_loaders_read_the_images() {
    if !has_all() {
        return;
    }
    let ground = Ground::new();
    let made = ground.make(RECIPE, "store").unwrap();
    let uimage = said("dumpimage", &["-l"], &made["one"].path).unwrap();
    contains_all(
        &uimage,
        &[
            "Linux-6.12.1",
            "MIPS Linux Kernel Image (lzma compressed)",
            "Load Address: 80100000",
            "Entry Point:  80100040",
            "1970",
        ],
    );
    // After the header of 64 bytes: the kernel with its device tree, compressed.
    let packed = fs::read(&made["one"].path).unwrap()[64..].to_vec();
    fs::write(ground.at("kernel.lzma"), &packed).unwrap();
    let plain =
        Command::new("xz").args(["-dc", "--format=lzma"]).arg(ground.at("kernel.lzma")).output().unwrap().stdout;
    let dtb = fs::read(&made["board"].path).unwrap();
    assert_eq!(plain, [vec![0x5a; 100_000], dtb.clone()].concat());

    let fit = said("dumpimage", &["-l"], &made["all"].path).unwrap();
    contains_all(
        &fit,
        &[
            "gzip compressed",
            "Load Address: 0x80200000",
            "Entry Point:  0x80200010",
            "Default Configuration: 'conf-board'",
            "FDT:          fdt-board",
            "Init Ramdisk: ramdisk-1",
            "sha256",
        ],
    );
    for (position, expected) in [("1", dtb), ("2", fs::read(&made["rescue"].path).unwrap())] {
        let taken = ground.at("taken");
        said("dumpimage", &["-T", "flat_dt", "-p", position, "-o", taken.to_str().unwrap()], &made["all"].path)
            .unwrap();
        assert_eq!(fs::read(&taken).unwrap(), expected, "part {position}");
    }
    let source = said("dtc", &["-q", "-I", "dtb", "-O", "dts"], &made["board"].path).unwrap();
    contains_all(&source, &["acme,base", "value = <0x03 0x04>;", "data = <0x31323334>;"]);
}

#[test]
fn images_of_files_have_what_the_device_needs() {
    if !has_all() {
        return;
    }
    let ground = Ground::new();
    let made = ground.make(RECIPE, "store").unwrap();
    fs::create_dir(ground.at("unpacked")).unwrap();
    let archive = fs::File::open(&made["rescue"].path).unwrap();
    let cpio =
        Command::new("cpio").args(["-idm", "--quiet"]).current_dir(ground.at("unpacked")).stdin(archive).status();
    assert!(cpio.unwrap().success());
    let text = |name: &str| fs::read_to_string(ground.at("unpacked").join(name)).unwrap();
    assert_eq!(text("init"), "#!/bin/sh\n");
    assert_eq!(text("lib/kmodloader/net"), "#!/bin/sh\n");
    assert_eq!(text("lib/firmware/b.bin"), "a");
    assert_eq!(text("etc/shadow"), text("etc/passwd"));
    assert_eq!(fs::read(ground.at("unpacked/boot/one.uImage")).unwrap(), fs::read(&made["one"].path).unwrap());
    assert!(!ground.at("unpacked/etc/s6-rc").exists());

    let listing = said("unsquashfs", &["-lln"], &made["root"].path).unwrap();
    contains_all(
        &listing,
        &[
            "-rwxr-xr-x 0/0",
            "1970-01-01 00:00 squashfs-root/lib/kmodloader/net",
            "etc/s6-rc/source/kmodloader-net/up",
            "lib/firmware/b.bin -> a.bin",
            "etc/shadow -> passwd",
        ],
    );
    assert!(!listing.contains("systemd"), "{listing}");
    assert_eq!(made["root"].entry.compression, "gzip");
}

#[test]
fn equal_inputs_give_equal_bytes_and_keys_follow_contents() {
    if !has_all() {
        return;
    }
    let (here, there) = (Ground::new(), Ground::new());
    let (one, two) = (here.make(RECIPE, "store").unwrap(), there.make(RECIPE, "elsewhere").unwrap());
    for (name, made) in &one {
        assert_eq!(made.key, two[name].key, "{name}");
        assert_eq!(fs::read(&made.path).unwrap(), fs::read(&two[name].path).unwrap(), "{name}");
    }
    let changed = |one: &BTreeMap<String, Made>, two: &BTreeMap<String, Made>| {
        one.keys().filter(|name| one[*name].key != two[*name].key).cloned().collect::<Vec<_>>().join(" ")
    };
    // A file that a device tree does not include has no effect; one that it includes, preprocessor or not, has.
    here.write("more/other.h", "");
    assert_eq!(changed(&one, &here.make(RECIPE, "store").unwrap()), "");
    here.write("blob", "5678");
    assert_eq!(changed(&one, &here.make(RECIPE, "store").unwrap()), "all board one rescue");
    here.write("blob", "1234");
    here.write("etc/passwd", "");
    assert_eq!(changed(&one, &here.make(RECIPE, "store").unwrap()), "all rescue root");
    let other = RECIPE.replace("0x80200010", "0x80200020");
    assert_eq!(changed(&two, &there.make(&other, "elsewhere").unwrap()), "all");
}

#[test]
fn faults_are_told_with_what_they_are_about() {
    if !has_all() {
        return;
    }
    let ground = Ground::new();
    let fails = |recipe: &str| ground.make(recipe, "store").unwrap_err().to_string();
    let entry = RECIPE.replace("0x80200010", "0x80300000");
    assert_eq!(fails(&entry), "the entry point 0x80300000 is not in the image, which is at 0x80200000 to 0x802186a0");
    let file = RECIPE.replace("\"init\"", "\"absent\"");
    contains_all(&fails(&file), &["there is no `", "absent"]);
    let tree = RECIPE.replace("dts = \"own.dts\"", "inTree = \"base\"");
    contains_all(&fails(&tree), &["the kernel's tree has no `base.dts` below arch/mips/boot/dts"]);
    ground.write("own.dts", "/dts-v1/;\n/ { model = \"own\" };\n");
    contains_all(&fails(RECIPE), &["the device tree `board` does not compile", "own.dts:2", "syntax error"]);
    fs::copy(ground.at("kernel/kernel/vmlinux"), ground.at("kernel/kernel/vmlinux.bin")).unwrap();
    let elf = "[kernel]\narch = \"mips\"\n[outputs.one]\ntype = \"uImage\"\n";
    assert_eq!(fails(elf), "`vmlinux.bin` is an ELF file, and a `uImage` takes a plain image");
}
