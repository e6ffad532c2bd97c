//! How many of a kernel's modules lead to the right symbol by the makefiles of its source.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use kiln_build::makefiles;
use kiln_plan::ConfigValues;

/// Measure for how many modules of a kernel the symbol is found that decides about them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The kernel's source
    #[arg(long, value_name = "DIR")]
    tree: PathBuf,
    /// Its .config
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Its modules.order, as installed
    #[arg(long, value_name = "FILE")]
    modules: PathBuf,
    /// Fail below this share, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 99.0)]
    least: f64,
}

/// Prints the share, and every module without the right symbol.
///
/// The config is the judge: what was built as a module has a symbol that is `m` among those that decide about it.
#[expect(clippy::print_stdout, reason = "a developer's tool prints its table")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| path.display().to_string());
    let rules = makefiles::read(&args.tree).map_err(|(path, error)| anyhow::anyhow!("{}: {error}", path.display()))?;
    let config = ConfigValues::parse(&read(&args.config)?);
    let order = read(&args.modules)?;
    let (mut right, mut all) = (0u32, 0u32);
    for line in order.lines() {
        let object = line.strip_prefix("kernel/").unwrap_or(line);
        let object = object.strip_suffix(".ko").with_context(|| format!("{line}: not the path of a module"))?;
        let symbols: Vec<Option<&str>> = rules.of_object(object).map(|rule| rule.symbol.as_deref()).collect();
        all += 1;
        if symbols.iter().flatten().any(|symbol| config.get(symbol) == Some("m")) {
            right += 1;
        } else {
            println!("{object}: {symbols:?}");
        }
    }
    ensure!(all > 0, "{} names no module", args.modules.display());
    let share = 100.0 * f64::from(right) / f64::from(all);
    println!("{right} of {all} modules, {share:.2} %");
    ensure!(share >= args.least, "less than {} %", args.least);
    Ok(())
}
