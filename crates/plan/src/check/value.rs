//! Values of symbols, compared by what they mean.

use super::SymbolType;
use crate::evaluate::unquoted;

/// A symbol's value, free of its spelling.
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
    /// Reads `text` as a value of `symbol_type`; `None` when that type has no such value.
    ///
    /// A string may be bare or as in a `.config`, in quotes with `\"` and `\\`. A hexadecimal number may lack its `0x`, as
    /// Kconfig allows.
    /// # Source
    /// `scripts/kconfig/symbol.c`, `sym_string_valid`.
    pub fn parse(text: &str, symbol_type: SymbolType) -> Option<Value> {
        match symbol_type {
            SymbolType::Bool | SymbolType::Tristate => match text {
                "n" => Some(Value::Tristate(0)),
                "m" if symbol_type == SymbolType::Tristate => Some(Value::Tristate(1)),
                "y" => Some(Value::Tristate(2)),
                _ => None,
            },
            SymbolType::Int => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| plain).map(Value::Number)
            }
            SymbolType::Hex => {
                let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
                let number = u64::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
                Some(Value::Number(number.into()))
            }
            SymbolType::String => Some(Value::Text(unquoted(text))),
            SymbolType::Unknown => Some(match text {
                "n" => Value::Tristate(0),
                "m" => Value::Tristate(1),
                "y" => Value::Tristate(2),
                _ => Value::Text(unquoted(text)),
            }),
        }
    }
}
