//! Symbols, menu nodes and properties as declared in the Kconfig files.
//!
//! Everything lives in arenas and is identified by ids. Nodes are numbered in the order of the text, which is the
//! depth-first order of the menu tree: the descendants of a node are the ids after its own, up to its `end`.
//! A model holds no values: those belong to an [`Evaluation`](crate::Evaluation), of which one model can have many.

mod decision;
mod dependents;
mod index;
mod origin;
mod query;

use std::sync::{Arc, OnceLock};

use crate::conditions::Conditions;
use crate::dialect::Dialect;
use crate::exact::Exact;
use crate::expression::ExprId;
use crate::help::HelpText;
pub use decision::Prompt;
pub(crate) use dependents::{Dependents, Unit};
pub(crate) use index::NameIndex;
pub use query::{DefaultValue, Definition, Range, Selection};

/// Identifies a symbol of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub(crate) u32);

/// Identifies a menu node of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

/// Identifies a property of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyId(pub(crate) u32);

/// The values that a symbol takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// No type was declared; also constants and undefined symbols.
    #[default]
    Unknown,
    /// `y` or `n`.
    Bool,
    /// `y`, `m` or `n`.
    Tristate,
    /// A decimal number.
    Int,
    /// A hexadecimal number.
    Hex,
    /// Text.
    String,
}

/// The kind of a menu node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// The whole tree; its prompt is the main menu's title.
    Root,
    /// `config`
    Config,
    /// `menuconfig`
    MenuConfig,
    /// `choice`
    Choice,
    /// `menu`
    Menu,
    /// `comment`
    Comment,
    /// `if`
    If,
}

/// The declarations of a Kconfig tree.
///
/// Immutable and shareable between threads.
#[derive(Debug)]
pub struct Model {
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) properties: Vec<Property>,
    /// Names and prompts, back to back.
    pub(crate) blob: Vec<u8>,
    pub(crate) index: NameIndex,
    pub(crate) files: Vec<File>,
    pub(crate) environment: Vec<(String, Vec<u8>)>,
    pub(crate) modules: SymbolId,
    /// The symbol of `option defconfig_list`: its defaults name configs to start from.
    pub(crate) defconfig_list: Option<SymbolId>,
    pub(crate) dialect: Dialect,
    /// Every symbol in the order of the C program's hash table.
    pub(crate) hash_order: Vec<SymbolId>,
    pub(crate) conditions: Conditions,
    /// The dependencies of nodes, line by line, in the order of the nodes.
    pub(crate) clauses: Vec<Clause>,
    /// `None` inside when it exceeds the budget.
    pub(crate) exact: OnceLock<Option<Box<Exact>>>,
    /// The `select` and `imply` lines, by their target: target, owner, line.
    pub(crate) selections: OnceLock<Vec<(SymbolId, SymbolId, PropertyId)>>,
    /// `None` inside when every change requires recomputing all values.
    pub(crate) dependents: OnceLock<Option<Box<Dependents>>>,
}

/// A Kconfig file that was read.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<[u8]>,
}

/// A range of [`Model::blob`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TextRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    /// Empty for a choice.
    pub(crate) name: TextRange,
    pub(crate) hash: u32,
    pub(crate) kind: SymbolKind,
    pub(crate) type_: Type,
    pub(crate) transitional: bool,
    /// Never written: the effect of `option env=` and `option defconfig_list`.
    pub(crate) unwritten: bool,
    /// `option allnoconfig_y`: on when everything else is off.
    pub(crate) stays_on: bool,
    /// `optional` of a choice, before 6.10.
    pub(crate) optional: bool,
    pub(crate) first_property: Option<PropertyId>,
    pub(crate) last_property: Option<PropertyId>,
    pub(crate) first_node: Option<NodeId>,
    pub(crate) last_node: Option<NodeId>,
    /// The choice whose member list contains it.
    pub(crate) listed_in: Option<NodeId>,
    /// The choice that contains its first node with a prompt, once the tree is final.
    pub(crate) member_of: Option<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Reference,
    Constant,
    Choice,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) parent: NodeId,
    /// The id after the last descendant.
    pub(crate) end: u32,
    pub(crate) symbol: Option<SymbolId>,
    pub(crate) prompt: Option<PropertyId>,
    /// `depends on` or the condition of an `if`, as written.
    pub(crate) dependency: Option<ExprId>,
    /// `visible if`, as written.
    pub(crate) visibility: Option<ExprId>,
    pub(crate) help: Option<HelpText>,
    pub(crate) file: u32,
    pub(crate) line: u32,
    /// The symbol's next node.
    pub(crate) next_of_symbol: Option<NodeId>,
}

/// A `depends on` or `visible if` line, or the condition of an `if`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause {
    pub(crate) node: NodeId,
    pub(crate) expression: ExprId,
    pub(crate) line: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) kind: PropertyKind,
    /// The condition as written, without what encloses it.
    pub(crate) condition: Option<ExprId>,
    pub(crate) node: NodeId,
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) next: Option<PropertyId>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum PropertyKind {
    Prompt(TextRange),
    /// The prompt of a `menu`, a `menuconfig` or the root.
    Menu(TextRange),
    Comment(TextRange),
    Default(ExprId),
    Select(SymbolId),
    Imply(SymbolId),
    Range(SymbolId, SymbolId),
}

impl SymbolId {
    /// The constant `y`.
    pub(crate) const YES: SymbolId = SymbolId(0);
    /// The constant `m`.
    pub(crate) const MOD: SymbolId = SymbolId(1);
    /// The constant `n`.
    pub(crate) const NO: SymbolId = SymbolId(2);

    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// The root of the menu tree.
    pub const ROOT: NodeId = NodeId(0);

    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

impl PropertyId {
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

impl Type {
    /// The name that the C program prints in messages.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Type::Unknown => "unknown",
            Type::Bool => "bool",
            Type::Tristate => "tristate",
            Type::Int => "integer",
            Type::Hex => "hex",
            Type::String => "string",
        }
    }

    /// Returns the name with its article, for messages: `a tristate`.
    pub fn with_article(self) -> &'static str {
        match self {
            Type::Unknown => "without a type",
            Type::Bool => "a bool",
            Type::Tristate => "a tristate",
            Type::Int => "an int",
            Type::Hex => "a hex",
            Type::String => "a string",
        }
    }

    /// Returns the values that it has, for messages.
    pub fn hint(self) -> &'static str {
        match self {
            Type::Unknown => "it has no type",
            Type::Bool => "a bool is `y` or `n`",
            Type::Tristate => "a tristate is `y`, `m` or `n`",
            Type::Int => "an int is a decimal number without zeros in front, `250`",
            Type::Hex => "a hex is a hexadecimal number, `0x1000`",
            Type::String => "a string is any text",
        }
    }

    /// Whether its values are `y`, `m`, `n`.
    pub fn is_logic(self) -> bool {
        matches!(self, Type::Bool | Type::Tristate)
    }
}

impl PropertyKind {
    /// The text of a prompt of any kind.
    pub(crate) fn text(self) -> Option<TextRange> {
        match self {
            PropertyKind::Prompt(text) | PropertyKind::Menu(text) | PropertyKind::Comment(text) => Some(text),
            _ => None,
        }
    }

    /// The name that the C program prints in messages.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            PropertyKind::Prompt(_) => "prompt",
            PropertyKind::Menu(_) => "menu",
            PropertyKind::Comment(_) => "comment",
            PropertyKind::Default(_) => "default",
            PropertyKind::Select(_) => "select",
            PropertyKind::Imply(_) => "imply",
            PropertyKind::Range(..) => "range",
        }
    }
}

impl Model {
    pub(crate) fn bytes(&self, range: TextRange) -> &[u8] {
        &self.blob[range.start as usize..range.end as usize]
    }

    pub(crate) fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.at()]
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.at()]
    }

    pub(crate) fn property(&self, id: PropertyId) -> &Property {
        &self.properties[id.at()]
    }

    /// The name's bytes; empty for a choice.
    pub(crate) fn name_bytes(&self, id: SymbolId) -> &[u8] {
        self.bytes(self.symbol(id).name)
    }

    /// A symbol's properties, of all its definitions, in order.
    pub(crate) fn properties_of(&self, id: SymbolId) -> impl Iterator<Item = PropertyId> {
        std::iter::successors(self.symbol(id).first_property, |property| self.property(*property).next)
    }

    /// The nodes below `node`, in order, itself not included.
    pub(crate) fn below(&self, node: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (node.0 + 1..self.node(node).end).map(NodeId)
    }

    /// The direct children of `node` in the text.
    pub(crate) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let end = self.node(node).end;
        let first = Some(node.0 + 1).filter(|first| *first < end);
        std::iter::successors(first, move |child| Some(self.nodes[*child as usize].end).filter(|next| *next < end))
            .map(NodeId)
    }

    pub(crate) fn is_choice(&self, id: SymbolId) -> bool {
        self.symbol(id).kind == SymbolKind::Choice
    }

    /// The text of a node's prompt, or its symbol's name.
    pub(crate) fn title(&self, node: NodeId) -> &[u8] {
        let node = self.node(node);
        let text = node.prompt.and_then(|prompt| self.property(prompt).kind.text());
        match (text, node.symbol) {
            (Some(text), _) => self.bytes(text),
            (None, Some(symbol)) => self.name_bytes(symbol),
            (None, None) => b"",
        }
    }
}
