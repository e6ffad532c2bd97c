//! The hunks of a patch that did not fit.

use std::fmt::Write;

/// A hunk that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file it is for, relative to the tree.
    pub file: String,
    /// The line of the patch on which it starts, from 1.
    pub line: usize,
    /// Its text, from `@@` on.
    pub text: String,
}

struct Hunk<'a> {
    line: usize,
    lines: Vec<&'a str>,
}

/// The number of lines that are shown of a hunk, and of `patch`'s output.
const MAX_LINES: usize = 40;

/// Finds the hunks that `patch`, by its output `said`, could not apply.
///
/// It prints `checking file NAME` or `patching file NAME`, then `Hunk #N FAILED at LINE.`; `N` counts within the file.
pub(super) fn rejects(patch: &str, said: &[String]) -> Vec<Reject> {
    let hunks = hunks_of(patch);
    let mut rejects = Vec::new();
    let mut file = String::new();
    for line in said {
        if let Some(name) = line.strip_prefix("checking file ").or_else(|| line.strip_prefix("patching file ")) {
            // `NAME (renamed from OTHER)`, and quotes around a name with odd characters.
            file = name.split(" (").next().unwrap_or(name).trim_matches(['\'', '"']).to_owned();
        }
        let number = line.strip_prefix("Hunk #").and_then(|rest| rest.split_once(" FAILED"));
        let Some(number) = number.and_then(|(number, _)| number.parse::<usize>().ok()) else { continue };
        let of_file = hunks.iter().find(|(name, _)| *name == file).map(|(_, hunks)| hunks);
        if let Some(hunk) = number.checked_sub(1).and_then(|index| of_file?.get(index)) {
            rejects.push(Reject { file: file.clone(), line: hunk.line, text: hunk.lines.join("\n") });
        }
    }
    rejects
}

/// Returns the text for people: the hunks, or what `patch` printed when it names none.
pub(super) fn show(rejects: &[Reject], said: &[String]) -> String {
    let mut text = String::new();
    for reject in rejects {
        let _ = write!(text, "\n{} (line {} of the patch):", reject.file, reject.line);
        let lines: Vec<&str> = reject.text.lines().collect();
        add(&mut text, &lines);
    }
    if rejects.is_empty() {
        let lines: Vec<&str> = said.iter().map(String::as_str).collect();
        add(&mut text, &lines);
    }
    text
}

fn add(text: &mut String, lines: &[&str]) {
    for line in lines.iter().take(MAX_LINES) {
        let _ = write!(text, "\n  | {line}");
    }
    if lines.len() > MAX_LINES {
        let _ = write!(text, "\n  | … and {} more lines", lines.len() - MAX_LINES);
    }
}

/// Returns the hunks of a unified diff by file, in order.
fn hunks_of(patch: &str) -> Vec<(String, Vec<Hunk<'_>>)> {
    let mut files: Vec<(String, Vec<Hunk<'_>>)> = Vec::new();
    let mut old_name = String::new();
    // How many lines of the old and the new file the hunk still has: a removed line may well start with `--- `.
    let mut to_go = (0_u64, 0_u64);
    for (index, line) in patch.lines().enumerate() {
        let hunk = files.last_mut().and_then(|(_, hunks)| hunks.last_mut());
        if to_go != (0, 0)
            && let Some(hunk) = hunk
        {
            hunk.lines.push(line);
            match line.as_bytes().first() {
                Some(b'-') => to_go.0 = to_go.0.saturating_sub(1),
                Some(b'+') => to_go.1 = to_go.1.saturating_sub(1),
                Some(b'\\') => {}
                _ => to_go = (to_go.0.saturating_sub(1), to_go.1.saturating_sub(1)),
            }
        } else if let Some(name) = line.strip_prefix("--- ") {
            old_name = name_in_tree(name);
        } else if let Some(name) = line.strip_prefix("+++ ") {
            let name = name_in_tree(name);
            files.push((if name == "null" { old_name.clone() } else { name }, Vec::new()));
        } else if let Some(counts) = hunk_counts(line)
            && let Some((_, hunks)) = files.last_mut()
        {
            to_go = counts;
            hunks.push(Hunk { line: index + 1, lines: vec![line] });
        }
    }
    files
}

/// Returns `a/NAME<TAB>TIME` without its first directory, as `-p1` does; `null` for `/dev/null`.
fn name_in_tree(name: &str) -> String {
    let name = name.split('\t').next().unwrap_or(name).trim_end();
    if name == "/dev/null" {
        return "null".to_owned();
    }
    name.split_once('/').map_or(name, |(_, rest)| rest).to_owned()
}

/// Returns the numbers of lines in `@@ -START[,LINES] +START[,LINES] @@`.
fn hunk_counts(line: &str) -> Option<(u64, u64)> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let count = |range: &str| range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok());
    Some((count(old)?, count(new)?))
}
