//! The developer's commands; `cargo xtask --help` lists them.

mod ci;
mod codegen;
mod tidy;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The developer's commands
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all that a landing must pass: formatting, lints, tidy, stale references, tests
    Ci,
    /// Check the habits that no compiler knows: crate arrows, licences, file sizes, change log
    Tidy,
    /// Write docs/reference anew from the declarations
    Codegen {
        /// Only check that it is not stale
        #[arg(long)]
        check: bool,
    },
}

fn main() -> Result<()> {
    match Xtask::parse().command {
        Command::Ci => ci::run(),
        Command::Tidy => tidy::run(&root()),
        Command::Codegen { check } => codegen::run(&root(), check),
    }
}

/// The workspace's top folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}
