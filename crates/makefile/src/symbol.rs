//! Symbols named in a text.

/// Returns the symbols that a text names as `CONFIG_NAME`, in order, with repeats.
pub(crate) fn symbols_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("CONFIG_").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}
