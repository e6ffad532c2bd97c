//! The commands, one file each.

mod boot;
mod build;
mod check;
pub(crate) mod completions;
mod depmod;
mod distill;
mod doctor;
mod eval;
mod explain;
mod find;
mod fix;
mod gc;
mod generations;
mod impact;
mod init;
mod kconfig;
mod modules;
mod options;
mod resolve;
mod set;
mod store;
mod unset;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::ui::Ui;

/// Turn a declarative recipe into a bootable Linux kernel with only the requested modules
#[derive(Debug, Parser)]
#[command(name = "kiln", version, max_term_width = 120)]
pub(crate) struct Kiln {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Read this recipe
    #[arg(long, short, global = true, value_name = "FILE", default_value = "kiln.toml")]
    pub(crate) recipe: PathBuf,
    /// Keep results in this directory [default: $XDG_CACHE_HOME/kiln]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Print only warnings and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log which programs run and which results are found in the store (-v), and the inputs of their keys (-vv);
    /// `KILN_LOG` selects by part, as `kiln_store=debug,info`
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Do not limit what recipes and kernel trees run: they see the network, the home directory, and may write anywhere
    #[arg(long, global = true)]
    pub(crate) no_sandbox: bool,
    /// Show each finding in full where several would be shown as a table
    #[arg(long, global = true)]
    pub(crate) details: bool,
    /// Colour messages: always, never, or when standard error is a terminal that shows colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

/// When messages are coloured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Boot(boot::Args),
    Build(build::Args),
    Check(check::Args),
    Completions(completions::Args),
    Depmod(depmod::Args),
    Distill(distill::Args),
    Doctor(doctor::Args),
    Eval(eval::Args),
    Explain(explain::Args),
    Find(find::Args),
    Fix(fix::Args),
    Gc(gc::Args),
    Generations(generations::Args),
    Impact(impact::Args),
    Init(init::Args),
    Kconfig(kconfig::Args),
    Modules(modules::Args),
    Options(options::Args),
    Resolve(resolve::Args),
    Set(set::Args),
    Store(store::Args),
    Unset(unset::Args),
    Why(why::Args),
}

/// Runs the command and returns its exit status.
pub(crate) fn run(kiln: &Kiln, environment: &Environment, ui: &Ui) -> Result<u8, Failure> {
    let context = Context { global: &kiln.global, environment, ui };
    match &kiln.command {
        Command::Boot(args) => boot::run(&context, args),
        Command::Build(args) => build::run(&context, args),
        Command::Check(args) => check::run(&context, args),
        Command::Completions(args) => completions::run(&context, args),
        Command::Depmod(args) => depmod::run(&context, args),
        Command::Distill(args) => distill::run(&context, args),
        Command::Doctor(args) => doctor::run(&context, args),
        Command::Eval(args) => eval::run(&context, args),
        Command::Explain(args) => explain::run(&context, args),
        Command::Find(args) => find::run(&context, args),
        Command::Fix(args) => fix::run(&context, args),
        Command::Gc(args) => gc::run(&context, args),
        Command::Generations(args) => generations::run(&context, args),
        Command::Impact(args) => impact::run(&context, args),
        Command::Init(args) => init::run(&context, args),
        Command::Kconfig(args) => kconfig::run(&context, args),
        Command::Modules(args) => modules::run(&context, args),
        Command::Options(args) => options::run(&context, args),
        Command::Resolve(args) => resolve::run(&context, args),
        Command::Set(args) => set::run(&context, args),
        Command::Store(args) => store::run(&context, args),
        Command::Unset(args) => unset::run(&context, args),
        Command::Why(args) => why::run(&context, args),
    }
}

/// The arguments of a command's `run` besides its own.
pub(crate) struct Context<'a> {
    pub(crate) global: &'a Global,
    pub(crate) environment: &'a Environment,
    pub(crate) ui: &'a Ui,
}

impl Context<'_> {
    /// The recipe's file.
    pub(crate) fn recipe(&self) -> PathBuf {
        self.environment.current_dir.join(&self.global.recipe)
    }

    /// The store's directory.
    pub(crate) fn store_dir(&self) -> PathBuf {
        match &self.global.store {
            Some(dir) => self.environment.current_dir.join(dir),
            None => self.environment.cache.clone(),
        }
    }
}
