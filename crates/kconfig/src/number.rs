//! Numbers as C's `strtoll` and `strtoull` read them, because comparisons and ranges are defined by those.

/// A number read from the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The value; at the limit when it did not fit.
    pub value: i128,
    /// Bytes read, 0 when there is no number.
    pub length: usize,
}

/// Reads a number in `base` (0, 10 or 16): blanks, a sign, a prefix, digits.
pub(crate) fn scan(text: &[u8], base: u32) -> Scanned {
    let none = Scanned { value: 0, length: 0 };
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    let mut at = blanks;
    let negative = text.get(at) == Some(&b'-');
    if matches!(text.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let hex_prefix =
        matches!(text.get(at..at + 2), Some(b"0x" | b"0X")) && text.get(at + 2).is_some_and(u8::is_ascii_hexdigit);
    let base = match base {
        0 if hex_prefix => 16,
        0 if text.get(at) == Some(&b'0') => 8,
        0 => 10,
        other => other,
    };
    if base == 16 && hex_prefix {
        at += 2;
    }
    let digits = text[at..].iter().take_while(|byte| (**byte as char).is_digit(base)).count();
    if digits == 0 {
        return none;
    }
    let mut value: i128 = 0;
    for byte in &text[at..at + digits] {
        let digit = (*byte as char).to_digit(base).unwrap_or(0);
        value = (value * i128::from(base) + i128::from(digit)).min(1 << 100);
    }
    Scanned { value: if negative { -value } else { value }, length: at + digits }
}

/// `strtoll`: the value capped to 64 bits.
pub(crate) fn signed(text: &[u8], base: u32) -> i64 {
    let value = scan(text, base).value;
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// Whether `text` may be given to an `int` symbol.
pub(crate) fn is_int(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    digits.iter().all(u8::is_ascii_digit) && !digits.is_empty() && (digits[0] != b'0' || digits.len() == 1)
}

/// Whether `text` may be given to a `hex` symbol.
pub(crate) fn is_hex(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
    digits.iter().all(u8::is_ascii_hexdigit) && !digits.is_empty()
}
