//! What a change of the config reaches: from symbols that change to objects that are affected, and what that means for a
//! kernel that is already out there.
//!
//! [`BuildRecord`] keeps of a finished build what is needed later, [`reach()`] finds what of it a change reaches with what
//! [`kiln_makefile::Mentions`] says of makefiles, [`compare()`] compares two finished builds, and [`Layouts`] the structures
//! of two configs.
//!
//! What holds: an object that differs between builds of two configs is among those that are reached. So whatever cannot
//! be told from the text of a makefile counts as reached; more may be reached than changes, and [`compare()`] tells
//! which.
//! What it does not do: run `make`, read files, or build anything.

mod compare;
mod reach;
mod record;
mod structures;

pub use compare::{Comparison, ExportChange, compare};
pub use reach::{Because, Change, Impact, Objects, Reached, Verdict, changes, reach};
pub use record::{BuildRecord, FileRef, Product, ProductKind, RecordError};
pub use structures::{Cause, Layouts, MemberChange, Named, Slot, StructureChange, namings};
