//! References of make text: `$(NAME)`, `${NAME}`, `$x`, nested as deep as they come.

/// Returns the length of the reference that `text` begins with; `None` when it has no end.
fn length(text: &str) -> Option<usize> {
    let after = text.strip_prefix('$')?;
    match after.chars().next()? {
        '(' => matching(after, ')').map(|end| end + 2),
        '{' => matching(after, '}').map(|end| end + 2),
        one => Some(1 + one.len_utf8()),
    }
}

/// Finds the first character that `is` holds for and that is in no reference.
pub(crate) fn find_outside(text: &str, is: impl Fn(char) -> bool) -> Option<usize> {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if is(c) {
            return Some(at);
        }
        at += length(&text[at..]).unwrap_or(c.len_utf8());
    }
    None
}

/// Returns the index of `close` that belongs to the bracket at the start of `text`.
pub(crate) fn matching(text: &str, close: char) -> Option<usize> {
    let open = text.chars().next()?;
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

/// Splits at the first `at` that is in no brackets.
pub(crate) fn split_top(text: &str, at: char) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (index, c) in text.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ if c == at && depth == 0 => return Some((&text[..index], &text[index + c.len_utf8()..])),
            _ => {}
        }
    }
    None
}
