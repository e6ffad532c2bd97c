//! The rank of a definition.

/// The rank of a definition: the lower number wins.
///
/// The numbers are those of the NixOS module system, so that `priority = 80` has the same meaning in a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i64);

impl Priority {
    /// `{ force = … }`.
    pub const FORCE: Priority = Priority(50);
    /// A plain value.
    pub const PLAIN: Priority = Priority(100);
    /// `{ default = … }`.
    pub const DEFAULT: Priority = Priority(1000);
    /// The default in an option's declaration.
    pub const OPTION_DEFAULT: Priority = Priority(1500);
}

/// The keyword and the number, or the number alone.
impl std::fmt::Display for Priority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Priority::FORCE => f.write_str("force"),
            Priority::PLAIN => f.write_str("plain"),
            Priority::DEFAULT => f.write_str("default"),
            Priority::OPTION_DEFAULT => f.write_str("option default"),
            Priority(number) => write!(f, "priority {number}"),
        }
    }
}
