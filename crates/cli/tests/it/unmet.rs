//! Each kind of unmet request on a real tree, as text for people (slow).
//!
//! The texts are under `tests/corpus/unmet`; they were read one by one, and a changed one must be read again. They name
//! lines of one point release of the tree; with another, numbers are not compared.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use expect_test::expect_file;
use kiln_testkit::assert_has;

use crate::sandbox::{KERNEL_TOOLS, Sandbox};

/// Tests run in parallel, and only one of them may fetch.
static FETCHING: Mutex<()> = Mutex::new(());

const PACKAGE: &str = "linux-source-6.12";
/// The beginning of the makefile of the point release that the texts were recorded with.
const RECORDED_WITH: &str = "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n";

/// The kernel's source, kept in the user's cache directory for all tests; fetched when it is not there.
pub(crate) fn kernel_tree() -> PathBuf {
    tree_of(PACKAGE)
}

fn tree_of(package: &str) -> PathBuf {
    assert_has(KERNEL_TOOLS);
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = home("XDG_CACHE_HOME").or_else(|| Some(home("HOME")?.join(".cache"))).expect("a home");
    let folder = cache.join("kiln-tests");
    let tree = folder.join(package);
    if !tree.join("Makefile").exists() {
        std::fs::create_dir_all(&folder).expect("directory");
        let script = format!(
            "set -e; rm -rf part-cli; mkdir part-cli; cd part-cli; apt-get download {package}; dpkg-deb -x *.deb .; \
             tar -xf usr/src/{package}.tar.*; mv {package} ..; cd ..; rm -rf part-cli"
        );
        let status = Command::new("sh").args(["-c", &script]).current_dir(&folder).status().expect("sh runs");
        assert!(status.success(), "cannot fetch {package}");
    }
    tree
}

/// Runs `kiln check` on `requests`; its output is the text of that name.
fn check(name: &str, arch: &str, base: &str, requests: &str) {
    let sandbox = Sandbox::with_shared_store();
    let tree = kernel_tree();
    sandbox.file(
        "kiln.toml",
        format!("[kernel]\nsrc = {tree:?}\narch = \"{arch}\"\nbaseConfig = \"{base}\"\n\n[kernel.config]\n{requests}"),
    );
    let ran = sandbox.kiln(&["--quiet", "--details", "check"]);
    let said = without_version(&ran.stderr);
    let told = format!("# {arch}, {base}\n{requests}\n{said}{}", ran.stdout);
    let file = format!("{}/tests/corpus/unmet/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::fs::read_to_string(tree.join("Makefile")).expect("a makefile").contains(RECORDED_WITH) {
        expect_file![file].assert_eq(&told);
    } else {
        assert_eq!(without_numbers(&told), without_numbers(&std::fs::read_to_string(&file).expect("a text")));
    }
    // The same findings end a build, and are there for programs.
    let codes = |text: &str| -> Vec<String> {
        let starts = ["error[", "warning[", "note["];
        let code =
            |line: &str| starts.iter().find_map(|start| line.strip_prefix(start)?.split(']').next().map(str::to_owned));
        text.lines().filter_map(code).collect()
    };
    if ran.code == Some(1) {
        let json = sandbox.kiln(&["check", "--json"]).expect(1).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let found = json["diagnostics"].as_array().expect("findings");
        let found: Vec<&str> = found.iter().filter_map(|finding| finding["code"].as_str()).collect();
        assert_eq!(found, codes(&said));
    }
}

/// Returns a text without its numbers, and without the spaces that align them.
fn without_numbers(text: &str) -> String {
    let line = |line: &str| {
        let words = line.split_whitespace().map(|word| word.replace(|c: char| c.is_ascii_digit(), ""));
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The compiler's version depends on the machine.
fn without_version(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once("`gcc` (").and_then(|(start, rest)| Some((start, rest.rsplit_once(") was tested")?.1))) {
            Some((start, rest)) => out += &format!("{start}`gcc` (VERSION) was tested{rest}"),
            None => out += line,
        }
    }
    out
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn unknown() {
    check("unknown", "x86_64", "x86_64_defconfig", "NETFILTR = \"y\"\nQQQQQ = \"m\"\n");
}

/// A recipe that was for 6.1, on 6.12.
#[test]
#[ignore = "slow: downloads a kernel's source"]
fn renamed() {
    // No other version that was resolved before has an influence.
    let sandbox = Sandbox::new();
    let requests = "PAGE_TABLE_ISOLATION = \"y\"\nRETPOLINE = \"y\"\nPARIDE_ATEN = { value = \"m\", optional = true }\nSLOB = { value = \"y\", optional = true }\n";
    let (old, new) = (tree_of("linux-source-6.1"), kernel_tree());
    let mut said = String::new();
    for tree in [&old, &new] {
        let kernel = format!("[kernel]\nsrc = {tree:?}\narch = \"x86_64\"\n");
        sandbox.file("kiln.toml", format!("{kernel}[kernel.config]\n{requests}"));
        said = sandbox.kiln(&["--quiet", "--details", "check"]).stderr;
    }
    let file = format!("{}/tests/corpus/unmet/renamed.txt", env!("CARGO_MANIFEST_DIR"));
    let told = format!("# from 6.1 to 6.12\n{requests}\n{said}");
    let is_recorded = |tree: &PathBuf, version: &str| {
        std::fs::read_to_string(tree.join("Makefile")).expect("a makefile").contains(version)
    };
    if is_recorded(&new, RECORDED_WITH) && is_recorded(&old, "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\n") {
        expect_file![file].assert_eq(&told);
    } else {
        assert_eq!(without_numbers(&told), without_numbers(&std::fs::read_to_string(&file).expect("a text")));
    }
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn other_arch() {
    check("other-arch", "x86_64", "x86_64_defconfig", "ARM_LPAE = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn wrong_type() {
    let requests =
        "NET = \"m\"\nNR_CPUS = \"many\"\nDEFAULT_HOSTNAME = \"y\"\nE1000 = \"yes\"\nPHYSICAL_START = \"16M\"\n";
    check("wrong-type", "x86_64", "x86_64_defconfig", requests);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn no_prompt() {
    check("no-prompt", "x86_64", "x86_64_defconfig", "NF_DEFRAG_IPV4 = \"n\"\nX86_64_SMP = \"n\"\nGARP = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn limited_to_module() {
    check("limited-to-module", "x86_64", "x86_64_defconfig", "DRM = \"m\"\nDRM_I915 = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn forced_by_select() {
    check("forced-by-select", "x86_64", "x86_64_defconfig", "FW_LOADER = \"n\"\nCRYPTO_SHA256 = \"n\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn lost_choice() {
    check("lost-choice", "x86_64", "x86_64_defconfig", "HZ_100 = \"y\"\nHZ_250 = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn out_of_range() {
    check("out-of-range", "x86_64", "x86_64_defconfig", "LOG_BUF_SHIFT = \"99\"\nNR_CPUS = \"100000\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn no_modules() {
    check("no-modules", "x86_64", "allnoconfig", "64BIT = \"y\"\nNET = \"y\"\nTLS = \"m\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn missing_tool_feature() {
    check(
        "missing-tool-feature",
        "x86_64",
        "x86_64_defconfig",
        "CFI_CLANG = \"y\"\nKCSAN_WEAK_MEMORY = \"y\"\nLTO_CLANG_FULL = \"y\"\n",
    );
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn conflicting_requests() {
    let requests =
        "DRM = \"y\"\nDRM_I915 = \"y\"\nEXPERT = \"y\"\nPREEMPT_RT = \"y\"\nWIRELESS = \"y\"\nFW_LOADER = \"n\"\n";
    check("conflicting-requests", "x86_64", "x86_64_defconfig", requests);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn hidden_prompt() {
    check("hidden-prompt", "x86_64", "x86_64_defconfig", "MULTIUSER = \"n\"\nPRINTK = \"n\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_virtio_net() {
    check("field-virtio-net", "x86_64", "allnoconfig", "VIRTIO_NET = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_netfilter_advanced() {
    let requests = "NET = \"y\"\nINET = \"y\"\nMODULES = \"y\"\nNETFILTER = \"y\"\nNETFILTER_XTABLES = \"m\"\nNF_CONNTRACK = \"m\"\n\
                    NETFILTER_NETLINK_LOG = \"m\"\nNETFILTER_XT_TARGET_TRACE = \"m\"\nIP_NF_NAT = \"m\"\nIP_NF_IPTABLES = \"m\"\nIP_NF_TARGET_NETMAP = \"m\"\n";
    check("field-netfilter-advanced", "x86_64", "allnoconfig", requests);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_arm64_command_line() {
    check("field-arm64-command-line", "arm64", "allnoconfig", "CMDLINE_FROM_BOOTLOADER = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_compressed_firmware() {
    check("field-compressed-firmware", "x86_64", "allnoconfig", "FW_LOADER_COMPRESS = \"y\"\n");
    check("field-compressed-firmware-xz", "x86_64", "allnoconfig", "FW_LOADER_COMPRESS_XZ = \"y\"\n");
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_usb_gadget_choice() {
    let requests = "MODULES = \"y\"\nUSB_SUPPORT = \"y\"\nUSB_GADGET = \"m\"\nUSB_G_DBGP = \"m\"\nUSB_G_DBGP_PRINTK = \"y\"\nUSB_G_DBGP_SERIAL = \"y\"\n";
    check("field-usb-gadget-choice", "x86_64", "allnoconfig", requests);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_debug_info_choice() {
    check("field-debug-info-choice", "x86_64", "x86_64_defconfig", "DEBUG_INFO = \"y\"\n");
    let requests = "DEBUG_INFO_DWARF5 = \"y\"\nDEBUG_INFO_NONE = \"y\"\n";
    check("field-debug-info-two", "x86_64", "x86_64_defconfig", requests);
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn field_driver_of_another_machine() {
    check(
        "field-driver-of-another-machine",
        "x86_64",
        "x86_64_defconfig",
        "PINCTRL = \"y\"\nPINCTRL_SDM845 = \"y\"\nMTK_SCPSYS = \"y\"\n",
    );
}

/// The names of the symbols that a tree's Kconfig files declare, for any architecture.
fn declared(tree: &std::path::Path) -> std::collections::BTreeSet<String> {
    let mut names = std::collections::BTreeSet::new();
    let mut directories = vec![tree.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() && !matches!(name.as_str(), "dts" | "Documentation" | "tools") {
                directories.push(entry.path());
            } else if kind.is_file() && name.starts_with("Kconfig") {
                let text = std::fs::read(entry.path()).expect("a Kconfig file");
                let text = String::from_utf8_lossy(&text).into_owned();
                let lines = text.lines().map(str::trim);
                let words = lines.filter_map(|line| line.strip_prefix("config ").or(line.strip_prefix("menuconfig ")));
                names.extend(words.map(|word| word.trim().to_owned()));
            }
        }
    }
    names
}

#[test]
#[ignore = "slow: reads all Kconfig files of two kernels"]
fn the_table_of_changes_agrees_with_the_trees() {
    let number = |version: &str| -> Vec<u32> { version.split('.').filter_map(|part| part.parse().ok()).collect() };
    for (package, version) in [("linux-source-6.1", "6.1"), (PACKAGE, "6.12")] {
        let names = declared(&tree_of(package));
        for change in kiln_advise::check::CHANGES {
            use kiln_advise::check::Fate;
            let is_done = number(change.version) <= number(version);
            assert!(!is_done || !names.contains(change.old), "{version} has {}", change.old);
            if let (true, Fate::Renamed(new) | Fate::Replaced(new)) = (is_done, change.fate) {
                assert!(names.contains(new), "{version} has no {new}");
            }
        }
    }
}
