//! Patterns of file names, as in a shell: `*`, `?` and `[…]`.

use super::{Fatal, Lexer};
use crate::Files;

impl Lexer<'_> {
    /// Continues with the files that match a pattern, in the order of their names.
    pub(crate) fn include_all(&mut self, pattern: &[u8]) -> Result<(), Fatal> {
        let pattern = String::from_utf8_lossy(pattern).into_owned();
        // Each file is read before the ones that were opened earlier.
        for name in matching(self.files, &pattern).iter().rev() {
            self.include(name.as_bytes())?;
        }
        Ok(())
    }
}

/// Returns the names that match, sorted by their bytes.
///
/// Quirk: only the working directory counts, as for `glob` of the C library.
fn matching(files: &dyn Files, pattern: &str) -> Vec<String> {
    if !pattern.contains(['*', '?', '[']) {
        return files.read(pattern).map(|_| pattern.to_owned()).into_iter().collect();
    }
    let mut found = vec![String::new()];
    let parts: Vec<&str> = pattern.split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let mut next = Vec::new();
        for directory in &found {
            let join = |name: &str| if index == 0 { name.to_owned() } else { format!("{directory}/{name}") };
            if part.contains(['*', '?', '[']) {
                let listed = files.list(directory);
                let fits = listed.iter().filter(|name| {
                    (!name.starts_with('.') || part.starts_with('.')) && is_match(part.as_bytes(), name.as_bytes())
                });
                next.extend(fits.map(|name| join(name)));
            } else if !is_last || files.read(&join(part)).is_some() {
                next.push(join(part));
            }
        }
        found = next;
    }
    found.retain(|name| files.read(name).is_some());
    found.sort();
    found
}

/// Whether a name without `/` matches.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    // The places to continue at when the rest does not match: after the latest `*`, with one more byte taken by it.
    let (mut at, mut in_name, mut star) = (0, 0, None);
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
                continue;
            }
            Some(b'?') => at += 1,
            Some(b'[') if class(&pattern[at..]).is_some() => {
                let (length, members, negated) = class(&pattern[at..]).unwrap_or_default();
                if contains(members, name[in_name]) == negated {
                    let Some((after, taken)) = star else { return false };
                    (at, in_name, star) = (after + 1, taken + 1, Some((after, taken + 1)));
                    continue;
                }
                at += length;
            }
            Some(byte) if *byte == name[in_name] => at += 1,
            _ => {
                let Some((after, taken)) = star else { return false };
                (at, in_name, star) = (after + 1, taken + 1, Some((after, taken + 1)));
                continue;
            }
        }
        in_name += 1;
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// The length of a `[…]`, its members, and whether it is negated.
fn class(text: &[u8]) -> Option<(usize, &[u8], bool)> {
    let negated = matches!(text.get(1), Some(b'!' | b'^'));
    let start = 1 + usize::from(negated);
    // A `]` in the first place is a member.
    let length = text.get(start + 1..)?.iter().position(|byte| *byte == b']')?;
    Some((start + length + 2, &text[start..=start + length], negated))
}

fn contains(members: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while let Some(first) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some(b'-'), Some(last)) => {
                if (*first..=*last).contains(&byte) {
                    return true;
                }
                at += 3;
            }
            _ if *first == byte => return true,
            _ => at += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_match;

    #[test]
    fn names_match_as_in_a_shell() {
        let cases = [
            ("*", "x", true),
            ("Kconfig*", "Kconfig.a", true),
            ("*.a*b", "x.aab", true),
            ("*.a*b", "x.aac", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("*[0-9]", "a1b2", true),
            ("*[0-9]", "a1b", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(is_match(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
