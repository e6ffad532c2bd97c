//! The kiln command: arguments, terminal, exit codes.
//!
//! Reading order: [`run`] parses the command line, [`commands`] holds one file per command, each an `Args` and a `run`
//! that is thin over a library call; [`environment`] reads the process's environment once; [`ui`] is the only access to
//! the terminal; [`render`] turns diagnostics into text or JSON; [`exit`] names the exit codes.
//! Deliberately absent: any decision about recipes, kernels or modules.

mod command_context;
mod commands;
mod environment;
mod evaluation;
pub mod exit;
mod failure;
mod log;
mod recipe_files;
mod render;
mod replacement;
mod sandbox;
mod text_file;
mod ui;
mod verdict;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::commands::Kiln;
use crate::environment::Environment;
use crate::ui::Ui;

/// Runs the command line `args`, program name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    commands::completions::answer();
    let environment = Environment::read();
    let kiln = match Kiln::try_parse_from(args) {
        Ok(kiln) => kiln,
        Err(usage) => return ExitCode::from(ui::usage(&usage)),
    };
    let ui = Ui::new(&kiln.global);
    if let Err(failure) = log::start(&kiln.global, &environment, ui.has_color()) {
        return ExitCode::from(failure.report(&ui));
    }
    if let Err(error) = kiln_exec::on_signals() {
        ui.warn(&format!("cannot watch for interrupts: {error}"));
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands::run(&kiln, &environment, &ui)));
    let code = match outcome {
        // Some work that was interrupted ends with findings about what is missing then.
        Ok(Ok(code)) if code != exit::FINE => kiln_exec::interrupt_status().unwrap_or(code),
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => failure.report(&ui),
        Err(_) => {
            ui.error("this is a bug in kiln", &["please report it with the lines above and the recipe".to_owned()]);
            exit::BUG
        }
    };
    ExitCode::from(with_output(code, &ui))
}

/// Returns the exit status, which is not that of success when a result or a message could not be written.
fn with_output(code: u8, ui: &Ui) -> u8 {
    if let Some(error) = ui.lost_result() {
        ui.error(&format!("cannot write to standard output: {error}"), &["the result is incomplete".to_owned()]);
    } else if !ui.has_lost_message() {
        return code;
    }
    if code == exit::FINE { exit::HOST } else { code }
}

/// Returns the command line's declaration, for man pages, completions and the reference.
pub fn command() -> clap::Command {
    Kiln::command()
}
