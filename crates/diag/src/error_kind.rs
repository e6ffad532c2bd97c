//! The side that has to act on an error.

/// The side that has to act on an error; the command line turns it into the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The recipe, or something that it names: a tree, an archive, a patch.
    Input,
    /// A build of a valid input failed.
    Build,
    /// The host or the network: a missing program, a full disk, a download that failed.
    Host,
    /// A fault in kiln itself.
    Bug,
}
