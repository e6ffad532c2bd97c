//! Writes requests into the files of a recipe.
//!
//! A changed request is changed in place; an added one goes beside the request that needs it, into the same block of
//! the same file. Files that ship with kiln and files without comments (JSON) are not written: the request goes into
//! the recipe's main file.

use std::collections::BTreeMap;

use kiln_diag::{FileId, Sources, Span};
use kiln_kconfig::fragment;
use kiln_plan::SCHEME;
use kiln_plan::evaluate::{Evaluated, Fragments};
use kiln_recipe::{AmendError, Amendment, Foreign as _};

use crate::remedy::Alternative;

mod removal;

pub use removal::{RemoveError, without};

/// Why requests cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The file is JSON, which has no comments.
    #[error("`{0}` is JSON, which kiln cannot edit")]
    Json(String),
    /// The request that would have to change ships with kiln.
    #[error("`{symbol}` is requested in `{file}`, which ships with kiln")]
    Shipped {
        /// The symbol.
        symbol: String,
        /// The file.
        file: String,
    },
    /// The request that would have to change comes from another option.
    #[error("`{0}` is not requested under `kernel.config`")]
    Made(String),
    /// The file's own form does not allow the change.
    #[error("cannot write to `{file}`")]
    File {
        /// The file.
        file: String,
        /// The reason.
        source: AmendError,
    },
}

/// The syntax of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Toml,
    Fragment,
    Json,
    Shipped,
}

/// Returns the new texts of the files that get `asked` and the requests of `fix`; `root` is the recipe's main file.
///
/// # Errors
/// See [`WriteError`].
pub fn amend(
    evaluated: &Evaluated,
    sources: &Sources,
    root: FileId,
    asked: &BTreeMap<String, String>,
    fix: Option<&Alternative>,
) -> Result<BTreeMap<FileId, String>, WriteError> {
    let mut files: BTreeMap<FileId, Vec<(Amendment, bool)>> = BTreeMap::new();
    let mut add = |symbol: &str, value: &str, comment: String, near: Option<Span>| {
        let (file, beside, replaces) = place(evaluated, sources, root, symbol, near)?;
        let amendment = Amendment { key: symbol.to_owned(), value: value.to_owned(), comment, beside };
        files.entry(file).or_default().push((amendment, replaces));
        Ok(())
    };
    for (symbol, value) in asked {
        if evaluated.kernel.requests.get(symbol).is_none_or(|request| request.value != *value) {
            add(symbol, value, String::new(), None)?;
        }
    }
    for line in fix.into_iter().flat_map(|fix| &fix.requests) {
        let mut requests = line.needed_for.iter().filter_map(|symbol| evaluated.kernel.requests.get(symbol));
        let near = requests.find_map(|request| request.origin);
        add(&line.symbol, &line.value, line.comment(), near)?;
    }
    files.into_iter().map(|(file, amendments)| Ok((file, written(sources, file, &amendments)?))).collect()
}

/// Returns the place of a request: the file, the definition beside it, and whether it replaces that definition.
fn place(
    evaluated: &Evaluated,
    sources: &Sources,
    root: FileId,
    symbol: &str,
    near: Option<Span>,
) -> Result<(FileId, Option<usize>, bool), WriteError> {
    if let Some(request) = evaluated.kernel.requests.get(symbol) {
        let is_written = request.because.is_none() || !request.won.is_empty();
        let Some(origin) = request.origin.filter(|_| is_written) else {
            return Err(WriteError::Made(symbol.to_owned()));
        };
        return match form(sources, origin.file) {
            Form::Shipped => {
                Err(WriteError::Shipped { symbol: symbol.to_owned(), file: sources.name(origin.file).to_owned() })
            }
            Form::Json => Err(WriteError::Json(sources.name(origin.file).to_owned())),
            Form::Toml | Form::Fragment => Ok((origin.file, Some(origin.start as usize), true)),
        };
    }
    let near = near.filter(|near| matches!(form(sources, near.file), Form::Toml | Form::Fragment));
    match near {
        Some(near) => Ok((near.file, Some(near.start as usize), false)),
        None if form(sources, root) == Form::Json => Err(WriteError::Json(sources.name(root).to_owned())),
        None => Ok((root, None, false)),
    }
}

fn form(sources: &Sources, file: FileId) -> Form {
    let (name, text) = (sources.name(file), sources.text(file));
    if name.strip_prefix(SCHEME).is_some_and(|rest| rest.starts_with(':')) {
        Form::Shipped
    } else if name.ends_with(".toml") {
        Form::Toml
    } else if name.ends_with(".json") {
        Form::Json
    } else if Fragments::of(None).claims(name, text) {
        Form::Fragment
    } else if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        Form::Json
    } else {
        Form::Toml
    }
}

fn written(sources: &Sources, file: FileId, amendments: &[(Amendment, bool)]) -> Result<String, WriteError> {
    let text = sources.text(file);
    if form(sources, file) == Form::Toml {
        let all: Vec<Amendment> = amendments.iter().map(|(amendment, _)| amendment.clone()).collect();
        let fault = |source| WriteError::File { file: sources.name(file).to_owned(), source };
        return kiln_recipe::amend(text, &["kernel", "config"], &all).map_err(fault);
    }
    let lines: Vec<fragment::Line<'_>> = amendments
        .iter()
        .map(|(amendment, replaces)| fragment::Line {
            symbol: &amendment.key,
            value: &amendment.value,
            comment: &amendment.comment,
            beside: amendment.beside,
            replaces: *replaces,
        })
        .collect();
    Ok(fragment::amend(text, &lines))
}
