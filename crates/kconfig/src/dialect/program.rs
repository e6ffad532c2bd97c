//! Reading the rules of a version out of the sources of its program.

use super::{Dialect, InChoice, ShortText};
use crate::Files;

/// Directories that projects keep `conf` in, below their top directory.
const DIRECTORIES: [&str; 7] = [
    "scripts/kconfig",
    "support/kconfig",
    "util/kconfig",
    "tools/kconfig",
    "kconfig",
    "extra/config",
    "scripts/config",
];

impl Dialect {
    /// Returns the rules of a tree, read from its own program in one of the usual directories; the newest rules if it
    /// has none.
    ///
    /// A version number is not enough: stable kernels take over later fixes one by one.
    pub fn of_tree(files: &dyn Files) -> Dialect {
        let found = DIRECTORIES.iter().find_map(|directory| {
            let below = |name: &str| files.read(&format!("{directory}/{name}"));
            Dialect::of_program(&below)
        });
        found.unwrap_or(Dialect::NEWEST)
    }

    /// Returns the rules of the program whose sources `files` has, under their bare names (`confdata.c`, …); `None`
    /// without a grammar.
    pub fn of_program(files: &dyn Files) -> Option<Dialect> {
        let read = |name: &str| {
            let text = files.read(name).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        };
        // The grammar was called `zconf.y` until 5.0.
        let old_parser = read("zconf.y");
        let parser = [read("parser.y"), old_parser.clone()].concat();
        if parser.is_empty() {
            return None;
        }
        let (symbol, confdata, conf) = (read("symbol.c"), read("confdata.c"), read("conf.c"));
        let lexer = [read("lexer.l"), read("zconf.l")].concat();
        let preprocess = read("preprocess.c");
        let choice_values = !parser.contains("choice_members");
        // Without the sources beside the grammar nothing is known about them: the newer rule holds.
        let lacks = |text: &str, words: &str| choice_values && !text.is_empty() && !text.contains(words);
        let chance = [conf.as_str(), confdata.as_str()].concat();
        let buckets = [read("internal.h"), read("expr.h")].iter().find_map(|text| buckets(text));
        Some(Dialect {
            choice_values,
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
            macros: old_parser.is_empty() || parser.contains("T_ASSIGN"),
            in_choice: in_choice(&parser),
            source_patterns: lexer.contains("glob("),
            empty_menu_ends: !lacks(&confdata, "end_check:"),
            writes_default_n: lacks(&symbol, "newval.tri != no"),
            members_stay_written: keeps_members(&symbol),
            prints_range_ends: symbol.contains("sprintf(str, "),
            shell_buffer: if preprocess.contains("char buf[256]") { 256 } else { 4096 },
            last_choice_decides: chance.contains("has_changed = randomize_choice_values"),
            modules_by_name: parser.contains("sym_lookup(\"MODULES\""),
            seed_without_logic: conf.contains("reset bool and tristates"),
            title: title(&parser).unwrap_or(Dialect::NEWEST.title),
            prefix: MAKEFILES.iter().find_map(|name| prefix(&read(name))).unwrap_or(Dialect::NEWEST.prefix),
        })
    }
}

/// Whether the flag for writing is cleared for all but members of choices.
fn keeps_members(symbol: &str) -> bool {
    let mut lines = symbol.lines().map(str::trim);
    std::iter::from_fn(|| lines.find(|line| *line == "if (!sym_is_choice_value(sym))").and_then(|_| lines.next()))
        .any(|line| line == "sym->flags &= ~SYMBOL_WRITE;")
}

/// Makefiles that may set the prefix of names.
const MAKEFILES: [&str; 4] = ["Makefile", "Makefile.br", "Makefile.am", "Makefile.kconfig"];

/// The statements that the grammar allows in a choice.
fn in_choice(parser: &str) -> InChoice {
    if parser.contains("choice_block common_stmt") {
        InChoice::Statements
    } else if parser.contains("stmt_list_in_choice source_stmt") {
        InChoice::Sources
    } else {
        InChoice::Entries
    }
}

/// The title that the grammar's code adds itself: `menu_add_prompt(P_MENU, "TITLE"`, perhaps with a call around it.
fn title(parser: &str) -> Option<ShortText> {
    let calls = parser.split("menu_add_prompt(P_MENU, ").skip(1);
    let arguments = calls.filter_map(|rest| rest.split(", NULL").next());
    let quoted = arguments.filter_map(|argument| argument.split('"').nth(1));
    ShortText::new(quoted.last()?)
}

/// The prefix that a makefile defines: `-DCONFIG_=\"CT_\"` or `-DCONFIG_='"CT_"'`.
fn prefix(makefile: &str) -> Option<ShortText> {
    let (_, rest) = makefile.split_once("-DCONFIG_=")?;
    let word = rest.split_ascii_whitespace().next()?;
    let bare: String = word.chars().filter(|character| !matches!(character, '\\' | '"' | '\'')).collect();
    let is_name = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { ShortText::new(&bare) } else { None }
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

    use super::{Dialect, InChoice, buckets, prefix, title};

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

    #[test]
    fn the_grammar_and_the_makefile_say_more() {
        assert_eq!(title("rootmenu.prompt = menu_add_prompt(P_MENU, \"A Title\", NULL);").unwrap().as_str(), "A Title");
        let twice = "menu_add_prompt(P_MENU, $2, NULL); menu_add_prompt(P_MENU, xstrdup(\"B\"), NULL);";
        assert_eq!(title(twice).unwrap().as_str(), "B");
        assert_eq!(title("menu_add_prompt(P_MENU, $2, NULL);"), None);
        assert_eq!(prefix("FLAGS += -I. -DCONFIG_=\\\"CT_\\\"\n").unwrap().as_str(), "CT_");
        assert_eq!(prefix("FLAGS += -DCONFIG_='\"\"'\n").unwrap().as_str(), "");
        assert_eq!(prefix("FLAGS += -DCONFIG_=$(X)\n"), None);
        let old = |name: &str| -> Option<Arc<[u8]>> {
            let text = match name {
                "zconf.y" => "choice_block common_stmt sym_lookup(\"MODULES\", 0)",
                "symbol.c" => {
                    "if (!sym_is_choice_value(sym))\n\tsym->flags &= ~SYMBOL_WRITE;\nsprintf(str, \"%ld\", val2);"
                }
                "confdata.c" => "has_changed = randomize_choice_values(csym);",
                _ => return None,
            };
            Some(Arc::from(text.as_bytes()))
        };
        let old = Dialect::of_program(&old).unwrap();
        assert_eq!(old.in_choice, InChoice::Statements);
        assert!(!old.macros && old.modules_by_name && old.members_stay_written && old.writes_default_n);
        assert!(old.prints_range_ends && old.last_choice_decides && !old.empty_menu_ends);
    }
}
