//! `option` lines, which trees before 5.13 have, and the `modules` attribute that one of them became.

use super::{Parsed, Parser, Stop};
use crate::lexer::Token;
use crate::message::Level;
use crate::model::PropertyKind;

impl Parser<'_> {
    /// `option NAME` or `option NAME="VALUE"`, any number of them on a line.
    pub(super) fn option(&mut self) -> Parsed {
        self.advance()?;
        while self.token == Token::Word {
            let name = self.lexer.text().to_vec();
            self.advance()?;
            let mut argument = Vec::new();
            if self.token == Token::Equal {
                self.advance()?;
                argument = self.quoted()?;
            }
            self.take_option(&name, &argument)?;
        }
        self.end_of_line()?;
        self.advance()
    }

    fn take_option(&mut self, name: &[u8], argument: &[u8]) -> Parsed {
        let Some(symbol) = self.builder.current_symbol() else { return Err(Stop::Syntax) };
        match name {
            b"modules" => self.set_modules(),
            b"allnoconfig_y" => self.builder.symbol_mut(symbol).stays_on = true,
            b"defconfig_list" => {
                if self.builder.defconfig_list.is_some_and(|known| known != symbol) {
                    self.error("defconfig-list-redefined", "trying to redefine defconfig symbol");
                }
                self.builder.defconfig_list.get_or_insert(symbol);
                self.builder.symbol_mut(symbol).unwritten = true;
            }
            b"env" => self.take_environment(symbol, &String::from_utf8_lossy(argument)),
            other => {
                let text = format!("option '{}' is not known", String::from_utf8_lossy(other));
                self.error("unknown-option", &text);
            }
        }
        Ok(())
    }

    /// Makes a variable's value the default of the symbol, which is not written.
    fn take_environment(&mut self, symbol: crate::SymbolId, variable: &str) {
        self.builder.symbol_mut(symbol).unwritten = true;
        let value = self.lexer.macros.variable(variable.as_bytes());
        if value.is_empty() {
            let place = self.place_of(self.builder.current);
            let text = format!("environment variable {variable} undefined");
            self.push(Level::Warning, "undefined-variable", place, &text, &format!(":warning: {text}"));
            return;
        }
        let constant = self.builder.lookup(&value, true);
        let value = self.builder.expressions.symbol(constant);
        self.add_property(PropertyKind::Default(value), None);
    }

    /// Makes the current symbol the one that says whether modules are enabled.
    pub(super) fn set_modules(&mut self) {
        if let Some(old) = self.builder.modules {
            let (name, old) = (self.builder.current_name(), self.builder.name(old));
            let text = format!("symbol '{name}' redefines option 'modules' already defined by symbol '{old}'");
            self.error("modules-redefined", &text);
        }
        self.builder.modules = self.builder.current_symbol();
    }
}
