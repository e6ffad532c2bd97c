//! Make text, as far as Kbuild's makefiles and notes need it.

mod mentions;
mod module_rules;
mod note;
mod objects;
mod variables;

pub use mentions::{Effect, Mentions, Scope};
pub use module_rules::{ModuleRules, Rule};
pub use note::Note;
pub use objects::{Objects, objects};
pub use variables::{BuildContext, ExplicitRule, Variables, normal};
