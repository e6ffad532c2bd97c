//! Paths inside a kernel's tree.

/// Joins and resolves `.` and `..`; a leading slash is ignored, as all paths are inside the tree.
pub fn normal(folder: &str, word: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(word.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
