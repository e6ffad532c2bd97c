//! An evaluated recipe for people: TOML, with origins as comments.

use std::fmt::Write as _;

use kiln_diag::Sources;
use kiln_recipe::Data;

use crate::evaluate::Evaluated;
use crate::evaluate::shown::{Fate, Shown, ShownDef, ShownValue, shown};

/// A list whose line would be longer than this gets a line for each item.
const WIDTH: usize = 100;

/// Returns the evaluated recipe in TOML; with `origins`, each value is followed by its definitions in comments.
pub fn text(evaluated: &Evaluated, sources: &Sources, origins: bool) -> String {
    let mut writer = Writer { out: String::new(), sources: origins.then_some(sources) };
    for (key, part) in shown(evaluated) {
        writer.part(&key_text(&key), &part);
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    /// Present when definitions are requested.
    sources: Option<&'a Sources>,
}

impl Writer<'_> {
    fn part(&mut self, path: &str, part: &Shown) {
        let Shown::Set(list) = part else { return };
        let (sets, values): (Vec<_>, Vec<_>) = list.iter().partition(|(_, part)| matches!(part, Shown::Set(_)));
        if !values.is_empty() {
            let gap = if self.out.is_empty() { "" } else { "\n" };
            self.push(&format!("{gap}[{path}]\n"));
        }
        for (key, value) in values {
            if let Shown::Leaf(value) = value {
                self.value(&key_text(key), value);
            }
        }
        for (key, set) in sets {
            self.part(&format!("{path}.{}", key_text(key)), set);
        }
    }

    fn value(&mut self, key: &str, value: &ShownValue) {
        let written = written(key, &value.data);
        let note = if value.optional { "  # optional" } else { "" };
        self.push(&format!("{written}{note}\n"));
        if let Some(sources) = self.sources {
            for def in &value.definitions {
                self.push(&definition(def, sources));
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }
}

fn definition(def: &ShownDef, sources: &Sources) -> String {
    let mut line = format!("  # {}", sources.location(def.origin));
    if def.fate != Fate::Won {
        let _ = write!(line, " {} {}", def.fate.word(), def.data);
    }
    match def.priority {
        Some(kiln_recipe::Priority::PLAIN) => {}
        Some(priority) => {
            let _ = write!(line, " ({priority})");
        }
        None => line.push_str(" (not modular)"),
    }
    if let Some(when) = def.when {
        let _ = write!(line, " when {}", sources.snippet(when));
    }
    if let Some(condition) = &def.condition {
        let _ = write!(line, " because {condition} is requested");
    }
    line.push('\n');
    line
}

fn written(key: &str, data: &Data) -> String {
    let line = format!("{key} = {data}");
    let Data::List(items) = data else { return line };
    if line.chars().count() <= WIDTH {
        return line;
    }
    let items: String = items.iter().map(|item| format!("    {},\n", item.data)).collect();
    format!("{key} = [\n{items}]")
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { key.to_owned() } else { Data::Text(key.to_owned()).to_string() }
}
