//! Comments that unset a symbol, and those that look as if they did.

use std::ops::Range;

use super::{PREFIX, name_of};

/// The similarity of a comment to `# CONFIG_X is not set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It is that.
    Exact,
    /// It begins with that.
    Followed,
    /// It is a comment to every Kconfig, but a person may have meant that.
    Similar,
}

/// A comment about a symbol; the ranges are in the text after `#`.
pub(super) struct Unset {
    pub(super) form: Form,
    /// The name without its prefix.
    pub(super) name: Range<usize>,
    /// The words after the name.
    pub(super) words: Range<usize>,
}

const WORDS: &str = "is not set";

/// Finds the symbol that the text after `#` unsets, or seems to.
pub(super) fn find(comment: &str) -> Option<Unset> {
    let bare = comment.trim_start();
    let start = comment.len() - bare.len() + PREFIX.len();
    let name = name_of(bare.strip_prefix(PREFIX)?);
    let after = &comment[start + name.len()..];
    let words = after.trim();
    if name.is_empty() || words.is_empty() {
        return None;
    }
    let at = start + name.len() + (after.len() - after.trim_start().len());
    let is_in_form = comment.starts_with(" CONFIG_") && after.starts_with(" is not set");
    let form = match after.strip_prefix(' ') {
        Some(WORDS) if is_in_form => Form::Exact,
        Some(_) if is_in_form => Form::Followed,
        _ if is_negation(words) => Form::Similar,
        _ => return None,
    };
    Some(Unset { form, name: start..start + name.len(), words: at..at + words.len() })
}

/// Whether words after a symbol's name say that it is off, rather than anything else about it.
fn is_negation(words: &str) -> bool {
    let mut words = words
        .split_ascii_whitespace()
        .map(|word| word.trim_end_matches(['.', ',', ';', ':', '!']).to_ascii_lowercase())
        .skip_while(|word| matches!(word.as_str(), "is" | "was" | "has" | "been" | "must" | "be"));
    match words.next().as_deref() {
        Some("unset" | "disabled" | "off" | "undefined" | "deselected" | "no" | "n") => true,
        Some("not") => matches!(words.next().as_deref(), Some("set" | "enabled" | "selected" | "defined")),
        Some("isn't") => matches!(words.next().as_deref(), Some("set")),
        _ => false,
    }
}
