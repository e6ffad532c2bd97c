//! systemd's units.

use super::{RenderedFile, TIMEOUT_SECONDS};
use crate::Dependency;
use crate::graph::Loader;

pub(super) fn render(loader: &Loader, script: &str) -> RenderedFile {
    let units: Vec<String> = loader
        .dependencies
        .iter()
        .map(|dependency| match dependency {
            Dependency::Loader(name) => format!("{}.service", name.service()),
            Dependency::Service(name) => name.unit(),
        })
        .collect();
    let dependencies = match units.is_empty() {
        true => String::new(),
        false => format!("Requires={0}\nAfter={0}\n", units.join(" ")),
    };
    let command = unit_word(script);
    let contents = format!(
        "# Written by kiln from the recipe's kmodloader.{name}.

[Unit]
Description={description}
# Early services may need these modules, so this waits for no target. It has no place before sysinit.target either:
# a dependency may be a service that comes after it.
DefaultDependencies=no
Conflicts=shutdown.target
Before=multi-user.target shutdown.target
# What is listed for every boot is there before, and so is not this loader's to remove.
After=systemd-modules-load.service
RequiresMountsFor={mounts}
ConditionVirtualization=!container
{dependencies}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command} start
ExecStop={command} stop
# The process that loads a module must live to report the outcome, even if the script has to be killed.
KillMode=process
TimeoutStartSec={TIMEOUT_SECONDS}
TimeoutStopSec={TIMEOUT_SECONDS}

[Install]
WantedBy=multi-user.target
",
        name = loader.name,
        // A backslash at the end would join the next line.
        description = loader.description.trim_end_matches('\\').replace('%', "%%"),
        mounts = unit_words(loader, script),
    );
    RenderedFile { path: format!("services/systemd/{}.service", loader.name.service()), mode: 0o644, contents }
}

/// The script and, if the loader loads any modules, the directory of the module files.
fn unit_words(loader: &Loader, script: &str) -> String {
    let folder = loader.steps.first().map(|step| step.path.rsplit_once('/').map_or("/", |(folder, _)| folder));
    [Some(script), folder].into_iter().flatten().map(unit_word).collect::<Vec<_>>().join(" ")
}

/// A word of a setting: quoted, `\` and `"` escaped with a backslash, `%` doubled. A `$` stays: systemd does not expand
/// it in the name of a program.
fn unit_word(word: &str) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    if plain {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%"))
}
