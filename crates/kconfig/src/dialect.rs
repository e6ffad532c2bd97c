//! Differences between the versions of the language and of the program that evaluates it.

mod program;
mod short;

pub use short::ShortText;

/// The rules of one version; every field can be derived from the sources of a project's own `conf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// A choice has a value of its own, may be `optional`, `tristate` and named; its members depend on its value.
    /// Gone in 6.11, where a choice is a list of members by priority.
    pub choice_values: bool,
    /// An `int` or `hex` without a default is `0` or `0x0` instead of empty (6.8).
    pub zero_numbers: bool,
    /// A number out of its range is dropped when a `.config` is read instead of moved to the nearest end (until 6.10).
    pub drops_out_of_range: bool,
    /// `# CONFIG_X is not set` may be followed by text, and a `CONFIG_` line without `=` is ignored (until 6.7).
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
    /// `option modules`, `option defconfig_list`, `option allnoconfig_y`, `option env=` and `---help---` (until 5.12).
    pub options: bool,
    /// Paths and prompts need no quotes, and most keywords are reserved at the start of a line only (until 5.0).
    pub bare_words: bool,
    /// `# end of MENU` closes a menu in a `.config` (5.5).
    pub end_comments: bool,
    /// A `.config` that would not change is not rewritten (5.2).
    pub keeps_unchanged: bool,
    /// `KCONFIG_SEED=` is printed on standard error (until 5.0).
    pub seed_on_stderr: bool,
    /// A symbol that is implied with `y` cannot be `m` (until 5.6).
    pub promotes_implied: bool,
    /// A string in a `.config` has no escapes and ends with its line's last `"` (U-Boot).
    pub raw_strings: bool,
    /// A `.config` also has the symbols that are not visible and have no value, and a symbol that is declared twice is
    /// in it twice (BusyBox).
    pub writes_hidden: bool,
    /// `$(…)` is expanded and variables can be set (4.18). Without it `$NAME` in `source` and `mainmenu` is the value of
    /// a symbol.
    pub macros: bool,
    /// The statements that a choice may contain.
    pub in_choice: InChoice,
    /// `source` takes patterns as a shell does; one that matches nothing is no error (coreboot).
    pub source_patterns: bool,
    /// A menu without entries has an end comment too (5.11).
    pub empty_menu_ends: bool,
    /// A hidden `bool` that is `n` by a default is in the `.config` (until 4.16).
    pub writes_default_n: bool,
    /// A member of a choice that was written once is written, even when it is no longer visible (until 4.2).
    pub members_stay_written: bool,
    /// A number out of its range becomes the end of the range as the program prints it, not as it is written there
    /// (until 5.12).
    pub prints_range_ends: bool,
    /// Size of the buffer for the output of `$(shell)`.
    pub shell_buffer: u32,
    /// Random values end when the last choice had nothing to draw, even if others had (until 5.6).
    pub last_choice_decides: bool,
    /// A symbol without a name says whether modules are enabled; without `option modules` its value is that of
    /// `MODULES` (until 4.2).
    pub modules_by_name: bool,
    /// `all*config` gives every `bool` and `tristate` the mode's value, whatever `KCONFIG_ALLCONFIG` says of it; only
    /// numbers, strings and members of choices count (BusyBox).
    pub seed_without_logic: bool,
    /// The title without `mainmenu`.
    pub title: ShortText,
    /// The prefix of names in a `.config` unless the variable `CONFIG_` is set.
    pub prefix: ShortText,
}

/// The statements that a choice may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InChoice {
    /// `config`, `comment` and `if`.
    Entries,
    /// `source` too (coreboot).
    Sources,
    /// All but `menu` and `choice`, which an `if` in it may contain (until 5.18).
    Statements,
}

impl Dialect {
    /// The rules of late Linux 6.1.
    pub const LINUX_6_1: Dialect = Dialect {
        choice_values: true,
        zero_numbers: false,
        drops_out_of_range: true,
        lenient_unset: true,
        strict_variables: true,
        rustc_cfg: true,
        hash_buckets: 9973,
        transitional: false,
        conditional_depends: false,
        options: false,
        bare_words: false,
        end_comments: true,
        keeps_unchanged: true,
        seed_on_stderr: false,
        promotes_implied: false,
        raw_strings: false,
        writes_hidden: false,
        macros: true,
        in_choice: InChoice::Entries,
        source_patterns: false,
        empty_menu_ends: true,
        writes_default_n: false,
        members_stay_written: false,
        prints_range_ends: false,
        shell_buffer: 4096,
        last_choice_decides: false,
        modules_by_name: false,
        seed_without_logic: false,
        title: ShortText::of("Main menu"),
        prefix: ShortText::of("CONFIG_"),
    };

    /// The rules of Linux 6.12.
    pub const LINUX_6_12: Dialect = Dialect {
        choice_values: false,
        zero_numbers: true,
        drops_out_of_range: false,
        lenient_unset: false,
        hash_buckets: 1 << 14,
        ..Dialect::LINUX_6_1
    };

    /// The newest rules known: those of Linux 7.0.
    pub const NEWEST: Dialect = Dialect { transitional: true, conditional_depends: true, ..Dialect::LINUX_6_12 };
}
