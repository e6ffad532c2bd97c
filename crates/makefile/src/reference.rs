//! References in make text: `$(NAME)`, `${NAME}`, `$x`, with any depth of nesting.

/// Returns the length of the reference at the start of `text`; `None` when it is not closed.
fn length(text: &str) -> Option<usize> {
    let after = text.strip_prefix('$')?;
    match after.chars().next()? {
        '(' => matching(after, ')').map(|end| end + 2),
        '{' => matching(after, '}').map(|end| end + 2),
        one => Some(1 + one.len_utf8()),
    }
}

/// Finds the first character for which `is` returns true outside of references.
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

/// Returns the index of the `close` that matches the bracket at the start of `text`.
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

/// Splits at the first `at` outside of brackets.
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
