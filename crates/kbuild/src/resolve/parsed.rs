//! A tree's parsed Kconfig with a base, over which requests are resolved.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kiln_kconfig::{BaseValues, Config, Declarations, Dialect, Evaluation, Model, Request, Resolved};

use super::{BaseText, BaseTexts, ResolveError, declarations};
use crate::kconfig::Machine;

/// A parsed tree, and the base that requests are resolved over.
#[derive(Debug)]
pub struct Parsed {
    tree: PathBuf,
    model: Model,
    machine: Machine,
    base: BaseTexts,
    /// The tree's declarations, once requested.
    declared: OnceLock<Declarations>,
}

impl Parsed {
    pub(super) fn new(tree: PathBuf, model: Model, machine: Machine, base: BaseTexts) -> Parsed {
        Parsed { tree, model, machine, base, declared: OnceLock::new() }
    }

    /// Returns the symbols that the tree's Kconfig files declare for the architecture.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Returns the tree's directory.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Returns the version of the language that the tree is written in.
    pub fn dialect(&self) -> Dialect {
        self.machine.dialect()
    }

    /// Whether the base turns off everything that is not requested.
    pub fn is_all_no(&self) -> bool {
        self.base.text(&self.model).is_all_no
    }

    /// Returns the values of the base that requests are resolved over.
    pub fn base_values_kept(&self) -> BaseValues {
        self.base.values
    }

    /// Returns the paths in the tree of all Kconfig files that were read, or looked for.
    pub fn files_read(&self) -> Vec<PathBuf> {
        self.machine.files_read()
    }

    /// Returns the paths that the answers of the tree's shell commands depend on; `None` when they are not known.
    pub fn depends_on(&self) -> Option<Vec<PathBuf>> {
        self.machine.depends_on()
    }

    /// Returns the values of the base alone.
    pub fn base_values(&self) -> Evaluation<'_> {
        self.base.text(&self.model).resolve(&self.model, &[]).into_evaluation()
    }

    /// Resolves requests over the base, in the order of their names, as the tree's own `conf` would.
    ///
    /// # Errors
    /// [`ResolveError::Unwritable`]; a request that does not hold is not an error.
    pub fn resolve<'r>(&self, requests: impl IntoIterator<Item = &'r Request>) -> Result<Resolved<'_>, ResolveError> {
        self.resolve_keeping(self.base.values, requests)
    }

    /// Does the same with `values` of the base kept, whatever the recipe says.
    ///
    /// # Errors
    /// [`ResolveError::Unwritable`]; a request that does not hold is not an error.
    pub fn resolve_keeping<'r>(
        &self,
        values: BaseValues,
        requests: impl IntoIterator<Item = &'r Request>,
    ) -> Result<Resolved<'_>, ResolveError> {
        let mut requests: Vec<&Request> = requests.into_iter().collect();
        if let Some(request) = requests.iter().find(|request| !is_writable(request)) {
            return Err(ResolveError::Unwritable { symbol: request.symbol.clone() });
        }
        requests.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        Ok(self.base.text_of(values, &self.model).resolve(&self.model, &requests))
    }

    /// Resolves the text of a `.config` or a part of one over Kconfig's defaults, whatever the base.
    pub fn resolve_text(&self, text: &str) -> Resolved<'_> {
        BaseText { is_all_no: false, text: text.to_owned() }.resolve(&self.model, &[])
    }

    /// Returns what the tree declares of the symbols of `requests`, for the architecture that is built.
    pub fn declarations<'r>(&self, requests: impl IntoIterator<Item = &'r Request>) -> Declarations {
        Declarations::of_symbols(&self.model, requests.into_iter().map(|request| request.symbol.as_str()))
    }

    /// Returns all that the tree declares, for other architectures too.
    ///
    /// # Errors
    /// A Kconfig file of another architecture cannot be read.
    pub fn all_declarations(&self) -> Result<&Declarations, ResolveError> {
        if let Some(declared) = self.declared.get() {
            return Ok(declared);
        }
        let declared = declarations::with_other_arches(self)?;
        Ok(self.declared.get_or_init(|| declared))
    }
}

/// Returns the `.config` of resolved values.
pub fn config_of(resolved: &Resolved<'_>) -> Config {
    Config::parse(&String::from_utf8_lossy(resolved.config_text()))
}

/// Whether a request can be a line of a `.config`.
fn is_writable(request: &Request) -> bool {
    !request.value.contains(['\n', '\r', '\0']) && !request.symbol.contains(|c: char| c.is_whitespace() || c == '=')
}
