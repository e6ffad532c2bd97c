//! `kiln modules`: trees of a result that exists here as its manifest alone.

use crate::sandbox::Sandbox;

const MANIFEST: &str = r#"{
  "version": 1,
  "kiln": "0.1.0",
  "kernel": {
    "release": "6.12.1", "arch": "x86_64", "machine": "x86_64", "modular": true, "source": "./linux",
    "toolchain": [], "keys": {}, "images": []
  },
  "requests": {},
  "loaders": {
    "firewall": {
      "targets": ["nft_ct", "nf_tables"],
      "dependencies": [],
      "modules": [
        { "name": "nfnetlink", "path": "lib/modules/6.12.1/nfnetlink.ko", "size": 20480, "loaded": true,
          "because": ["nf_tables needs nfnl_lock"],
          "reasons": [{ "kind": "symbol", "by": "nf_tables", "symbol": "nfnl_lock" }] },
        { "name": "libcrc32c", "path": "lib/modules/6.12.1/libcrc32c.ko", "size": 1, "loaded": true,
          "because": [], "reasons": [{ "kind": "softdepPre", "by": "nf_tables", "line": "pre: libcrc32c" }] },
        { "name": "nf_tables", "path": "lib/modules/6.12.1/nf_tables.ko", "size": 300000, "loaded": true,
          "because": ["target nf_tables"],
          "reasons": [
            { "kind": "target", "word": "nf_tables" },
            { "kind": "symbol", "by": "nft_ct", "symbol": "nft_register_expr" }] },
        { "name": "nft_ct", "path": "lib/modules/6.12.1/nft_ct.ko", "size": 30000, "loaded": true,
          "staysLoaded": true, "because": ["target nft_ct"],
          "reasons": [{ "kind": "target", "word": "nft_ct" }] }
      ],
      "builtin": []
    },
    "usb": { "targets": ["usbcore"], "dependencies": [], "modules": [], "builtin": ["usbcore"] }
  },
  "firmware": {},
  "sizes": { "modules": 4, "moduleBytes": 350481, "allModules": 4023, "allModuleBytes": 416284672 }
}
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("result/manifest.json", MANIFEST);
    sandbox
}

#[test]
fn every_edge_has_its_reason_and_the_total_what_was_saved() {
    let ran = sandbox().kiln(&["modules"]).expect(0);
    let expected = "\
firewall: 4 modules and 343 KiB for 2 targets
nf_tables             293 KiB  target
├─ nfnetlink           20 KiB  for nfnl_lock
└─ libcrc32c            1 KiB  softdep: pre: libcrc32c
nft_ct                 30 KiB  target; stays loaded
└─ nf_tables (above)  293 KiB  for nft_register_expr

usb: 0 modules and 0 KiB for 1 target
usbcore  -  target; part of the kernel

In the result: 4 of 4023 modules, 343 KiB of 406528 KiB
";
    assert_eq!(ran.stdout, expected, "{}", ran.block());
}

#[test]
fn one_loader_as_json() {
    let ran = sandbox().kiln(&["modules", "usb", "--json"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(shown["version"], 1);
    assert_eq!(shown["loaders"]["usb"]["builtin"][0], "usbcore");
    assert!(shown["loaders"].get("firewall").is_none());
    let ran = sandbox().kiln(&["modules", "firewall", "--json"]).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let reason = &shown["loaders"]["firewall"]["modules"][0]["reasons"][0];
    assert_eq!((&reason["by"], &reason["symbol"]), (&"nf_tables".into(), &"nfnl_lock".into()));
}

#[test]
fn an_unknown_loader_and_a_missing_result_are_said() {
    sandbox().kiln(&["modules", "firewal"]).expect(1).says("no loader `firewal`").says("firewall, usb");
    Sandbox::new().kiln(&["modules"]).expect(1).says("manifest.json").says("kiln build");
}
