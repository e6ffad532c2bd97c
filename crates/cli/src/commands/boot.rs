//! `kiln boot`: boots the result in QEMU and prints the verdict.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use kiln_boot::{BootError, BootSpec, ModuleRequest, Verdict, write_initramfs};
use kiln_pipeline::Session;
use kiln_plan::evaluate::Evaluated;
use kiln_store::Progress;

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::verdict;

/// Boot the result in QEMU, start and stop its loaders, and print the verdict; -v streams the guest console
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The result to boot
    #[arg(long, value_name = "DIR", default_value = "result")]
    result: PathBuf,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
    /// Write the transcript to this file
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Time limit for the guest, in seconds [default: `boot.deadline` of the recipe]
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u64>,
    /// Add a word to the kernel's command line
    #[arg(long, value_name = "WORD")]
    append: Vec<String>,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, _) = evaluation::with_source(context, &session, form)?;
    let result = context.environment.current_dir.join(&args.result);
    let bootable = session.bootable(&result, &evaluated.boot)?;
    let machine = bootable.machine;
    let scratch = tempfile::tempdir().context("cannot make a temporary directory").map_err(Failure::host)?;
    let initramfs = scratch.path().join("initramfs.cpio");
    write_initramfs(&bootable.files, &initramfs).map_err(Failure::host)?;

    let spec = BootSpec {
        machine,
        kernel: bootable.kernel,
        initramfs,
        memory_mib: evaluated.boot.memory_mib.max(machine.memory_mib),
        deadline: args.deadline.map_or(evaluated.boot.deadline, Duration::from_secs),
        append: args.append.clone(),
        arguments: Vec::new(),
        program: None,
        search_path: context.environment.path.clone(),
        console_log: Some(scratch.path().join("console.log")),
    };
    let progress = context.ui;
    progress.begin(&format!("booting Linux {} on {}", bootable.manifest.kernel.release, machine.name), None);
    let mut n_lines = 0;
    let booted = kiln_boot::run(&spec, &bootable.program, &mut |line| {
        n_lines += 1;
        if context.global.verbose > 0 {
            context.ui.say(&line.text);
        }
        progress.advance(n_lines, &line.text);
    });
    progress.end();
    let mut booted = booted.map_err(refused)?;
    name_symbols(&session, &evaluated, &mut booted);
    if let Some(path) = &args.transcript {
        let text: String = booted.transcript.iter().map(verdict::transcript_line).collect();
        let path = context.environment.current_dir.join(path);
        std::fs::write(&path, text)
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(Failure::host)?;
    }
    if args.json {
        context.ui.json(&serde_json::to_value(&booted).context("verdict").map_err(Failure::host)?);
    } else {
        context.ui.result(&verdict::text(&booted));
    }
    Ok(if booted.ok { exit::FINE } else { exit::GUEST })
}

/// Adds the symbols that would build what the kernel requested and the build does not have.
///
/// A result can be booted without the source that it was made from; then nothing is added.
fn name_symbols(session: &Session<'_>, evaluated: &Evaluated, booted: &mut Verdict) {
    let mut open: Vec<&mut ModuleRequest> =
        booted.requested_modules.iter_mut().filter(|request| request.providers.is_empty()).collect();
    if open.is_empty() {
        return;
    }
    let names: Vec<String> = open.iter().map(|request| request.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Ok(found) = session.prepare(evaluated).and_then(|prepared| prepared.symbols_of_modules(&names)) else { return };
    for (request, symbols) in open.iter_mut().zip(found) {
        request.symbols = symbols.into_iter().collect();
    }
}

fn refused(error: BootError) -> Failure {
    let failure = match &error {
        BootError::NoQemu { package, .. } => {
            Some(format!("install it with: apt-get install --no-install-recommends {package}"))
        }
        _ => None,
    };
    match failure {
        Some(help) => Failure::host(error).help(help).help("or `kiln doctor --install`"),
        None => Failure::host(error),
    }
}
