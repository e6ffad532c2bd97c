//! The command line as a user meets it: stdout, stderr and status.
//!
//! One file per command; the deeper rules are tested in the crates that own them.

