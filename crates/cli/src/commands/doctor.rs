//! `kiln doctor`: what the host lacks for this recipe.

use kiln_kbuild::doctor::{self, Missing, Work};
use kiln_kbuild::toolchain::Host;
use kiln_kconfig::Config;
use kiln_pipeline as pipeline;
use kiln_pipeline::outputs;
use kiln_plan::SourceSpec;
use kiln_plan::evaluate::{Evaluated, Kernel};
use serde_json::json;

use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::recipe_files;
use crate::sandbox;

/// Show what the host lacks for this recipe, and the one command that installs it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Install it, as root or through sudo
    #[arg(long)]
    install: bool,
    /// Omit what only `kiln boot` needs
    #[arg(long)]
    no_boot: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// The source is not fetched, as fetching may need a program that the host lacks: conditions on the kernel's version
/// are taken as false.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let (sources, evaluation) = recipe_files::evaluate(context, None, None);
    let evaluated = evaluation::accept(context, evaluation, &sources, form)?;
    let work = work(&evaluated, !args.no_boot);
    let host = Host::with_environment(&context.environment.path, &context.environment.vars);
    let root = kiln_exec::is_root();
    let mut missing = doctor::checks(&work, &host).map_err(Failure::host)?;
    if args.install && !missing.is_empty() {
        let said = doctor::install(&missing, &host, root, context.ui);
        let by_hand = doctor::install_command(&missing, root).unwrap_or_default();
        said.map_err(|error| Failure::host(error).help(format!("run it by hand: {by_hand}")))?;
        missing = doctor::checks(&work, &host).map_err(Failure::host)?;
    }
    let command = doctor::install_command(&missing, root);
    let support = sandbox::of(context)?.support();
    if args.json {
        let listed: Vec<_> = missing
            .iter()
            .map(|one| json!({ "what": one.what, "why": one.why, "debianPackage": one.debian_package }))
            .collect();
        context.ui.json(&json!({
            "version": 1,
            "missing": listed,
            "command": command,
            "sandbox": { "files": support.is_some_and(|it| it.files), "network": sandbox::network(support) },
        }));
    } else {
        context.ui.result(&format!("{}{}", report(&missing, command.as_deref()), sandbox::describe(support)));
    }
    Ok(if missing.is_empty() { exit::FINE } else { exit::HOST })
}

/// Returns the programs that a recipe needs from the host.
fn work(evaluated: &Evaluated, boots: bool) -> Work {
    let kernel: &Kernel = &evaluated.kernel;
    let source = kernel.src.as_ref().map(|source| &source.value);
    let requests = kernel.requests.values().filter(|request| request.value != "n");
    let config: Config = requests.map(|request| (request.symbol.clone(), request.value.clone())).collect();
    Work {
        target: Some(pipeline::target(recipe_files::host(), kernel)),
        config,
        // The guest's programs are Debian packages too.
        apt_source: boots || matches!(source, Some(SourceSpec::Apt { .. })),
        git_source: matches!(source, Some(SourceSpec::Git { .. })),
        outputs: outputs::programs(&evaluated.outputs),
        patches: !kernel.patches.is_empty(),
        boot_machine: boots.then(|| kernel.arch.value.machine.to_owned()),
    }
}

/// Formats one line for each missing thing, and the command.
fn report(missing: &[Missing], command: Option<&str>) -> String {
    let mut text: String = missing.iter().map(|one| format!("{one}\n")).collect();
    match command {
        Some(command) => text.push_str(&format!("install it with: {command}\n")),
        None => text.push_str("nothing is missing for this recipe\n"),
    }
    text
}
