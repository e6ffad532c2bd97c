//! Turns parsed files into definitions: finds every option and reads every priority, before anything is merged.
//!
//! Errors here do not depend on the merge: an option that does not exist, a priority that cannot be read, a table where
//! a value should be. Values are not checked: a value that loses is never checked.

use std::collections::BTreeMap;

use kiln_diag::{Code, Diagnostic, Diagnostics, Sources, Span};

use crate::condition::{Condition, Facts};
use crate::declaration::{AttrsOf, Fault, Leaf, Section, Shape, Type};
use crate::import::{IMPORTS, Module, Modules};
use crate::nearest::nearest;
use crate::priority::Priority;
use crate::value::{Data, Entry, Value};

/// The key under which a file has its conditional blocks.
const WHEN: &str = "when";

/// One value given to one option in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Def {
    /// As written, without the table that holds its priority.
    pub value: Value,
    /// Its rank; the least number wins.
    pub priority: Priority,
    /// Whether it was marked `optional`.
    pub optional: bool,
    /// The place of its key and value.
    pub origin: Span,
    /// The expression of the `when` block around it.
    pub when: Option<Span>,
}

/// The definitions of a recipe by option.
pub(crate) struct Definitions {
    /// The root section's.
    pub(crate) root: Node,
    /// The `when` blocks, in the order of the modules.
    pub(crate) blocks: Vec<Block>,
}

/// A `when` block.
pub(crate) struct Block {
    /// Its expression; `None` when that is at fault, and then the block never holds.
    pub(crate) condition: Option<Condition>,
    /// Its expression as written.
    pub(crate) text: String,
    /// The place of the expression.
    pub(crate) span: Span,
    /// Byte offset of the expression's first character, when offsets in it are offsets in the file.
    inner: Option<usize>,
}

/// The index of the block around a definition; `None` for an unconditional one.
pub(crate) type Guard = Option<usize>;

/// The definitions under one key.
pub(crate) enum Node {
    /// A section or an attribute set.
    Set {
        /// The guards under which it is written: a set may be empty and still exist.
        present: Vec<Guard>,
        /// By key.
        children: BTreeMap<String, Node>,
    },
    /// A value's definitions, in the order of the modules.
    Leaf(Vec<(Guard, Def)>),
}

impl Block {
    /// The place of `range` of the expression in the file; the whole expression when that is unknown.
    pub(crate) fn at(&self, range: &std::ops::Range<usize>) -> Span {
        match self.inner {
            Some(start) => Span::new(self.span.file, start + range.start..start + range.end),
            None => self.span,
        }
    }
}

impl Node {
    fn set() -> Node {
        Node::Set { present: Vec::new(), children: BTreeMap::new() }
    }
}

/// Collects the definitions of all modules.
pub(crate) fn collect(
    options: &Section,
    modules: &Modules,
    facts: &dyn Facts,
    sources: &Sources,
) -> (Definitions, Diagnostics) {
    let mut collector =
        Collector { facts, sources, blocks: Vec::new(), guard: None, when: None, diagnostics: Diagnostics::new() };
    let mut root = Node::set();
    for module in &modules.list {
        collector.module(options, module, &mut root);
    }
    (Definitions { root, blocks: collector.blocks }, collector.diagnostics)
}

struct Collector<'a> {
    facts: &'a dyn Facts,
    sources: &'a Sources,
    blocks: Vec<Block>,
    /// The block that is being read.
    guard: Guard,
    /// The place of its expression.
    when: Option<Span>,
    diagnostics: Diagnostics,
}

impl Collector<'_> {
    fn module(&mut self, options: &Section, module: &Module, root: &mut Node) {
        let Some(entries) = module.value.as_table() else { return };
        let (blocks, own): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().filter(|entry| entry.key != IMPORTS).partition(|entry| entry.key == WHEN);
        self.section(options, own.into_iter(), "", root);
        for entry in blocks {
            let Some(list) = entry.value.as_table() else {
                let noun = entry.value.data.noun();
                let message = format!("`{WHEN}` is a table of blocks by expression, and this is {noun}");
                let help = format!("write `[{WHEN}.'EXPRESSION'.OPTION]`");
                self.push(Diagnostic::error(Code::Type, message).option(WHEN).label(entry.value.span, "").help(help));
                continue;
            };
            for block in list {
                self.block(options, block, root);
            }
        }
    }

    fn block(&mut self, options: &Section, entry: &Entry, root: &mut Node) {
        self.condition(entry);
        let Some(entries) = entry.value.as_table() else {
            let message = format!("a `{WHEN}` block is a table of options, and this is {}", entry.value.data.noun());
            self.push(Diagnostic::error(Code::Type, message).option(WHEN).label(entry.value.span, ""));
            return;
        };
        self.guard = Some(self.blocks.len() - 1);
        self.when = Some(entry.key_span);
        let misplaced = |entry: &&Entry| entry.key == IMPORTS || entry.key == WHEN;
        for entry in entries.iter().filter(misplaced) {
            let message = format!("`{}` is not allowed in a `{WHEN}` block", entry.key);
            let help = if entry.key == WHEN {
                "join the expressions with `all(…)`"
            } else {
                "import the file always, and write the block in it"
            };
            self.push(
                Diagnostic::error(Code::UnknownOption, message)
                    .option(format!("{WHEN}.{}", entry.key))
                    .label(entry.key_span, "")
                    .help(help),
            );
        }
        self.section(options, entries.iter().filter(|entry| !misplaced(entry)), "", root);
        self.guard = None;
        self.when = None;
    }

    /// Reads a block's expression and adds the block.
    fn condition(&mut self, entry: &Entry) {
        let mut block = Block {
            condition: None,
            text: entry.key.clone(),
            span: entry.key_span,
            inner: inner(self.sources, entry.key_span, &entry.key),
        };
        match Condition::parse(&entry.key) {
            Ok(condition) => {
                for predicate in condition.predicates() {
                    if let Err(fault) = self.facts.check(predicate) {
                        let span = block.at(&predicate.range);
                        self.fault(Code::Condition, fault, WHEN, span);
                        continue;
                    }
                }
                block.condition = Some(condition);
            }
            Err(error) => {
                let span = block.at(&error.range);
                self.fault(Code::Condition, error.fault, WHEN, span);
            }
        }
        self.blocks.push(block);
    }

    fn node(&mut self, shape: &Shape, value: &Value, key_span: Span, path: &str, node: &mut Node) {
        match shape {
            Shape::Leaf(leaf) => {
                if let Some(def) = self.definition(leaf, value, key_span, path)
                    && let Node::Leaf(list) = node
                {
                    list.push((self.guard, def));
                }
            }
            Shape::Section(section) => {
                if let Some(entries) = self.entries(value, path) {
                    self.section(section, entries.iter(), path, node);
                }
            }
            Shape::AttrsOf(attrs) => {
                if let Some(entries) = self.entries(value, path) {
                    self.attrs(attrs, entries, path, node);
                }
            }
        }
    }

    fn section<'v>(
        &mut self,
        section: &Section,
        entries: impl Iterator<Item = &'v Entry>,
        path: &str,
        node: &mut Node,
    ) {
        let Node::Set { present, children } = node else { return };
        present.push(self.guard);
        for entry in entries {
            let inner = join(path, &entry.key);
            match section.get(&entry.key) {
                Some(declaration) => {
                    let child = children.entry(entry.key.clone()).or_insert_with(|| empty(&declaration.shape));
                    self.node(&declaration.shape, &entry.value, entry.key_span, &inner, child);
                }
                None => self.unknown(section, entry, path, &inner),
            }
        }
    }

    fn attrs(&mut self, attrs: &AttrsOf, entries: &[Entry], path: &str, node: &mut Node) {
        let Node::Set { present, children } = node else { return };
        present.push(self.guard);
        for entry in entries {
            let inner = join(path, &entry.key);
            if let Some(Err(fault)) = attrs.key.map(|check| check(&entry.key)) {
                self.fault(Code::Name, fault, &inner, entry.key_span);
            }
            let child = children.entry(entry.key.clone()).or_insert_with(|| empty(&attrs.shape));
            self.node(&attrs.shape, &entry.value, entry.key_span, &inner, child);
        }
    }

    fn entries<'v>(&mut self, value: &'v Value, path: &str) -> Option<&'v [Entry]> {
        let entries = value.as_table();
        if entries.is_none() {
            let message = format!("`{path}` is a table of options, and this is {}", value.data.noun());
            self.push(Diagnostic::error(Code::Type, message).option(path).label(value.span, "expected a table"));
        }
        entries
    }

    fn unknown(&mut self, section: &Section, entry: &Entry, path: &str, inner: &str) {
        let mut diagnostic = Diagnostic::error(Code::UnknownOption, format!("there is no option `{inner}`"))
            .option(inner)
            .label(entry.key_span, "not an option");
        let known = section.entries.iter().map(|declaration| declaration.name);
        // Only a file's outermost keys may be these two.
        let reserved = [IMPORTS, WHEN].into_iter().filter(|_| path.is_empty());
        if is_word(&entry.key) {
            diagnostic = diagnostic.help("a priority belongs to a value, not to a section: write it on each value");
        } else if let Some(near) = nearest(&entry.key, known.clone().chain(reserved)) {
            diagnostic = diagnostic.help(format!("did you mean `{}`?", join(path, near)));
        } else {
            let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
            let place = if path.is_empty() { "a recipe".to_owned() } else { format!("`{path}`") };
            diagnostic = diagnostic.help(format!("{place} has {}", names.join(", ")));
        }
        self.push(diagnostic);
    }

    /// Reads a value with its priority; `None` when its table is at fault.
    fn definition(&mut self, leaf: &Leaf, value: &Value, key_span: Span, path: &str) -> Option<Def> {
        let origin = spanning(key_span, value.span);
        let plain = |value: &Value, priority, optional| Def {
            value: value.clone(),
            priority,
            optional,
            origin,
            when: self.when,
        };
        let Some(entries) = value.as_table() else { return Some(plain(value, Priority::PLAIN, false)) };
        let is_variant = matches!(leaf.ty, Type::OneOf(_)) && !entries.iter().any(|entry| is_word(&entry.key));
        if is_variant {
            return Some(plain(value, Priority::PLAIN, false));
        }
        match wrapped(entries, leaf.may_be_optional) {
            Ok((value, priority, optional)) => Some(plain(value, priority, optional)),
            Err((fault, at)) => {
                let span = at.unwrap_or(value.span);
                self.fault(Code::Priority, fault, path, span);
                None
            }
        }
    }

    fn fault(&mut self, code: Code, fault: Fault, option: &str, span: Span) {
        let diagnostic = Diagnostic::error(code, fault.message).option(option).label(span, "");
        self.push(match fault.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

fn empty(shape: &Shape) -> Node {
    match shape {
        Shape::Leaf(_) => Node::Leaf(Vec::new()),
        _ => Node::set(),
    }
}

/// Whether `key` is one of the keywords of a table around a value.
fn is_word(key: &str) -> bool {
    matches!(key, "value" | "default" | "force" | "priority" | "optional")
}

const FORMS: &str = "write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`";

type Wrapped<'v> = (&'v Value, Priority, bool);

/// Reads the table around a value; the fault's place is `None` for the whole table.
fn wrapped(entries: &[Entry], may_be_optional: bool) -> Result<Wrapped<'_>, (Fault, Option<Span>)> {
    let get = |key: &str| entries.iter().find(|entry| entry.key == key);
    if let Some(other) = entries.iter().find(|entry| !is_word(&entry.key)) {
        let message = format!("`{}` is not allowed in a table that gives a value its priority", other.key);
        return Err((Fault::new(message).help(FORMS), Some(other.key_span)));
    }
    let values: Vec<&Entry> = ["value", "default", "force"].into_iter().filter_map(get).collect();
    let value = match values.as_slice() {
        [value] => *value,
        [] => return Err((Fault::new("the table gives no value").help(FORMS), None)),
        [first, second, ..] => {
            let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
            return Err((Fault::new(message).help(FORMS), Some(second.key_span)));
        }
    };
    let priority = match (value.key.as_str(), get("priority")) {
        ("default", None) => Priority::DEFAULT,
        ("force", None) => Priority::FORCE,
        (_, None) => Priority::PLAIN,
        ("value", Some(entry)) => number(&entry.value)?,
        (word, Some(entry)) => {
            let message = format!("`{word}` is a priority already");
            return Err((Fault::new(message).help(FORMS), Some(entry.key_span)));
        }
    };
    let optional = match get("optional") {
        None => false,
        Some(entry) if !may_be_optional => {
            return Err((Fault::new("`optional` does not apply to this option"), Some(entry.key_span)));
        }
        Some(entry) => entry.value.as_bool().ok_or_else(|| {
            let message = format!("`optional` is `true` or `false`, and this is {}", entry.value.data.noun());
            (Fault::new(message), Some(entry.value.span))
        })?,
    };
    Ok((&value.value, priority, optional))
}

fn number(value: &Value) -> Result<Priority, (Fault, Option<Span>)> {
    match value.data {
        Data::Int(number) => i64::try_from(number).ok().map(Priority),
        _ => None,
    }
    .ok_or_else(|| {
        let fault = Fault::new("a priority is an integer").help("the lower number wins; a plain value has 100");
        (fault, Some(value.span))
    })
}

/// The span from the start of the key to the end of the value; only the key when the value is elsewhere.
fn spanning(key: Span, value: Span) -> Span {
    if key.file == value.file && key.start <= value.start && key.end <= value.end {
        Span { file: key.file, start: key.start, end: value.end }
    } else {
        key
    }
}

/// The dotted path of `key` under `path`; a key that is not a single word is quoted.
pub(crate) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '/'));
    let key = if bare { key.to_owned() } else { Data::Text(key.to_owned()).to_string() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The offset of the text of a quoted key, when it is written without escapes.
fn inner(sources: &Sources, span: Span, key: &str) -> Option<usize> {
    let written = sources.snippet(span);
    let quote = usize::from(written.starts_with(['"', '\'']));
    let same = written.get(quote..written.len() - quote) == Some(key);
    same.then_some(span.start as usize + quote)
}
