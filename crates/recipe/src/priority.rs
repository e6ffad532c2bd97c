//! The rank of a definition.

/// The rank of a definition: the lower number wins.
///
/// The numbers are the NixOS module system's, so that a recipe may say `priority = 80` and mean what it means there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i64);

impl Priority {
    /// `{ force = … }`.
    pub const FORCE: Priority = Priority(50);
    /// A value without more.
    pub const PLAIN: Priority = Priority(100);
    /// `{ default = … }`.
    pub const DEFAULT: Priority = Priority(1000);
    /// The default that an option's declaration carries.
    pub const OPTION_DEFAULT: Priority = Priority(1500);
}

/// The word for it and the number, or the number alone.
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
