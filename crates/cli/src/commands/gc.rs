//! `kiln gc`: frees the store.

use std::time::Duration;

use kiln_pipeline::gc::{self, Freed, Limits, Thing};
use serde_json::json;

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Remove from the store what no generation of any recipe needs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only print what would be freed
    #[arg(long)]
    dry_run: bool,
    /// Free only what was not used for this long (`30d`, `12h`, `4w`)
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Free only until the store is no larger than this (`10G`, `500M`), least recently used first
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Drop all but the last N generations of each recipe [default: all are kept]
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Verify the checksum of every file; damaged entries are freed, and made again when they are needed
    #[arg(long)]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let command = CommandContext::open(context)?;
    let Args { dry_run, older_than, max_size, keep, verify, .. } = *args;
    let limits = Limits { older_than, max_size, keep, verify, dry_run };
    let freed = gc::gc(&command.store, &limits, context.ui).map_err(Failure::host)?;
    for file in &freed.unreadable {
        context.ui.warn(&file.to_string());
    }
    if args.json {
        context.ui.json(&as_json(&freed, dry_run));
    } else {
        context.ui.result(&text(&freed, &limits));
    }
    Ok(exit::FINE)
}

fn text(freed: &Freed, limits: &Limits) -> String {
    let mut text = String::new();
    for generation in &freed.generations {
        text.push_str(&format!("generation {} of {}\n", generation.number, generation.recipe.display()));
    }
    for Thing { path, bytes, unused_for, damage } in &freed.things {
        let why = damage.as_ref().map_or_else(|| format!("last used {} ago", shown_age(*unused_for)), Clone::clone);
        text.push_str(&format!("{:>10}  {}, {why}\n", shown_size(*bytes), path.display()));
    }
    let verb = if limits.dry_run { "would free" } else { "freed" };
    let (these, all) = (shown_size(freed.bytes()), shown_size(freed.total));
    text.push_str(&format!("{verb} {these} of {all}; generations need {}\n", shown_size(freed.held)));
    let left = freed.total - freed.bytes();
    if let Some(wanted) = limits.max_size.filter(|wanted| left > *wanted) {
        let (left, wanted) = (shown_size(left), shown_size(wanted));
        text.push_str(&format!("{left} are left, more than {wanted}: `--keep N` drops earlier generations\n"));
    }
    text
}

fn as_json(freed: &Freed, dry_run: bool) -> serde_json::Value {
    let things = freed.things.iter().map(|thing| {
        json!({
            "path": thing.path,
            "bytes": thing.bytes,
            "unusedSeconds": thing.unused_for.as_secs(),
            "damage": thing.damage,
        })
    });
    let generations = freed.generations.iter().map(|one| json!({ "recipe": one.recipe, "number": one.number }));
    json!({
        "version": 1,
        "dryRun": dry_run,
        "freed": things.collect::<Vec<_>>(),
        "generations": generations.collect::<Vec<_>>(),
        "bytes": freed.bytes(),
        "bytesBefore": freed.total,
        "bytesHeld": freed.held,
    })
}

/// Parses `30d`: a number and a unit.
fn age(text: &str) -> Result<Duration, String> {
    let units = [('m', 60), ('h', 3600), ('d', 86_400), ('w', 7 * 86_400)];
    let wanted = "a number and one of m (minutes), h (hours), d (days), w (weeks)";
    scaled(text, &units).map(Duration::from_secs).ok_or_else(|| wanted.to_owned())
}

/// Parses `10G`: bytes, or a number and a unit of 1024s.
fn size(text: &str) -> Result<u64, String> {
    let units = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];
    let bytes = text.parse().ok().or_else(|| scaled(text, &units));
    bytes.ok_or_else(|| "a number of bytes, or a number and one of K, M, G, T".to_owned())
}

fn scaled(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
    number.checked_mul(*factor)
}

fn shown_size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.iter().find(|(shift, _)| bytes >> shift > 0);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(shift, name)| format!("{:.1} {name}", bytes as f64 / (1u64 << shift) as f64),
    )
}

fn shown_age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_have_units() {
        assert_eq!(age("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(age("12h"), Ok(Duration::from_secs(12 * 3600)));
        assert_eq!(size("10G"), Ok(10 << 30));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in ["", "d", "-1d", "30", "1y", "99999999999999999999w", "18446744073709551615w"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "G", "-1", "1.5G", "18446744073709551615K"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!([0, 1023, 1536, 5 << 30].map(shown_size), ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]);
    }
}
