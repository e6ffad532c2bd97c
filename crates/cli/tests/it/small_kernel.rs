//! The smallest kernel that has a module: firmware from end to end, and the same bytes wherever and however it is built.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kiln_testkit::assert_has;

use crate::sandbox::Sandbox;

/// A driver that names firmware, and debug information, which has paths in it.
const RECIPE: &str = r#"
[kernel]
src = { apt = "linux-source-6.12" }
arch = "x86_64"
baseConfig = "tinyconfig"
makeTargets = ["bzImage"]
extraPatchPhase = '''
cat > lib/probe_firmware.c <<'EOF'
#include <linux/module.h>
static int __init probe_init(void) { return 0; }
static void __exit probe_exit(void) { }
module_init(probe_init);
module_exit(probe_exit);
MODULE_FIRMWARE("probe/one.bin");
MODULE_FIRMWARE("probe/two.bin");
MODULE_DESCRIPTION("names firmware");
MODULE_LICENSE("GPL");
EOF
echo 'obj-$(CONFIG_CRC_CCITT) += probe_firmware.o' >> lib/Makefile
'''

[kernel.config]
64BIT = "y"
MODULES = "y"
PRINTK = "y"
CRC_CCITT = "m"
FW_LOADER = "y"
FW_LOADER_COMPRESS = "y"
FW_LOADER_COMPRESS_XZ = "y"
EXPERT = "y"
DEBUG_KERNEL = "y"
DEBUG_INFO_DWARF5 = "y"

[kmodloader.probe]
targets = ["probe_firmware", "crc-ccitt"]
"#;

#[test]
#[ignore = "slow: builds a kernel"]
fn firmware_that_a_module_names_is_found_refused_or_allowed() {
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", RECIPE);
    let ran =
        sandbox.kiln(&["build"]).expect(1).says("missing-firmware").says("`probe/one.bin`").says("`probe/two.bin`");
    assert!(ran.stderr.contains("`probe_firmware`"), "{}", ran.block());
    assert!(!sandbox.path().join("result").exists());

    sandbox.file("blobs/probe/one.bin", "one").file("blobs/unwanted.bin", "no one asks for this");
    sandbox.file("kiln.toml", format!("{RECIPE}[hardware]\nfirmware = [\"blobs\"]\n"));
    let ran = sandbox.kiln(&["build"]).expect(1).says("`probe/two.bin`").says("kiln.toml:");
    assert!(!ran.stderr.contains("`probe/one.bin`"), "{}", ran.block());

    let allowed = "[hardware]\nfirmware = [\"blobs\"]\nfirmwareMissing = [\"probe/t*.bin\"]\n";
    sandbox.file("kiln.toml", format!("{RECIPE}{allowed}"));
    sandbox.kiln(&["build"]).expect(0);
    // As the kernel reads it, and uncompressed where that is requested.
    let packed = sandbox.path().join("result/lib/firmware/probe/one.bin.xz");
    let unpacked = std::process::Command::new("xz").arg("-dc").arg(&packed).output().expect("xz");
    assert_eq!(unpacked.stdout, b"one");
    assert_eq!(fs::read(&packed).expect("packed")[7], 1, "the kernel's decoder knows CRC32 only");
    sandbox.file("kiln.toml", format!("{RECIPE}{allowed}firmwareCompression = \"none\"\n"));
    sandbox.kiln(&["build"]).expect(0);
    let firmware = files(&sandbox.path().join("result/lib/firmware"));
    assert_eq!(firmware, BTreeMap::from([("probe/one.bin".to_owned(), b"one".to_vec())]));
    sandbox.file("kiln.toml", format!("{RECIPE}{allowed}firmwareCompression = \"zstd\"\n"));
    sandbox
        .kiln(&["build"])
        .expect(1)
        .says("unreadable-compression")
        .says("FW_LOADER_COMPRESS_ZSTD")
        .says("kiln.toml:");
}

/// Nothing is compiled: the makefiles, the Kconfig files and the resolved config answer.
#[test]
#[ignore = "slow: downloads a kernel's source"]
fn names_lead_to_each_other() {
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", RECIPE);
    let by_module = sandbox.kiln(&["find", "crc-ccitt"]).expect(0);
    for line in [
        "CONFIG_CRC_CCITT=m  \"CRC-CCITT functions\"",
        "  module crc_ccitt, lib/Makefile:",
        "    lib/crc-ccitt.c",
        "  module probe_firmware, lib/Makefile:",
    ] {
        let whole = sandbox.kiln(&["find", "CRC_CCITT"]).expect(0);
        assert!(whole.stdout.contains(line), "{line}: {}", whole.block());
    }
    assert!(by_module.stdout.starts_with("CONFIG_CRC_CCITT=m"), "{}", by_module.block());
    for word in ["lib/crc-ccitt.c", "crc-ccitt.c", "CRC-CCITT functions"] {
        let ran = sandbox.kiln(&["find", "--json", word]).expect(0);
        let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(shown["found"][0]["symbol"]["name"], "CRC_CCITT", "{}", ran.block());
    }
    let off = sandbox.kiln(&["find", "nft_ct"]).expect(0);
    for part in ["CONFIG_NFT_CT=n", "net/netfilter/Kconfig:", "depends on", "NF_CONNTRACK=n"] {
        assert!(off.stdout.contains(part), "{part}: {}", off.block());
    }
    sandbox.kiln(&["find", "nft_cd"]).expect(1).says("nothing in Linux 6.12").says("nft_ct");
}

/// Returns the store's kernels, and when each of Kbuild's logs was written.
fn compiled(store: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<std::time::SystemTime>) {
    let entries = |folder: &str| fs::read_dir(store.join(folder)).expect("directory").flatten();
    let kernels = entries("results").map(|entry| entry.file_name().to_string_lossy().into_owned());
    let kernels = kernels.filter(|name| name.ends_with("-kernel")).map(|name| (name, Vec::new())).collect();
    let logs = entries("cache/logs").map(|entry| entry.metadata().expect("log").modified().expect("time"));
    (kernels, logs.collect())
}

/// The number of kills of the build, from `KILN_KILLS`.
fn n_kills() -> u32 {
    std::env::var("KILN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// A build that is killed again and again, in another directory and with more compilers, ends with the bytes of one
/// that was not. Then a comment compiles nothing, and after a change of loaders only their closures are computed again.
#[test]
#[ignore = "slow: builds a kernel"]
fn the_bytes_depend_neither_on_the_folder_nor_on_kills() {
    let recipe = format!("{RECIPE}[hardware]\nfirmwareMissing = [\"probe/*\"]\n");
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", &recipe).kiln(&["build"]).expect(0);
    let shared = files(&sandbox.path().join("result"));

    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", &recipe);
    let mut chance: u64 = 1;
    for _ in 0..n_kills() {
        let mut child = sandbox.start(&["build", "-j", "3"]);
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(std::time::Duration::from_millis(200 + (chance >> 33) % 12_000));
        child.kill().expect("kiln is killed, or has ended");
        child.wait().expect("kiln ends");
    }
    sandbox.kiln(&["build", "-j", "3"]).expect(0);
    let own = files(&sandbox.path().join("result"));
    assert!(shared.contains_key("kernel/vmlinux") && shared.contains_key("kernel/bzImage"));
    assert!(shared.keys().any(|name| name.ends_with("crc-ccitt.ko")));
    assert_eq!(shared.keys().collect::<Vec<_>>(), own.keys().collect::<Vec<_>>());
    let different: Vec<&String> = shared.keys().filter(|&name| shared[name] != own[name]).collect();
    assert!(different.is_empty(), "not the same bytes: {different:?}");

    let before = compiled(&sandbox.path().join("store"));
    let result = || fs::read_link(sandbox.path().join("result")).expect("a result");
    let first = result();
    sandbox.file("kiln.toml", recipe.replace("[kmodloader", "# a comment\n[kmodloader")).kiln(&["build"]).expect(0);
    sandbox.file("kiln.toml", recipe.replace(", \"crc-ccitt\"]", "]")).kiln(&["build"]).expect(0);
    assert_ne!(result(), first);
    assert_eq!(compiled(&sandbox.path().join("store")), before, "something was compiled");
    let listed = sandbox.kiln(&["generations", "--json"]).expect(0);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let numbers: Vec<&serde_json::Value> =
        listed["generations"].as_array().expect("list").iter().map(|one| &one["number"]).collect();
    // The comment moved the lines of the loader, which are part of a result; nothing else made a generation.
    assert!(numbers.len() >= 2 && numbers.len() <= 3, "{listed}");

    // Garbage collection keeps what they need: the next build finds all of it.
    sandbox.kiln(&["gc"]).expect(0);
    sandbox.kiln(&["build"]).expect(0);
    assert_eq!(compiled(&sandbox.path().join("store")), before, "something was compiled");
}

/// With a module from outside of the tree, which must be built with the same compiler.
#[test]
#[ignore = "slow: builds a kernel"]
fn clang_builds_a_kernel_and_modules_for_it() {
    assert_has(&["clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-strip"]);
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("own/own.c", "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n");
    sandbox.file("own/Kbuild", "obj-m := own.o\n");
    let kernel = "toolchain = \"llvm\"\nextraModules = [\"./own\"]\nmakeTargets";
    let recipe = RECIPE.replace("makeTargets", kernel).replace("\"crc-ccitt\"]", "\"crc-ccitt\", \"own\"]");
    sandbox.file("kiln.toml", format!("{recipe}[hardware]\nfirmwareMissing = [\"probe/*\"]\n"));
    sandbox.kiln(&["build", "--verify"]).expect(0).says("verified: two builds gave the same bytes");
    let result = files(&sandbox.path().join("result"));
    let manifest: serde_json::Value = serde_json::from_slice(&result["manifest.json"]).expect("JSON");
    let first = manifest["kernel"]["toolchain"][0].as_str().expect("a compiler");
    assert!(first.starts_with("clang: ") && first.contains("clang version"), "{manifest:#}");
    // Each object names its compiler in `.comment`.
    let has = |name: &str, text: &[u8]| result[name].windows(text.len()).any(|window| window == text);
    let modules: Vec<&String> = result.keys().filter(|name| name.ends_with(".ko")).collect();
    assert_eq!(modules.len(), 3, "{modules:?}");
    for name in modules.into_iter().map(String::as_str).chain(["kernel/vmlinux"]) {
        assert!(has(name, b"clang version") && !has(name, b"GCC: ("), "{name}");
    }
}

#[test]
#[ignore = "slow: builds a kernel"]
fn a_second_build_in_an_empty_folder_is_compared() {
    let sandbox = Sandbox::with_shared_store();
    sandbox.file("kiln.toml", format!("{RECIPE}[hardware]\nfirmwareMissing = [\"probe/*\"]\n"));
    sandbox.kiln(&["build", "--verify"]).expect(0).says("verified: two builds gave the same bytes");
}

#[test]
#[ignore = "slow: builds a kernel"]
fn extra_modules_are_compared_as_they_are() {
    let sandbox = Sandbox::with_shared_store();
    let recipe = RECIPE
        .replace("[kernel]\n", "[kernel]\nextraModules = [\"./own\"]\n")
        .replace("targets = [", "targets = [\"own\", ");
    sandbox.file("kiln.toml", format!("{recipe}[hardware]\nfirmwareMissing = [\"probe/*\"]\n"));
    sandbox.file("own/Kbuild", "obj-m := own.o\n");
    sandbox.file("own/own.c", "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"own\");\n");
    sandbox.kiln(&["build", "--verify"]).expect(0).says("verified: two builds gave the same bytes");
    // Each build of it sees another time.
    sandbox.file("own/Kbuild", "obj-m := own.o\nccflags-y += -DNOW='\"$(shell date +%s%N)\"'\n");
    sandbox.file("own/own.c", "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(NOW);\n");
    let ran = sandbox.kiln(&["build", "--verify"]).expect(4).says("two builds differ in ").says("/updates/own.ko");
    assert!(!ran.stderr.contains("crc-ccitt.ko"), "{}", ran.block());
}

/// Returns all files below a directory, links followed, by their path.
fn files(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("directory") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(top).expect("below").display().to_string();
                found.insert(name, fs::read(&path).expect("file"));
            }
        }
    }
    found
}
