//! `.config` to user values.

use crate::checks;
use crate::evaluation::{Evaluation, Wanted};
use crate::expression::{Expr, Tristate};
use crate::message::{Level, Message, Place};
use crate::model::{PropertyKind, SymbolId, Type};

/// Options for reading a `.config`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The name that messages show.
    pub(crate) name: &'a str,
    /// `CONFIG_`, or the prefix from the environment.
    pub(crate) prefix: &'a str,
    /// Whether names that no Kconfig file mentions cause a warning.
    pub(crate) warn_unknown: bool,
    /// Symbols whose lines are ignored, sorted.
    pub(crate) skip: &'a [SymbolId],
}

/// The result of a reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) n_warnings: usize,
    /// Whether the text has a name that the model does not know.
    pub(crate) has_unknown: bool,
}

impl Evaluation<'_> {
    /// Drops all user values and takes those of `text`.
    pub(crate) fn read(&mut self, text: &[u8], reading: Reading<'_>) -> Read {
        self.clear();
        self.read_more(text, reading)
    }

    /// Drops all user values.
    pub(crate) fn clear(&mut self) {
        for (state, symbol) in self.states.iter_mut().zip(&self.model.symbols) {
            let is_choice = symbol.kind == crate::model::SymbolKind::Choice;
            // Quirk: before 6.11 reading marks every choice as set (`conf_read_simple`, scripts/kconfig/confdata.c).
            state.user = (is_choice && self.model.dialect.choice_values).then_some(Wanted::Logic(Tristate::No));
            state.wanted_member = None;
            state.wanted_value = Tristate::No;
            state.since = 0;
        }
        self.forget();
    }

    /// Drops the user values of bools and tristates outside of choices.
    pub(crate) fn drop_logic(&mut self) {
        for (state, symbol) in self.states.iter_mut().zip(&self.model.symbols) {
            let is_outside = symbol.kind != crate::model::SymbolKind::Choice && symbol.member_of.is_none();
            if is_outside && matches!(symbol.type_, Type::Bool | Type::Tristate) {
                state.user = None;
            }
        }
        self.forget();
    }

    /// The configs that `option defconfig_list` names, before 5.13; the first that exists counts.
    pub(crate) fn listed_defconfigs(&mut self) -> Vec<String> {
        let model = self.model;
        let mut names = Vec::new();
        for id in model.defconfig_list.into_iter().flat_map(|symbol| model.properties_of(symbol)) {
            let PropertyKind::Default(value) = model.property(id).kind else { continue };
            if self.expression(self.conditions.of(id)) == Tristate::No {
                continue;
            }
            let conditions = self.conditions;
            if let Expr::Symbol(source) = conditions.expressions.get(value) {
                self.compute(source);
                names.push(String::from_utf8_lossy(self.shown(source)).into_owned());
            }
        }
        names
    }

    /// Applies the values of `text` on top of the present ones.
    pub(crate) fn read_more(&mut self, text: &[u8], reading: Reading<'_>) -> Read {
        let mut read = Read::default();
        let mut lines = text.split(|byte| *byte == b'\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let is_last = lines.peek().is_none();
            let line = if is_last { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
            let place = Place { file: reading.name.into(), line: index as u32 + 1, column: 1 };
            self.line(line, reading, &place, &mut read);
        }
        read
    }

    fn line(&mut self, line: &[u8], reading: Reading<'_>, place: &Place, read: &mut Read) {
        if line.is_empty() {
            return;
        }
        let prefix = reading.prefix.as_bytes();
        let (name, value) = if let Some(comment) = line.strip_prefix(b"#") {
            match self.unset_name(comment, prefix) {
                Some(name) => (name, b"n".as_slice()),
                None => return,
            }
        } else {
            let assignment = line.strip_prefix(prefix);
            let Some((name, value)) = assignment.and_then(split_at_equals) else {
                if assignment.is_none() || !self.model.dialect.lenient_unset {
                    let text = [b"unexpected data: ", line].concat();
                    self.warn("config-syntax", &text, place, read);
                }
                return;
            };
            (name, value)
        };
        let Some(symbol) = self.model.find_bytes(name) else {
            read.has_unknown = true;
            if reading.warn_unknown {
                self.warn("unknown-symbol", &[b"unknown symbol: ", name].concat(), place, read);
            }
            return;
        };
        if reading.skip.binary_search(&symbol).is_ok() {
            return;
        }
        if self.states[symbol.at()].user.is_some() {
            let text = [b"override: reassigning to symbol ", name].concat();
            self.warn("reassigned", &text, place, read);
        }
        self.assign(symbol, value, place, read);
    }

    /// Sets a symbol to the value of a line, and updates its choice.
    pub(crate) fn assign(&mut self, symbol: SymbolId, value: &[u8], place: &Place, read: &mut Read) {
        if self.take(symbol, value, place, read) {
            self.stamp(symbol);
            if self.model.dialect.choice_values {
                self.note_member(symbol, place, read);
            } else if self.model.symbol(symbol).member_of.is_some() {
                self.move_member(symbol, true);
            }
        }
    }

    /// Reads the values of an old `auto.conf`; returns the names in it that nothing mentions any more.
    pub(crate) fn read_auto(&mut self, text: &[u8], reading: Reading<'_>) -> Vec<Vec<u8>> {
        let mut gone = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let assignment = line.strip_prefix(reading.prefix.as_bytes()).and_then(split_at_equals);
            let Some((name, value)) = assignment else { continue };
            let Some(symbol) = self.model.find_bytes(name) else {
                gone.push(name.to_vec());
                continue;
            };
            let type_ = self.model.symbol(symbol).type_;
            let wanted = match (type_, value.first()) {
                (Type::Tristate, Some(b'm')) => Wanted::Logic(Tristate::Mod),
                (Type::Tristate | Type::Bool, Some(b'y')) => Wanted::Logic(Tristate::Yes),
                (Type::Tristate | Type::Bool, Some(b'n')) => Wanted::Logic(Tristate::No),
                (Type::String | Type::Int | Type::Hex, _) if checks::is_valid(type_, value) => {
                    Wanted::Text(value.into())
                }
                _ => continue,
            };
            self.states[symbol.at()].user = Some(wanted);
        }
        gone
    }

    /// The name in ` CONFIG_X is not set`.
    fn unset_name<'t>(&self, comment: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
        let rest = comment.strip_prefix(b" ")?.strip_prefix(prefix)?;
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let words = &rest[space + 1..];
        let is_unset = words == b"is not set" || (self.model.dialect.lenient_unset && words.starts_with(b"is not set"));
        is_unset.then_some(&rest[..space])
    }

    /// Takes a value for a symbol; returns whether it was accepted.
    fn take(&mut self, symbol: SymbolId, value: &[u8], place: &Place, read: &mut Read) -> bool {
        let type_ = self.model.symbol(symbol).type_;
        let wanted = match (type_, value.first()) {
            (Type::Tristate, Some(b'm')) => Wanted::Logic(Tristate::Mod),
            (Type::Tristate | Type::Bool, Some(b'y')) => Wanted::Logic(Tristate::Yes),
            (Type::Tristate | Type::Bool, Some(b'n')) => Wanted::Logic(Tristate::No),
            // Quirk: text without quotes is ignored without a message.
            (Type::String, first) if first != Some(&b'"') => return true,
            (Type::String, _) => match unquote(&value[1..], self.model.dialect.raw_strings) {
                Some(text) => Wanted::Text(text.into()),
                None => {
                    self.warn("config-value", b"invalid string found", place, read);
                    return false;
                }
            },
            (Type::Int | Type::Hex, _) if checks::is_valid(type_, value) => Wanted::Text(value.into()),
            (Type::Unknown, _) => return true,
            _ => {
                let name = self.model.name_bytes(symbol);
                let text = [b"symbol value '", value, b"' invalid for ", name].concat();
                self.warn("config-value", &text, place, read);
                return false;
            }
        };
        self.states[symbol.at()].user = Some(wanted);
        true
    }

    pub(crate) fn warn(&mut self, code: &'static str, text: &[u8], place: &Place, read: &mut Read) {
        read.n_warnings += 1;
        let mut printed = format!("{}:{}:warning: ", place.file, place.line).into_bytes();
        printed.extend_from_slice(text);
        printed.push(b'\n');
        self.messages.push(Message::new(Level::Warning, code, Some(place.clone()), text, printed));
    }
}

fn split_at_equals(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

/// The content of a string up to its closing quote, which is the last byte of a `raw` one.
fn unquote(text: &[u8], raw: bool) -> Option<Vec<u8>> {
    if raw {
        return text.strip_suffix(b"\"").map(<[u8]>::to_vec);
    }
    let mut out = Vec::new();
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return Some(out),
            b'\\' => out.extend(bytes.next()),
            other => out.push(*other),
        }
    }
    None
}
