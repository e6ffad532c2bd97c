//! The effects of a change of the config: from changed symbols to affected objects, and what that means for a kernel
//! that is already deployed.
//!
//! [`BuildRecord`] keeps the facts about a finished build that are needed later, [`reach()`] finds the part of it that
//! a change reaches by what [`kiln_makefile::Mentions`] says of makefiles, [`compare()`] compares two finished builds,
//! and [`Layouts`] the structures of two configs.
//!
//! Guarantee: an object that differs between builds of two configs is among those that are reached. So anything that
//! cannot be determined from the text of a makefile counts as reached; more may be reached than changes, and
//! [`compare()`] determines which.
//! Limitations: it does not run `make`, read files, or build anything.

mod compare;
mod reach;
mod record;
mod structures;

pub use compare::{Comparison, ExportChange, compare};
pub use reach::{Because, Change, Impact, Objects, Reached, Verdict, changes, reach};
pub use record::{BuildRecord, FileRef, Product, ProductKind, RecordError};
pub use structures::{Cause, Layouts, MemberChange, Named, Slot, StructureChange, namings};
