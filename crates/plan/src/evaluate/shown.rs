//! An evaluated recipe for display: options in order, with the outcome of each definition.

mod outputs;

use kiln_diag::Span;
use kiln_recipe::{Data, Def, Entry, Merged, Priority, Tree, Value};

use crate::SourceSpec;
use crate::evaluate::{Because, Evaluated, ExtraModule, FirmwareSource, Located, MergedRequest};
use crate::options::options;

/// A part of the recipe.
pub(super) enum Shown {
    /// A section or an attribute set, in order.
    Set(Vec<(String, Shown)>),
    /// A value.
    Leaf(ShownValue),
}

/// A value with all its definitions.
pub(super) struct ShownValue {
    /// The value; paths are joined to the directory of the file that wrote them.
    pub(super) data: Data,
    /// The definitions: winners first.
    pub(super) definitions: Vec<ShownDef>,
    /// Whether it may stay unmet.
    pub(super) optional: bool,
}

/// One definition and its outcome.
pub(super) struct ShownDef {
    pub(super) data: Data,
    pub(super) priority: Option<Priority>,
    pub(super) fate: Fate,
    pub(super) origin: Span,
    /// The `when` block that contains it.
    pub(super) when: Option<Span>,
    /// The condition that made it a request.
    pub(super) condition: Option<String>,
}

/// The outcome of a definition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The value comes from it.
    Won,
    /// Overridden by a higher priority.
    Lost,
    /// Replaced by a condition, or by `modular = false`.
    Overridden,
}

impl Fate {
    pub(super) fn word(self) -> &'static str {
        match self {
            Fate::Won => "won",
            Fate::Lost => "lost",
            Fate::Overridden => "overridden",
        }
    }
}

/// Returns everything in an evaluated recipe, in the order of the declarations.
pub(super) fn shown(evaluated: &Evaluated) -> Vec<(String, Shown)> {
    let mut list = match part(&evaluated.tree, "", evaluated) {
        Shown::Set(list) => list,
        Shown::Leaf(_) => Vec::new(),
    };
    if let Some((_, Shown::Set(kernel))) = list.iter_mut().find(|(key, _)| key == "kernel") {
        // Values without definitions: the host's architecture, and no targets.
        let arch = Data::Text(evaluated.kernel.arch.value.machine.to_owned());
        for (name, data) in [("arch", arch), ("makeTargets", Data::List(Vec::new()))] {
            if !kernel.iter().any(|(key, _)| key == name) {
                let value = ShownValue { data, definitions: Vec::new(), optional: false };
                kernel.push((name.to_owned(), Shown::Leaf(value)));
            }
        }
        // Values before sets, as TOML requires.
        kernel.sort_by_key(|(key, shown)| (matches!(shown, Shown::Set(_)), key.clone()));
    }
    let order = options();
    list.sort_by_key(|(key, _)| order.entries.iter().position(|declaration| declaration.name == key));
    list
}

fn part(tree: &Tree, path: &str, evaluated: &Evaluated) -> Shown {
    match tree {
        Tree::Leaf(merged) => Shown::Leaf(value(merged, with_paths(path, merged, evaluated))),
        Tree::Set(_) if path == "kernel.config" => Shown::Set(requests(evaluated)),
        Tree::Set(set) => {
            let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let mut list: Vec<(String, Shown)> =
                set.iter().map(|(key, tree)| (key.clone(), part(tree, &inner(key), evaluated))).collect();
            list.sort_by_key(|(_, shown)| matches!(shown, Shown::Set(_)));
            Shown::Set(list)
        }
    }
}

fn requests(evaluated: &Evaluated) -> Vec<(String, Shown)> {
    let shown = |request: &MergedRequest| {
        let data = Data::Text(request.value.clone());
        let mut definitions = Vec::new();
        history(request, Fate::Won, &mut definitions);
        Shown::Leaf(ShownValue { data, definitions, optional: request.is_optional() })
    };
    evaluated.kernel.requests.iter().map(|(symbol, request)| (symbol.clone(), shown(request))).collect()
}

/// Lists the definitions of a request and of those that it replaced.
fn history(request: &MergedRequest, fate: Fate, list: &mut Vec<ShownDef>) {
    let condition = match &request.because {
        Some(Because::Condition(condition)) => Some(condition.clone()),
        _ => None,
    };
    if request.because == Some(Because::NotModular)
        && let Some(origin) = request.origin
    {
        let data = Data::Text(request.value.clone());
        list.push(ShownDef { data, priority: None, fate, origin, when: None, condition: None });
    } else {
        let entry = |def: &Def, fate| ShownDef { condition: condition.clone(), ..definition(def, fate) };
        list.extend(request.won.iter().map(|def| entry(def, fate)));
        list.extend(request.lost.iter().map(|def| entry(def, Fate::Lost)));
    }
    if let Some(before) = &request.overridden {
        history(before, Fate::Overridden, list);
    }
}

fn value(merged: &Merged, data: Data) -> ShownValue {
    let won = merged.won.iter().map(|def| definition(def, Fate::Won));
    let lost = merged.lost.iter().map(|def| definition(def, Fate::Lost));
    ShownValue { data, definitions: won.chain(lost).collect(), optional: merged.is_optional() }
}

fn definition(def: &Def, fate: Fate) -> ShownDef {
    ShownDef {
        data: def.value.data.clone(),
        priority: Some(def.priority),
        fate,
        origin: def.origin,
        when: def.when,
        condition: None,
    }
}

/// Returns the value of an option, with its paths as joined by lowering.
fn with_paths(path: &str, merged: &Merged, evaluated: &Evaluated) -> Data {
    let kernel = &evaluated.kernel;
    match path {
        "kernel.src" => match &kernel.src {
            Some(Located { value: SourceSpec::Path(path), .. }) => replaced(&merged.value, &path.to_string_lossy()),
            Some(Located { value: SourceSpec::Git { url, .. }, .. }) => replaced(&merged.value, url),
            _ => merged.value.clone(),
        },
        "kernel.baseConfig" => Data::Text(kernel.base_config.value.to_string()),
        "kernel.patches" => {
            let paths = kernel.patches.iter().map(|patch| patch.dir.join(strip(&patch.pattern)));
            let paths: Vec<String> = paths.map(|path| path.to_string_lossy().into_owned()).collect();
            items(&merged.value, |item, index| match paths.get(index) {
                Some(path) => Data::Text(path.clone()),
                None => item.clone(),
            })
        }
        "kernel.extraModules" => items(&merged.value, |item, index| match kernel.extra_modules.get(index) {
            Some(Located { value: ExtraModule { src: SourceSpec::Path(path), .. }, .. }) => {
                replaced(item, &path.to_string_lossy())
            }
            Some(Located { value: ExtraModule { src: SourceSpec::Git { url, .. }, .. }, .. }) => replaced(item, url),
            _ => item.clone(),
        }),
        "hardware.firmware" => items(&merged.value, |item, index| match evaluated.hardware.firmware.get(index) {
            Some(Located { value: FirmwareSource::Path(path), .. }) => replaced(item, &path.to_string_lossy()),
            _ => item.clone(),
        }),
        _ if path.starts_with("outputs.") => outputs::with_paths(path, &merged.value, &evaluated.outputs),
        _ => match path.strip_prefix("boot.files.").and_then(|guest| evaluated.boot.files.get(guest)) {
            Some(local) => Data::Text(local.value.to_string_lossy().into_owned()),
            None => merged.value.clone(),
        },
    }
}

fn strip(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// Returns a variant's table with another text in its first field.
fn replaced(data: &Data, text: &str) -> Data {
    let Data::Table(fields) = data else { return data.clone() };
    let mut fields: Vec<Entry> = fields.clone();
    if let Some(first) = fields.first_mut() {
        first.value.data = Data::Text(text.to_owned());
    }
    Data::Table(fields)
}

pub(super) fn items(data: &Data, change: impl Fn(&Data, usize) -> Data) -> Data {
    let Data::List(items) = data else { return data.clone() };
    let changed =
        items.iter().enumerate().map(|(index, item)| Value { data: change(&item.data, index), span: item.span });
    Data::List(changed.collect())
}
