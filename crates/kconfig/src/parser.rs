//! Tokens to a [`Model`].
//!
//! Written by hand, with one token of lookahead and an explicit stack of open blocks. It acts on a statement at the
//! same moment as the C program's generated parser, because lines in messages, the files that macros run in, and the
//! order in which symbols are first mentioned all depend on it.

mod builder;
mod early;
mod entry;
mod expression;
mod option;

use std::sync::Arc;

use crate::ahead::Ahead;
use crate::conditions::Conditions;
use crate::dialect::{Dialect, InChoice};
use crate::expression::ExprId;
use crate::lexer::{Fatal, Keywords, Lexer, Token};
use crate::macros::{Flavor, Macros};
use crate::message::{Level, Message, Messages, Place};
use crate::model::{Model, NodeId, NodeKind, PropertyKind, Type};
use crate::{Files, Host, checks, recursion};
use builder::Builder;

impl Model {
    /// Parses the Kconfig file `entry` and all that it sources.
    ///
    /// There is a model when no message is an error. `dialect` selects the rules of a version.
    pub fn parse(entry: &str, files: &dyn Files, host: &dyn Host, dialect: Dialect) -> (Option<Model>, Messages) {
        let lexer = match Lexer::open(entry, files, Macros::new(host, dialect.shell_buffer), Keywords::of(dialect)) {
            Ok(lexer) => lexer,
            Err(messages) => return (None, messages),
        };
        let mut parser = Parser::new(lexer, dialect);
        let outcome = parser.file();
        let n_errors = parser.n_errors;
        let (model, mut messages) = parser.finish();
        if outcome.is_err() || n_errors > 0 {
            return (None, messages);
        }
        let model = finalize(model, &mut messages);
        (model.filter(|_| !messages.has_errors()), messages)
    }
}

/// Reads the texts of a tree for the commands in them; returns those that `ahead` has no answer for.
pub(crate) fn read_ahead<'a>(
    entry: &str,
    files: &'a dyn Files,
    host: &'a dyn Host,
    dialect: Dialect,
    ahead: Ahead<'a>,
) -> Vec<Vec<u8>> {
    let mut macros = Macros::new(host, dialect.shell_buffer);
    macros.ahead = Some(Box::new(ahead));
    let Ok(lexer) = Lexer::open(entry, files, macros, Keywords::of(dialect)) else { return Vec::new() };
    let mut parser = Parser::new(lexer, dialect);
    // Errors in the text are reported when it is parsed.
    let _ = parser.file();
    parser.lexer.macros.ahead.map(|ahead| ahead.asked()).unwrap_or_default()
}

/// Propagates dependencies, then runs the checks that need the whole tree.
fn finalize(mut model: Model, messages: &mut Messages) -> Option<Model> {
    model.conditions = Conditions::plain(&mut model);
    checks::membership(&mut model);
    messages.append(checks::forced_comparisons(&model));
    messages.append(checks::properties(&model));
    let mut loops = recursion::check(&model, &model.conditions);
    if loops.has_errors()
        && let Some(exact) = model.exact()
    {
        // A loop may go through what simplification takes out; then values must be computed without simplification too.
        loops = recursion::check(&model, &exact.conditions);
        if !loops.has_errors() {
            model.conditions = exact.conditions.clone();
        }
    }
    let failed = loops.has_errors();
    messages.append(loops);
    messages.append(checks::choices(&model));
    (!failed).then_some(model)
}

struct Parser<'h> {
    lexer: Lexer<'h>,
    token: Token,
    builder: Builder,
    /// Open blocks, outermost first.
    blocks: Vec<Block>,
    /// Tokens to be read before another syntax error is reported.
    quiet: u8,
    n_errors: usize,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    kind: NodeKind,
    node: NodeId,
}

/// The reason for leaving a statement.
enum Stop {
    /// The current token does not fit.
    Syntax,
    Fatal,
}

impl From<Fatal> for Stop {
    fn from(Fatal: Fatal) -> Stop {
        Stop::Fatal
    }
}

type Parsed<T = ()> = Result<T, Stop>;

const MAX_BLOCKS: usize = 200;
/// A hundred times those of Linux; ids are 32 bits, and a tree must not take all memory.
const MAX_NODES: usize = 1 << 21;

impl<'h> Parser<'h> {
    fn new(lexer: Lexer<'h>, dialect: Dialect) -> Parser<'h> {
        Parser { lexer, token: Token::Eol, builder: Builder::new(dialect), blocks: Vec::new(), quiet: 0, n_errors: 0 }
    }

    fn finish(self) -> (Model, Messages) {
        let Lexer { macros, opened, .. } = self.lexer;
        let model = self.builder.finish(opened, macros.environment);
        (model, macros.messages)
    }

    fn file(&mut self) -> Result<(), Fatal> {
        self.token = self.lexer.next()?;
        let mut first = true;
        while self.token != Token::End {
            let is_start = std::mem::replace(&mut first, false);
            let start = self.token;
            let stop = match self.statement(is_start) {
                Ok(()) => continue,
                Err(stop) => stop,
            };
            // Text after an error may be misread.
            let is_ahead = self.lexer.macros.ahead.is_some();
            if is_ahead || matches!(stop, Stop::Fatal) || !self.recover(start)? {
                return Err(Fatal);
            }
        }
        if self.blocks.is_empty() {
            return Ok(());
        }
        self.syntax_error();
        self.unclosed();
        Err(Fatal)
    }

    fn statement(&mut self, is_start: bool) -> Parsed {
        let (in_choice, has_sources, has_most) = self.in_choice();
        match self.token {
            Token::Config => self.config(false),
            Token::If => self.if_block(),
            Token::Comment => self.comment(),
            Token::EndMenu => self.end(NodeKind::Menu),
            Token::EndChoice => self.end(NodeKind::Choice),
            Token::EndIf => self.end(NodeKind::If),
            Token::Source if !in_choice || has_sources => self.source(),
            Token::MenuConfig if !in_choice || has_most => self.config(true),
            Token::Word if !in_choice || has_most => self.assignment(),
            _ if in_choice => Err(Stop::Syntax),
            Token::Choice => self.choice(),
            Token::Menu => self.menu(),
            Token::MainMenu if is_start => self.main_menu(),
            _ => Err(Stop::Syntax),
        }
    }

    /// Whether the next statement is in a choice, and whether `source`, and all but blocks are allowed there.
    fn in_choice(&self) -> (bool, bool, bool) {
        let is_choice = |block: &Block| block.kind == NodeKind::Choice;
        match self.builder.dialect.in_choice {
            InChoice::Entries => (self.blocks.iter().any(is_choice), false, false),
            InChoice::Sources => {
                // An `if` in a choice has no `source`.
                (self.blocks.iter().any(is_choice), self.blocks.last().is_some_and(is_choice), false)
            }
            InChoice::Statements => (self.blocks.last().is_some_and(is_choice), true, true),
        }
    }

    fn main_menu(&mut self) -> Parsed {
        self.advance()?;
        let text = self.quoted()?;
        self.end_of_line()?;
        self.add_prompt(PropertyKind::Menu, &text, None);
        self.advance()
    }

    fn assignment(&mut self) -> Parsed {
        let name = self.lexer.text().to_vec();
        let at = self.lexer.place();
        self.advance()?;
        if !self.builder.dialect.macros {
            return Err(self.unknown(name));
        }
        let flavor = match self.token {
            Token::Equal => Flavor::Recursive,
            Token::ColonEqual => Flavor::Simple,
            Token::PlusEqual => Flavor::Append,
            _ => return Err(self.unknown(name)),
        };
        self.advance()?;
        let mut value = Vec::new();
        if self.token == Token::AssignedText {
            value = self.lexer.text().to_vec();
            self.advance()?;
        }
        if self.token != Token::Eol {
            return Err(self.unknown(name));
        }
        self.lexer.macros.assign(&name, &value, flavor, &at)?;
        self.advance()
    }

    /// Remembers the first word of a statement, for the message of [`Parser::recover`].
    fn unknown(&mut self, name: Vec<u8>) -> Stop {
        self.builder.unknown_word = Some(name);
        Stop::Syntax
    }

    fn if_block(&mut self) -> Parsed {
        self.advance()?;
        let condition = self.expression()?;
        self.end_of_line()?;
        let node = self.open(NodeKind::If)?;
        self.builder.node_mut(node).dependency = Some(condition);
        self.builder.add_clause(node, condition, self.lexer.statement_line);
        self.advance()
    }

    fn menu(&mut self) -> Parsed {
        self.advance()?;
        let text = self.quoted()?;
        self.end_of_line()?;
        let node = self.add_node(NodeKind::Menu, None)?;
        self.add_prompt(PropertyKind::Menu, &text, None);
        self.advance()?;
        loop {
            match self.token {
                Token::Visible => {
                    self.advance()?;
                    let condition = self.condition()?;
                    self.end_of_line()?;
                    self.builder.add_visibility(node, condition);
                    if let Some(condition) = condition {
                        self.builder.add_clause(node, condition, self.lexer.statement_line);
                    }
                    self.advance()?;
                }
                Token::Depends => self.depends(node)?,
                _ => break,
            }
        }
        self.enter(NodeKind::Menu, node)
    }

    fn comment(&mut self) -> Parsed {
        self.advance()?;
        let text = self.quoted()?;
        self.end_of_line()?;
        let node = self.add_node(NodeKind::Comment, None)?;
        self.add_prompt(PropertyKind::Comment, &text, None);
        self.advance()?;
        while self.token == Token::Depends {
            self.depends(node)?;
        }
        Ok(())
    }

    fn source(&mut self) -> Parsed {
        self.advance()?;
        let mut name = self.quoted()?;
        self.end_of_line()?;
        if !self.builder.dialect.macros {
            name = self.builder.with_values(&name);
        }
        if self.builder.dialect.source_patterns {
            self.lexer.include_all(&name)?;
        } else {
            self.lexer.include(&name)?;
        }
        self.advance()
    }

    /// Closes the innermost block; the keyword must match it and be in the file that the block was opened in.
    fn end(&mut self, kind: NodeKind) -> Parsed {
        let Some(block) = self.blocks.last().copied() else { return Err(Stop::Syntax) };
        self.advance()?;
        self.end_of_line()?;
        self.blocks.pop();
        let (found, expected) = (block_word(kind), block_word(block.kind));
        let opened_in = self.builder.node(block.node).file;
        if kind != block.kind {
            self.error("unexpected-end", &format!("unexpected '{found}' within {expected} block"));
        } else if opened_in != self.lexer.file() {
            self.error("end-in-other-file", &format!("'{found}' in different file than '{expected}'"));
            let place = self.place_of(block.node);
            let text = format!("location of the '{expected}'");
            self.push(Level::Error, "end-in-other-file", place, &text, &format!(": {text}"));
        } else {
            self.builder.leave(block.node);
        }
        self.advance()
    }

    fn open(&mut self, kind: NodeKind) -> Parsed<NodeId> {
        let node = self.add_node(kind, None)?;
        self.enter(kind, node)?;
        Ok(node)
    }

    fn enter(&mut self, kind: NodeKind, node: NodeId) -> Parsed {
        if self.blocks.len() >= MAX_BLOCKS {
            self.error("nesting", &format!("blocks are nested more than {MAX_BLOCKS} deep"));
            return Err(Stop::Fatal);
        }
        self.blocks.push(Block { kind, node });
        self.builder.enter(node);
        Ok(())
    }

    fn add_node(&mut self, kind: NodeKind, symbol: Option<crate::SymbolId>) -> Parsed<NodeId> {
        if self.builder.is_full(MAX_NODES) {
            self.error("too-large", "too much is declared");
            return Err(Stop::Fatal);
        }
        Ok(self.builder.add_node(kind, symbol, self.lexer.file(), self.lexer.statement_line))
    }

    fn add_prompt(
        &mut self,
        kind: fn(crate::model::TextRange) -> PropertyKind,
        text: &[u8],
        condition: Option<ExprId>,
    ) {
        let stripped = text.trim_ascii_start();
        if stripped.len() != text.len() {
            self.warn("prompt-whitespace", "leading whitespace ignored");
        }
        if self.builder.has_prompt() {
            self.warn("prompt-redefined", "prompt redefined");
        }
        self.builder.add_prompt(kind, stripped, condition, self.lexer.file(), self.lexer.statement_line);
    }

    fn set_type(&mut self, type_: Type) {
        let (old, name) = self.builder.set_type(type_);
        if old != Type::Unknown && old != type_ {
            let (old, new) = (old.shown(), type_.shown());
            let text = format!("ignoring type redefinition of '{name}' from '{old}' to '{new}'");
            let place = self.place_of(self.builder.current);
            self.push(Level::Warning, "type-redefinition", place, &text, &format!(":warning: {text}"));
        }
    }

    /// Takes the current token and reads the next.
    fn advance(&mut self) -> Parsed {
        self.quiet = self.quiet.saturating_sub(1);
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn quoted(&mut self) -> Parsed<Vec<u8>> {
        let is_bare = self.token == Token::Word && self.builder.dialect.bare_words;
        if self.token != Token::Quoted && !is_bare {
            return Err(Stop::Syntax);
        }
        let text = self.lexer.text().to_vec();
        self.advance()?;
        Ok(text)
    }

    fn end_of_line(&self) -> Parsed {
        if self.token == Token::Eol { Ok(()) } else { Err(Stop::Syntax) }
    }

    /// Reports the error and skips to the next line; returns whether there is one.
    fn recover(&mut self, start: Token) -> Result<bool, Fatal> {
        self.syntax_error();
        self.quiet = 3;
        while self.token != Token::Eol {
            if self.token == Token::End {
                self.unclosed();
                return Ok(false);
            }
            self.token = self.lexer.next()?;
        }
        match self.builder.unknown_word.take() {
            Some(word) if start == Token::Word => {
                self.error("unknown-statement", &format!("unknown statement \"{}\"", String::from_utf8_lossy(&word)));
            }
            _ => self.error("invalid-statement", "invalid statement"),
        }
        self.quiet = self.quiet.saturating_sub(1);
        self.token = self.lexer.next()?;
        Ok(true)
    }

    fn syntax_error(&mut self) {
        if self.quiet == 0 {
            self.n_errors += 1;
            let mut place = self.lexer.place();
            let column = if place.line == self.lexer.statement_line { place.column } else { 1 };
            // Quirk: 6.1 names the next line (`yyerror`, scripts/kconfig/parser.y).
            place.line = self.lexer.statement_line;
            place.column = column;
            let line = place.line + u32::from(self.builder.dialect.choice_values);
            let printed = format!("{}:{line}: syntax error\n", place.file).into_bytes();
            let message = Message::new(Level::Error, "syntax", Some(place), b"syntax error", printed);
            self.lexer.macros.messages.push(message);
        }
    }

    /// Reports the blocks that are still open at the end of the text.
    fn unclosed(&mut self) {
        while let Some(block) = self.blocks.pop() {
            let text = "missing end statement for this entry";
            let place = self.place_of(block.node);
            self.n_errors += 1;
            self.push(Level::Error, "unclosed-block", place, text, &format!(": {text}"));
        }
    }

    fn error(&mut self, code: &'static str, text: &str) {
        self.n_errors += 1;
        let place = self.statement_place();
        self.push(Level::Error, code, place, text, &format!(": {text}"));
    }

    /// A warning at the current statement, in the form of `prop_warn`.
    fn warn(&mut self, code: &'static str, text: &str) {
        let place = self.statement_place();
        self.push(Level::Warning, code, place, text, &format!(":warning: {text}"));
    }

    /// A warning at the current statement, in the form of `zconfprint`.
    fn warn_spaced(&mut self, code: &'static str, text: &str) {
        let place = self.statement_place();
        self.push(Level::Warning, code, place, text, &format!(": warning: {text}"));
    }

    fn push(&mut self, level: Level, code: &'static str, place: Place, text: &str, printed: &str) {
        let printed = format!("{}:{}{printed}\n", place.file, place.line).into_bytes();
        self.lexer.macros.messages.push(Message::new(level, code, Some(place), text.as_bytes(), printed));
    }

    fn statement_place(&self) -> Place {
        Place { file: self.lexer.file_name(), line: self.lexer.statement_line, column: 1 }
    }

    fn place_of(&self, node: NodeId) -> Place {
        let node = self.builder.node(node);
        let file: Arc<str> = self.lexer.opened[node.file as usize].name.clone();
        Place { file, line: node.line, column: 1 }
    }
}

fn block_word(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Menu => "menu",
        NodeKind::Choice => "choice",
        _ => "if",
    }
}
