//! `kiln generations`: the kept finished builds of the recipe.

use kiln_pipeline::generation::{self, Generation, Kept};
use serde_json::json;

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// List the recipe's finished builds that are kept, oldest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let command = CommandContext::open(context)?;
    let Kept { generations: found, unreadable } =
        generation::list(&command.store, &context.recipe()).map_err(Failure::host)?;
    for file in unreadable {
        context.ui.warn(&file.to_string());
    }
    if args.json {
        context.ui.json(&json!({ "version": 1, "generations": found }));
        return Ok(exit::FINE);
    }
    if found.is_empty() {
        context.ui.say("the recipe has not been built yet, or its generations are gone");
    }
    context.ui.result(&found.iter().map(line).collect::<String>());
    Ok(exit::FINE)
}

fn line(generation: &Generation) -> String {
    let Generation { number, release, arch, make_targets, keys, .. } = generation;
    let time = utc(generation.time);
    let targets = if make_targets.is_empty() { "vmlinux".to_owned() } else { make_targets.join(" ") };
    format!(
        "{number:>4}  {time}  Linux {release} {arch} {targets}  kernel {}\n",
        &keys.kernel[..8.min(keys.kernel.len())]
    )
}

/// Formats seconds since 1970 as a date with minutes, in UTC.
///
/// # Source
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
pub(crate) fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", rest / 3600, rest % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }
}
