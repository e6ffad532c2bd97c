//! Whether the user asked us to stop.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The error of work that stopped because the user asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupt;

/// The values that the signal handlers write.
#[derive(Debug, Default)]
struct Signals {
    /// Whether one has arrived.
    arrived: Arc<AtomicBool>,
    /// Its number; 0 before.
    number: Arc<AtomicUsize>,
}

static SIGNALS: OnceLock<Signals> = OnceLock::new();

/// The time from a signal to the end of the process, whatever it waits for by then: an answer of a file system, a
/// reader of its output. Orderly ends are faster.
const LAST_RESORT: Duration = Duration::from_millis(900);
/// The time that children have to end after a signal; it leaves some of [`LAST_RESORT`] for an orderly end.
pub(crate) const CHILDREN: Duration = Duration::from_millis(500);

/// Records SIGINT, SIGTERM and SIGHUP instead of dying of them; call once, at the start.
///
/// A second signal ends the process at once, and so do 0.9 s after the first one. Such an end is like that by SIGKILL,
/// after which the store and the build directories recover anyway, but with the status 128 + the signal's number.
/// # Errors
/// The signal handlers could not be set, or the thread that ends the process could not be started.
pub fn on_signals() -> io::Result<()> {
    let (mut reader, writer) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let flags = signals();
        signal_hook::flag::register_conditional_shutdown(signal, status_of(signal), Arc::clone(&flags.arrived))?;
        signal_hook::flag::register_usize(signal, Arc::clone(&flags.number), signal.unsigned_abs() as usize)?;
        signal_hook::flag::register(signal, Arc::clone(&flags.arrived))?;
        signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
    }
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        // The handlers own the other end, so that this returns after a signal only.
        if reader.read_exact(&mut [0]).is_ok() {
            std::thread::sleep(LAST_RESORT);
            signal_hook::low_level::exit(interrupt_status().unwrap_or_default().into());
        }
    })?;
    Ok(())
}

/// Returns an error when the user asked to stop; long loops call it now and then.
///
/// # Errors
/// [`Interrupt`], once a signal has arrived.
pub fn interrupted() -> Result<(), Interrupt> {
    if signals().arrived.load(Ordering::Relaxed) { Err(Interrupt) } else { Ok(()) }
}

/// Returns the exit status of an interrupted process, once a signal has arrived: 128 + its number, as shells count.
pub fn interrupt_status() -> Option<u8> {
    let number = i32::try_from(signals().number.load(Ordering::Relaxed)).unwrap_or_default();
    (number != 0).then(|| status_of(number).to_le_bytes()[0])
}

fn status_of(signal: i32) -> i32 {
    128 + signal
}

fn signals() -> &'static Signals {
    SIGNALS.get_or_init(Signals::default)
}
