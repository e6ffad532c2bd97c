//! `kiln store verify`: every entry of the store compared with its digest.

use std::path::Path;

use kiln_pipeline::integrity;
use kiln_store::Fault;
use serde_json::json;

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Verify the store
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Verify(VerifyArgs),
}

/// Compare every entry of the store with its digest, and print those that are damaged
///
/// The exit status is 1 when an entry is damaged, and 0 when --repair has removed all that are.
#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// Remove damaged entries, so that the next run makes them again
    #[arg(long)]
    repair: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let Command::Verify(args) = &args.command;
    verify(context, args)
}

fn verify(context: &Context<'_>, args: &VerifyArgs) -> Result<u8, Failure> {
    let store = CommandContext::open(context)?.store;
    let damaged = integrity::verify(&store, context.ui).map_err(Failure::host)?;
    if args.repair && !damaged.is_empty() {
        integrity::repair(&store, &damaged, context.ui).map_err(Failure::host)?;
    }
    // Parts of the store itself are mended whenever it is opened.
    let mended = store.mended().into_iter().map(|fault| (fault, true));
    let found = mended.chain(damaged.into_iter().map(|fault| (fault, args.repair)));
    let found: Vec<Found<'_>> = found.map(|(fault, repaired)| Found { fault, repaired, dir: store.dir() }).collect();
    if args.json {
        let entries: Vec<_> = found.iter().map(Found::json).collect();
        context.ui.json(&json!({ "version": 1, "damaged": entries }));
    } else {
        context.ui.result(&found.iter().map(Found::line).collect::<String>());
        context.ui.say(&summary(&found));
    }
    Ok(if found.is_empty() || args.repair { exit::FINE } else { exit::FAULT })
}

/// A damaged entry, and whether it has been removed or mended.
struct Found<'a> {
    fault: Fault,
    repaired: bool,
    dir: &'a Path,
}

impl Found<'_> {
    fn line(&self) -> String {
        let end = if self.repaired { "; repaired" } else { "" };
        format!("{}: {}{end}\n", self.dir.join(&self.fault.path).display(), self.fault.why)
    }

    fn json(&self) -> serde_json::Value {
        json!({ "path": self.fault.path, "damage": self.fault.why, "repaired": self.repaired })
    }
}

fn summary(found: &[Found<'_>]) -> String {
    let left = found.iter().filter(|one| !one.repaired).count();
    match (found.len(), left) {
        (0, _) => "every entry of the store is as it was made".to_owned(),
        (_, 0) => "the next run makes again what it needs of these".to_owned(),
        (_, 1) => {
            "1 entry is damaged: `kiln store verify --repair` removes it, and the next run makes it again".to_owned()
        }
        (_, left) => {
            format!(
                "{left} entries are damaged: `kiln store verify --repair` removes them, and the next run makes them again"
            )
        }
    }
}
