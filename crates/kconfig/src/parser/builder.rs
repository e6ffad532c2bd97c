//! The model while it is being parsed.

use crate::conditions::Conditions;
use crate::dialect::Dialect;
use crate::expression::{Comparison, Expr, ExprId, Expressions};
use crate::model::{
    Clause, File, Model, NameIndex, Node, NodeId, NodeKind, Property, PropertyId, PropertyKind, Symbol, SymbolId,
    SymbolKind, TextRange, Type,
};

pub(crate) struct Builder {
    pub(crate) dialect: Dialect,
    pub(crate) expressions: Expressions,
    /// The node that attribute lines belong to.
    pub(crate) current: NodeId,
    /// The innermost open block.
    parent: NodeId,
    pub(crate) modules: Option<SymbolId>,
    /// The symbol without a name that says whether modules are enabled, in programs that have it.
    unnamed_modules: Option<SymbolId>,
    pub(crate) defconfig_list: Option<SymbolId>,
    /// The first word of a statement that is not a statement.
    pub(crate) unknown_word: Option<Vec<u8>>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) nodes: Vec<Node>,
    pub(super) properties: Vec<Property>,
    pub(super) blob: Vec<u8>,
    index: NameIndex,
    /// By node: the condition that the `visible if` of it and the menus around it put on prompts inside.
    visibility: Vec<Option<ExprId>>,
    clauses: Vec<Clause>,
}

impl Builder {
    pub(crate) fn new(dialect: Dialect) -> Builder {
        let mut builder = Builder {
            dialect,
            expressions: Expressions::default(),
            current: NodeId::ROOT,
            parent: NodeId::ROOT,
            modules: None,
            unnamed_modules: None,
            defconfig_list: None,
            unknown_word: None,
            symbols: Vec::new(),
            nodes: Vec::new(),
            properties: Vec::new(),
            blob: Vec::new(),
            index: NameIndex::default(),
            visibility: Vec::new(),
            clauses: Vec::new(),
        };
        for name in [b"y", b"m", b"n"] {
            let symbol = builder.add_symbol(name, SymbolKind::Constant);
            builder.symbols[symbol.at()].type_ = Type::Tristate;
        }
        builder.push_node(NodeKind::Root, None, 0, 0);
        if dialect.modules_by_name {
            let unnamed = builder.add_symbol(b"", SymbolKind::Reference);
            let symbol = builder.symbol_mut(unnamed);
            (symbol.type_, symbol.hash) = (Type::Bool, 0);
            builder.unnamed_modules = Some(unnamed);
        }
        builder
    }

    /// The symbol called `name`, created at its first mention. `y`, `m` and `n` are constants however they are written.
    pub(crate) fn lookup(&mut self, name: &[u8], constant: bool) -> SymbolId {
        match name {
            b"y" => return SymbolId::YES,
            b"m" => return SymbolId::MOD,
            b"n" => return SymbolId::NO,
            _ => {}
        }
        let hash = NameIndex::hash(name);
        let kind = if constant { SymbolKind::Constant } else { SymbolKind::Reference };
        let is = |id: SymbolId| {
            let symbol = &self.symbols[id.at()];
            let range = symbol.name;
            symbol.kind == kind && self.blob[range.start as usize..range.end as usize] == *name
        };
        if let Some(symbol) = self.index.find(hash, is) {
            return symbol;
        }
        let symbol = self.add_symbol(name, kind);
        self.index.insert(hash, symbol);
        symbol
    }

    /// The symbol called `name`, if it has been mentioned.
    pub(super) fn known(&self, name: &[u8]) -> Option<SymbolId> {
        match name {
            b"y" => return Some(SymbolId::YES),
            b"m" => return Some(SymbolId::MOD),
            b"n" => return Some(SymbolId::NO),
            _ => {}
        }
        self.index.find(NameIndex::hash(name), |id| {
            let symbol = &self.symbols[id.at()];
            let range = symbol.name;
            symbol.kind == SymbolKind::Reference && self.blob[range.start as usize..range.end as usize] == *name
        })
    }

    /// The symbol of a choice: always a new one, unless the choice is named and already known.
    pub(crate) fn choice_symbol(&mut self, name: Option<&[u8]>) -> SymbolId {
        let name = name.unwrap_or_default();
        if name.is_empty() {
            return self.add_symbol(name, SymbolKind::Choice);
        }
        let known = (3..self.symbols.len() as u32).map(SymbolId).find(|id| {
            let symbol = &self.symbols[id.at()];
            let range = symbol.name;
            symbol.kind == SymbolKind::Choice && self.blob[range.start as usize..range.end as usize] == *name
        });
        known.unwrap_or_else(|| self.add_symbol(name, SymbolKind::Choice))
    }

    fn add_symbol(&mut self, name: &[u8], kind: SymbolKind) -> SymbolId {
        let hash = if name.is_empty() && kind == SymbolKind::Choice { 0 } else { NameIndex::hash(name) };
        let name = self.add_text(name);
        self.symbols.push(Symbol {
            name,
            hash,
            kind,
            type_: Type::Unknown,
            transitional: false,
            unwritten: false,
            stays_on: false,
            optional: false,
            first_property: None,
            last_property: None,
            first_node: None,
            last_node: None,
            listed_in: None,
            member_of: None,
        });
        SymbolId(self.symbols.len() as u32 - 1)
    }

    pub(super) fn add_text(&mut self, text: &[u8]) -> TextRange {
        let start = self.blob.len() as u32;
        self.blob.extend_from_slice(text);
        TextRange { start, end: self.blob.len() as u32 }
    }

    /// Whether the arenas are near the limit of their ids.
    pub(crate) fn is_full(&self, limit: usize) -> bool {
        self.nodes.len() >= limit
            || self.symbols.len() >= 4 * limit
            || self.properties.len() >= 4 * limit
            || self.expressions.len() >= 16 * limit
            || self.blob.len() >= 64 * limit
    }

    pub(crate) fn add_node(&mut self, kind: NodeKind, symbol: Option<SymbolId>, file: u32, line: u32) -> NodeId {
        let node = self.push_node(kind, symbol, file, line);
        self.current = node;
        if let Some(symbol) = symbol {
            let symbol = &mut self.symbols[symbol.at()];
            match symbol.last_node {
                Some(last) => self.nodes[last.at()].next_of_symbol = Some(node),
                None => symbol.first_node = Some(node),
            }
            symbol.last_node = Some(node);
        }
        node
    }

    fn push_node(&mut self, kind: NodeKind, symbol: Option<SymbolId>, file: u32, line: u32) -> NodeId {
        let node = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node {
            kind,
            parent: self.parent,
            end: node.0 + 1,
            symbol,
            prompt: None,
            dependency: None,
            visibility: None,
            help: None,
            file,
            line,
            next_of_symbol: None,
        });
        self.visibility.push(None);
        node
    }

    /// Makes the following nodes children of `node`.
    pub(crate) fn enter(&mut self, node: NodeId) {
        let outer = self.visibility[self.nodes[node.at()].parent.at()];
        let own = self.nodes[node.at()].visibility;
        self.visibility[node.at()] = self.expressions.and_maybe(own, outer);
        self.parent = node;
    }

    /// Makes the following nodes siblings of `node` again.
    pub(crate) fn leave(&mut self, node: NodeId) {
        self.nodes[node.at()].end = self.nodes.len() as u32;
        self.parent = self.nodes[node.at()].parent;
    }

    pub(crate) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.at()]
    }

    pub(crate) fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.at()]
    }

    pub(crate) fn symbol_mut(&mut self, symbol: SymbolId) -> &mut Symbol {
        &mut self.symbols[symbol.at()]
    }

    pub(crate) fn symbol(&self, symbol: SymbolId) -> &Symbol {
        &self.symbols[symbol.at()]
    }

    /// The symbol of the current node.
    pub(crate) fn current_symbol(&self) -> Option<SymbolId> {
        self.node(self.current).symbol
    }

    /// The current symbol's name as messages show it.
    pub(crate) fn current_name(&self) -> String {
        let name = self.current_symbol().map(|symbol| self.name(symbol)).unwrap_or_default();
        if name.is_empty() { "<choice>".to_owned() } else { name }
    }

    pub(crate) fn name(&self, symbol: SymbolId) -> String {
        let range = self.symbols[symbol.at()].name;
        String::from_utf8_lossy(&self.blob[range.start as usize..range.end as usize]).into_owned()
    }

    pub(crate) fn has_prompt(&self) -> bool {
        self.node(self.current).prompt.is_some()
    }

    pub(crate) fn add_prompt(
        &mut self,
        kind: fn(TextRange) -> PropertyKind,
        text: &[u8],
        condition: Option<ExprId>,
        file: u32,
        line: u32,
    ) {
        let text = self.add_text(text);
        let kind = kind(text);
        let mut condition = condition;
        if matches!(kind, PropertyKind::Prompt(_)) {
            let outer = self.visibility[self.node(self.current).parent.at()];
            condition = self.expressions.and_maybe(condition, outer);
        }
        let property = self.add_property(kind, condition, file, line);
        let current = self.current;
        self.node_mut(current).prompt = Some(property);
    }

    /// Makes the prompt of the current node a menu's title.
    pub(crate) fn make_menu(&mut self) {
        if let Some(prompt) = self.node(self.current).prompt {
            let property = &mut self.properties[prompt.at()];
            if let Some(text) = property.kind.text() {
                property.kind = PropertyKind::Menu(text);
            }
        }
    }

    pub(crate) fn add_property(
        &mut self,
        kind: PropertyKind,
        condition: Option<ExprId>,
        file: u32,
        line: u32,
    ) -> PropertyId {
        let id = PropertyId(self.properties.len() as u32);
        self.properties.push(Property { kind, condition, node: self.current, file, line, next: None });
        if let Some(symbol) = self.current_symbol() {
            let symbol = &mut self.symbols[symbol.at()];
            match symbol.last_property {
                Some(last) => self.properties[last.at()].next = Some(id),
                None => symbol.first_property = Some(id),
            }
            symbol.last_property = Some(id);
        }
        id
    }

    pub(crate) fn add_visibility(&mut self, node: NodeId, condition: Option<ExprId>) {
        let old = self.node(node).visibility;
        self.node_mut(node).visibility = self.expressions.and_maybe(old, condition);
    }

    /// The condition of `depends on X if Y`: X, or that Y is `n`.
    pub(crate) fn unless(&mut self, dependency: ExprId, condition: ExprId) -> ExprId {
        let off = self.compared_to_n(condition, Comparison::Equal);
        self.expressions.or(&[dependency, off])
    }

    /// Whether `id` is (or, for `Unequal`, is not) `n`, in the form of `expr_trans_compare` (scripts/kconfig/expr.c).
    fn compared_to_n(&mut self, id: ExprId, op: Comparison) -> ExprId {
        let (operands, and) = match self.expressions.get(id) {
            Expr::Symbol(symbol) => return self.expressions.compare(op, symbol, SymbolId::NO),
            Expr::Not(operand) => return self.compared_to_n(operand, op.inverse()),
            Expr::Compare(..) if op == Comparison::Equal => return self.expressions.not(id),
            Expr::Compare(..) => return id,
            Expr::And(operands) => (operands.to_vec(), true),
            Expr::Or(operands) => (operands.to_vec(), false),
        };
        let compared: Vec<ExprId> =
            operands.into_iter().map(|operand| self.compared_to_n(operand, Comparison::Equal)).collect();
        let equal = if and { self.expressions.or(&compared) } else { self.expressions.and(&compared) };
        if op == Comparison::Equal { equal } else { self.expressions.not(equal) }
    }

    /// Sets the type of the current symbol; returns its previous type, and its name.
    pub(crate) fn set_type(&mut self, type_: Type) -> (Type, String) {
        let Some(symbol) = self.current_symbol() else { return (type_, String::new()) };
        let old = self.symbols[symbol.at()].type_;
        if old == Type::Unknown {
            self.symbols[symbol.at()].type_ = type_;
        }
        if old == Type::Unknown || old == type_ { (old, String::new()) } else { (old, self.current_name()) }
    }

    /// Records the line of a condition on a node and on what is below it.
    pub(crate) fn add_clause(&mut self, node: NodeId, expression: ExprId, line: u32) {
        self.clauses.push(Clause { node, expression, line });
    }

    /// Ends building: the root gets its title and its extent, symbols their order.
    pub(crate) fn finish(mut self, files: Vec<File>, environment: Vec<(String, Vec<u8>)>) -> Model {
        if self.nodes[0].prompt.is_none() {
            self.current = NodeId::ROOT;
            self.parent = NodeId::ROOT;
            let title = self.dialect.title;
            self.add_prompt(PropertyKind::Menu, title.as_str().as_bytes(), None, 0, 0);
        }
        if !self.dialect.macros {
            self.expand_title();
        }
        if let Some(unnamed) = self.unnamed_modules {
            let named = self.modules.unwrap_or_else(|| self.lookup(b"MODULES", false));
            let value = self.expressions.symbol(named);
            let id = PropertyId(self.properties.len() as u32);
            let kind = PropertyKind::Default(value);
            self.properties.push(Property { kind, condition: None, node: NodeId::ROOT, file: 0, line: 0, next: None });
            let symbol = self.symbol_mut(unnamed);
            (symbol.first_property, symbol.last_property) = (Some(id), Some(id));
            self.modules = Some(unnamed);
        }
        self.nodes[0].end = self.nodes.len() as u32;
        let mut hash_order: Vec<SymbolId> = (3..self.symbols.len() as u32).map(SymbolId).collect();
        let buckets = self.dialect.hash_buckets;
        hash_order.sort_by_cached_key(|id| (self.symbols[id.at()].hash % buckets, std::cmp::Reverse(*id)));
        Model {
            symbols: self.symbols,
            nodes: self.nodes,
            properties: self.properties,
            blob: self.blob,
            index: self.index,
            files,
            environment,
            modules: self.modules.unwrap_or(SymbolId::NO),
            defconfig_list: self.defconfig_list,
            dialect: self.dialect,
            hash_order,
            conditions: Conditions::with(self.expressions),
            clauses: self.clauses,
            exact: std::sync::OnceLock::new(),
            selections: std::sync::OnceLock::new(),
            dependents: std::sync::OnceLock::new(),
        }
    }
}
