//! JSON (RFC 8259), by hand: the common libraries do not record the position of a value.
//!
//! Reading stops at the first fault, because JSON has no point to resume at. A duplicate key in one object is a fault:
//! which one was meant cannot be known.

use std::collections::BTreeMap;
use std::ops::Range;

use kiln_diag::{Diagnostic, Diagnostics, FileId, Span};

use crate::syntax::{fault, nothing, span_in};
use crate::value::{Data, Entry, Value};

/// Deeper nesting is refused; `toml` has the same limit.
const MAX_DEPTH: u32 = 80;

/// Reads a JSON document whose outermost value is an object.
pub(super) fn read(file: FileId, text: &str) -> (Value, Diagnostics) {
    let mut reader = Reader { file, text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    match reader.document() {
        Ok(value) => (value, Diagnostics::new()),
        Err(diagnostic) => (nothing(file), [*diagnostic].into_iter().collect()),
    }
}

type Read<T> = Result<T, Box<Diagnostic>>;

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    /// Byte offset of the next character; always at a character boundary.
    at: usize,
}

impl Reader<'_> {
    fn document(&mut self) -> Read<Value> {
        let value = self.value(0)?;
        self.blanks();
        if self.at < self.text.len() {
            return Err(self.fault(self.at..self.text.len(), "text after the end of the JSON value"));
        }
        if value.as_table().is_none() {
            let message = format!("a recipe is an object, and this is {}", value.data.noun());
            return Err(Box::new(fault(value.span, message)));
        }
        Ok(value)
    }

    fn value(&mut self, depth: u32) -> Read<Value> {
        self.blanks();
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(self.fault(start..start + 1, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let data = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Data::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => self.word()?,
            None => return Err(self.fault(start..start, "the text ends where a value should be")),
        };
        Ok(Value { data, span: self.span(start..self.at) })
    }

    fn object(&mut self, depth: u32) -> Read<Data> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        self.at += 1;
        if self.eat(b'}') {
            return Ok(Data::Table(entries));
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fault(start..start + 1, "expected a key in double quotes"));
            }
            let key = self.string()?;
            let key_span = self.span(start..self.at);
            if !self.eat(b':') {
                return Err(self.fault(self.at..self.at + 1, "expected `:` after a key"));
            }
            let value = self.value(depth + 1)?;
            if let Some(first) = seen.insert(key.clone(), key_span) {
                let message = format!("duplicate key `{key}`");
                return Err(Box::new(fault(key_span, message).label(first, "first written here")));
            }
            entries.push(Entry { key, key_span, value });
            if self.eat(b'}') {
                return Ok(Data::Table(entries));
            }
            if !self.eat(b',') {
                return Err(self.fault(self.at..self.at + 1, "expected `,` or `}` after a value"));
            }
        }
    }

    fn array(&mut self, depth: u32) -> Read<Data> {
        let mut items = Vec::new();
        self.at += 1;
        if self.eat(b']') {
            return Ok(Data::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Data::List(items));
            }
            if !self.eat(b',') {
                return Err(self.fault(self.at..self.at + 1, "expected `,` or `]` after an item"));
            }
        }
    }

    fn word(&mut self) -> Read<Data> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let data = match &rest[..length] {
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            "null" => Data::Other("`null`"),
            _ => return Err(self.fault(self.at..self.at + length.max(1), "expected a JSON value")),
        };
        self.at += length;
        Ok(data)
    }

    fn number(&mut self) -> Read<Data> {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let written = &rest[..length];
        self.at += length;
        let Some(whole) = number_is_whole(written) else {
            return Err(self.fault(start..self.at, "not a JSON number"));
        };
        if !whole {
            return Ok(Data::Other("a number with a fraction"));
        }
        Ok(written.parse().map_or(Data::Other("a number too large"), Data::Int))
    }

    /// Reads a string; the reader is at its opening quote.
    fn string(&mut self) -> Read<String> {
        let start = self.at;
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(character) = rest.chars().next() else {
                return Err(self.fault(start..start + 1, "unterminated string"));
            };
            let at = self.at;
            self.at += character.len_utf8();
            match character {
                '"' => return Ok(out),
                '\\' => out.push(self.escape(at)?),
                '\0'..='\u{1f}' => {
                    return Err(self.fault(at..self.at, "a control character in a string must be escaped"));
                }
                other => out.push(other),
            }
        }
    }

    /// Reads the rest of an escape after the backslash at `start`.
    fn escape(&mut self, start: usize) -> Read<char> {
        let letter = self.peek();
        self.at += usize::from(letter.is_some_and(|byte| byte.is_ascii()));
        let plain = match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.fault(start..self.at, "unknown escape in a string")),
        };
        Ok(plain)
    }

    /// Reads `XXXX`, or `XXXX\uXXXX` for a surrogate pair.
    fn unicode(&mut self, start: usize) -> Read<char> {
        let high = self.hex4(start)?;
        let code = match high {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 2;
                let low = self.hex4(start)?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(self.fault(start..self.at, "half of a surrogate pair"));
                }
                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.fault(start..self.at, "half of a surrogate pair"))
    }

    fn hex4(&mut self, start: usize) -> Read<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.fault(start..self.at, "`\\u` needs four hexadecimal digits")),
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips blanks and then `byte`, if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, range: Range<usize>) -> Span {
        span_in(self.file, self.text, range)
    }

    fn fault(&self, range: Range<usize>, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(fault(self.span(range), message))
    }
}

/// Whether a number of JSON's grammar has neither fraction nor exponent; `None` when it is not of the grammar.
fn number_is_whole(text: &str) -> Option<bool> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.starts_with('0')) {
        return None;
    }
    let mut rest = &text[whole..];
    if rest.is_empty() {
        return Some(true);
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return None;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let length = digits(exponent);
        if length == 0 {
            return None;
        }
        rest = &exponent[length..];
    }
    rest.is_empty().then_some(false)
}
