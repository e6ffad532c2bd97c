//! The reference of options, generated from their declarations.

use std::fmt::Write as _;

use kiln_recipe::{Reference, Shape, Type, nearest};

use crate::builtin::{BUILTINS, SCHEME};
use crate::options::options;

/// Returns the reference in Markdown: of every option and shipped module, or of those that match `name`.
///
/// `name` is an option's dotted path, the beginning of one, or its last word; or a shipped module, with or without its
/// scheme; or a part of the language of recipes (`when`, `imports`, `priorities`).
///
/// # Errors
/// The nearest known name, if there is a similar one, when nothing matches `name`.
pub fn reference(name: Option<&str>) -> Result<String, Option<String>> {
    let options = options();
    let entries = options.reference();
    let Some(name) = name else {
        let mut out = String::from("# Options\n");
        for entry in &entries {
            describe(entry, &mut out);
        }
        out.push_str("\n# Modules\n\n");
        for builtin in BUILTINS {
            let _ = writeln!(out, "- `{SCHEME}:{}`: {}.", builtin.name, builtin.doc);
        }
        return Ok(out);
    };
    let module = name.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix(':')).unwrap_or(name);
    if let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == module) {
        return Ok(format!("# `{SCHEME}:{}`\n\n```toml\n{}```\n", builtin.name, builtin.text));
    }
    let mut out = section(name).map(|section| format!("{section}\n")).unwrap_or_default();
    for entry in entries.iter().filter(|entry| names(name, &entry.path)) {
        describe(entry, &mut out);
    }
    if !out.is_empty() {
        return Ok(out.trim_start().to_owned());
    }
    let words = entries.iter().flat_map(|entry| {
        let last = entry.path.rsplit('.').next().unwrap_or(&entry.path);
        [entry.path.as_str(), entry.declaration.name, last]
    });
    let modules = BUILTINS.iter().map(|builtin| builtin.name);
    let sections: Vec<&str> = sections().collect();
    Err(nearest(module, words.chain(modules).chain(sections.iter().copied())).map(str::to_owned))
}

/// The page on the language of recipes, in Markdown.
pub const RECIPE: &str = include_str!("reference/recipe.md");

/// Returns the section of the page on recipes that is about `name`, with its heading.
fn section(name: &str) -> Option<&'static str> {
    let heading = format!("## `{name}`\n");
    let at = RECIPE.find(&heading)?;
    let length = RECIPE[at + heading.len()..].find("\n## ").map_or(RECIPE.len() - at, |length| length + heading.len());
    Some(RECIPE[at..at + length].trim_end())
}

/// Returns the names that [`reference()`] knows: options, shipped modules and sections, sorted.
pub fn reference_names() -> Vec<String> {
    let options = options();
    let mut names: Vec<String> = options.reference().into_iter().map(|entry| entry.path).collect();
    names.extend(BUILTINS.iter().map(|builtin| format!("{SCHEME}:{}", builtin.name)));
    names.extend(sections().map(str::to_owned));
    names.sort();
    names.dedup();
    names
}

/// Returns the names of the sections of the page on recipes.
fn sections() -> impl Iterator<Item = &'static str> + use<> {
    RECIPE.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'))
}

/// Whether `name` is the path, the beginning of it, or an option on it; a free name matches its placeholder.
fn names(name: &str, path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    let wanted: Vec<&str> = name.split('.').collect();
    let is_free = |part: &str| part.bytes().all(|byte| byte.is_ascii_uppercase());
    let fits = |(part, wanted): (&&str, &&str)| part == wanted || is_free(part);
    (wanted.len() <= parts.len() && parts.iter().zip(&wanted).all(fits))
        || (wanted.len() == 1 && !is_free(name) && parts.contains(&name))
}

fn describe(entry: &Reference<'_>, out: &mut String) {
    let declaration = entry.declaration;
    let _ = writeln!(out, "\n## `{}`\n\n{}\n", entry.path, declaration.doc);
    let _ = writeln!(out, "- Type: {}.", entry.ty);
    if let Some(leaf) = leaf(&declaration.shape) {
        variants(leaf, out);
    }
    if let Some(default) = &declaration.default {
        let _ = writeln!(out, "- Default: `{default}`.");
    }
    if let Some(example) = declaration.example {
        // An example is only a value, or a whole line where the option's name would not fit.
        let whole = matches!(declaration.shape, Shape::AttrsOf(_));
        let line = if whole { example.to_owned() } else { format!("{} = {example}", declaration.name) };
        let _ = writeln!(out, "- Example: `{line}`.");
    }
}

fn leaf(shape: &Shape) -> Option<&Type> {
    match shape {
        Shape::Leaf(leaf) => Some(&leaf.ty),
        Shape::AttrsOf(attrs) => leaf(&attrs.shape),
        Shape::Section(_) => None,
    }
}

fn variants(ty: &Type, out: &mut String) {
    match ty {
        Type::ListOf(item) => variants(item, out),
        Type::OneOf(one_of) => {
            for variant in &one_of.variants {
                let _ = writeln!(out, "  - `{variant}`: {}.", variant.doc);
            }
        }
        _ => {}
    }
}
