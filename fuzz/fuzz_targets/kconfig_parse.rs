//! Kconfig text: parsing ends, and what parses can be configured in every way.

#![no_main]

use std::sync::Arc;

use kiln_kconfig::{Dialect, Host, Mode, Model, run};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl Host for Nothing {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        (name == "KCONFIG_SEED").then(|| b"1".to_vec())
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        Ok(command.to_vec())
    }
}

fuzz_target!(|text: &[u8]| {
    let text: Arc<[u8]> = Arc::from(text);
    let files = |name: &str| (name == "Kconfig").then(|| text.clone());
    for dialect in [Dialect::NEWEST, Dialect::LINUX_6_1] {
        let (model, _) = Model::parse("Kconfig", &files, &Nothing, dialect);
        let Some(model) = model else { continue };
        for mode in [Mode::AllYesConfig, Mode::AllNoConfig, Mode::RandConfig, Mode::ListNewConfig, Mode::SyncConfig] {
            run(&model, &mode, &files, &Nothing);
        }
        for symbol in model.declared() {
            model.help(symbol);
        }
    }
});
