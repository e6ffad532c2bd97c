//! `kiln build`: all outputs, and `./result` pointing at them.

use std::path::PathBuf;

use kiln_diag::Sources;
use kiln_impact::Verdict;
use kiln_kbuild::extra_modules::{ExtraModules, ExtraSource};
use kiln_kbuild::kernel::{Kernel, KernelError};
use kiln_pipeline::{self as pipeline, Finished, PipelineError, Session, Settled, Tree};
use kiln_pipeline::{generation, result};
use kiln_plan::evaluate::Evaluated;

use crate::commands::impact::Asked;
use crate::commands::{Context, impact};
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::workshop::Workshop;

/// Build the kernel, its modules and its services
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the result's manifest as JSON
    #[arg(long)]
    json: bool,
    /// The link to the result
    #[arg(long, value_name = "LINK", default_value = "result")]
    out: PathBuf,
    /// Build only modules, for the kernel of this generation, or of a result or its manifest.json; refuse if they do not fit
    #[arg(long = "for", value_name = "GENERATION|FILE")]
    deployed: Option<String>,
    /// How many compilers run at once [default: one per processor]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Build again in an empty folder, compare every file, and fail naming those that differ
    #[arg(long, conflicts_with = "deployed")]
    verify: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let workshop = Workshop::open(context)?;
    let session = workshop.session(context, jobs);
    let (evaluated, mut sources) = evaluation::with_source(context, &session, form)?;
    let tree = evaluation::tree(&session, &evaluated, &sources)?;
    evaluation::agree(context, &evaluated, &tree.version, &sources, form)?;
    let settled = settle(context, &session, &tree, &evaluated, &mut sources, form)?;
    let (extra_sources, findings) = pipeline::extra_sources(&session, &settled, &evaluated)?;
    let findings = findings.into_iter().chain(pipeline::unreadable_outputs(&settled, &evaluated)).collect();
    evaluation::show(context, &sources, &findings, form)?;
    let kernel = match &args.deployed {
        None => kernel(context, &session, &tree, (&settled, &evaluated, &sources))?,
        Some(from) => {
            let asked = Asked { evaluated: &evaluated, tree: &tree, settled: &settled };
            for_deployed(context, &session, from, &asked)?
        }
    };
    let extra = pipeline::build_extra_modules(&session, &tree, &settled, &evaluated, &kernel, &extra_sources)?;
    let (finished, findings) =
        pipeline::assemble(&session, &tree, &settled, &kernel, &evaluated, extra.as_ref(), &sources)
            .map_err(|error| Failure::from(PipelineError::from(error)))?;
    evaluation::show(context, &sources, &findings, form)?;
    let Some(finished) = finished else { return Err(Failure::Said(exit::FAULT)) };
    if args.verify {
        let built = (&kernel, extra.as_ref(), &finished);
        verify(context, &session, &tree, (&settled, &evaluated, &sources), &extra_sources, built)?;
    }
    let link = context.environment.current_dir.join(&args.out);
    result::link(&finished.dir, &link).map_err(Failure::host)?;
    let targets: Vec<String> = evaluated.kernel.make_targets.iter().map(|target| target.value.clone()).collect();
    let recipe = context.recipe();
    generation::record(&workshop.store, &recipe, &tree, &kernel, &finished, &targets, context.ui)
        .map_err(Failure::host)?;
    if args.json {
        context.ui.result(&finished.manifest.to_json());
    } else {
        context.ui.result(&summary(&finished.manifest, &args.out));
    }
    Ok(exit::FINE)
}

/// The config; what there is to say of it is said, and a request that does not hold ends the command.
fn settle(
    context: &Context<'_>,
    session: &Session<'_>,
    tree: &Tree,
    evaluated: &Evaluated,
    sources: &mut Sources,
    form: Form,
) -> Result<Settled, Failure> {
    let wish = &evaluated.kernel;
    if let Some(settled) = pipeline::recall(session, tree, wish)? {
        evaluation::show(context, sources, &settled.remarks(wish).into_iter().collect(), form)?;
        return Ok(settled);
    }
    let resolution = pipeline::resolve(session, tree, wish)?;
    let findings = pipeline::findings(tree, &resolution, sources);
    let findings = pipeline::with_remedy(&resolution, findings)?;
    evaluation::show(context, sources, &findings, form)?;
    Ok(resolution.settled)
}

/// The deployed kernel with new modules, when these fit it.
fn for_deployed(
    context: &Context<'_>,
    session: &Session<'_>,
    from: &str,
    asked: &Asked<'_>,
) -> Result<Kernel, Failure> {
    let deployed = impact::find(context, session.store, Some(from))?
        .kernel(session, asked)?
        .map_err(|config| config.no_kernel())?;
    let report = pipeline::impact(asked.tree, asked.settled, &deployed)?;
    let misfit = |verdict, is_exact| {
        let why = impact::sentence(verdict, is_exact);
        let error = anyhow::anyhow!("{}, Linux {}, cannot take just modules: {why}", deployed.name, deployed.release);
        Failure::fault(error)
            .help("`kiln impact --exact --from` says what changes in it; `kiln build` makes a new kernel")
    };
    if report.verdict() == Verdict::NewKernel {
        return Err(misfit(Verdict::NewKernel, false));
    }
    let kernel = pipeline::build_kernel(session, asked.tree, asked.settled, asked.evaluated)?;
    let found = pipeline::exact(&deployed, &kernel).map_err(impact::refused)?.verdict();
    if found > Verdict::SameBytes {
        return Err(misfit(found, true));
    }
    Ok(pipeline::with_new_modules(session, &deployed, &kernel)?)
}

/// Compiles; a tree in the store that turns out to be damaged is made anew first.
fn kernel(
    context: &Context<'_>,
    session: &Session<'_>,
    tree: &Tree,
    (settled, evaluated, sources): (&Settled, &Evaluated, &Sources),
) -> Result<Kernel, Failure> {
    match pipeline::build_kernel(session, tree, settled, evaluated) {
        Err(PipelineError::Kernel(error @ KernelError::TreeDamaged { .. })) => {
            context.ui.say(&error.to_string());
            let tree = evaluation::tree(session, evaluated, sources)?;
            Ok(pipeline::build_kernel(session, &tree, settled, evaluated)?)
        }
        built => Ok(built?),
    }
}

/// Builds again; files that differ end the command.
fn verify(
    context: &Context<'_>,
    session: &Session<'_>,
    tree: &Tree,
    (settled, evaluated, sources): (&Settled, &Evaluated, &Sources),
    extra_sources: &[ExtraSource],
    built: (&Kernel, Option<&ExtraModules>, &Finished),
) -> Result<(), Failure> {
    let compared = pipeline::verify(session, tree, settled, evaluated, sources, extra_sources, built)?;
    if compared.differing.is_empty() {
        context.ui.say(&format!("verified: two builds gave the same bytes in all {} files", compared.files));
        return Ok(());
    }
    let n_differing = compared.differing.len();
    let list = compared.differing.join("\n  ");
    let error = anyhow::anyhow!("two builds differ in {n_differing} of {} files:\n  {list}", compared.files);
    Err(Failure::build(error))
}

/// A few lines on what came out.
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
        text.push_str(&format!("  loader {name}: {loaded} modules for {} targets\n", loader.targets.len()));
    }
    text
}
