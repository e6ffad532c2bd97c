//! Findings as data: what is wrong, and where it was written.
//!
//! [`Sources`] owns every text that a message may point into; a [`Span`] is a byte range in one of them, and is the
//! origin that a definition carries from the parser to the last error message. A [`Diagnostic`] is one finding about the
//! user's text; findings are collected in [`Diagnostics`] and work continues. Its kind is a [`Code`], of which there is
//! one list.
//! Nothing here reads files or renders: only the command line does.

mod code;
mod diagnostic;
mod error_kind;
mod sources;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity};
pub use error_kind::ErrorKind;
pub use sources::{FileId, Location, Sources, Span};
