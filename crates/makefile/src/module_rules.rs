//! The symbols that build modules, read from Kbuild's makefiles.
//!
//! `obj-$(CONFIG_NFT_CT) += nft_ct.o` says that `NFT_CT` decides whether there is a module `nft_ct`.
//! This is a reading of the text, not a run of make: conditions around a line and computed names count as the symbols
//! that they mention. It serves messages ("which symbol would build this?"), never a decision about what is built.

use std::collections::BTreeMap;

use crate::path::normal;
use crate::statement::{Assignment, Statement, lines};
use crate::symbol::symbols_in;

/// A makefile line that makes an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The object: a path inside the tree without a suffix (`net/netfilter/nft_ct`).
    pub object: String,
    /// The symbol that decides, without `CONFIG_`; `None` when the object is always made.
    pub symbol: Option<String>,
    /// The makefile's path inside the tree.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
}

/// Modules by name (with `-` folded to `_`) and the rules that make each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleRules {
    rules: BTreeMap<String, Vec<Rule>>,
    /// Objects that are linked from several others, with those: `foo-objs := a.o b.o`, `foo-$(CONFIG_B) += b.o`.
    parts: BTreeMap<String, Vec<String>>,
    has_computed_names: bool,
}

/// A line that adds to a list other than `obj`.
struct ListLine<'a> {
    line: u32,
    objects: &'a str,
    symbol: Option<&'a str>,
}

impl ModuleRules {
    /// Returns an empty set.
    pub fn new() -> ModuleRules {
        ModuleRules::default()
    }

    /// Reads one makefile (`Makefile` or `Kbuild`) whose path inside the tree is `file`.
    ///
    /// A list that such a line includes (`$(more-y)`) counts: both the symbols of its own lines
    /// (`more-$(CONFIG_B) := b.o`) and that of the including line decide.
    pub fn add(&mut self, file: &str, text: &str) {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut lists: BTreeMap<String, Vec<ListLine<'_>>> = BTreeMap::new();
        let mut taken_in = Vec::new();
        let lines = lines(text);
        for line in &lines {
            let Statement::Assignment(Assignment { name: target, value: objects, .. }) = line.statement() else {
                continue;
            };
            let Some((name, condition)) = conditional(target) else { continue };
            let line = line.number;
            if name != "obj" {
                let parts = self.parts.entry(normal(folder, name)).or_default();
                parts.extend(object_words(objects).map(|object| normal(folder, object)));
                let list = lists.entry(name.to_owned()).or_default();
                list.push(ListLine { line, objects, symbol: symbols_in(condition).next() });
                continue;
            }
            let symbol = symbols_in(condition).next();
            self.has_computed_names |= objects.contains('$');
            if symbol.is_some() || matches!(condition, "y" | "m") {
                self.add_rules(file, line, objects, symbol);
                taken_in
                    .extend(objects.split_ascii_whitespace().filter_map(list_name).map(|list| (line, list, symbol)));
            }
        }
        for (outer_line, list, outer) in taken_in {
            for inner in lists.get(list).into_iter().flatten() {
                if inner.symbol.is_some() || outer.is_none() {
                    self.add_rules(file, inner.line, inner.objects, inner.symbol);
                }
                if outer.is_some() {
                    self.add_rules(file, outer_line, inner.objects, outer);
                }
            }
        }
    }

    fn add_rules(&mut self, file: &str, line: u32, objects: &str, symbol: Option<&str>) {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for object in object_words(objects) {
            let rules = self.rules.entry(module_name(object)).or_default();
            let (object, symbol) = (normal(folder, object), symbol.map(str::to_owned));
            rules.push(Rule { object, symbol, file: file.to_owned(), line });
        }
    }

    /// Whether a list of objects has a variable or a function, so that there may be modules of other names too.
    pub fn has_computed_names(&self) -> bool {
        self.has_computed_names
    }

    /// Returns the rules that make the object at `path` (`net/netfilter/nft_ct`, without a suffix).
    pub fn of_object<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.of(path).iter().filter(move |rule| rule.object == path)
    }

    /// Returns the rules that a symbol (without `CONFIG_`) decides, by module name.
    pub fn of_symbol<'a>(&'a self, symbol: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.rules.values().flatten().filter(move |rule| rule.symbol.as_deref() == Some(symbol))
    }

    /// Returns the objects that the one at `path` is linked from; itself when no makefile names parts of it.
    pub fn parts_of<'a>(&'a self, path: &'a str) -> Vec<&'a str> {
        match self.parts.get(path) {
            // An object that is also one of its own parts has a source file of that name.
            Some(parts) if !parts.is_empty() => parts.iter().map(String::as_str).collect(),
            _ => vec![path],
        }
    }

    /// Returns the rules that make a module containing the object at `path`; `path` may lack leading directories.
    pub fn with_part(&self, path: &str) -> Vec<&Rule> {
        let is = |object: &str| {
            object.strip_suffix(path).is_some_and(|folders| folders.is_empty() || folders.ends_with('/'))
        };
        let whole = self.of(path).iter().filter(|rule| is(&rule.object));
        let linked = self.parts.iter().filter(|(_, parts)| parts.iter().any(|part| is(part)));
        let mut rules: Vec<&Rule> = whole.chain(linked.flat_map(|(object, _)| self.of_object(object))).collect();
        rules.sort();
        rules.dedup();
        rules
    }

    /// Returns the rules that make `module`; none when no makefile names it.
    pub fn of(&self, module: &str) -> &[Rule] {
        self.rules.get(&module_name(module)).map_or(&[], Vec::as_slice)
    }

    /// Returns every module name that a rule makes, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }
}

fn object_words(objects: &str) -> impl Iterator<Item = &str> {
    objects.split_ascii_whitespace().filter_map(|word| word.strip_suffix(".o"))
}

/// Returns `more` for `$(more-y)` or `$(more-m)`.
fn list_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix("$(")?.strip_suffix(')')?;
    name.strip_suffix("-y").or_else(|| name.strip_suffix("-m"))
}

/// Returns the kernel's name of a module built from `object`.
fn module_name(object: &str) -> String {
    object.rsplit('/').next().unwrap_or(object).replace('-', "_")
}

/// Splits `obj-$(CONFIG_A)`, `foo-y`, `foo-objs` into a name and the deciding part.
fn conditional(target: &str) -> Option<(&str, &str)> {
    let at = target.find("-$(").or_else(|| target.rfind('-'))?;
    let (name, condition) = (&target[..at], &target[at + 1..]);
    let decides = matches!(condition, "y" | "m" | "objs") || condition.contains("CONFIG_");
    (decides && !name.is_empty()).then_some((name.strip_suffix("-objs").unwrap_or(name), condition))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, module: &str, expected: &[(Option<&str>, u32)]) {
        let mut rules = ModuleRules::new();
        rules.add("net/Makefile", text);
        let found: Vec<(Option<&str>, u32)> =
            rules.of(module).iter().map(|rule| (rule.symbol.as_deref(), rule.line)).collect();
        assert_eq!(found, expected, "{module} in\n{text}");
    }

    #[test]
    fn finds_the_deciding_symbol() {
        check("obj-$(CONFIG_NFT_CT)\t+= nft_ct.o\n", "nft_ct", &[(Some("NFT_CT"), 1)]);
        check("obj-$(CONFIG_A) += a.o my-mod.o # b.o\n", "my_mod", &[(Some("A"), 1)]);
        check("obj-$(CONFIG_A) += a.o # b.o\n", "b", &[]);
        check("\nobj-$(CONFIG_A) += \\\n\ta.o \\\n\tb.o\n", "b", &[(Some("A"), 2)]);
        check("obj-m += always.o\n", "always", &[(None, 1)]);
        check("obj-$(subst m,y,$(CONFIG_A)) := sub/dir.o\n", "dir", &[(Some("A"), 1)]);
        check("obj-$(CONFIG_A) += sub/\nfoo-$(CONFIG_B) += part.o\n", "part", &[]);
        check("obj-$(CONFIG_A) += x.o\nobj-$(CONFIG_B) += x.o\n", "x", &[(Some("A"), 1), (Some("B"), 2)]);
        check("\techo obj-m = x.o\nobj-", "x", &[]);
    }

    #[test]
    fn lists_that_a_line_takes_in_count() {
        let text = "more-$(CONFIG_B) := b.o c.o\nmore-y += d.o\nobj-$(CONFIG_A) += a.o $(more-y)\nrest-m := e.o\n";
        check(text, "a", &[(Some("A"), 3)]);
        check(text, "b", &[(Some("B"), 1), (Some("A"), 3)]);
        check(text, "d", &[(Some("A"), 3)]);
        check(text, "e", &[]);
        check("obj-m += $(more-m)\nmy-more-$(CONFIG_B) := b.o\n", "b", &[]);
        check("obj-m += $(my-more-m)\nmy-more-$(CONFIG_B) := b.o\n", "b", &[(Some("B"), 2)]);
    }

    #[test]
    fn finds_what_a_module_is_made_of() {
        let mut rules = ModuleRules::new();
        rules.add(
            "net/netfilter/Makefile",
            "obj-$(CONFIG_NF_TABLES) += nf_tables.o\nnf_tables-objs := core.o \\\n  ../lib/api.o\n\
             nf_tables-$(CONFIG_X) += extra.o\nobj-$(CONFIG_A_B) += sub/a-b.o\n",
        );
        rules.add("other/Makefile", "obj-$(CONFIG_OTHER) += nf_tables.o\n");
        assert_eq!(
            rules.parts_of("net/netfilter/nf_tables"),
            ["net/netfilter/core", "net/lib/api", "net/netfilter/extra"]
        );
        assert_eq!(rules.parts_of("net/netfilter/sub/a-b"), ["net/netfilter/sub/a-b"]);
        let symbols = |rules: Vec<&Rule>| -> Vec<String> { rules.iter().filter_map(|r| r.symbol.clone()).collect() };
        assert_eq!(symbols(rules.of_object("net/netfilter/nf_tables").collect()), ["NF_TABLES"]);
        assert_eq!(symbols(rules.with_part("lib/api")), ["NF_TABLES"]);
        assert_eq!(symbols(rules.with_part("extra")), ["NF_TABLES"]);
        assert_eq!(symbols(rules.with_part("sub/a-b")), ["A_B"]);
        assert_eq!(symbols(rules.with_part("nf_tables")), ["NF_TABLES", "OTHER"]);
        assert_eq!(symbols(rules.with_part("xtra")), Vec::<String>::new());
    }
}
