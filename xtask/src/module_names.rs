//! The share of a kernel's modules for which the makefiles of its source lead to the right symbol.
//!
//! Unless told otherwise the kernel is Debian 12's for amd64, with the makefiles of its source package.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use kiln_kbuild::makefiles;
use kiln_kconfig::Config;

use crate::depmod_matrix::{unpacked, unpacked_makefiles};

/// The required share, in percent.
const LEAST: f64 = 99.5;

/// Measure for how many modules of a kernel the symbol that controls them is found
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The kernel's source [default: the makefiles of Debian's, downloaded]
    #[arg(long, value_name = "DIR", requires_all = ["config", "modules"])]
    tree: Option<PathBuf>,
    /// Its .config
    #[arg(long, value_name = "FILE", requires = "tree")]
    config: Option<PathBuf>,
    /// Its modules.order, as installed
    #[arg(long, value_name = "FILE", requires = "tree")]
    modules: Option<PathBuf>,
    /// Fail below this share, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = LEAST)]
    least: f64,
}

impl Args {
    /// Debian's kernel.
    pub(crate) fn debians() -> Args {
        Args { tree: None, config: None, modules: None, least: LEAST }
    }
}

/// Prints the share, and every module without the right symbol.
///
/// The config decides: what was built as a module has a symbol that is `m` among those that decide about it.
#[expect(clippy::print_stdout, reason = "a developer's tool prints its table")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| path.display().to_string());
    let [tree, config, modules] = match (&args.tree, &args.config, &args.modules) {
        (Some(tree), Some(config), Some(modules)) => [tree.clone(), config.clone(), modules.clone()],
        _ => debians()?,
    };
    let rules = makefiles::read(&tree).map_err(|(path, error)| anyhow::anyhow!("{}: {error}", path.display()))?;
    let config = Config::parse(&read(&config)?);
    let order = read(&modules)?;
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
    ensure!(all > 0, "{} names no module", modules.display());
    let share = 100.0 * f64::from(right) / f64::from(all);
    println!("{right} of {all} modules, {share:.2} %");
    ensure!(share >= args.least, "less than {} %", args.least);
    Ok(())
}

/// Source, config and order of Debian's kernel.
fn debians() -> Result<[PathBuf; 3]> {
    let (base, release) = unpacked("bookworm", "amd64", "linux-image-amd64")?;
    let version: Vec<&str> = release.split('.').take(2).collect();
    let source = format!("linux-source-{}", version.join("."));
    Ok([
        unpacked_makefiles("bookworm", "amd64", &source)?,
        base.join(format!("boot/config-{release}")),
        base.join(format!("lib/modules/{release}/modules.order")),
    ])
}
