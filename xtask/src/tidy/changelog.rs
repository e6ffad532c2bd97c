//! The form of CHANGELOG.md: an *Unreleased* section, entries that are short.

/// Two lines of 120 characters.
const MAX_CHARS: usize = 240;

/// Returns the findings about the change log's text.
pub(super) fn check(text: &str) -> Vec<String> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| *line != "## Unreleased");
    if lines.next().is_none() {
        return vec!["CHANGELOG.md: no `## Unreleased` section".to_owned()];
    }
    let unreleased = lines.take_while(|(_, line)| !line.starts_with("## "));
    let mut entries: Vec<(usize, usize)> = Vec::new();
    let mut is_open = false;
    for (number, line) in unreleased {
        let is_new = line.starts_with("- ");
        let is_continued = is_open && line.starts_with(' ');
        match entries.last_mut() {
            Some((_, chars)) if is_continued => *chars += line.chars().count(),
            _ if is_new => entries.push((number + 1, line.chars().count())),
            _ => {}
        }
        is_open = is_new || is_continued;
    }
    let long = entries.into_iter().filter(|(_, chars)| *chars > MAX_CHARS);
    long.map(|(line, chars)| format!("CHANGELOG.md:{line}: an entry of {chars} characters; at most {MAX_CHARS}"))
        .collect()
}

#[cfg(test)]
mod tests;
