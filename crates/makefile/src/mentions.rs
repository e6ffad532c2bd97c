//! The parts of a build that depend on a symbol, read from the text of makefiles.
//!
//! | statement | reaches |
//! |---|---|
//! | `obj-$(CONFIG_A) += a.o`, `a-$(CONFIG_A) += b.o` | that object, with the parts that it is linked from |
//! | `obj-$(CONFIG_A) += dir/` | everything below the directory |
//! | `CFLAGS_a.o`, `KASAN_SANITIZE_a.o` and similar | that object |
//! | `ccflags-$(CONFIG_A)`, `subdir-ccflags-y`, and unknown statements | everything below the makefile's directory |
//! | the same in the top makefile, the architecture's, and those of `scripts/` that they or `Makefile.build` include | everything |
//! | other files of `scripts/` | the final links: vmlinux and modules |
//!
//! A statement within `ifdef CONFIG_A`, `ifeq ($(CONFIG_A),y)` or one of their other branches depends on `A` too.
//! Nothing is evaluated, so a statement counts whether or not it is active.

use std::collections::{BTreeMap, BTreeSet};

use crate::path::normal;
use crate::statement::{Assignment, Conditional, Line, Statement, lines};
use crate::symbol::symbols_in;

/// The mentions of some symbols in the makefiles of a tree.
#[derive(Debug, Clone, Default)]
pub struct Mentions {
    srcarch: String,
    /// Files of `scripts/` that every object's makefile includes or calls.
    included: BTreeSet<String>,
    /// For a makefile that makefiles of other directories include, those directories.
    includers: BTreeMap<String, BTreeSet<String>>,
    effects: BTreeMap<String, Vec<Effect>>,
}

/// A place in a makefile, and its effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// The makefile's path inside the tree.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// The part of the build that depends on it.
    pub scope: Scope,
    /// Whether it decides if something is built at all, rather than how.
    pub is_membership: bool,
}

/// The part of the build that depends on a place in a makefile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One product, by its path in the output directory.
    Product(String),
    /// Everything below a directory; its name ends in a slash.
    Below(String),
    /// The targets of this makefile's explicit rules.
    Rules(String),
    /// The final links.
    Link,
    /// Every object.
    Everything,
}

/// Lists whose words are objects and directories.
const OBJECT_LISTS: [&str; 2] = ["obj", "lib"];
/// The same in the top makefile and the architecture's, whose words are relative to the top.
const TOP_LISTS: [&str; 7] = ["core", "drivers", "libs", "head", "init", "net", "virt"];
/// Lists whose words are other products.
const PRODUCT_LISTS: [&str; 9] =
    ["dtb", "dtbo", "extra", "always", "targets", "hostprogs", "userprogs", "header-test", "no-header-test"];
/// Variables that apply to everything that the directory's makefile compiles.
const FLAGS: [&str; 6] = ["ccflags", "asflags", "ldflags", "cppflags", "rustflags", "EXTRA_CFLAGS"];

impl Mentions {
    /// Returns an empty set. `build` and `top` are the texts of the tree's `scripts/Makefile.build` and `Makefile`,
    /// which name the files of `scripts/` that every object depends on.
    pub fn new(srcarch: &str, top: &str, build: &str) -> Mentions {
        let mut included = BTreeSet::from(["scripts/Makefile.build".to_owned(), "scripts/Kbuild.include".to_owned()]);
        for line in lines(top).iter().chain(&lines(build)) {
            let is_include = includes(&line.statement());
            // A called script may write a file that every object reads (`setlocalversion`).
            let is_called = |file: &String| !file.starts_with("scripts/Makefile");
            included.extend(scripts_in(&line.text).into_iter().filter(|file| is_include || is_called(file)));
        }
        Mentions { srcarch: srcarch.to_owned(), included, ..Mentions::default() }
    }

    /// Adds a file of `scripts/` that another one includes; returns whether it is new.
    pub fn include(&mut self, text: &str, file: &str) -> bool {
        let n_before = self.included.len();
        if self.included.contains(file) {
            let lines = lines(text);
            self.included.extend(
                lines.iter().filter(|line| includes(&line.statement())).flat_map(|line| scripts_in(&line.text)),
            );
        }
        self.included.len() > n_before
    }

    /// Records the files of other directories that a makefile outside of `scripts/` includes.
    pub fn note_includes(&mut self, file: &str, text: &str) {
        let folder = folder_of(file);
        for line in &lines(text) {
            let Statement::Include(words) = line.statement() else { continue };
            for word in words.split_ascii_whitespace() {
                let path = match word.strip_prefix("$(srctree)/") {
                    Some(path) => path.to_owned(),
                    None => normal(&folder, word.strip_prefix("$(src)/").unwrap_or(word)),
                };
                if folder_of(&path) != folder && !folder.is_empty() {
                    self.includers.entry(path).or_default().insert(folder.clone());
                }
            }
        }
    }

    /// Whether builds for this architecture may read a file of the tree: makefiles, and scripts of `scripts/`.
    pub fn is_read(&self, file: &str) -> bool {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let is_makefile = is_makefile(name);
        let elsewhere = ["Documentation/", "tools/", "scripts/kconfig/", "scripts/package/"];
        if elsewhere.iter().any(|folder| file.starts_with(folder)) {
            return false;
        }
        match file.strip_prefix("arch/").and_then(|below| below.split('/').next()) {
            Some(arch) if arch != self.srcarch && file.matches('/').count() > 1 => false,
            _ => is_makefile || folder == "scripts" || name.ends_with(".sh"),
        }
    }

    /// Reads one file for its mentions of the symbols in `about`.
    pub fn add(&mut self, file: &str, text: &str, about: &BTreeSet<String>) {
        if !symbols_in(text).any(|symbol| about.contains(symbol)) {
            return;
        }
        if !is_makefile(file.rsplit('/').next().unwrap_or(file)) {
            return self.add_script(file, text, about);
        }
        let lines = lines(text);
        let parts = parts(file, &lines);
        let whole = self.whole(file, true);
        let mut open: Vec<BTreeSet<&str>> = Vec::new();
        for line in &lines {
            let named: BTreeSet<&str> = symbols_in(&line.text).filter(|symbol| about.contains(*symbol)).collect();
            let statement = line.statement();
            match &statement {
                Statement::Conditional(Conditional::If(_)) => open.push(named),
                Statement::Conditional(Conditional::Else(_)) => {
                    open.last_mut().into_iter().for_each(|open| open.extend(named.iter().copied()));
                }
                Statement::Conditional(Conditional::EndIf) => drop(open.pop()),
                statement => {
                    let symbols: BTreeSet<&str> = open.iter().flatten().copied().chain(named).collect();
                    if !symbols.is_empty() {
                        let (scopes, is_membership) = scopes(file, statement, &parts, whole.as_ref());
                        let effects = self.effects_at(file, line.number, scopes, is_membership);
                        self.note(symbols, &effects);
                    }
                }
            }
        }
    }

    /// Reads a script; everything that it makes depends on the symbols that its lines name.
    fn add_script(&mut self, file: &str, text: &str, about: &BTreeSet<String>) {
        let scopes: Vec<Scope> = self.whole(file, false).into_iter().collect();
        for (line, number) in text.lines().zip(1..) {
            let is_comment = line.trim_start().starts_with('#');
            let named: BTreeSet<&str> =
                symbols_in(line).filter(|symbol| !is_comment && about.contains(*symbol)).collect();
            if !named.is_empty() {
                let effects = self.effects_at(file, number, scopes.clone(), false);
                self.note(named, &effects);
            }
        }
    }

    /// Records effects of symbols.
    fn note(&mut self, symbols: BTreeSet<&str>, effects: &[Effect]) {
        for symbol in symbols {
            self.effects.entry(symbol.to_owned()).or_default().extend(effects.iter().cloned());
        }
    }

    /// Returns the effects of a line: its own scopes, and the directories whose makefiles include the file.
    fn effects_at(&self, file: &str, line: u32, scopes: Vec<Scope>, is_membership: bool) -> Vec<Effect> {
        let effect = |scope, is_membership| Effect { file: file.to_owned(), line, scope, is_membership };
        let own = scopes.into_iter().map(|scope| effect(scope, is_membership));
        let includers = self.includers.get(file).into_iter().flatten();
        own.chain(includers.map(|folder| effect(Scope::Below(folder.clone()), false))).collect()
    }

    /// Returns the effects of a symbol, in the order in which files were added.
    pub fn of(&self, symbol: &str) -> &[Effect] {
        self.effects.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// Returns the scope of an unknown statement in `file`, when that is more than its directory.
    fn whole(&self, file: &str, is_makefile: bool) -> Option<Scope> {
        let arch = format!("arch/{}/", self.srcarch);
        // MIPS has the flags of each board in a file `Platform` of its directory.
        let is_archs = file.strip_prefix(&arch).is_some_and(|below| {
            below.starts_with("Makefile") || below.starts_with("Kbuild.") || below.ends_with("/Platform")
        });
        if file == "Makefile" || is_archs || self.included.contains(file) {
            return Some(Scope::Everything);
        }
        let is_tool = file.starts_with("scripts/");
        (is_tool || !is_makefile).then_some(match is_tool {
            true => Scope::Link,
            false => Scope::Below(folder_of(file)),
        })
    }
}

/// Returns the scopes of a statement, and whether it decides if something is built.
fn scopes(
    file: &str,
    statement: &Statement<'_>,
    parts: &BTreeMap<String, Vec<Scope>>,
    whole: Option<&Scope>,
) -> (Vec<Scope>, bool) {
    let folder = folder_of(file);
    let unknown = || match whole {
        Some(scope) => vec![scope.clone()],
        // The top makefile has no objects of its own; the targets of its rules are read by all.
        None if folder.is_empty() => vec![Scope::Rules(file.to_owned())],
        None => vec![Scope::Below(folder.clone()), Scope::Rules(file.to_owned())],
    };
    let Some((name, words)) = list_assignment(statement) else { return (unknown(), false) };
    let list = list_of(name);
    let is_top_list = whole.is_some() && TOP_LISTS.contains(&list);
    if let Some(object) = object_in(name) {
        return (vec![Scope::Product(normal(&folder, object))], false);
    }
    if PRODUCT_LISTS.contains(&list) {
        let products = words.split_ascii_whitespace().filter(|word| !word.contains("$("));
        return (products.map(|word| Scope::Product(normal(&folder, word))).collect(), true);
    }
    if name.starts_with("subdir-") || FLAGS.contains(&list) {
        return (vec![Scope::Below(folder)], false);
    }
    let is_list = name.contains("-$(") || name.contains("-y") || name.contains("-m") || name.ends_with("-objs");
    // A makefile that everything depends on has no objects of its own, except in the lists that name directories.
    let is_flags = whole.is_some() && !is_top_list && !OBJECT_LISTS.contains(&list);
    if !is_list || is_flags || name.starts_with("$(") || list.starts_with("include") {
        return (unknown(), false);
    }
    let mut found = Vec::new();
    let folder = if is_top_list { String::new() } else { folder };
    if !is_top_list && !OBJECT_LISTS.contains(&list) {
        found.push(Scope::Product(format!("{}.o", normal(&folder, list))));
    }
    for word in words.split_ascii_whitespace() {
        if word.contains("$(") || word.contains("${") {
            found.push(whole.cloned().unwrap_or_else(|| Scope::Below(folder.clone())));
        } else if word.ends_with('/') {
            found.push(Scope::Below(format!("{}/", normal(&folder, word))));
        } else {
            let product = normal(&folder, word);
            found.extend(parts.get(&product).into_iter().flatten().cloned());
            found.push(Scope::Product(product));
        }
    }
    (found, true)
}

/// Returns the objects that each composite object of a makefile is linked from.
fn parts(file: &str, lines: &[Line<'_>]) -> BTreeMap<String, Vec<Scope>> {
    let folder = folder_of(file);
    let mut parts: BTreeMap<String, Vec<Scope>> = BTreeMap::new();
    for line in lines {
        let statement = line.statement();
        let Some((name, words)) = list_assignment(&statement) else { continue };
        let list = list_of(name);
        if list == name || OBJECT_LISTS.contains(&list) || PRODUCT_LISTS.contains(&list) {
            continue;
        }
        let of = parts.entry(format!("{}.o", normal(&folder, list))).or_default();
        for word in words.split_ascii_whitespace() {
            of.push(match word.contains("$(") {
                true => Scope::Below(folder.clone()),
                false => Scope::Product(normal(&folder, word)),
            });
        }
    }
    parts
}

/// Returns `foo` for `foo-y`, `foo-m`, `foo-objs`, `foo-$(CONFIG_A)`; a name that is not a list is returned as is.
fn list_of(name: &str) -> &str {
    let list = name.split_once("-$(").map_or(name, |(list, _)| list);
    let list = ["-objs", "-y", "-m"].iter().find_map(|end| list.strip_suffix(end)).unwrap_or(list);
    list.strip_suffix("-objs").unwrap_or(list)
}

/// Returns `foo.o` for `CFLAGS_foo.o`, `KASAN_SANITIZE_foo.o`.
fn object_in(name: &str) -> Option<&str> {
    let object = name.strip_suffix(".o").map(|_| name)?;
    let at = object.find(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())?;
    let begin = object[..at].rfind('_').map_or(0, |underscore| underscore + 1);
    (begin > 0).then(|| &object[begin..])
}

/// Returns the name and the value of an assignment whose name has no blank in it, not even in a reference.
fn list_assignment<'a>(statement: &Statement<'a>) -> Option<(&'a str, &'a str)> {
    let Statement::Assignment(Assignment { name, value, .. }) = statement else { return None };
    (!name.contains(char::is_whitespace)).then_some((name, value))
}

/// Whether a statement includes files, or adds to a list of included files (`include-y`).
fn includes(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Include(_) => true,
        Statement::Assignment(assignment) => assignment.name.starts_with("include"),
        _ => false,
    }
}

/// Whether a file of this name is a makefile.
fn is_makefile(name: &str) -> bool {
    name == "Kbuild"
        || name == "Platform"
        || ["Makefile", "Kbuild."].iter().any(|begin| name.starts_with(begin))
        || name.ends_with(".mk")
}

/// Returns the directory of a file, with a slash at its end; empty for the top.
fn folder_of(file: &str) -> String {
    file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"))
}

/// Returns the files of `scripts/` that a statement names.
fn scripts_in(statement: &str) -> Vec<String> {
    let after = statement.split("scripts/").skip(1);
    let names = after.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap_or(rest.len());
        format!("scripts/{}", &rest[..end])
    });
    names.collect()
}

#[cfg(test)]
mod tests;
