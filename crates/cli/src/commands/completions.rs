//! `kiln completions`: a shell's completion script, which asks kiln itself for the words.
//!
//! The script calls `kiln` with [`VARIABLE`] set; [`answer`] then prints the candidates instead of running a command.
//! So options, commands, and also symbols, options of a recipe and codes are completed.

use std::ffi::OsStr;

use clap::ValueEnum;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use kiln_diag::Code;

use kiln_pipeline::known_symbols;

use crate::commands::Context;
use crate::environment::Environment;
use crate::exit;
use crate::failure::Failure;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// A shell with completions.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// The variable by which a shell's script asks for candidates.
const VARIABLE: &str = "KILN_COMPLETE";

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let name = args.shell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let shell = Shells::builtins();
    let shell = shell.completer(&name).ok_or_else(|| Failure::Usage(format!("no completions for {name}")))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "kiln", "kiln", "kiln", &mut script).map_err(Failure::host)?;
    context.ui.result(&String::from_utf8_lossy(&script));
    Ok(exit::FINE)
}

/// Prints candidates and ends the process, when a shell's script asks for them.
pub(crate) fn answer() {
    CompleteEnv::with_factory(crate::command).var(VARIABLE).complete();
}

/// Returns the codes that begin with `word`, each with its meaning.
pub(super) fn codes(word: &OsStr) -> Vec<CompletionCandidate> {
    let codes = Code::ALL.iter().map(|code| (code.name().to_owned(), Some(code.summary().to_owned())));
    candidates(word, codes)
}

/// Returns the options of a recipe, the shipped modules and the parts of the language that begin with `word`.
pub(super) fn options(word: &OsStr) -> Vec<CompletionCandidate> {
    candidates(word, kiln_plan::reference_names().into_iter().map(|name| (name, None)))
}

/// Returns the symbols that begin with `word`, of all kernels that were resolved here.
pub(super) fn symbols(word: &OsStr) -> Vec<CompletionCandidate> {
    let environment = Environment::read();
    candidates(word, known_symbols(&environment.cache).into_iter().map(|name| (name, None)))
}

fn candidates(word: &OsStr, all: impl Iterator<Item = (String, Option<String>)>) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else { return Vec::new() };
    all.filter(|(name, _)| name.starts_with(word))
        .map(|(name, help)| CompletionCandidate::new(name).help(help.map(Into::into)))
        .collect()
}
