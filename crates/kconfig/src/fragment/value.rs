//! Values as `conf` reads them, as far as the type of the symbol does not matter.

use std::ops::Range;

/// A value; the ranges are in the text after `=`.
pub(super) struct Read {
    pub(super) value: String,
    pub(super) quoted: bool,
    /// The value with its quotes.
    pub(super) written: Range<usize>,
    /// Text that `conf` ignores and that is no comment, with the remedy.
    pub(super) ignored: Option<(Range<usize>, String)>,
}

/// Reads the value of a line.
///
/// # Errors
/// Returns the remedy when no type of symbol takes the text.
/// # Source
/// `conf_set_sym_val` in scripts/kconfig/confdata.c: of a bool or tristate only the first letter counts, of a string
/// what is between the quotes, and a number takes no other text.
pub(super) fn read(text: &str) -> Result<Read, String> {
    if let Some(rest) = text.strip_prefix('"') {
        let help = "end it with `\"`, and write `\\\"` for a quote inside";
        let (value, length) = unescape(rest).ok_or(help)?;
        let remedy = "write `\\\"` for a quote inside a string";
        return Ok(Read { value, quoted: true, written: 0..length + 1, ignored: ignored(text, length + 1, remedy) });
    }
    if is_tristate(text) || is_number(text) {
        return Ok(bare(text, text.len(), None));
    }
    let word = text.split_ascii_whitespace().next().unwrap_or("");
    if let Some(letter) = text.get(..1).filter(|letter| is_tristate(letter)) {
        // A value may be followed by a comment; a word that starts with the letter counts as the letter.
        if word.len() == 1 {
            return Ok(bare(letter, 1, ignored(text, 1, "a comment starts with `#`, on a line of its own")));
        }
        if matches!(word, "yes" | "no" | "mod" | "module") {
            return Ok(bare(letter, 1, Some((1..word.len(), format!("write `{letter}`")))));
        }
    }
    Err(match text.trim().to_ascii_lowercase().as_str() {
        "" => "write `n`, `\"\"` for an empty string, or `# CONFIG_X is not set`".to_owned(),
        "yes" | "true" | "on" => "write `y`".to_owned(),
        "no" | "false" | "off" => "write `n`, or `# CONFIG_X is not set`".to_owned(),
        lower if is_tristate(lower) => format!("write `{lower}`"),
        _ if is_number(word) => format!("write only `{word}`: a number takes no text after it, not even a comment"),
        _ => format!("a value is `y`, `m`, `n`, a number, or a string: `\"{}\"`", text.trim()),
    })
}

fn bare(value: &str, length: usize, ignored: Option<(Range<usize>, String)>) -> Read {
    Read { value: value.to_owned(), quoted: false, written: 0..length, ignored }
}

/// Returns the text after `from` unless it is blank or a comment.
fn ignored(text: &str, from: usize, remedy: &str) -> Option<(Range<usize>, String)> {
    let tail = text[from..].trim();
    let is_harmless = tail.is_empty() || tail.starts_with('#');
    let start = from + text[from..].find(tail).unwrap_or(0);
    (!is_harmless).then(|| (start..start + tail.len(), remedy.to_owned()))
}

pub(super) fn is_tristate(text: &str) -> bool {
    matches!(text, "y" | "m" | "n")
}

/// Whether `text` is a number as Kconfig's `int` or `hex` takes it.
pub(super) fn is_number(text: &str) -> bool {
    let decimal = text.strip_prefix('-').unwrap_or(text);
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let all = |digits: &str, digit: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(digit);
    all(decimal, u8::is_ascii_digit) || all(hex, u8::is_ascii_hexdigit)
}

/// Reads a string's content up to its closing quote; also returns the length read, quote included.
fn unescape(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}
