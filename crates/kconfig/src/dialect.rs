//! What differs between the versions of the language and of the program that evaluates it.

/// The rules of one version; all fields are facts that can be read off a tree's own `scripts/kconfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// A choice has a value of its own, may be `optional`, `tristate` and named; its members depend on its value.
    /// Gone in 6.11, where a choice is a list of members by priority.
    pub choice_values: bool,
    /// An `int` or `hex` without a default is `0` or `0x0` instead of empty (6.8).
    pub zero_numbers: bool,
    /// A number out of its range is dropped when a `.config` is read instead of moved to the nearest end (until 6.10).
    pub drops_out_of_range: bool,
    /// `# CONFIG_X is not set` may have text behind it, and a `CONFIG_` line without `=` is passed over (until 6.7).
    pub lenient_unset: bool,
    /// `KCONFIG_WARN_UNKNOWN_SYMBOLS` and `KCONFIG_WERROR` are known.
    pub strict_variables: bool,
    /// `rustc_cfg` is written beside `auto.conf`.
    pub rustc_cfg: bool,
    /// Size of the C program's hash table of symbols, which orders `auto.conf`.
    pub hash_buckets: u32,
    /// The `transitional` attribute (6.18).
    pub transitional: bool,
    /// `depends on X if Y` (7.0).
    pub conditional_depends: bool,
}

impl Dialect {
    /// The rules of Linux 6.12.
    pub const LINUX_6_12: Dialect = Dialect {
        choice_values: false,
        zero_numbers: true,
        drops_out_of_range: false,
        lenient_unset: false,
        strict_variables: true,
        rustc_cfg: true,
        hash_buckets: 1 << 14,
        transitional: false,
        conditional_depends: false,
    };
}
