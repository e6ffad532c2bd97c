//! Looks up modules, symbols, prompts and source files by one another.
//!
//! A word is looked up as a module's name, as a symbol, as a source file, and, when it is none of these, in the
//! prompts; of several words each must be in the prompt or the name, in any order. The result always has the same form: a symbol with what Kconfig says about it, and the modules that it
//! builds.

use std::collections::BTreeSet;

use kiln_kconfig::{Config, Model, SymbolId, Type};
use kiln_makefile::{ModuleRules, Rule};

/// The data in which words are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The declarations of the tree's Kconfig files.
    pub model: &'a Model,
    /// The module rules of its makefiles.
    pub rules: &'a ModuleRules,
    /// The resolved config.
    pub config: &'a Config,
}

/// The kind of name that a word matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matched {
    /// The name of a module or of its file.
    Module,
    /// A symbol.
    Symbol,
    /// A source file of a module.
    Source,
    /// A part of a prompt.
    Prompt,
}

/// A symbol with what it builds, or a module that no symbol controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// How the word matched.
    pub matched: Matched,
    /// The symbol; `None` for modules that are always built.
    pub symbol: Option<NamedSymbol>,
    /// The modules that are built; only the matching ones when the word names a module or a file.
    pub modules: Vec<NamedModule>,
}

/// The facts that Kconfig states about a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSymbol {
    /// Without `CONFIG_`.
    pub name: String,
    /// Its value in the config; `None` when it has none there.
    pub value: Option<String>,
    /// Its first prompt; a symbol without one cannot be requested by a recipe.
    pub prompt: Option<String>,
    /// Where it is declared, as `file:line`; empty when no Kconfig file of this architecture declares it.
    pub places: Vec<String>,
    /// Its dependencies, as Kconfig writes them.
    pub depends: Option<String>,
    /// The symbols of `depends` in order of mention, each with its value.
    pub dependencies: Vec<(String, Option<String>)>,
    /// Symbols that select it.
    pub selected_by: Vec<String>,
    /// A line for `[kernel.config]` that requests it; `None` when it has no prompt.
    pub request: Option<String>,
}

/// A module that a makefile builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedModule {
    /// The kernel's name for it.
    pub module: String,
    /// The object, as a path without an extension.
    pub object: String,
    /// The makefile's line, as `file:line`.
    pub rule: String,
    /// The objects that it is linked from, as paths without an extension: each is a source file.
    pub parts: Vec<String>,
}

/// Looks up `word`, or several words separated by blanks; empty when nothing matches.
///
/// Sorted by how the word matched, then by symbol.
pub fn find(naming: &Naming<'_>, word: &str) -> Vec<Named> {
    let word = word.trim();
    let mut found = Vec::new();
    let file = word.strip_suffix(".ko").unwrap_or(word);
    if !file.contains('/') {
        group(naming, Matched::Module, naming.rules.of(file).iter().collect(), &mut found);
    }
    let symbol = word.strip_prefix("CONFIG_").unwrap_or(word);
    for name in [symbol.to_owned(), symbol.to_ascii_uppercase()] {
        let known = naming.model.find(&name).filter(|&id| naming.model.definitions(id).next().is_some());
        if known.is_some() && !found.iter().any(|one: &Named| one.is(&name)) {
            found.push(of_symbol(naming, Matched::Symbol, &name));
        }
    }
    if let Some(object) = object_of(word) {
        group(naming, Matched::Source, naming.rules.with_part(object), &mut found);
    }
    if found.is_empty() && word.len() > 1 {
        let wanted: Vec<String> = word.split_whitespace().map(str::to_lowercase).collect();
        for id in naming.model.declared() {
            let name = naming.model.name(id);
            let mut prompts = naming.model.definitions(id).filter_map(|definition| definition.prompt);
            // The name counts only for several words: one that is a part of many names would find too much.
            let has_all = |prompt: &str| {
                let (prompt, name) = (prompt.to_lowercase(), name.to_lowercase());
                let is_there = |word: &String| prompt.contains(word) || (wanted.len() > 1 && name.contains(word));
                wanted.iter().all(is_there)
            };
            if prompts.any(|prompt| has_all(&prompt)) {
                found.push(of_symbol(naming, Matched::Prompt, &name));
            }
        }
    }
    found.sort_by(|a, b| (a.matched, a.symbol_name()).cmp(&(b.matched, b.symbol_name())));
    found
}

/// Returns names of modules and symbols similar to `word`, the nearest first.
pub fn near(naming: &Naming<'_>, word: &str) -> Vec<String> {
    let wanted = word.strip_prefix("CONFIG_").unwrap_or(word).to_ascii_lowercase().replace('-', "_");
    let symbols = naming.model.declared().map(|id| naming.model.name(id).into_owned());
    let names = naming.rules.names().map(str::to_owned).chain(symbols);
    let distance = |name: &str| strsim::damerau_levenshtein(&wanted, &name.to_ascii_lowercase());
    let mut near: Vec<(usize, String)> = names.map(|name| (distance(&name), name)).collect();
    near.retain(|(distance, _)| *distance <= wanted.len().div_ceil(4));
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

impl Named {
    fn symbol_name(&self) -> Option<&str> {
        self.symbol.as_ref().map(|symbol| symbol.name.as_str())
    }

    fn is(&self, symbol: &str) -> bool {
        self.symbol_name() == Some(symbol)
    }
}

/// Adds one result for each symbol that controls some of the rules.
fn group(naming: &Naming<'_>, matched: Matched, rules: Vec<&Rule>, found: &mut Vec<Named>) {
    let symbols: BTreeSet<Option<&str>> = rules.iter().map(|rule| rule.symbol.as_deref()).collect();
    for symbol in symbols {
        let of_it = rules.iter().filter(|rule| rule.symbol.as_deref() == symbol);
        let modules: Vec<NamedModule> = of_it.map(|rule| module(naming, rule)).collect();
        let known = |one: &Named| one.modules.iter().any(|one| modules.contains(one));
        if !found.iter().any(known) {
            found.push(Named { matched, symbol: symbol.map(|name| facts(naming, name)), modules });
        }
    }
}

fn of_symbol(naming: &Naming<'_>, matched: Matched, name: &str) -> Named {
    let modules = naming.rules.of_symbol(name).map(|rule| module(naming, rule)).collect();
    Named { matched, symbol: Some(facts(naming, name)), modules }
}

fn module(naming: &Naming<'_>, rule: &Rule) -> NamedModule {
    NamedModule {
        module: kiln_modgraph::module_name(&rule.object),
        object: rule.object.clone(),
        rule: format!("{}:{}", rule.file, rule.line),
        parts: naming.rules.parts_of(&rule.object).into_iter().map(str::to_owned).collect(),
    }
}

fn facts(naming: &Naming<'_>, name: &str) -> NamedSymbol {
    let value = |name: &str| naming.config.get(name).map(str::to_owned);
    let mut symbol = NamedSymbol {
        name: name.to_owned(),
        value: value(name),
        prompt: None,
        places: Vec::new(),
        depends: None,
        dependencies: Vec::new(),
        selected_by: Vec::new(),
        request: None,
    };
    let Some(id) = naming.model.find(name) else { return symbol };
    let model = naming.model;
    symbol.prompt = model.prompt(id).map(std::borrow::Cow::into_owned);
    let place =
        |definition: kiln_kconfig::Definition<'_>| format!("{}:{}", definition.place.file, definition.place.line);
    symbol.places = model.definitions(id).map(place).collect();
    symbol.depends = model.direct_dependency(id).map(|expression| model.show(expression));
    for mentioned in symbol.depends.as_deref().map(mentioned).unwrap_or_default() {
        if is_declared(model, mentioned) && !symbol.dependencies.iter().any(|(known, _)| known == mentioned) {
            symbol.dependencies.push((mentioned.to_owned(), value(mentioned)));
        }
    }
    let selectors = model.selectors(id).filter(|line| !line.weak);
    let by: BTreeSet<String> = selectors.map(|line| model.name(line.by).into_owned()).collect();
    symbol.selected_by = by.into_iter().collect();
    symbol.request = symbol.prompt.is_some().then(|| request(naming, id, name));
    symbol
}

/// Returns a line that requests a symbol: as a module where it builds one, otherwise as built in; a number or a text with
/// its present value.
fn request(naming: &Naming<'_>, id: SymbolId, name: &str) -> String {
    let is_module = naming.rules.of_symbol(name).next().is_some();
    let value = match naming.model.type_of(id) {
        Type::Tristate if is_module => "m",
        Type::Bool | Type::Tristate => "y",
        Type::String | Type::Int | Type::Hex | Type::Unknown => naming.config.get(name).unwrap_or_default(),
    };
    // A string of a `.config` has quotes of its own, which TOML's literal strings keep.
    if value.starts_with('"') { format!("{name} = '{value}'") } else { format!("{name} = \"{value}\"") }
}

fn is_declared(model: &Model, name: &str) -> bool {
    model.find(name).is_some_and(|id: SymbolId| model.definitions(id).next().is_some())
}

/// Returns the words of an expression that can be symbols.
fn mentioned(expression: &str) -> Vec<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).collect()
}

/// Returns the object that is made from a source file of this name, without its extension.
fn object_of(file: &str) -> Option<&str> {
    let ends = [".c", ".S", ".rs", ".o", ".ko"].iter().find_map(|ending| file.strip_suffix(ending));
    ends.or_else(|| file.contains('/').then_some(file)).map(|path| path.trim_start_matches("./"))
}

#[cfg(test)]
mod tests;
