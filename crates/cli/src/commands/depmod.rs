//! `kiln depmod`: the indexes of a directory of modules, as `depmod` writes them.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::ValueEnum;
use kiln_moddir::depmod::{self, Config, DepmodFailure, DepmodInput, DepmodOutput};
use kiln_modgraph::{DepmodError, Graph, KernelSymbols, Layout};

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Write the indexes of a directory of modules, byte for byte as depmod does
///
/// One difference is on purpose: of two files that are the same module and have the same priority, depmod takes the one
/// that the file system lists first; this takes the one whose path is smaller by bytes, and prints a warning.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Examine all modules; the default when no file is named
    #[arg(short, long)]
    all: bool,
    /// Do nothing if no module is newer than the indexes
    #[arg(short = 'A', long)]
    quick: bool,
    /// Directory that contains lib/modules
    #[arg(short, long, value_name = "DIR", default_value = "/")]
    basedir: PathBuf,
    /// Directory of the modules, relative to the base
    #[arg(short, long, value_name = "DIR", default_value = "lib/modules")]
    moduledir: PathBuf,
    /// Write below this directory instead of the base
    #[arg(short, long, value_name = "DIR")]
    outdir: Option<PathBuf>,
    /// Read this file or directory instead of the depmod.d directories; may be repeated
    #[arg(short = 'C', long, value_name = "PATH")]
    config: Vec<PathBuf>,
    /// Warn about symbols that nothing exports; needs --symvers or --filesyms
    #[arg(short = 'e', long)]
    errsyms: bool,
    /// Module.symvers with the exports of the kernel image
    #[arg(short = 'E', long, value_name = "FILE", conflicts_with = "filesyms")]
    symvers: Option<PathBuf>,
    /// System.map with the exports of the kernel image
    #[arg(short = 'F', long, value_name = "FILE")]
    filesyms: Option<PathBuf>,
    /// Print the text files instead of writing any
    #[arg(short = 'n', long)]
    show: bool,
    /// Accepted for compatibility: duplicate symbols always give a warning
    #[arg(short, long)]
    warn: bool,
    /// Version of kmod whose output is reproduced
    #[arg(long, value_name = "VERSION", default_value = "30")]
    layout: LayoutArg,
    /// The release [default: that of the running kernel]
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    /// Absolute paths of the modules to examine
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayoutArg {
    #[value(name = "30")]
    V30,
    #[value(name = "34")]
    V34,
}

/// Runs it; all errors result in status 1, as with depmod.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let version = release(args)?;
    if let Some(file) = args.files.iter().find(|file| !file.is_absolute()) {
        return Err(Failure::fault(anyhow!("{}: not absolute path", file.display())));
    }
    let below = args.moduledir.join(&version);
    let below = below.strip_prefix("/").unwrap_or(&below);
    let dir = context.environment.current_dir.join(&args.basedir).join(below);
    let config = Config::read(&args.config).map_err(Failure::fault)?;
    config.ignored.iter().for_each(|line| context.ui.warn(line));
    let kernel_symbols = kernel_symbols(context, args)?;
    if args.errsyms && kernel_symbols.is_none() {
        context.ui.warn("-e needs -E or -F");
    }
    if args.quick && depmod::is_fresh(&dir, &config.exclude) {
        return Ok(exit::FINE);
    }
    let layout = match args.layout {
        LayoutArg::V30 => Layout::V30,
        LayoutArg::V34 => Layout::V34,
    };
    let only = (!args.all && !args.files.is_empty()).then(|| args.files.clone());
    let input = DepmodInput { dir: &dir, version: &version, config: &config, only, kernel_symbols, layout };
    let output = depmod::depmod(input).map_err(|error| refused(context, error))?;
    say(context, args, &output);
    if args.show {
        show(context, &output);
        return Ok(exit::FINE);
    }
    let out = match &args.outdir {
        Some(outdir) => context.environment.current_dir.join(outdir).join(below),
        None => dir,
    };
    std::fs::create_dir_all(&out).map_err(|error| {
        Failure::fault(anyhow::Error::new(error).context(format!("cannot make the directory {}", out.display())))
    })?;
    depmod::write_indexes(&out, &output.files).map_err(Failure::fault)?;
    Ok(exit::FINE)
}

fn release(args: &Args) -> Result<String, Failure> {
    let version = match &args.version {
        Some(version) => version.clone(),
        None => {
            let running = std::fs::read_to_string("/proc/sys/kernel/osrelease");
            running.map_err(Failure::fault)?.trim_end().to_owned()
        }
    };
    if !depmod::is_version(&version) {
        return Err(Failure::fault(anyhow!("Bad version passed {version}")));
    }
    Ok(version)
}

fn kernel_symbols(context: &Context<'_>, args: &Args) -> Result<Option<KernelSymbols>, Failure> {
    let read = |path: &PathBuf| {
        let path = context.environment.current_dir.join(path);
        let text = kiln_file::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        text.map_err(|error| {
            Failure::fault(anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
        })
    };
    Ok(match (&args.symvers, &args.filesyms) {
        (Some(path), _) => Some(KernelSymbols::from_symvers(&read(path)?)),
        (None, Some(path)) => Some(KernelSymbols::from_system_map(&read(path)?)),
        (None, None) => None,
    })
}

/// Shows the cycles, for which depmod's own message has no reason.
fn refused(context: &Context<'_>, error: DepmodFailure) -> Failure {
    if let DepmodFailure::Index(DepmodError::Cycle { count, cycles }) = &error {
        for cycle in cycles {
            context.ui.error(&format!("Cycle detected: {cycle}"), &[]);
            for (at, edge) in cycle.edges.iter().enumerate() {
                let next = &cycle.edges[(at + 1) % cycle.edges.len()].module;
                context.ui.say(&format!("  {} needs {next} for {}", edge.module, edge.symbols.join(", ")));
            }
        }
        return Failure::fault(anyhow!("Found {count} modules in dependency cycles!"));
    }
    Failure::fault(error)
}

fn say(context: &Context<'_>, args: &Args, output: &DepmodOutput) {
    for message in &output.messages {
        match message.error {
            true => context.ui.error(&message.text, &[]),
            false => context.ui.warn(&message.text),
        }
    }
    if args.errsyms {
        kiln_modgraph::symbol_faults(&output.graph).iter().for_each(|fault| context.ui.warn(&fault.to_string()));
    }
    if context.global.verbose > 0 {
        say_needs(context, &output.graph);
    }
}

fn say_needs(context: &Context<'_>, graph: &Graph) {
    for (id, info) in graph.modules() {
        for &edge in graph.needs(id) {
            let needed = &graph.module(edge.to).path;
            context.ui.say(&format!("{} needs \"{}\": {needed}", info.path, graph.symbol(id, edge)));
        }
    }
}

/// The binary indexes are left out, as with depmod.
fn show(context: &Context<'_>, output: &DepmodOutput) {
    for (name, bytes) in &output.files {
        if !name.ends_with(".bin") {
            context.ui.result(&String::from_utf8_lossy(bytes));
        }
    }
}
