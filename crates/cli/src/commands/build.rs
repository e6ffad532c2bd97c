//! `kiln build`: all outputs, and `./result` pointing at them.

use std::path::PathBuf;

use kiln_assembly::left_out;
use kiln_diag::{Diagnostic, Sources};
use kiln_impact::Verdict;
use kiln_kbuild::kernel::Kernel;
use kiln_pipeline::{
    self as pipeline, AssembleError, Assembled, Built, PipelineError, Prepared, Resolved, generation, result,
};

use crate::command_context::CommandContext;
use crate::commands::{Context, impact};
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;

/// The number of modules of no loader that are shown; `kiln modules` shows all.
const SHOWN: usize = 8;

/// Build the kernel, its modules and its services
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the result's manifest as JSON
    #[arg(long)]
    json: bool,
    /// Path of the link to the result
    #[arg(long, value_name = "LINK", default_value = "result")]
    out: PathBuf,
    /// Build only modules, for the kernel of this generation, or of a result or its manifest.json; refuse if they do not fit
    #[arg(long = "for", value_name = "GENERATION|FILE")]
    deployed: Option<String>,
    /// Number of compilers that run at once [default: one per processor]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Build again in an empty directory, compare every file, and fail naming those that differ
    #[arg(long, conflicts_with = "deployed")]
    verify: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let command = CommandContext::open(context)?;
    let session = command.session(context, jobs);
    let (evaluated, mut sources) = evaluation::with_source(context, &session, form)?;
    let prepared = evaluation::prepared(context, &session, &evaluated, &sources, form)?;
    let resolved = resolve(context, &prepared, &mut sources, form)?;
    let (extra_sources, before) = resolved.before_compiling()?;
    evaluation::show_checked(context, &sources, &before, form)?;
    let kernel = match &args.deployed {
        None => resolved.build_kernel()?,
        Some(from) => for_deployed(context, from, &resolved)?,
    };
    let built = resolved.with_kernel(kernel, extra_sources)?;
    let (assembled, findings) = built.assemble(&sources).map_err(|error| Failure::from(PipelineError::from(error)))?;
    let is_new = |finding: &&Diagnostic| !before.iter().any(|shown| shown == *finding);
    evaluation::show_checked(context, &sources, &findings.iter().filter(is_new).cloned().collect(), form)?;
    let Some(assembled) = assembled else { return Err(Failure::Said(exit::FAULT)) };
    if args.verify {
        verify(context, &built, &sources, &assembled)?;
    }
    let link = context.environment.current_dir.join(&args.out);
    result::link(&assembled.dir, &link).map_err(|error| PipelineError::from(AssembleError::from(error)))?;
    generation::record(&context.recipe(), &built, &assembled).map_err(Failure::host)?;
    if args.json {
        context.ui.result(&assembled.manifest.to_json());
    } else {
        context.ui.result(&summary(&assembled.manifest, &args.out));
    }
    Ok(exit::FINE)
}

/// Resolves the config and shows the findings; a request that does not hold ends the command.
fn resolve<'a>(
    context: &Context<'_>,
    prepared: &Prepared<'a>,
    sources: &mut Sources,
    form: Form,
) -> Result<Resolved<'a>, Failure> {
    if let Some(resolved) = prepared.recall()? {
        let remarks = resolved.remarks(sources);
        evaluation::show(context, sources, &remarks, form)?;
        return Ok(resolved);
    }
    let analysis = prepared.analyse()?;
    let findings = analysis.with_remedy(analysis.findings(sources))?;
    evaluation::show_checked(context, sources, &findings, form)?;
    Ok(analysis.resolved)
}

/// Returns the deployed kernel with new modules, when these fit it.
fn for_deployed(context: &Context<'_>, from: &str, resolved: &Resolved<'_>) -> Result<Kernel, Failure> {
    let found = impact::find(context, resolved.session.store, Some(from))?;
    let deployed = found.kernel(resolved)?.map_err(|config| config.no_kernel())?;
    let report = resolved.impact(&deployed)?;
    let misfit = |verdict, is_exact| {
        let why = impact::sentence(verdict, is_exact);
        let (name, release) = (&deployed.name, &deployed.release);
        let error = anyhow::anyhow!("{name}, Linux {release}, cannot be updated with modules alone: {why}");
        Failure::fault(error)
            .help("`kiln impact --exact --from` shows what changes in it; `kiln build` makes a new kernel")
    };
    if report.verdict() == Verdict::NewKernel {
        return Err(misfit(Verdict::NewKernel, false));
    }
    let kernel = resolved.build_kernel()?;
    let found = pipeline::exact(&deployed, &kernel).map_err(impact::refused)?.verdict();
    if found > Verdict::SameBytes {
        return Err(misfit(found, true));
    }
    Ok(resolved.with_new_modules(&deployed, &kernel)?)
}

/// Builds again; files that differ end the command.
fn verify(context: &Context<'_>, built: &Built<'_>, sources: &Sources, assembled: &Assembled) -> Result<(), Failure> {
    let compared = built.verify(sources, assembled)?;
    if compared.differing.is_empty() {
        context.ui.say(&format!("verified: two builds gave the same bytes in all {} files", compared.files));
        return Ok(());
    }
    let n_differing = compared.differing.len();
    let list = compared.differing.join("\n  ");
    let error = anyhow::anyhow!("two builds differ in {n_differing} of {} files:\n  {list}", compared.files);
    Err(Failure::build(error))
}

/// Returns a summary of the result.
fn summary(manifest: &kiln_assembly::manifest::Manifest, out: &std::path::Path) -> String {
    let sizes = manifest.sizes;
    let mut text = format!("Linux {} for {} in {}\n", manifest.kernel.release, manifest.kernel.machine, out.display());
    for image in &manifest.kernel.images {
        text.push_str(&format!("  {} {} KiB\n", image.path, image.size.div_ceil(1024)));
    }
    for output in manifest.outputs.values() {
        text.push_str(&format!("  {} {} KiB\n", output.path, output.size.div_ceil(1024)));
    }
    text.push_str(&format!(
        "  {} of {} modules, {} of {} KiB\n",
        sizes.modules,
        sizes.all_modules,
        sizes.module_bytes.div_ceil(1024),
        sizes.all_module_bytes.div_ceil(1024)
    ));
    for (name, loader) in &manifest.loaders {
        let loaded = loader.modules.iter().filter(|module| module.loaded).count();
        let missing = match loader.missing_softdeps.len() {
            0 => String::new(),
            1 => "; 1 soft dependency is not built (see `kiln modules`)".to_owned(),
            count => format!("; {count} soft dependencies are not built (see `kiln modules`)"),
        };
        text.push_str(&format!("  loader {name}: {loaded} modules for {} targets{missing}\n", loader.targets.len()));
    }
    if !manifest.left_out.is_empty() {
        text.push_str(&format!("  {}\n", left_out::line(&manifest.left_out, SHOWN)));
    }
    text
}
