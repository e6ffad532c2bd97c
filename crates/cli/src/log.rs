//! The log on standard error: off unless `--verbose` or `KILN_LOG` asks for it.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::commands::Global;
use crate::environment::Environment;
use crate::failure::Failure;

/// Starts the log; `KILN_LOG` overrides the level of `--verbose`.
///
/// # Errors
/// `KILN_LOG` cannot be read.
pub(crate) fn start(global: &Global, environment: &Environment, is_colored: bool) -> Result<(), Failure> {
    let level = match global.verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let targets = match &environment.log {
        None => Targets::new().with_default(level),
        Some(text) => text.to_string_lossy().parse().map_err(|error| {
            let text = text.to_string_lossy();
            Failure::Usage(format!(
                "`KILN_LOG={text}` cannot be read ({error}): write `debug` or `kiln_store=debug,info`"
            ))
        })?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_colored).without_time();
    // A second log in one process, as in tests, is no error of the user's.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
    Ok(())
}
