//! Sound recipes with random changes: whatever the result, nothing panics, and every place lies in its text.

use crate::fixture::{Files, evaluated};

/// SplitMix64: repeatable random numbers.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

const TOML: &str = r#"imports = ["kiln:base", "./m.toml", "./l.json", "./f.config", "kiln:qemu"]
[kernel]
src = { apt = "linux-source-6.12" }
arch = "aarch64"
patches = ["patches/*.patch"]
extraPatchPhase = """
sed -i s/a/b/ Makefile
"""
[kernel.config]
HZ = { value = 250, priority = 80, optional = true }
USB = { default = "m" }
[kernel.conditionalConfig.USB]
USB_XHCI_HCD = "y"
[when.'all(arch = "arm64", version = ">=6.6", not(config.FOO), any(modular, config.USB = "m"))'.kernel.config]
BAR = { force = "\"quoted\"" }
[kmodloader.firewall]
targets = ["nft_ct"]
parameters.nf_conntrack = "hashsize=4096"
[boot.checks.nft]
script = "nft list ruleset"
"#;
const JSON: &str =
    r#"{"kernel": {"config": {"A": "y", "B": 12, "C": "\u00e4\"\\"}, "modular": true, "makeTargets": ["vmlinux"]}}"#;
const FRAGMENT: &str = "# a comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_S=\"x \\\" y\"\nCONFIG_H=0x10\n";

/// Tokens that have a meaning somewhere.
const PIECES: &[&str] = &[
    "",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\\",
    "\\u0000",
    "\\ud800",
    "\0",
    "ä",
    "\u{feff}",
    "[when.''.kernel]",
    "[when.x",
    "all(",
    "not()",
    "version = \"\"",
    "force = ",
    "{ default = 1, force = 2 }",
    "imports = [1]",
    "kiln:",
    "./kiln.toml",
    "99999999999999999999",
    "-1",
    "1e9",
    "true",
    "null",
    "kernel",
    "[[kernel]]",
    "CONFIG_",
    "is not set",
    "inf",
    "1979-05-27",
];

fn changed(chance: &mut Chance, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(5) {
            0 => bytes.truncate(at),
            1 => {
                let end = (at + chance.below(12)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 if at < bytes.len() => bytes[at] = chance.next() as u8,
            3 => {
                let end = (at + chance.below(60)).min(bytes.len());
                let copy: Vec<u8> = bytes[at..end].to_vec();
                let to = chance.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            _ => {
                let piece = PIECES[chance.below(PIECES.len())];
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}

#[test]
fn nothing_panics() {
    let mut chance = Chance(20);
    let texts =
        [("kiln.toml", TOML), ("l.json", JSON), ("f.config", FRAGMENT), ("m.toml", "[kernel.config]\nFOO = \"n\"\n")];
    let mut sound = 0;
    for _ in 0..1500 {
        let mut files = Files::default();
        let which = chance.below(texts.len());
        for (index, (name, text)) in texts.iter().enumerate() {
            let bytes = if index == which { changed(&mut chance, text) } else { text.as_bytes().to_vec() };
            files.files.insert((*name).to_owned(), bytes);
        }
        let (sources, evaluation) = evaluated(&files);
        sound += usize::from(evaluation.evaluated.is_some());
        assert_eq!(evaluation.evaluated.is_none(), evaluation.diagnostics.has_errors());
        for label in evaluation.diagnostics.iter().flat_map(|one| &one.labels) {
            let text = sources.text(label.span.file);
            let range = label.span.range();
            assert!(text.get(range.clone()).is_some(), "{range:?} of {} bytes", text.len());
        }
        if let Some(evaluated) = &evaluation.evaluated {
            kiln_plan::evaluate::json(evaluated, &sources, true);
            kiln_plan::evaluate::text(evaluated, &sources, true);
        }
    }
    // Some changes are harmless, so the sound path was tested as well.
    assert!(sound > 50, "{sound}");
}
