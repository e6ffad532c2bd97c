//! Phrases that readers have to decode, and the field's terms for them.

/// A phrase, and what to write instead. A phrase is found in any case, as whole words, on one line.
const PHRASES: &[(&str, &str)] = &[
    ("in sight", "visible"),
    ("into sight", "visible"),
    ("hang on", "depend on"),
    ("hangs on", "depends on"),
    ("stands against", "prevents"),
    ("anew", "again"),
    ("by chance", "random"),
    ("spelled alike", "similar"),
    ("came out unset", "is not set"),
    ("minds", "checks"),
    ("nobody asked for", "not requested"),
];

/// The files that may contain the phrases.
pub(super) const HOMES: &[&str] = &["xtask/src/tidy/words.rs", "xtask/src/tidy/words/tests.rs"];

/// Returns the findings about a file's text.
pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for (phrase, instead) in PHRASES {
            if contains(&line, phrase) {
                findings.push(format!("{name}:{}: `{phrase}`: write `{instead}`", number + 1));
            }
        }
    }
    findings
}

fn contains(line: &str, phrase: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(phrase)
        .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + phrase.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests;
