//! Removes requests from the files of a recipe, and leaves the rest as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use kiln_diag::{FileId, Sources};
use kiln_plan::evaluate::Evaluated;

use super::{Form, form};

/// Why a request cannot be removed; nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoveError {
    /// The recipe has no such request.
    #[error("the recipe does not request `{symbol}`")]
    NotRequested {
        /// The symbol.
        symbol: String,
    },
    /// Something else in the recipe makes it.
    #[error("the request for `{symbol}` is not written under `kernel.config`")]
    Made {
        /// The symbol.
        symbol: String,
    },
    /// A module that ships with kiln has it.
    #[error("`{symbol}` is requested by {file}, which ships with kiln")]
    Shipped {
        /// The symbol.
        symbol: String,
        /// The module.
        file: String,
    },
    /// JSON is not edited.
    #[error("`{symbol}` is requested in {place}, and kiln does not edit JSON")]
    Json {
        /// The symbol.
        symbol: String,
        /// As `file:line:column`.
        place: String,
    },
    /// Other settings are in the same line.
    #[error("the request for `{symbol}` at {place} shares its line with other settings")]
    Beside {
        /// The symbol.
        symbol: String,
        /// As `file:line:column`.
        place: String,
    },
}

/// Returns the new texts of the files that request `symbols`, without these requests.
///
/// A comment at the end of such a line goes with it; comments on other lines stay.
/// # Errors
/// [`RemoveError`] for the first request that cannot be removed.
pub fn without(
    evaluated: &Evaluated,
    sources: &Sources,
    symbols: &BTreeSet<&str>,
) -> Result<BTreeMap<FileId, String>, RemoveError> {
    let mut lines: BTreeMap<FileId, Vec<Range<usize>>> = BTreeMap::new();
    for symbol in symbols {
        let owned = || (*symbol).to_owned();
        let Some(request) = evaluated.kernel.requests.get(*symbol) else {
            return Err(RemoveError::NotRequested { symbol: owned() });
        };
        let defs = request.won.iter().chain(&request.lost);
        if request.because.is_some() || request.won.is_empty() {
            return Err(RemoveError::Made { symbol: owned() });
        }
        for def in defs {
            let (file, span) = (def.origin.file, def.origin.range());
            let place = || sources.location(def.origin).to_string();
            match form(sources, file) {
                Form::Shipped => {
                    return Err(RemoveError::Shipped { symbol: owned(), file: sources.name(file).to_owned() });
                }
                Form::Json => return Err(RemoveError::Json { symbol: owned(), place: place() }),
                Form::Toml | Form::Fragment => {}
            }
            let range = alone(sources.text(file), span)
                .ok_or_else(|| RemoveError::Beside { symbol: owned(), place: place() })?;
            lines.entry(file).or_default().push(range);
        }
    }
    let cut = |(file, mut ranges): (FileId, Vec<Range<usize>>)| {
        ranges.sort_by_key(|range| range.start);
        let mut text = sources.text(file).to_owned();
        for range in ranges.into_iter().rev() {
            text.replace_range(range, "");
        }
        (file, text)
    };
    Ok(lines.into_iter().map(cut).collect())
}

/// Returns the lines of a setting, when they have nothing else but a comment.
fn alone(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
    let (before, after) = (text[start..span.start].trim(), text[span.end..end].trim());
    // `# CONFIG_X is not set`: the span begins after the sign.
    let is_start = before.is_empty() || before == "#";
    (is_start && (after.is_empty() || after.starts_with('#'))).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::alone;

    #[test]
    fn a_line_goes_as_a_whole_or_not_at_all() {
        let cut = |text: &str, part: &str| {
            let start = text.find(part).expect("a part");
            alone(text, start..start + part.len())
                .map(|range| format!("{}{}", &text[..range.start], &text[range.end..]))
        };
        assert_eq!(cut("A = \"y\"\nB = \"n\"  # why\nC = 1\n", "B = \"n\"").as_deref(), Some("A = \"y\"\nC = 1\n"));
        assert_eq!(cut("# CONFIG_A is not set\nCONFIG_B=y", "CONFIG_A is not set").as_deref(), Some("CONFIG_B=y"));
        assert_eq!(cut("CONFIG_A=y\r\nCONFIG_B=y", "CONFIG_B=y").as_deref(), Some("CONFIG_A=y\r\n"));
        assert_eq!(cut("config = { A = \"y\", B = \"n\" }\n", "A = \"y\""), None);
        assert_eq!(
            cut("A = { value = \"y\",\n optional = true }\nB = 1\n", "A = { value = \"y\",\n optional = true }")
                .as_deref(),
            Some("B = 1\n")
        );
    }
}
