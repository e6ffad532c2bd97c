//! `config`, `menuconfig` and `choice` with their attribute lines.

use super::{NodeKind, Parsed, Parser, Stop};
use crate::lexer::Token;
use crate::message::Level;
use crate::model::{NodeId, PropertyKind, Type};

impl Parser<'_> {
    pub(super) fn config(&mut self, is_menu: bool) -> Parsed {
        self.advance()?;
        let symbol = self.reference()?;
        self.end_of_line()?;
        let kind = if is_menu { NodeKind::MenuConfig } else { NodeKind::Config };
        let node = self.add_node(kind, Some(symbol))?;
        if self.builder.dialect.choice_values {
            self.builder.symbol_mut(symbol).optional = true;
        }
        self.advance()?;
        while self.config_option(node)? {}
        if is_menu {
            if self.builder.has_prompt() {
                self.builder.make_menu();
            } else {
                self.warn_spaced("menuconfig-without-prompt", "menuconfig statement without prompt");
            }
        } else {
            self.check_member(node);
        }
        self.check_transitional(node);
        Ok(())
    }

    fn config_option(&mut self, node: NodeId) -> Parsed<bool> {
        match self.token {
            Token::Bool => self.typed(Type::Bool)?,
            Token::Tristate => self.typed(Type::Tristate)?,
            Token::Int => self.typed(Type::Int)?,
            Token::Hex => self.typed(Type::Hex)?,
            Token::String => self.typed(Type::String)?,
            Token::Prompt => self.prompt()?,
            Token::Default => self.default(Type::Unknown)?,
            Token::DefBool => self.default(Type::Bool)?,
            Token::DefTristate => self.default(Type::Tristate)?,
            Token::Select => self.selection(PropertyKind::Select)?,
            Token::Imply => self.selection(PropertyKind::Imply)?,
            Token::Range => self.range()?,
            Token::Modules => {
                self.advance()?;
                self.end_of_line()?;
                self.set_modules();
                self.advance()?;
            }
            Token::Option => self.option()?,
            Token::Transitional => {
                self.advance()?;
                self.end_of_line()?;
                if let Some(symbol) = self.builder.current_symbol() {
                    self.builder.symbol_mut(symbol).transitional = true;
                }
                self.advance()?;
            }
            Token::Depends => self.depends(node)?,
            Token::Help => self.help(node)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn choice(&mut self) -> Parsed {
        self.advance()?;
        let legacy = self.builder.dialect.choice_values;
        let mut name = None;
        if legacy && self.token == Token::Word {
            name = Some(self.lexer.text().to_vec());
            self.advance()?;
        }
        self.end_of_line()?;
        let symbol = self.builder.choice_symbol(name.as_deref());
        let node = self.add_node(NodeKind::Choice, Some(symbol))?;
        if !legacy {
            self.set_type(Type::Bool);
        }
        self.advance()?;
        while self.choice_option(node, legacy)? {}
        if !legacy && !self.builder.has_prompt() {
            let place = self.place_of(node);
            self.n_errors += 1;
            let text = "choice must have a prompt";
            self.push(Level::Error, "choice-without-prompt", place, text, &format!(": error: {text}"));
        }
        self.enter(NodeKind::Choice, node)
    }

    fn choice_option(&mut self, node: NodeId, legacy: bool) -> Parsed<bool> {
        match self.token {
            Token::Prompt => self.prompt()?,
            Token::Bool if legacy => self.typed(Type::Bool)?,
            Token::Tristate if legacy => self.typed(Type::Tristate)?,
            Token::Bool => self.prompt()?,
            Token::Optional => {
                self.advance()?;
                self.end_of_line()?;
                if let Some(symbol) = self.builder.current_symbol() {
                    self.builder.symbol_mut(symbol).optional = true;
                }
                self.advance()?;
            }
            Token::Default => {
                self.advance()?;
                let symbol = self.reference()?;
                let condition = self.condition()?;
                self.end_of_line()?;
                let value = self.builder.expressions.symbol(symbol);
                self.add_property(PropertyKind::Default(value), condition);
                self.advance()?;
            }
            Token::Depends => self.depends(node)?,
            Token::Help => self.help(node)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn typed(&mut self, type_: Type) -> Parsed {
        self.advance()?;
        if self.token == Token::Quoted || (self.token == Token::Word && self.builder.dialect.bare_words) {
            let text = self.quoted()?;
            let condition = self.condition()?;
            self.add_prompt(PropertyKind::Prompt, &text, condition);
        }
        self.end_of_line()?;
        self.set_type(type_);
        self.advance()
    }

    fn prompt(&mut self) -> Parsed {
        self.advance()?;
        let text = self.quoted()?;
        let condition = self.condition()?;
        self.end_of_line()?;
        self.add_prompt(PropertyKind::Prompt, &text, condition);
        self.advance()
    }

    fn default(&mut self, type_: Type) -> Parsed {
        self.advance()?;
        let value = self.expression()?;
        let condition = self.condition()?;
        self.end_of_line()?;
        self.add_property(PropertyKind::Default(value), condition);
        if type_ != Type::Unknown {
            self.set_type(type_);
        }
        self.advance()
    }

    fn selection(&mut self, kind: fn(crate::SymbolId) -> PropertyKind) -> Parsed {
        self.advance()?;
        let target = self.reference()?;
        let condition = self.condition()?;
        self.end_of_line()?;
        self.add_property(kind(target), condition);
        self.advance()
    }

    fn range(&mut self) -> Parsed {
        self.advance()?;
        let low = self.operand()?;
        let high = self.operand()?;
        let condition = self.condition()?;
        self.end_of_line()?;
        self.add_property(PropertyKind::Range(low, high), condition);
        self.advance()
    }

    pub(super) fn depends(&mut self, node: NodeId) -> Parsed {
        self.advance()?;
        if self.token != Token::On {
            return Err(Stop::Syntax);
        }
        self.advance()?;
        let mut dependency = self.expression()?;
        if self.builder.dialect.conditional_depends
            && let Some(condition) = self.condition()?
        {
            dependency = self.builder.unless(dependency, condition);
        }
        self.end_of_line()?;
        self.builder.add_clause(node, dependency, self.lexer.statement_line);
        let old = self.builder.node(node).dependency;
        self.builder.node_mut(node).dependency = self.builder.expressions.and_maybe(old, Some(dependency));
        self.advance()
    }

    fn help(&mut self, node: NodeId) -> Parsed {
        self.advance()?;
        self.end_of_line()?;
        self.lexer.start_help();
        self.advance()?;
        let help = self.lexer.help;
        let name = self.builder.current_name();
        if self.builder.node(node).help.is_some() {
            let text = format!("'{name}' defined with more than one help text -- only the last one will be used");
            self.warn_spaced("help-redefined", &text);
        }
        if help.blank {
            self.warn_spaced("blank-help", &format!("'{name}' defined with blank help text"));
        }
        self.builder.node_mut(node).help = Some(help);
        self.advance()
    }

    /// Adds a property to the current node.
    pub(super) fn add_property(&mut self, kind: PropertyKind, condition: Option<crate::ExprId>) {
        self.builder.add_property(kind, condition, self.lexer.file(), self.lexer.statement_line);
    }

    /// Checks the rules of 6.11 and newer for a `config` inside a choice.
    fn check_member(&mut self, node: NodeId) {
        if self.builder.dialect.choice_values {
            return;
        }
        let Some(choice) = self.blocks.iter().rfind(|block| block.kind == NodeKind::Choice) else { return };
        let choice = choice.node;
        let Some(symbol) = self.builder.current_symbol() else { return };
        let has_prompt = self.builder.has_prompt();
        let is_bool = self.builder.symbol(symbol).type_ == Type::Bool;
        for (good, text) in [(has_prompt, "choice member must have a prompt"), (is_bool, "choice member must be bool")]
        {
            if !good {
                self.n_errors += 1;
                let place = self.place_of(node);
                self.push(Level::Error, "choice-member", place, text, &format!(": error: {text}"));
            }
        }
        let symbol = self.builder.symbol_mut(symbol);
        symbol.listed_in = symbol.listed_in.or(Some(choice));
    }

    /// A transitional symbol only carries an old value over; it may have nothing but a type and a help text.
    fn check_transitional(&mut self, node: NodeId) {
        let Some(symbol) = self.builder.current_symbol() else { return };
        let symbol = self.builder.symbol(symbol);
        let bare = symbol.first_property.is_none() && self.builder.node(node).dependency.is_none();
        if symbol.transitional && !bare {
            self.n_errors += 1;
            let place = self.place_of(node);
            let text = "transitional symbols can only have help sections";
            self.push(Level::Error, "transitional", place, text, &format!(": error: {text}"));
        }
    }
}
