//! Whether the user asked us to stop.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The error of work that stopped because the user asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupt;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Records SIGINT, SIGTERM and SIGHUP instead of dying of them; call once, at the start.
///
/// A second signal ends the process at once.
/// # Errors
/// The signal handlers could not be set.
pub fn on_signals() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(flag()))?;
        signal_hook::flag::register(signal, Arc::clone(flag()))?;
    }
    Ok(())
}

/// Returns an error when the user asked to stop; long loops call it now and then.
///
/// # Errors
/// [`Interrupt`], once a signal has arrived.
pub fn interrupted() -> Result<(), Interrupt> {
    if flag().load(Ordering::Relaxed) { Err(Interrupt) } else { Ok(()) }
}

fn flag() -> &'static Arc<AtomicBool> {
    FLAG.get_or_init(|| Arc::new(AtomicBool::new(false)))
}
