//! Values of symbols as a person or a `.config` writes them: quoting, and comparison by meaning.

use crate::model::Type;

/// A symbol's value, independent of its spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `n`, `m` or `y` as 0, 1, 2.
    Tristate(u8),
    /// A number; hexadecimal ones up to 64 bits.
    Number(i128),
    /// A string without quotes and escapes.
    Text(String),
}

impl Value {
    /// Reads `text` as a value of type `type_`; `None` when that type has no such value.
    ///
    /// A string may be bare or as in a `.config`, in quotes with `\"` and `\\`. A hexadecimal number may lack its `0x`, as
    /// Kconfig allows.
    /// # Source
    /// `scripts/kconfig/symbol.c`, `sym_string_valid`.
    pub fn parse(text: &str, type_: Type) -> Option<Value> {
        match type_ {
            Type::Bool | Type::Tristate => match text {
                "n" => Some(Value::Tristate(0)),
                "m" if type_ == Type::Tristate => Some(Value::Tristate(1)),
                "y" => Some(Value::Tristate(2)),
                _ => None,
            },
            Type::Int => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| plain).map(Value::Number)
            }
            Type::Hex => {
                let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
                let number = u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
                Some(Value::Number(number.into()))
            }
            Type::String => Some(Value::Text(unquote(text))),
            Type::Unknown => Some(match text {
                "n" => Value::Tristate(0),
                "m" => Value::Tristate(1),
                "y" => Value::Tristate(2),
                _ => Value::Text(unquote(text)),
            }),
        }
    }
}

/// Writes the content of a string as a `.config` has it: between quotes, with `\` before quotes and backslashes.
pub fn quote(content: &str) -> String {
    format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the content of a value: without the quotes and escapes of a `.config`, where it has both quotes.
pub fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut content = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => content.extend(characters.next()),
            // A bare quote inside: the outer ones are not a pair, and the text is bare.
            '"' => return value.to_owned(),
            other => content.push(other),
        }
    }
    content
}
