//! An evaluated recipe as `kiln eval --json` prints it.

use kiln_diag::Sources;
use kiln_recipe::Data;
use serde_json::{Map, Value, json as object};

use crate::evaluate::Evaluated;
use crate::evaluate::shown::{Shown, ShownDef, ShownValue, shown};

/// The version of the format; it changes when a reader of the old one would be misled.
const VERSION: u32 = 1;

/// Returns the evaluated recipe as JSON:
/// `{"version":1,"kernel":{"config":{SYMBOL: VALUE,…},…},"kmodloader":{…},"hardware":{…},"boot":{…}}`.
///
/// `kernel.config` has the requests after `conditionalConfig`. With `origins` every value is
/// `{"value","optional"?,"definitions":[{"value","priority","fate","file","line","column","when"?,"condition"?}]}`, where
/// `fate` is `won`, `lost` or `overridden`; an option's own default has no definitions.
pub fn json(evaluated: &Evaluated, sources: &Sources, origins: bool) -> Value {
    let writer = Writer { sources: origins.then_some(sources) };
    let mut root = Map::new();
    root.insert("version".to_owned(), VERSION.into());
    for (key, part) in shown(evaluated) {
        root.insert(key, writer.part(&part));
    }
    Value::Object(root)
}

struct Writer<'a> {
    /// Present when definitions are requested.
    sources: Option<&'a Sources>,
}

impl Writer<'_> {
    fn part(&self, part: &Shown) -> Value {
        match part {
            Shown::Set(list) => Value::Object(list.iter().map(|(key, part)| (key.clone(), self.part(part))).collect()),
            Shown::Leaf(value) => self.value(value),
        }
    }

    fn value(&self, value: &ShownValue) -> Value {
        let Some(sources) = self.sources else { return data(&value.data) };
        let definitions: Vec<Value> = value.definitions.iter().map(|def| definition(def, sources)).collect();
        let mut entry = object!({ "value": data(&value.data) });
        if value.optional {
            entry["optional"] = true.into();
        }
        entry["definitions"] = definitions.into();
        entry
    }
}

fn definition(def: &ShownDef, sources: &Sources) -> Value {
    let at = sources.location(def.origin);
    let mut entry = object!({
        "value": data(&def.data),
        "priority": def.priority.map(|priority| priority.0),
        "fate": def.fate.word(),
        "file": at.file,
        "line": at.line,
        "column": at.column,
    });
    if let Some(when) = def.when {
        entry["when"] = sources.snippet(when).trim_matches(['\'', '"']).into();
    }
    if let Some(condition) = &def.condition {
        entry["condition"] = condition.as_str().into();
    }
    entry
}

fn data(data: &Data) -> Value {
    match data {
        Data::Text(text) => text.as_str().into(),
        Data::Bool(flag) => (*flag).into(),
        // Options limit their numbers well within 64 bits; an overridden value may be any number, and is shown as text
        // then.
        Data::Int(number) => i64::try_from(*number).map_or_else(|_| number.to_string().into(), Value::from),
        Data::List(items) => items.iter().map(|item| self::data(&item.data)).collect(),
        Data::Table(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), self::data(&entry.value.data))).collect())
        }
        Data::Other(_) => Value::Null,
    }
}
