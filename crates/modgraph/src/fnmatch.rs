//! Wildcards as in the C library's `fnmatch` without flags, byte by byte.

/// Whether all of `text` matches `pattern`: `*`, `?`, `[a-z]`, `[!a-z]`, `[[:digit:]]`, and `\` before any of them.
///
/// # Source
/// POSIX.1-2024, "Pattern Matching Notation"; `fnmatch(3)` with flags 0 in the C locale.
pub fn fnmatch(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    // Where to continue when the part after the last `*` fails: one byte of text further.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at + 1, pos));
            at += 1;
            continue;
        }
        let step = match (at < pattern.len(), text.get(pos)) {
            (true, Some(&byte)) => one(&pattern[at..], byte),
            (false, None) => return true,
            _ => None,
        };
        match (step, retry) {
            (Some(length), _) => {
                at += length;
                pos += 1;
            }
            (None, Some((after_star, start))) if start < text.len() => {
                retry = Some((after_star, start + 1));
                at = after_star;
                pos = start + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one byte against the head of the pattern; returns the length of the pattern that it used.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'\\'] => None,
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((true, length)) => Some(length + 1),
            Some((false, _)) => None,
            // An unclosed bracket is literal.
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Reads a bracket expression after its `[`: whether it matches `byte`, and its length with the `]`.
fn bracket(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let first = usize::from(negated);
    let mut at = first;
    let mut holds = false;
    loop {
        match *pattern.get(at)? {
            b']' if at > first => return Some((holds != negated, at + 1)),
            b'[' if pattern.get(at + 1) == Some(&b':') => {
                let length = pattern[at + 2..].windows(2).position(|pair| pair == b":]")?;
                holds |= class(&pattern[at + 2..at + 2 + length], byte);
                at += length + 4;
                continue;
            }
            _ => {}
        }
        let (low, after) = literal(pattern, at)?;
        at = after;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|&end| end != b']') {
            (high, at) = literal(pattern, at + 1)?;
        }
        holds |= (low..=high).contains(&byte);
    }
}

fn literal(pattern: &[u8], at: usize) -> Option<(u8, usize)> {
    match *pattern.get(at)? {
        b'\\' => Some((*pattern.get(at + 1)?, at + 2)),
        byte => Some((byte, at + 1)),
    }
}

fn class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases: &[(&str, &str, bool)] = &[
            ("", "", true),
            ("*", "", true),
            ("pci:v*d00001234sv*", "pci:v8086d00001234sv1", true),
            ("pci:v*d00001234sv*", "pci:v8086d00001235sv1", false),
            ("a*b*c", "aXbXbXc", true),
            ("a?c", "ac", false),
            ("usb:v[0-9]p", "usb:v5p", true),
            ("usb:v[!0-9]p", "usb:v5p", false),
            ("usb:v[^0-9]p", "usb:vxp", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[z-a]", "m", false),
            ("[[:digit:]x]", "7", true),
            ("a[b", "a[b", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a\\", "a", false),
            ("*a", "aaaaaaaaab", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(fnmatch(pattern.as_bytes(), text.as_bytes()), *expected, "{pattern} on {text}");
        }
    }
}
