//! The declared options, as data: the input of the merge and of the reference manual.
//!
//! A [`Section`] has options with fixed names, an [`AttrsOf`] has any number of entries under names that the user
//! chooses, and a [`Leaf`] is a value. Sections and attribute sets are merged key by key, at any depth; priorities
//! belong to leaves.

use crate::value::Data;

/// A check of a key or a text beyond its type.
pub type Check = fn(&str) -> Result<(), Fault>;

/// The reason why a key or a text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One line, lower case, no full stop.
    pub message: String,
    /// The remedy.
    pub help: Option<String>,
}

/// Options with fixed names.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// The entries, in the order of the reference.
    pub entries: Vec<Declaration>,
}

/// One option, or a section of them.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its key.
    pub name: &'static str,
    /// Its description: sentences, one paragraph a line.
    pub doc: &'static str,
    /// An example for a recipe, in TOML.
    pub example: Option<&'static str>,
    /// The value when nothing defines it.
    pub default: Option<Data>,
    /// Its content.
    pub shape: Shape,
}

/// The content under a key.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Options with fixed names.
    Section(Section),
    /// Entries with free names.
    AttrsOf(AttrsOf),
    /// A value.
    Leaf(Leaf),
}

/// Entries with free names, all of one shape.
#[derive(Debug, Clone)]
pub struct AttrsOf {
    /// The placeholder for the name in the reference, for example `NAME`.
    pub placeholder: &'static str,
    /// The check of a name.
    pub key: Option<Check>,
    /// The content of each entry.
    pub shape: Box<Shape>,
}

/// A value and its rules.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The type of the value.
    pub ty: Type,
    /// Whether `optional = true` is allowed with it.
    pub may_be_optional: bool,
}

/// The type of a value.
#[derive(Debug, Clone)]
pub enum Type {
    /// Text.
    Text(TextType),
    /// Text of which several definitions are joined by newlines.
    Lines,
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds, both included.
    Int {
        /// Least.
        min: i128,
        /// Greatest.
        max: i128,
    },
    /// A list; several definitions are concatenated.
    ListOf(Box<Type>),
    /// A table with the fields of one of several variants, or a bare text that means one of them.
    OneOf(OneOf),
}

/// Text and its rules.
#[derive(Debug, Clone, Default)]
pub struct TextType {
    /// The name of the type in the reference, for example `path`; `text` when absent.
    pub noun: Option<&'static str>,
    /// The only accepted values; any text when empty.
    pub among: &'static [&'static str],
    /// Whether text that is empty or only blanks is refused.
    pub non_empty: bool,
    /// Whether an integer is accepted, and read as its decimal text.
    pub takes_int: bool,
    /// The remedy for a boolean.
    pub bool_help: Option<&'static str>,
    /// A further check.
    pub check: Option<Check>,
    /// The form in which two spellings of one value are equal; spelling counts when absent.
    pub canonical: Option<fn(&str) -> String>,
}

/// The variants of a table.
#[derive(Debug, Clone)]
pub struct OneOf {
    /// The tag of the variant for a bare text.
    pub bare: Option<&'static str>,
    /// The variants; distinguished by their first field.
    pub variants: Vec<Variant>,
}

/// One variant; its value is a table of texts.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The first is the tag, which no other variant has.
    pub fields: Vec<Field>,
    /// Its meaning.
    pub doc: &'static str,
}

/// One field of a variant.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// Whether it is required.
    pub required: bool,
    /// The type of its value.
    pub ty: TextType,
}

/// One line of the reference: an option with the path that a recipe writes.
#[derive(Debug, Clone)]
pub struct Reference<'a> {
    /// Dotted, with placeholders for free names (`group.NAME.option`).
    pub path: String,
    /// Its declaration; for a set of free names, that of the set.
    pub declaration: &'a Declaration,
    /// The type of its values, in words.
    pub ty: String,
}

impl Fault {
    /// Returns a fault without a remedy.
    pub fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), help: None }
    }

    /// Adds a remedy.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Fault {
        self.help = Some(text.into());
        self
    }
}

impl Section {
    /// Returns the declaration called `name`.
    pub fn get(&self, name: &str) -> Option<&Declaration> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Returns every option with its path, in the order of declaration.
    pub fn reference(&self) -> Vec<Reference<'_>> {
        let mut list = Vec::new();
        for entry in &self.entries {
            collect(entry, &entry.shape, entry.name.to_owned(), &mut list);
        }
        list
    }
}

fn collect<'a>(declaration: &'a Declaration, shape: &'a Shape, path: String, list: &mut Vec<Reference<'a>>) {
    match shape {
        Shape::Section(section) => {
            for entry in &section.entries {
                collect(entry, &entry.shape, format!("{path}.{}", entry.name), list);
            }
        }
        Shape::AttrsOf(attrs) => collect(declaration, &attrs.shape, format!("{path}.{}", attrs.placeholder), list),
        Shape::Leaf(leaf) => list.push(Reference { path, declaration, ty: leaf.ty.to_string() }),
    }
}

impl Type {
    /// Returns the type of text without further rules.
    pub fn text() -> Type {
        Type::Text(TextType::default())
    }

    /// Whether several definitions are joined rather than compared.
    pub fn joins(&self) -> bool {
        matches!(self, Type::Lines | Type::ListOf(_))
    }
}

impl From<Section> for Shape {
    fn from(section: Section) -> Shape {
        Shape::Section(section)
    }
}

impl From<AttrsOf> for Shape {
    fn from(attrs: AttrsOf) -> Shape {
        Shape::AttrsOf(attrs)
    }
}

impl From<Type> for Shape {
    fn from(ty: Type) -> Shape {
        Shape::Leaf(Leaf { ty, may_be_optional: false })
    }
}

/// The type in words, for the reference and for messages.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Type::Text(text) => write!(f, "{text}"),
            Type::Lines => f.write_str("lines of text"),
            Type::Bool => f.write_str("boolean"),
            Type::Int { min, max } => write!(f, "integer from {min} to {max}"),
            Type::ListOf(item) => write!(f, "list of {item}"),
            Type::OneOf(one_of) => {
                let mut separator = "";
                if one_of.bare.is_some() {
                    f.write_str("path")?;
                    separator = " or ";
                }
                for variant in one_of.variants.iter().filter(|variant| Some(variant.fields[0].name) != one_of.bare) {
                    write!(f, "{separator}{variant}")?;
                    separator = " or ";
                }
                Ok(())
            }
        }
    }
}

impl std::fmt::Display for TextType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.among.is_empty() {
            let quoted: Vec<String> = self.among.iter().map(|word| format!("\"{word}\"")).collect();
            return write!(f, "one of {}", quoted.join(", "));
        }
        let noun = self.noun.unwrap_or("text");
        match (self.non_empty, self.takes_int) {
            (false, false) => write!(f, "{noun}"),
            (true, false) => write!(f, "{noun}, not empty"),
            (false, true) => write!(f, "{noun} or integer"),
            (true, true) => write!(f, "{noun}, not empty, or integer"),
        }
    }
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{ ")?;
        for (index, field) in self.fields.iter().enumerate() {
            let (open, close) = if field.required { ("", "") } else { ("[", "]") };
            write!(f, "{}{open}{} = …{close}", if index == 0 { "" } else { ", " }, field.name)?;
        }
        f.write_str(" }")
    }
}
