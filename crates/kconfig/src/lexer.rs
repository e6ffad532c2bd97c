//! Bytes of Kconfig files to tokens; follows `source` from file to file.
//!
//! The text is never rewritten: an expanded word is a token of its own, and scanning continues after the reference. So
//! a token is a range of the file unless it contains an expansion.

mod include;
mod keyword;
mod pattern;

use std::ops::Range;
use std::sync::Arc;

use crate::Files;
use crate::help::{self, HelpText};
use crate::macros::Macros;
use crate::message::{Level, Message, Messages, Place};
use crate::model::File;

pub(crate) use keyword::Keywords;
use keyword::keyword;

/// Parsing cannot continue; the message has been recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fatal;

/// Kinds of tokens; the lexer provides the text of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    End,
    Eol,
    Word,
    Quoted,
    HelpText,
    AssignedText,
    Bool,
    Choice,
    Comment,
    Config,
    DefBool,
    DefTristate,
    Default,
    Depends,
    EndChoice,
    EndIf,
    EndMenu,
    Help,
    Hex,
    If,
    Imply,
    Int,
    MainMenu,
    Menu,
    MenuConfig,
    Modules,
    On,
    Option,
    Optional,
    Prompt,
    Range,
    Select,
    Source,
    String,
    Transitional,
    Tristate,
    Visible,
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Not,
    Open,
    Close,
    ColonEqual,
    PlusEqual,
}

pub(crate) struct Lexer<'h> {
    files: &'h dyn Files,
    pub(crate) macros: Macros<'h>,
    /// Every file opened so far, in order of first opening.
    pub(crate) opened: Vec<File>,
    by_name: std::collections::BTreeMap<Arc<str>, u32>,
    includes: usize,
    stack: Vec<Suspended>,
    cursor: Cursor,
    state: State,
    previous: Token,
    before_previous: Token,
    token_start: usize,
    text: Text,
    pub(crate) help: HelpText,
    /// Line of the first token of the current statement.
    pub(crate) statement_line: u32,
    pub(crate) keywords: Keywords,
}

struct Cursor {
    source: Arc<[u8]>,
    file: u32,
    at: usize,
    line: u32,
    line_start: usize,
}

struct Suspended {
    cursor: Cursor,
    /// Line of the `source` statement.
    source_line: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Initial,
    Assignment,
    Help,
}

enum Text {
    Source(Range<usize>),
    Owned(Vec<u8>),
}

const MAX_INCLUDE_DEPTH: usize = 512;
const MAX_INCLUDES: usize = 100_000;

impl<'h> Lexer<'h> {
    /// Opens the top file.
    pub(crate) fn open(
        entry: &str,
        files: &'h dyn Files,
        macros: Macros<'h>,
        keywords: Keywords,
    ) -> Result<Lexer<'h>, Messages> {
        let mut macros = macros;
        let Some(source) = files.read(entry) else {
            let printed = format!("can't find file {entry}\n").into_bytes();
            let text = format!("can't find file {entry}");
            macros.messages.push(Message::new(Level::Error, "missing-file", None, text.as_bytes(), printed));
            return Err(macros.messages);
        };
        let name: Arc<str> = Arc::from(entry);
        let file = File { name: name.clone(), text: source.clone() };
        Ok(Lexer {
            files,
            macros,
            opened: vec![file],
            by_name: [(name, 0)].into(),
            includes: 0,
            stack: Vec::new(),
            cursor: Cursor { source, file: 0, at: 0, line: 1, line_start: 0 },
            state: State::Initial,
            previous: Token::Eol,
            before_previous: Token::Eol,
            token_start: 0,
            text: Text::Owned(Vec::new()),
            help: HelpText::default(),
            statement_line: 0,
            keywords,
        })
    }

    /// The next token as the grammar expects it: no empty statements.
    pub(crate) fn next(&mut self) -> Result<Token, Fatal> {
        loop {
            let token = self.raw()?;
            if matches!(self.previous, Token::Eol | Token::HelpText) {
                if token == Token::Eol {
                    continue;
                }
                self.statement_line = self.cursor.line;
            }
            let assigns = matches!(token, Token::Equal | Token::ColonEqual | Token::PlusEqual);
            if self.keywords.macros && self.before_previous == Token::Eol && self.previous == Token::Word && assigns {
                self.state = State::Assignment;
            }
            self.before_previous = self.previous;
            self.previous = token;
            return Ok(token);
        }
    }

    /// The text of the last word, quoted string or assigned value.
    pub(crate) fn text(&self) -> &[u8] {
        match &self.text {
            Text::Source(range) => &self.cursor.source[range.clone()],
            Text::Owned(text) => text,
        }
    }

    /// Makes the next token a help text. The current token must be the end of the line before it.
    pub(crate) fn start_help(&mut self) {
        self.state = State::Help;
    }

    /// Index of the file being read.
    pub(crate) fn file(&self) -> u32 {
        self.cursor.file
    }

    /// Name of the file being read.
    pub(crate) fn file_name(&self) -> Arc<str> {
        self.opened[self.cursor.file as usize].name.clone()
    }

    /// The position of the last token.
    pub(crate) fn place(&self) -> Place {
        let column = self.token_start.saturating_sub(self.cursor.line_start) as u32 + 1;
        Place { file: self.file_name(), line: self.cursor.line, column }
    }

    /// A token by the rules of the scanner alone.
    fn raw(&mut self) -> Result<Token, Fatal> {
        loop {
            self.token_start = self.cursor.at;
            match self.state {
                State::Help => return Ok(self.help_text()),
                State::Assignment => {
                    if let Some(token) = self.assigned() {
                        return Ok(token);
                    }
                }
                State::Initial => {
                    if let Some(token) = self.initial()? {
                        return Ok(token);
                    }
                }
            }
        }
    }

    fn help_text(&mut self) -> Token {
        self.state = State::Initial;
        let scanned = help::scan(&self.cursor.source, self.cursor.at, None);
        self.help = HelpText { file: self.cursor.file, start: self.cursor.at as u32, blank: scanned.blank };
        self.cursor.at = scanned.end;
        self.cursor.line += scanned.lines;
        self.cursor.line_start = scanned.line_start;
        Token::HelpText
    }

    fn assigned(&mut self) -> Option<Token> {
        let rest = &self.cursor.source[self.cursor.at..];
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let length = line_length(&rest[blanks..]);
        if length > 0 {
            let start = self.cursor.at + blanks;
            self.text = Text::Source(start..start + length);
            self.cursor.at = start + length;
            return Some(Token::AssignedText);
        }
        self.cursor.at += blanks;
        self.state = State::Initial;
        if self.cursor.at < self.cursor.source.len() {
            self.newline();
            return Some(Token::Eol);
        }
        Some(self.end_of_file())
    }

    fn initial(&mut self) -> Result<Option<Token>, Fatal> {
        let rest = &self.cursor.source[self.cursor.at..];
        let Some(&first) = rest.first() else { return Ok(Some(self.end_of_file())) };
        let second = rest.get(1).copied();
        let (token, length) = match first {
            b' ' | b'\t' => (None, rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()),
            b'#' => (None, line_length(rest)),
            b'\n' => {
                self.newline();
                return Ok(Some(Token::Eol));
            }
            b'\\' if second == Some(b'\n') => {
                self.cursor.at += 1;
                self.newline();
                return Ok(None);
            }
            b'"' | b'\'' => return self.quoted(first).map(Some),
            byte if self.is_in_word(byte) || (byte == b'$' && self.keywords.macros) => return self.word(),
            b'|' if second == Some(b'|') => (Some(Token::Or), 2),
            b'&' if second == Some(b'&') => (Some(Token::And), 2),
            b'=' => (Some(Token::Equal), 1),
            b'!' if second == Some(b'=') => (Some(Token::Unequal), 2),
            b'!' => (Some(Token::Not), 1),
            b'<' if second == Some(b'=') => (Some(Token::LessEqual), 2),
            b'<' => (Some(Token::Less), 1),
            b'>' if second == Some(b'=') => (Some(Token::GreaterEqual), 2),
            b'>' => (Some(Token::Greater), 1),
            b'(' => (Some(Token::Open), 1),
            b')' => (Some(Token::Close), 1),
            b':' if second == Some(b'=') => (Some(Token::ColonEqual), 2),
            b'+' if second == Some(b'=') => (Some(Token::PlusEqual), 2),
            other => {
                self.unsupported(other);
                (None, 1)
            }
        };
        self.cursor.at += length;
        Ok(token)
    }

    fn word(&mut self) -> Result<Option<Token>, Fatal> {
        let start = self.cursor.at;
        let rest = &self.cursor.source[start..];
        let plain = rest.iter().take_while(|byte| self.is_in_word(**byte)).count();
        if rest.get(plain) != Some(&b'$') || !self.keywords.macros {
            self.cursor.at += plain;
            if let Some(keyword) = keyword(&rest[..plain], self.keywords).filter(|found| self.is_reserved(*found)) {
                return Ok(Some(keyword));
            }
            self.text = Text::Source(start..start + plain);
            return Ok(Some(Token::Word));
        }
        let source = self.cursor.source.clone();
        let line = &source[start..start + line_length(rest)];
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            match byte {
                b'$' => at += 1 + self.dollar(&line[at + 1..], &mut out)?,
                byte if self.is_in_word(byte) => {
                    out.push(byte);
                    at += 1;
                }
                _ => break,
            }
        }
        self.cursor.at = start + at;
        if out.is_empty() {
            return Ok(None);
        }
        self.text = Text::Owned(out);
        Ok(Some(Token::Word))
    }

    fn starts_statement(&self) -> bool {
        matches!(self.previous, Token::Eol | Token::HelpText)
    }

    /// Whether a byte may be in a word; in old grammars paths need no quotes.
    fn is_in_word(&self, byte: u8) -> bool {
        is_word(byte) || (matches!(byte, b'/' | b'.') && self.keywords.bare_words && !self.starts_statement())
    }

    /// Whether a keyword is reserved here; in old grammars most are at the start of a line only.
    fn is_reserved(&self, keyword: Token) -> bool {
        !self.keywords.bare_words || self.starts_statement() || matches!(keyword, Token::If | Token::On)
    }

    /// Expands what follows a `$`; returns the number of bytes read after it.
    fn dollar(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<usize, Fatal> {
        if text.first() != Some(&b'(') {
            out.push(b'$');
            return Ok(0);
        }
        let at = self.place();
        let (expansion, length) = self.macros.reference(text, &at)?;
        out.extend_from_slice(&expansion);
        Ok(length)
    }

    fn quoted(&mut self, quote: u8) -> Result<Token, Fatal> {
        let source = self.cursor.source.clone();
        let start = self.cursor.at + 1;
        let line = &source[start..start + line_length(&source[start..])];
        let special = |byte: &u8| *byte == quote || matches!(byte, b'$' | b'\\');
        if let Some(end) = line.iter().position(special).filter(|end| line[*end] == quote) {
            self.text = Text::Source(start..start + end);
            self.cursor.at = start + end + 1;
            return Ok(Token::Quoted);
        }
        let mut out = Vec::new();
        let mut at = 0;
        let closed = loop {
            let Some(&byte) = line.get(at) else { break false };
            at += 1;
            match byte {
                b'$' if self.keywords.macros => at += self.dollar(&line[at..], &mut out)?,
                b'\\' => {
                    out.extend(line.get(at));
                    at = line.len().min(at + 1);
                }
                byte if byte == quote => break true,
                other => out.push(other),
            }
        };
        self.cursor.at = start + at;
        if !closed && self.cursor.at < source.len() {
            let mut at = self.place();
            at.line = self.statement_line;
            self.warn("multi-line-string", &at, b"multi-line strings not supported");
        }
        self.text = Text::Owned(out);
        Ok(Token::Quoted)
    }

    fn end_of_file(&mut self) -> Token {
        if !matches!(self.previous, Token::Eol | Token::HelpText) {
            let at = self.place();
            self.warn("no-newline", &at, b"no new line at end of file");
        }
        match self.stack.pop() {
            Some(suspended) => {
                self.cursor = suspended.cursor;
                Token::Eol
            }
            None => Token::End,
        }
    }

    fn newline(&mut self) {
        self.cursor.at += 1;
        self.cursor.line += 1;
        self.cursor.line_start = self.cursor.at;
    }

    fn unsupported(&mut self, byte: u8) {
        let at = self.place();
        self.warn(
            "unsupported-character",
            &at,
            &[b"ignoring unsupported character '".as_slice(), &[byte], b"'"].concat(),
        );
    }

    fn warn(&mut self, code: &'static str, at: &Place, text: &[u8]) {
        let mut printed = format!("{}:{}:warning: ", at.file, at.line).into_bytes();
        printed.extend_from_slice(text);
        printed.push(b'\n');
        self.macros.messages.push(Message::new(Level::Warning, code, Some(at.clone()), text, printed));
    }
}

/// By byte: whether it may be in a word.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_' || byte as u8 == b'-';
        byte += 1;
    }
    table
};

fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

/// Bytes before the next newline.
fn line_length(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).unwrap_or(text.len())
}
