//! `.config` text: reading ends, and what was written is read back to the same.

#![no_main]

use std::sync::Arc;

use kiln_kconfig::{Dialect, NoHost, Mode, Model, run};
use libfuzzer_sys::fuzz_target;

const TREE: &str = "config M\n\tbool \"m\"\n\tmodules\nconfig B\n\tbool \"b\"\nconfig T\n\ttristate \"t\"\n\tselect B\n\
                    config S\n\tstring \"s\"\nconfig I\n\tint \"i\"\n\trange 1 9\nconfig H\n\thex \"h\"\n\
                    choice\n\tprompt \"c\"\nconfig X\n\tbool \"x\"\nconfig Y\n\tbool \"y\"\n\tdepends on B\nendchoice\n";

fuzz_target!(|text: &[u8]| {
    let tree = |name: &str| (name == "Kconfig").then(|| Arc::from(TREE.as_bytes()));
    let (model, _) = Model::parse("Kconfig", &tree, &NoHost, Dialect::LINUX_6_12);
    let Some(model) = model else { return };
    let text: Arc<[u8]> = Arc::from(text);
    let first = run(&model, &Mode::OldDefConfig, &|name: &str| (name == ".config").then(|| text.clone()), &NoHost);
    let Some((_, config)) = first.config else { return };
    let config: Arc<[u8]> = Arc::from(config);
    let second = run(&model, &Mode::OldDefConfig, &|name: &str| (name == ".config").then(|| config.clone()), &NoHost);
    assert!(second.unchanged, "a config that was written changes when it is read");
});
