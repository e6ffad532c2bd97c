//! The parsed text of a recipe, before it is checked: a tree of data with a place for every node.

use kiln_diag::Span;

/// One node of a recipe's text.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Its data.
    pub data: Data,
    /// Its place, without its key.
    pub span: Span,
}

/// The data of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Text.
    Text(String),
    /// A whole number; wider than TOML's, because a kernel's addresses fill 64 bits.
    Int(i128),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<Value>),
    /// A table, in the order of the text; no key twice.
    Table(Vec<Entry>),
    /// A value that no option takes: a float, a date, JSON's `null`; with its description.
    Other(&'static str),
}

/// One key of a table with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, unquoted.
    pub key: String,
    /// The place of the key, quotes included.
    pub key_span: Span,
    /// The value.
    pub value: Value,
}

impl Value {
    /// Returns the text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if it is one.
    pub fn as_int(&self) -> Option<i128> {
        match self.data {
            Data::Int(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// Returns the items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries, if it is a table.
    pub fn as_table(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the value under `key`, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_table()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }
}

impl Data {
    /// Returns the kind of this data, with its article, for messages.
    pub fn noun(&self) -> &'static str {
        match self {
            Data::Text(_) => "a string",
            Data::Int(_) => "an integer",
            Data::Bool(_) => "a boolean",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
            Data::Other(noun) => noun,
        }
    }

    /// Whether both have the same content, wherever they are written; the order of a table's keys is ignored.
    pub fn same(&self, other: &Data) -> bool {
        match (self, other) {
            (Data::List(left), Data::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.data.same(&right.data))
            }
            (Data::Table(left), Data::Table(right)) => {
                left.len() == right.len()
                    && left.iter().all(|entry| {
                        right.iter().any(|other| other.key == entry.key && other.value.data.same(&entry.value.data))
                    })
            }
            (left, right) => left == right,
        }
    }
}

/// The data in TOML's notation, on one line.
impl std::fmt::Display for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Data::Text(text) => write_text(f, text),
            Data::Int(number) => write!(f, "{number}"),
            Data::Bool(flag) => write!(f, "{flag}"),
            Data::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, item.data)?;
                }
                f.write_str("]")
            }
            Data::Table(entries) if entries.is_empty() => f.write_str("{}"),
            Data::Table(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    f.write_str(if index == 0 { "{ " } else { ", " })?;
                    write_key(f, &entry.key)?;
                    write!(f, " = {}", entry.value.data)?;
                }
                f.write_str(" }")
            }
            Data::Other(noun) => write!(f, "({noun})"),
        }
    }
}

fn write_key(f: &mut std::fmt::Formatter<'_>, key: &str) -> std::fmt::Result {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { f.write_str(key) } else { write_text(f, key) }
}

fn write_text(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            control if control.is_control() => write!(f, "\\u{:04X}", control as u32)?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
