//! `kiln modules`: what each loader of a result loads, and why.

use std::path::PathBuf;

use anyhow::anyhow;
use kiln_assembly::left_out;
use kiln_assembly::loader_tree::{draw, kib, size};
use kiln_assembly::manifest::{LoaderEntry, Manifest};
use serde_json::json;

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Show what each loader of a result loads, as trees, with sizes and reasons
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this loader
    #[arg(value_name = "LOADER")]
    loader: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The result to show
    #[arg(long, value_name = "DIR", default_value = "result")]
    result: PathBuf,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let manifest = kiln_pipeline::read_manifest(&context.environment.current_dir.join(&args.result))?;
    let loaders = chosen(&manifest, args.loader.as_deref())?;
    if args.json {
        let shown = loaders.iter().map(|(name, loader)| {
            let shown = json!({
                "targets": loader.targets,
                "builtin": loader.builtin,
                "modules": loader.modules,
                "missingSoftdeps": loader.missing_softdeps,
                "bytes": size(loader),
            });
            ((*name).to_owned(), shown)
        });
        let shown: serde_json::Map<String, serde_json::Value> = shown.collect();
        let left_out = &manifest.left_out;
        context.ui.json(&json!({ "version": 1, "loaders": shown, "leftOut": left_out, "sizes": manifest.sizes }));
        return Ok(exit::FINE);
    }
    let mut text = String::new();
    for (name, loader) in &loaders {
        text.push_str(&head(name, loader));
        text.push_str(&draw(loader));
        text.push('\n');
    }
    text.push_str(&total(&manifest));
    context.ui.result(&text);
    Ok(exit::FINE)
}

/// Returns the named loader, or all.
fn chosen<'a>(manifest: &'a Manifest, name: Option<&str>) -> Result<Vec<(&'a str, &'a LoaderEntry)>, Failure> {
    let all = manifest.loaders.iter().map(|(name, loader)| (name.as_str(), loader));
    let Some(wanted) = name else { return Ok(all.collect()) };
    let found: Vec<_> = all.filter(|(name, _)| *name == wanted).collect();
    if found.is_empty() {
        let known: Vec<&str> = manifest.loaders.keys().map(String::as_str).collect();
        let failure = Failure::fault(anyhow!("the result has no loader `{wanted}`"));
        return Err(failure.help(format!("it has: {}", known.join(", "))));
    }
    Ok(found)
}

fn head(name: &str, loader: &LoaderEntry) -> String {
    let (modules, targets) = (loader.modules.len(), loader.targets.len());
    format!("{name}: {} and {} for {}\n", count(modules, "module"), kib(size(loader)), count(targets, "target"))
}

/// Formats how much the closures saved.
fn total(manifest: &Manifest) -> String {
    let sizes = manifest.sizes;
    let (these, all) = (kib(sizes.module_bytes), kib(sizes.all_module_bytes));
    let mut text = format!("In the result: {} of {} modules, {these} of {all}\n", sizes.modules, sizes.all_modules);
    if !manifest.left_out.is_empty() {
        text.push_str(&format!("{}\n", left_out::line(&manifest.left_out, usize::MAX)));
    }
    text
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
