//! Macros of one C file whose value can make a definition depend on a symbol.
//!
//! `LL_MAX_HEADER` is one: it has another value when `WLAN` is on, and an array of that length makes a structure
//! larger.

use std::collections::{BTreeMap, BTreeSet};

use super::{Named, namings};

/// The macros of a file that are defined under a condition that names some symbol, or in terms of such a macro.
#[derive(Debug, Default)]
pub(super) struct Macros<'a> {
    by_name: BTreeMap<&'a str, Macro<'a>>,
}

#[derive(Debug, Default)]
struct Macro<'a> {
    /// The first line that names each symbol.
    symbols: BTreeMap<&'a str, u32>,
    words: BTreeSet<&'a str>,
}

impl<'a> Macros<'a> {
    /// Reads a file for macros that depend on `symbols`.
    pub(super) fn read(text: &'a str, symbols: &BTreeSet<&str>) -> Macros<'a> {
        let mut macros = Macros::default();
        let mut open: Vec<BTreeMap<&str, u32>> = Vec::new();
        // A directive continues as long as its lines end in a backslash.
        let mut going_on: Option<(&str, &str)> = None;
        for (line, number) in text.lines().zip(1..) {
            let named = || -> BTreeMap<&str, u32> {
                namings(line).filter(|symbol| symbols.contains(symbol)).map(|symbol| (symbol, number)).collect()
            };
            let starts = line.trim_start().strip_prefix('#').map(|rest| {
                let rest = rest.trim_start();
                rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()))
            });
            let Some((directive, rest)) = starts.or(going_on.map(|(directive, _)| (directive, line))) else { continue };
            let is_first = starts.is_some();
            let name =
                if is_first { words(rest).next().unwrap_or_default() } else { going_on.map_or("", |(_, name)| name) };
            going_on = line.ends_with('\\').then_some((directive, name));
            match directive {
                "if" | "ifdef" | "ifndef" if is_first => open.push(named()),
                "if" | "elif" | "else" => {
                    if let Some(open) = open.last_mut() {
                        for (symbol, line) in named() {
                            open.entry(symbol).or_insert(line);
                        }
                    }
                }
                "endif" => drop(open.pop()),
                "define" => {
                    let found = macros.by_name.entry(name).or_default();
                    found.words.extend(words(rest).filter(|word| *word != name));
                    for (symbol, line) in open.iter().flatten().map(|(symbol, line)| (*symbol, *line)).chain(named()) {
                        found.symbols.entry(symbol).or_insert(line);
                    }
                }
                _ => {}
            }
        }
        macros
    }

    /// Returns the macros through which `text` depends on symbols, each used by the one before it, and these symbols by
    /// line; `None` when it depends on none.
    pub(super) fn behind(&self, text: &'a str) -> Option<(Vec<String>, Named)> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<(Vec<&str>, &str)> = words(text).map(|word| (Vec::new(), word)).collect();
        open.reverse();
        while let Some((path, word)) = open.pop() {
            let Some(found) = self.by_name.get(word).filter(|_| seen.insert(word)) else { continue };
            let path: Vec<&str> = path.into_iter().chain([word]).collect();
            if !found.symbols.is_empty() {
                let mut symbols: Named =
                    found.symbols.iter().map(|(symbol, line)| (*line, (*symbol).to_owned())).collect();
                symbols.sort();
                return Some((path.into_iter().map(str::to_owned).collect(), symbols));
            }
            open.extend(found.words.iter().rev().map(|word| (path.clone(), *word)));
        }
        None
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "\
#if defined(CONFIG_WLAN) || \\
\tdefined(CONFIG_AX25)
# define LL_MAX 128
#elif IS_ENABLED(CONFIG_TR)
# define LL_MAX 96
#else
# define LL_MAX 32
#endif
#define ALIGNED(x) \\
\t(((x) + LL_MAX) & ~15)
#define CONST 5
#ifdef CONFIG_OTHER
#define NOT_IT 6
#endif
";

    fn check(text: &str, symbols: &[&str], expected: &str) {
        let symbols = symbols.iter().copied().collect();
        let found = Macros::read(HEADER, &symbols).behind(text);
        assert_eq!(found.map_or(String::new(), |(path, symbols)| format!("{path:?} {symbols:?}")), expected, "{text}");
    }

    #[test]
    fn macros_that_hang_on_symbols() {
        check("char a[LL_MAX];", &["WLAN"], r#"["LL_MAX"] [(1, "WLAN")]"#);
        check("char a[LL_MAX];", &["AX25", "TR"], r#"["LL_MAX"] [(2, "AX25"), (4, "TR")]"#);
        check("char a[ALIGNED(4)];", &["WLAN"], r#"["ALIGNED", "LL_MAX"] [(1, "WLAN")]"#);
        check("char a[CONST + LL_MAXIMUM];", &["WLAN", "OTHER"], "");
        check("char a[LL_MAX];", &["OTHER"], "");
    }
}
