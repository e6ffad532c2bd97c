//! The meanings of kiln's exit status.

use kiln_diag::ErrorKind;

/// Success.
pub const FINE: u8 = 0;
/// An error in the recipe or the request.
pub const FAULT: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// An error of the host or the network: a missing program, a full disk, a download that failed.
pub const HOST: u8 = 3;
/// A build failed.
pub const BUILD: u8 = 4;
/// The guest's verdict was bad.
pub const GUEST: u8 = 5;
/// Time was up before the best fix was known; the fix that is shown works.
pub const TIME: u8 = 6;
/// A bug in kiln.
pub const BUG: u8 = 70;
/// The user interrupted the work (128 + SIGINT, as shells count); after SIGTERM it is 143, after SIGHUP 129.
pub const INTERRUPTED: u8 = 130;

/// Returns the status for an error of a stage.
pub(crate) fn of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Input => FAULT,
        ErrorKind::Build => BUILD,
        ErrorKind::Host => HOST,
        ErrorKind::Bug => BUG,
    }
}
