//! Modules of typed options, merged by priority; every value has its origin.
//!
//! [`load`] reads a recipe with all that it imports into [`Modules`]: parsed text, every node with its place.
//! [`merge()`] checks them against declared options ([`Section`]) and returns a [`Tree`] of [`Merged`] values, each
//! with the definitions that won and those that lost. The rules are those of the NixOS module system. The meaning of
//! the options is not known here: this crate declares none and reads no files.

mod amend;
mod check;
mod condition;
mod declaration;
mod definition;
mod import;
mod merge;
mod nearest;
mod priority;
mod syntax;
mod value;

pub use amend::{AmendError, Amendment, amend};
pub use condition::{Condition, ConditionFault, Facts, Predicate};
pub use declaration::{
    AttrsOf, Check, Declaration, Fault, Field, Leaf, OneOf, Reference, Section, Shape, TextType, Type, Variant,
};
pub use definition::Def;
pub use import::{Builtin, Found, IMPORTS, Imports, Module, Modules, Reader, load};
pub use merge::{Merged, Tree, merge};
pub use nearest::nearest;
pub use priority::Priority;
pub use syntax::Foreign;
pub use value::{Data, Entry, Value};
