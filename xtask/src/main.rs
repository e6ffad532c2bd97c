//! Developer commands; `cargo xtask --help` lists them.

mod arch_matrix;
mod bench;
mod ci;
mod codegen;
mod dependencies;
mod depmod_matrix;
mod fix_matrix;
mod impact_matrix;
mod incremental_matrix;
mod kconfig_cases;
mod kconfig_matrix;
mod kconfig_projects;
mod module_names;
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
    /// Run all checks of a change: formatting, the other checks of this tool, spelling, lints, documentation, tests
    Ci {
        /// Leave out the slow tests, which download packages, build kernels and boot guests, and the samples of the matrices
        #[arg(long)]
        quick: bool,
    },
    /// Check conventions that the compiler does not: crate dependencies, file sizes, words, change log
    Tidy,
    /// Check dependencies: unused ones, licences, minimum Rust version, duplicates
    Dependencies,
    /// Generate docs/reference and docs/man from the declarations
    Codegen {
        /// Only check that it is not stale
        #[arg(long)]
        check: bool,
    },
    /// Benchmark kiln against the programs that it replaces
    Bench(bench::Args),
    /// Compute and write the firewall loader once, for the benchmark
    #[command(hide = true)]
    BenchLoader(bench::loader::OnceArgs),
    /// Build and boot the router of every machine, and print a table of the results
    ArchMatrix(arch_matrix::Args),
    /// Compare the native Kconfig engine with a tree's own conf, byte for byte
    KconfigMatrix(kconfig_matrix::Args),
    /// Compare the native Kconfig engine with the conf of Buildroot, U-Boot, BusyBox and other projects
    KconfigProjects(kconfig_projects::Args),
    /// Fix random requests, and test each fix with the tree's own conf
    FixMatrix(fix_matrix::Args),
    IncrementalMatrix(incremental_matrix::Args),
    /// Change random symbols, and compare what `kiln impact` predicts with what a build then changes
    ImpactMatrix(impact_matrix::Args),
    /// Run the kernel's own tests of conf with the native Kconfig engine
    KconfigCases(kconfig_cases::Args),
    /// Do what conf does, for the cases
    #[command(hide = true)]
    KconfigConf(kconfig_cases::ConfArgs),
    /// Measure for how many modules of a kernel the symbol that controls them is found
    ModuleNames(module_names::Args),
    /// Compare `kiln depmod` and closures with Debian's kmod on Debian's kernels, byte for byte
    DepmodMatrix {
        /// Only packages whose name contains this
        filter: Option<String>,
    },
}

fn main() -> Result<()> {
    match Xtask::parse().command {
        Command::ArchMatrix(args) => arch_matrix::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::BenchLoader(args) => bench::loader::once(&args),
        Command::Ci { quick } => ci::run(quick),
        Command::Tidy => tidy::run(&root()),
        Command::Codegen { check } => codegen::run(&root(), check),
        Command::Dependencies => dependencies::run(&root()),
        Command::DepmodMatrix { filter } => depmod_matrix::run(filter.as_deref()),
        Command::FixMatrix(args) => fix_matrix::run(&args),
        Command::IncrementalMatrix(args) => incremental_matrix::run(&args),
        Command::ImpactMatrix(args) => impact_matrix::run(&args),
        Command::KconfigCases(args) => kconfig_cases::run(&args),
        Command::KconfigConf(args) => std::process::exit(kconfig_cases::conf(&args)?.into()),
        Command::ModuleNames(args) => module_names::run(&args),
        Command::KconfigMatrix(args) => kconfig_matrix::run(&args),
        Command::KconfigProjects(args) => kconfig_projects::run(&args),
    }
}

/// Returns the workspace's top directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}
