//! The cases of `tests/cases/`, randomly damaged: parsing and configuring always end without a panic.
//!
//! `KCONFIG_CHANCE_ROUNDS` says how often each case is damaged.

use std::path::Path;
use std::sync::Arc;

use kiln_kconfig::{Dialect, Host, Mode, Model, run};

struct Nothing;

impl Host for Nothing {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        (name == "KCONFIG_SEED").then(|| b"1".to_vec())
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        Ok(command.to_vec())
    }
}

pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// Removes, doubles, swaps or changes a piece of the text.
    fn damage(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len());
        let length = self.below(30).min(text.len() - at);
        let piece = text[at..at + length].to_vec();
        match self.below(5) {
            0 => drop(text.drain(at..at + length)),
            1 => drop(text.splice(at..at, piece)),
            2 => {
                let to = self.below(text.len());
                drop(text.splice(to..to, piece));
            }
            3 => text[at] = self.below(256) as u8,
            _ => {
                let words = ["if", "(", "&&", "\n", "$(", ")", "choice\n", "endchoice\n", "select A", "\"", "m", "!="];
                let word = words[self.below(words.len())];
                drop(text.splice(at..at, word.bytes()));
            }
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the cases are files, and a longer run is asked for by a variable")]
fn damaged_cases_end() {
    let rounds = std::env::var("KCONFIG_CHANCE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
    cases.sort();
    let mut chance = Chance(0x1234_5678_9abc_def1);
    for case in cases {
        let whole = std::fs::read(&case).unwrap();
        for _ in 0..rounds {
            let mut text = whole.clone();
            for _ in 0..=chance.below(6) {
                if !text.is_empty() {
                    chance.damage(&mut text);
                }
            }
            configure(&text);
        }
    }
}

fn configure(text: &[u8]) {
    let text: Arc<[u8]> = Arc::from(text);
    let files = |name: &str| matches!(name, "Kconfig" | ".config").then(|| text.clone());
    for dialect in [Dialect::NEWEST, Dialect::LINUX_6_1] {
        let (model, _) = Model::parse("Kconfig", &files, &Nothing, dialect);
        let Some(model) = model else { continue };
        for mode in [
            Mode::OldDefConfig,
            Mode::AllYesConfig,
            Mode::AllModConfig,
            Mode::RandConfig,
            Mode::ListNewConfig,
            Mode::SaveDefConfig("defconfig".to_owned()),
            Mode::SyncConfig,
        ] {
            run(&model, &mode, &files, &Nothing);
        }
    }
}
