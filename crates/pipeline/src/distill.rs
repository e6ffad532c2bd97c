//! The work of `kiln distill`: a file's configuration, and the fewest requests that result in it.

use kiln_advise::distill::{Needed, distill};
use kiln_kbuild::resolve::config_of;
use kiln_kbuild::toolchain::Target;
use kiln_kconfig::{Config, Evaluation, Request, unquote};

use crate::error::PipelineError;
use crate::prepared::Prepared;

/// The input of a distillation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DistillInput {
    /// A `.config` or a defconfig: symbols that it does not name have Kconfig's defaults.
    Config {
        /// The text.
        text: String,
        /// The symbols that it names with their values.
        lines: Vec<Request>,
    },
    /// Requests over the base.
    Requests(Vec<Request>),
}

impl DistillInput {
    /// Returns the symbols that it names with their values.
    pub fn lines(&self) -> &[Request] {
        match self {
            DistillInput::Config { lines, .. } | DistillInput::Requests(lines) => lines,
        }
    }
}

/// The result of a distillation.
#[derive(Debug)]
pub struct Distillation {
    /// The machine that is built for.
    pub target: Target,
    /// The fewest requests, in the order of the menus.
    pub needed: Vec<Needed>,
    /// The config that both the input and the requests result in.
    pub config: Config,
    /// Symbols of the input that the tree does not declare, with their values in the input.
    pub unknown: Vec<(String, String)>,
    /// Symbols of the input that have another value in the configuration: the input's value, and the config's.
    pub lost: Vec<(String, String, String)>,
}

impl Prepared<'_> {
    /// Finds the fewest requests over the recipe's base config that result in the config of `input`.
    ///
    /// # Errors
    /// Any [`PipelineError`] of toolchain and Kconfig; [`PipelineError::NotDistilled`] when no requests result in it.
    pub fn distill(&self, input: &DistillInput) -> Result<Distillation, PipelineError> {
        let (target, toolchain) = self.toolchain()?;
        let parsed = self.parse(&target, &toolchain)?;
        let wanted = match input {
            DistillInput::Config { text, .. } => parsed.resolve_text(text),
            DistillInput::Requests(requests) => parsed.resolve(requests)?,
        };
        let config = config_of(&wanted);
        let needed = distill(&parsed.base_values(), &wanted).ok_or(PipelineError::NotDistilled)?;
        // The printed requests must work: the engine reads them as it would read the recipe.
        let requests: Vec<Request> =
            needed.iter().map(|needed| Request::fixed(&needed.symbol, needed.written())).collect();
        if config_of(&parsed.resolve(&requests)?) != config {
            return Err(PipelineError::NotDistilled);
        }
        let (unknown, lost) = leftover(&wanted, input.lines());
        drop(wanted);
        Ok(Distillation { target, needed, config, unknown, lost })
    }
}

type Unknown = Vec<(String, String)>;
type Lost = Vec<(String, String, String)>;

/// Returns the lines whose values are not in the configuration.
fn leftover(values: &Evaluation<'_>, lines: &[Request]) -> (Unknown, Lost) {
    let (mut unknown, mut lost) = (Vec::new(), Vec::new());
    let model = values.model();
    for Request { symbol, value, .. } in lines {
        let found = model.find(symbol).filter(|id| model.definitions(*id).next().is_some());
        let Some(id) = found else {
            // An undeclared symbol is off; nothing is lost then.
            if value != "n" {
                unknown.push((symbol.clone(), value.clone()));
            }
            continue;
        };
        let came = values.value_of(id);
        let (plain, is_number) = (unquote(value), came.starts_with("0x") || value.starts_with("0x"));
        let same_number =
            is_number && plain.trim_start_matches("0x").eq_ignore_ascii_case(came.trim_start_matches("0x"));
        if came != plain && !same_number {
            lost.push((symbol.clone(), value.clone(), came.into_owned()));
        }
    }
    (unknown, lost)
}
