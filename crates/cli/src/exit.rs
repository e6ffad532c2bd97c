//! What kiln's exit status says.

/// All is well.
pub const FINE: u8 = 0;
/// The recipe or the request is at fault.
pub const FAULT: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The host or the network refused: a missing program, a full disk, a download that failed.
pub const HOST: u8 = 3;
/// A build failed.
pub const BUILD: u8 = 4;
/// The guest's verdict was bad.
pub const GUEST: u8 = 5;
/// Time was up before the best fix was known; what is shown works.
pub const TIME: u8 = 6;
/// A bug in kiln.
pub const BUG: u8 = 70;
/// The user interrupted the work (128 + SIGINT, as shells count).
pub const INTERRUPTED: u8 = 130;
