//! What differs between the versions of the language and of the program that evaluates it.

use crate::Files;

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
    };
}

impl Dialect {
    /// The newest rules known: those of Linux 7.0.
    pub const NEWEST: Dialect = Dialect { transitional: true, conditional_depends: true, ..Dialect::LINUX_6_12 };

    /// The rules of a tree, read off the sources of its own program in `scripts/kconfig`; the newest without any.
    ///
    /// Versions alone would not do: stable kernels take over later fixes one by one.
    pub fn of_tree(files: &dyn Files) -> Dialect {
        let read = |name: &str| {
            let text = files.read(&format!("scripts/kconfig/{name}")).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        };
        let parser = read("parser.y");
        if parser.is_empty() {
            return Dialect::NEWEST;
        }
        let (symbol, confdata) = (read("symbol.c"), read("confdata.c"));
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
        }
    }
}

/// The number behind `#define SYMBOL_HASHSIZE`, plain or as `(1U << N)`.
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
                "scripts/kconfig/confdata.c" => "getenv(\"KCONFIG_WARN_UNKNOWN_SYMBOLS\") conf_get_rustccfg_name\n",
                _ => return None,
            };
            Some(Arc::from(text.as_bytes()))
        };
        assert_eq!(Dialect::of_tree(&tree), Dialect { transitional: true, ..Dialect::LINUX_6_12 });
        assert_eq!(Dialect::of_tree(&|_: &str| None), Dialect::NEWEST);
    }
}
