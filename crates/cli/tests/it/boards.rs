//! Real boards of Liminix on a vanilla kernel (slow): symbols of patches are distinguished from those that do not hold.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::unmet::kernel_tree;

fn device(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/seed/devices").join(name)
}

/// A board, with some of the symbols that its requests name: by expected code, and some that must hold.
struct Board {
    name: &'static str,
    arch: &'static str,
    foreign: &'static [&'static str],
    unmet: &'static [&'static str],
    holding: &'static [&'static str],
}

const BOARDS: &[Board] = &[
    Board {
        name: "belkin-rt3200",
        arch: "arm64",
        foreign: &["MTD_NAND_MTK_BMT", "MTD_SPLIT_FIT_FW", "NVMEM_BLOCK"],
        unmet: &["MT7622_WMAC"],
        holding: &["ARCH_MEDIATEK", "PCIE_MEDIATEK"],
    },
    Board { name: "qemu-aarch64", arch: "arm64", foreign: &[], unmet: &[], holding: &["VIRTIO_NET"] },
];

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn what_only_patches_know_is_told_apart() {
    for board in BOARDS {
        let sandbox = Sandbox::with_shared_store();
        let dump: Value =
            serde_json::from_slice(&std::fs::read(device(&format!("{}.json", board.name))).expect("a dump"))
                .expect("JSON");
        sandbox.file("board.json", json!({ "kernel": dump["options"] }).to_string());
        let kernel = format!("[kernel]\nsrc = {:?}\narch = \"{}\"\n", kernel_tree(), board.arch);
        sandbox.file("kiln.toml", format!("imports = [\"./board.json\"]\n{kernel}"));
        let ran = sandbox.kiln(&["-q", "check", "--json"]);
        let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.block()));
        let by_code = found["unmetByCode"].as_object().expect("codes");
        let of = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<&str> {
            let lists = by_code.iter().filter(|(code, _)| is_wanted(code)).flat_map(|(_, list)| list.as_array());
            lists.flatten().filter_map(Value::as_str).collect()
        };
        let (foreign, unmet) = (of(&|code| code == "foreign-symbol"), of(&|code| code != "foreign-symbol"));
        assert!(board.foreign.iter().all(|symbol| foreign.contains(symbol)), "{}: {foreign:?}", board.name);
        assert!(board.unmet.iter().all(|symbol| unmet.contains(symbol)), "{}: {unmet:?}", board.name);
        let requested = dump["merged"].as_object().expect("requests");
        for symbol in board.holding {
            assert!(requested.contains_key(*symbol), "{} does not ask for {symbol}", board.name);
            assert!(!foreign.contains(symbol) && !unmet.contains(symbol), "{}: {symbol}", board.name);
        }
        let n_requests = requested.len();
        assert_eq!(found["requests"], n_requests, "{}", board.name);
        assert_eq!(found["unmet"], foreign.len() + unmet.len(), "{}", board.name);
        // The same for people, after the findings.
        let ran = sandbox.kiln(&["-q", "check"]);
        let n_unmet = foreign.len() + unmet.len();
        assert!(
            ran.stdout.starts_with(&format!("{} of {n_requests} requests hold", n_requests - n_unmet)),
            "{}",
            ran.block()
        );
        let line = format!("  {} foreign-symbol: {}\n", foreign.len(), foreign.join(", "));
        assert!(foreign.is_empty() || ran.stdout.contains(&line), "{}", ran.block());
        assert_eq!(ran.code, Some(i32::from(n_unmet > 0)), "{}", ran.block());

        // The rest of the list without what follows by itself, and what this kernel does not declare.
        let file = device(&format!("{}.json", board.name));
        let args = ["distill", &file.display().to_string(), "--over", "base", "--json"];
        let ran = sandbox.kiln(&args).expect(0);
        let distilled: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let n_kept = distilled["requests"].as_object().expect("requests").len();
        assert!(n_kept < n_requests - n_unmet, "{}: {n_kept} of {n_requests}", board.name);
        let unknown = distilled["unknown"].as_object().expect("unknown");
        assert!(foreign.iter().all(|symbol| unknown.contains_key(*symbol)), "{}: {unknown:?}", board.name);
    }
}
