//! Drives Kbuild: one run of `make` for the kernel, its images and all modules.
//!
//! The order is: recover from a killed run (`unfinished`), write the `.config`, let the tree's own Kconfig read it and
//! compare its output with the resolved config, then build, with a log of everything. Output goes to a directory that
//! is kept between builds, so that Kbuild recompiles only what a change affects; the tree is never written to.
//! The targets and the configuration are the caller's decision.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kiln_exec::ExecError;
use kiln_kconfig::Config;
use kiln_store::Progress;

use crate::kernel::named_files;
use crate::toolchain::{Target, Toolchain};

mod environment;
mod error;
pub mod estimate;
pub mod failure;
mod outputs;
mod sameness;
mod tree;
mod unfinished;

pub use environment::Make;
pub(crate) use environment::{OUTPUT_NAME, SOURCE_NAME};
use error::io_error;
pub use error::{BuildError, Difference};
use failure::{Failure, FailureKind};
pub use outputs::{Built, Image, Module};
pub use tree::TreeError;
pub(crate) use tree::{check_tree, make_output};

/// A kernel to be built.
#[derive(Debug, Clone, Copy)]
pub struct BuildSpec<'a> {
    /// The kernel's source; never written to.
    pub tree: &'a Path,
    /// The build directory; created when missing, and kept.
    pub out: &'a Path,
    /// The target of the build.
    pub target: &'a Target,
    /// The toolchain of the build.
    pub toolchain: &'a Toolchain,
    /// The resolved `.config`.
    pub config_text: &'a str,
    /// Targets of the kernel's makefiles besides `vmlinux` and the modules (`bzImage`, `dtbs`).
    pub targets: &'a [String],
    /// The maximum number of parallel compilers; 0 counts as 1.
    pub jobs: usize,
    /// A file with key and certificate to sign modules with, instead of a random one that the build generates.
    pub signing_key: Option<&'a Path>,
    /// The log of all output of the build; its directory exists.
    pub log: &'a Path,
}

/// Builds the kernel, every target and all modules.
///
/// # Errors
/// See [`BuildError`]; after any of them the same call can be repeated, and continues where this one stopped.
pub fn build(spec: &BuildSpec, progress: &dyn Progress) -> Result<Built, BuildError> {
    let tree = check_tree(spec.tree, spec.target)?;
    let out = make_output(spec.out)?;
    let make = Make { tree: &tree, out: &out, target: spec.target, toolchain: spec.toolchain };
    make.prepare().map_err(io_error(&out))?;
    unfinished::recover(&make)?;
    write_config(&out.join(".config"), spec.config_text)?;
    let config = Config::parse(spec.config_text);
    let arguments = sameness::arguments(&make, &config)?;
    // The config of the last build is known only until the next line.
    let pending = estimate::pending(&make, &config);
    settle(spec, &make, &arguments, progress)?;
    let marker = unfinished::begin(&make)?;
    compile(spec, &make, &config, &arguments, pending, progress)?;
    compare(&out, spec.config_text)?;
    let built = outputs::collect(&make, &config, spec.targets)?;
    marker.finish()?;
    Ok(built)
}

/// Lets the tree's own Kconfig read the configuration, and fails if the result differs.
///
/// `syncconfig` is a part of every build; run first, it leaves nothing for the build to read again. It rewrites
/// `.config` only when a value differs or is missing, and then the two are not the same. Where it fails, as in a tree
/// older than it (4.19), `olddefconfig` writes the values that it read, for the comparison.
fn settle(spec: &BuildSpec, make: &Make, arguments: &[String], progress: &dyn Progress) -> Result<(), BuildError> {
    let by = |target: &str| {
        let args: Vec<&str> = ["-s", target].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        run(make, &args, spec.log, &[], &mut |_| {})
    };
    progress.begin("configure", None);
    let result = match by("syncconfig") {
        Err(BuildError::Failed { .. }) => by("olddefconfig"),
        result => result,
    };
    progress.end();
    result?;
    compare(make.out, spec.config_text)
}

/// Runs the one `make` that builds everything.
fn compile(
    spec: &BuildSpec,
    make: &Make,
    config: &Config,
    arguments: &[String],
    mut pending: estimate::Pending,
    progress: &dyn Progress,
) -> Result<(), BuildError> {
    let jobs = format!("-j{}", spec.jobs.max(1));
    // Only makefiles read this symbol, and an argument of make overrides what they include: the .config is unchanged.
    let key = spec.signing_key.map(|key| format!("CONFIG_MODULE_SIG_KEY={}", key.display()));
    let mut args = vec![jobs.as_str(), "vmlinux"];
    args.extend(key.as_deref());
    args.extend(arguments.iter().map(String::as_str));
    args.extend(spec.targets.iter().map(String::as_str).filter(|target| !matches!(*target, "vmlinux" | "modules")));
    if config.get("MODULES") == Some("y") {
        args.push("modules");
    }
    progress.begin("compile", Some(pending.total()));
    let named = named_files::paths(config).into_iter().chain(spec.signing_key.map(Path::to_owned)).collect::<Vec<_>>();
    let result = run(make, &args, spec.log, &named, &mut |line| {
        if let Some(object) = failure::progress_object(line) {
            progress.advance(pending.made(object), object);
        }
    });
    progress.end();
    result
}

/// Runs `make`, which may read the files `named`; a failure becomes the first error in its output.
fn run(
    make: &Make,
    args: &[&str],
    log: &Path,
    named: &[PathBuf],
    on_line: &mut dyn FnMut(&str),
) -> Result<(), BuildError> {
    let exec = make.exec().args(args).log(log).reading(named);
    let mut lines: Vec<String> = Vec::new();
    let result = exec.run(&mut |_, line| {
        on_line(line);
        lines.push(line.to_owned());
        ControlFlow::Continue(())
    });
    match result {
        Ok(()) => Ok(()),
        Err(ExecError::Failed { .. }) => Err(failed(make, failure::find(&lines), log)),
        Err(ExecError::Interrupted(interrupt)) => Err(interrupt.into()),
        Err(ExecError::Log { source, .. }) if source.kind() == io::ErrorKind::StorageFull => {
            Err(BuildError::NoSpace { out: make.out.to_owned(), log: log.to_owned() })
        }
        Err(error) => Err(BuildError::Exec(error)),
    }
}

fn failed(make: &Make, failure: Failure, log: &Path) -> BuildError {
    let log = log.to_owned();
    match (failure.missing(make.target), &failure.kind) {
        (Some(missing), _) => BuildError::Missing { missing: vec![missing], log },
        (None, FailureKind::NoSpace) => BuildError::NoSpace { out: make.out.to_owned(), log },
        (None, _) => BuildError::Failed { failure: Box::new(failure), log },
    }
}

/// Writes the configuration, unless the file has it already: a new file time would make Kbuild check everything.
fn write_config(path: &Path, text: &str) -> Result<(), BuildError> {
    if kiln_file::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(path, text).map_err(io_error(path))
}

fn compare(out: &Path, resolved: &str) -> Result<(), BuildError> {
    let path = out.join(".config");
    let written = kiln_file::read_to_string(&path).map_err(io_error(&path))?;
    if written == resolved {
        Ok(())
    } else {
        Err(BuildError::ConfigDiffers { differences: differences(resolved, &written) })
    }
}

/// Returns the lines that differ, paired by symbol where both sides have one.
fn differences(resolved: &str, written: &str) -> Vec<Difference> {
    let mut differences = Vec::new();
    let by_symbol = |text: &str| -> std::collections::BTreeMap<String, String> {
        text.lines().filter_map(|line| Some((symbol_of(line)?.to_owned(), line.to_owned()))).collect()
    };
    let (ours, theirs) = (by_symbol(resolved), by_symbol(written));
    let mut names: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (resolved, written) = (ours.get(name).cloned(), theirs.get(name).cloned());
        if resolved != written {
            differences.push(Difference { resolved, written });
        }
    }
    if differences.is_empty() {
        // The same values in another order or under other headings.
        let mut pairs = (resolved.lines(), written.lines());
        loop {
            let pair = (pairs.0.next(), pairs.1.next());
            if pair.0 != pair.1 || pair == (None, None) {
                differences
                    .push(Difference { resolved: pair.0.map(str::to_owned), written: pair.1.map(str::to_owned) });
                break;
            }
        }
    }
    differences
}

fn symbol_of(line: &str) -> Option<&str> {
    match line.strip_prefix("# CONFIG_") {
        Some(rest) => rest.strip_suffix(" is not set"),
        None => line.strip_prefix("CONFIG_")?.split_once('=').map(|(name, _)| name),
    }
}

#[cfg(test)]
mod tests;
