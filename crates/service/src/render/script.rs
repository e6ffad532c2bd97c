//! The sh script that does a loader's work.

use std::fmt::Write as _;

use super::shell_word;
use crate::graph::Loader;
use crate::{Dependency, graph::Step};

/// The part that is the same in all scripts.
const PROTOCOL: &str = include_str!("../protocol.sh");

pub(super) fn render(loader: &Loader) -> String {
    let mut text = format!(
        "#!/bin/sh\n# {}.\n# Loads and unloads kernel modules; written by kiln from the recipe's kmodloader.{}.\n",
        loader.description.trim_end_matches('.'),
        loader.name
    );
    for dependency in &loader.dependencies {
        match dependency {
            Dependency::Loader(name) => _ = writeln!(text, "# Start the loader {name} first."),
            Dependency::Service(name) => _ = writeln!(text, "# Start the service {name} first."),
        }
    }
    _ = writeln!(text, "\nloader={}", loader.name);
    _ = writeln!(text, "modular={}", if loader.is_modular() { "yes" } else { "no" });
    text += "# In load order.\nmodules='";
    for step in &loader.steps {
        _ = write!(text, "\n\t{}", step.module);
    }
    text += "\n'\n";
    let names = |wanted: fn(&Step) -> bool| {
        let names = loader.steps.iter().filter(|step| wanted(step)).map(Step::module);
        names.collect::<Vec<_>>().join(" ")
    };
    _ = writeln!(text, "# Wanted, but not needed.\noptional='{}'", names(Step::soft));
    _ = writeln!(text, "# Without an exit function.\npermanent='{}'", names(Step::stays_loaded));
    text += "\nrun_insmod() {\n\tcase $1 in\n";
    for step in &loader.steps {
        _ = write!(text, "\t{}) insmod {}", step.module, shell_word(&step.path));
        for word in &step.words {
            _ = write!(text, " {}", shell_word(word));
        }
        text += " ;;\n";
    }
    text += "\tesac\n}\n\n";
    text + PROTOCOL
}
