//! Make text, as far as Kbuild's makefiles and dependency notes need it.
//!
//! There is one reader: `logical` joins physical lines and removes comments, `statement` classifies each line, and
//! `reference` finds the ends of references. The four uses are built on it: [`ModuleRules`] (which symbol builds which
//! module), [`Variables`] and [`objects()`] (what a config builds), [`Mentions`] (what depends on a symbol), and
//! [`Note`] (Kbuild's `.cmd` files).
//!
//! The value of a symbol and the text of a file come from closures; no recipe is run.

mod logical;
mod mentions;
mod module_rules;
mod note;
mod objects;
mod path;
mod reference;
mod statement;
mod symbol;
mod variables;

pub use mentions::{Effect, Mentions, Scope};
pub use module_rules::{ModuleRules, Rule};
pub use note::Note;
pub use objects::{Objects, objects};
pub use path::normal;
pub use variables::{BuildContext, ExplicitRule, Variables};
