//! Differences between the versions of the language and of the program that evaluates it.

use crate::Files;

/// The rules of one version; every field can be derived from a tree's own `scripts/kconfig`.
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
    };

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
        options: false,
        bare_words: false,
        end_comments: true,
        keeps_unchanged: true,
        seed_on_stderr: false,
        promotes_implied: false,
        raw_strings: false,
        writes_hidden: false,
    };
}

impl Dialect {
    /// The newest rules known: those of Linux 7.0.
    pub const NEWEST: Dialect = Dialect { transitional: true, conditional_depends: true, ..Dialect::LINUX_6_12 };

    /// Returns the rules of a tree, read from its own program in `scripts/kconfig`; the newest rules if it has none.
    ///
    /// A version number is not enough: stable kernels take over later fixes one by one.
    pub fn of_tree(files: &dyn Files) -> Dialect {
        let read = |name: &str| {
            let text = files.read(&format!("scripts/kconfig/{name}")).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        };
        // The grammar was called `zconf.y` until 5.0.
        let old_parser = read("zconf.y");
        let parser = [read("parser.y"), old_parser.clone()].concat();
        if parser.is_empty() {
            return Dialect::NEWEST;
        }
        let (symbol, confdata, conf) = (read("symbol.c"), read("confdata.c"), read("conf.c"));
        let buckets = [read("internal.h"), read("expr.h")].iter().find_map(|text| buckets(text));
        Dialect {
            choice_values: !parser.contains("choice_members"),
            zero_numbers: symbol.contains("newval.val = \"0x0\""),
            drops_out_of_range: confdata.contains("Reset a string value if it's out of range"),
            lenient_unset: confdata.contains("strncmp(p, \"is not set\""),
            strict_variables: confdata.contains("KCONFIG_WARN_UNKNOWN_SYMBOLS"),
            rustc_cfg: confdata.contains("rustccfg"),
            hash_buckets: buckets.unwrap_or(1 << 14),
            transitional: parser.contains("T_TRANSITIONAL"),
            conditional_depends: parser.contains("T_DEPENDS T_ON expr if_expr"),
            options: parser.contains("T_OPTION ") || !old_parser.is_empty(),
            bare_words: !old_parser.is_empty(),
            end_comments: confdata.contains("# end of "),
            keeps_unchanged: confdata.contains("No change to "),
            seed_on_stderr: conf.contains("stderr, \"KCONFIG_SEED"),
            promotes_implied: symbol.contains("sym->implied.tri == yes))"),
            raw_strings: confdata.contains("Last char has to be a"),
            writes_hidden: confdata.contains("we want to see all syms"),
        }
    }
}

/// The number after `#define SYMBOL_HASHSIZE`, plain or as `(1U << N)`.
fn buckets(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("#define SYMBOL_HASHSIZE"))?.trim();
    match line.trim_matches(['(', ')']).split_once("<<") {
        Some((_, shift)) => shift.trim().parse().ok().filter(|shift| *shift < 31).map(|shift: u32| 1 << shift),
        None => line.parse().ok().filter(|number| *number > 0),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Dialect, buckets};

    #[test]
    fn sizes_of_the_hash_table() {
        assert_eq!(buckets("#define SYMBOL_HASHSIZE\t\t9973\n"), Some(9973));
        assert_eq!(buckets("#define SYMBOL_HASHSIZE\t\t(1U << 14)\n"), Some(16384));
        assert_eq!(buckets("#define SYMBOL_HASHSIZE x\n"), None);
    }

    #[test]
    fn a_tree_says_which_rules_it_follows() {
        let tree = |name: &str| -> Option<Arc<[u8]>> {
            let text = match name {
                "scripts/kconfig/parser.y" => "%token T_TRANSITIONAL\nlist_add_tail(&current_choice->choice_members)\n",
                "scripts/kconfig/symbol.c" => "newval.val = \"0x0\";\n",
                "scripts/kconfig/confdata.c" => {
                    "getenv(\"KCONFIG_WARN_UNKNOWN_SYMBOLS\") conf_get_rustccfg_name # end of No change to \n"
                }
                _ => return None,
            };
            Some(Arc::from(text.as_bytes()))
        };
        assert_eq!(Dialect::of_tree(&tree), Dialect { transitional: true, ..Dialect::LINUX_6_12 });
        assert_eq!(Dialect::of_tree(&|_: &str| None), Dialect::NEWEST);
        let old = |name: &str| -> Option<Arc<[u8]>> {
            (name == "scripts/kconfig/zconf.y")
                .then(|| Arc::from(b"symbol_option: T_OPTION symbol_option_list\n".as_slice()))
        };
        let old = Dialect::of_tree(&old);
        assert!(
            old.options
                && old.bare_words
                && !old.end_comments
                && old.choice_values
                && !old.zero_numbers
                && !old.promotes_implied
        );
    }
}
