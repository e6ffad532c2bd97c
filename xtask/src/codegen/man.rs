//! The man pages: `kiln.1`, and one page for each command.

use anyhow::Result;
use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;

/// Returns the pages by their path under docs.
pub(super) fn pages() -> Result<Vec<(String, String)>> {
    let mut kiln = kiln_cli::command().disable_help_subcommand(true);
    // Names such as `kiln-build` are set by this.
    kiln.build();
    let mut commands = Vec::new();
    add(kiln, &mut commands);
    commands.into_iter().map(page).collect()
}

/// Adds a command after all commands below it.
fn add(command: Command, commands: &mut Vec<Command>) {
    for below in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        add(below.clone(), commands);
    }
    commands.push(command);
}

/// Renders one page, without version and date: an unchanged page must have the same bytes after a release.
fn page(command: Command) -> Result<(String, String)> {
    // An empty date would not be an argument, and those after it would move up.
    let man = Man::new(command.version(Resettable::Reset)).date("\"\"").source("kiln").manual("kiln manual");
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok((format!("man/{}", man.get_filename()), String::from_utf8(text)?))
}
