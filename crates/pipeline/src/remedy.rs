//! Fixes that make all requests hold, each verified by the check of `kiln check`.

use std::collections::BTreeMap;

use kiln_advise::check::{Known, effective, overruled};
use kiln_advise::remedy::{Alternative, Budget, Contradiction, Remedy, remedy};
use kiln_advise::{Unmet, UnmetKind, check};
use kiln_diag::{Diagnostic, Diagnostics};
use kiln_kbuild::resolve::config_of;
use kiln_kconfig::Request;
use kiln_plan::evaluate::Kernel as KernelOptions;

use crate::analysis::Analysis;
use crate::error::PipelineError;

/// How many steps `check` searches for a fix; all of them take about two seconds, but no clock decides the result.
const HELPING: u64 = 2_000_000;

/// The advice for a host that refuses the solver's memory.
pub const MORE_MEMORY: &str = "raise the limit of address space (`ulimit -v`) or of the container";

/// The possible fixes for a recipe, and for requests on top of it.
#[derive(Debug, Clone)]
pub struct Remedies {
    /// Requests that no other request makes hold: unknown symbols, those of other architectures, wrong types of values.
    pub hopeless: Vec<Unmet>,
    /// The other requests that do not hold.
    pub unmet: Vec<Unmet>,
    /// The remedy for those.
    pub remedy: Remedy,
}

impl Analysis<'_> {
    /// Looks for fixes that make all requests hold, including those of `asked` (symbol, value), which come first.
    ///
    /// # Errors
    /// A Kconfig file cannot be read, or a value cannot be written into a `.config`.
    pub fn remedies(&self, asked: &BTreeMap<String, String>, budget: Budget) -> Result<Remedies, PipelineError> {
        let parsed = &self.parsed;
        let mut requests: Vec<Request> = asked.iter().map(|(symbol, value)| Request::fixed(symbol, value)).collect();
        requests.extend(self.requests.iter().filter(|request| !asked.contains_key(&request.symbol)).cloned());
        let resolved = parsed.resolve(&requests)?;
        let config = config_of(&resolved);
        let now = resolved.into_evaluation();
        let mut declared = &parsed.declarations(&requests);
        let mut unmet = check(&requests, &config, declared);
        if !unmet.is_empty() {
            // Only now are all declarations of use.
            declared = parsed.all_declarations()?;
            unmet = check(&requests, &config, declared);
        }
        let unmet = unmet.into_iter().filter(|unmet| !unmet.request.is_optional());
        let (mut hopeless, mut unmet): (Vec<Unmet>, Vec<Unmet>) = unmet.partition(|unmet| is_hopeless(&unmet.kind));
        let past = self.history.of(&hopeless);
        let known = Known { evaluation: &now, requests: &requests, declarations: declared, past: &past };
        unmet.iter_mut().chain(&mut hopeless).for_each(|unmet| unmet.explain(&known));
        let mut possible = requests.clone();
        possible.retain(|request| hopeless.iter().all(|unmet| unmet.request != *request));
        let mut found = remedy(&now, &possible, budget);
        let works = |fix: &Alternative| tried(self, &requests, &hopeless, fix);
        let with_working = |fix: &mut Alternative| {
            let whole = fix.clone();
            fix.substitutes.retain(|substitute| works(&whole.with(substitute)));
        };
        match &mut found {
            Remedy::Alternatives(fixes) => {
                fixes.retain(works);
                fixes.iter_mut().for_each(with_working);
                if fixes.is_empty() {
                    found = Remedy::OutOfTime(None);
                }
            }
            Remedy::OutOfTime(fix) => *fix = fix.take().filter(works),
            Remedy::Holds | Remedy::Contradiction(_) | Remedy::NoMemory(_) => {}
        }
        Ok(Remedies { hopeless, unmet, remedy: found })
    }
}

/// Whether all requests hold with those of `fix`, by the check of `kiln check`.
fn tried(analysis: &Analysis<'_>, requests: &[Request], hopeless: &[Unmet], fix: &Alternative) -> bool {
    let mut all: Vec<Request> = requests.to_vec();
    all.retain(|request| hopeless.iter().all(|unmet| unmet.request != *request));
    for line in &fix.requests {
        all.retain(|request| request.symbol != line.symbol);
        all.push(Request::fixed(&line.symbol, &line.value));
    }
    let left = hopeless.iter().map(|unmet| &unmet.request);
    let Ok(resolved) = analysis.parsed.resolve(all.iter().chain(left)) else { return false };
    let declarations = analysis.parsed.declarations(&all);
    check(&all, &config_of(&resolved), &declarations).iter().all(|unmet| unmet.request.is_optional())
}

impl Analysis<'_> {
    /// Adds a remedy to findings of `check`: requests with which all others hold, or those that contradict each other.
    ///
    /// # Errors
    /// See [`Analysis::remedies`].
    pub fn with_remedy(&self, findings: Diagnostics) -> Result<Diagnostics, PipelineError> {
        if !findings.has_errors() {
            return Ok(findings);
        }
        let budget = Budget { deadline: None, steps: Some(HELPING) };
        let found = self.remedies(&BTreeMap::new(), budget)?;
        let mut findings: Vec<Diagnostic> = findings.into_iter().collect();
        let option = |unmet: &Unmet| Some(format!("kernel.config.{}", unmet.request.symbol));
        let options: Vec<Option<String>> = found.unmet.iter().map(option).collect();
        // Once, at the last finding.
        let last = findings.iter_mut().rfind(|finding| options.contains(&finding.option));
        match &found.remedy {
            Remedy::Alternatives(fixes) => {
                let fix = fixes.first().map(Alternative::brief).unwrap_or_default();
                let rest = if found.hopeless.is_empty() { "all requests hold" } else { "all other requests hold" };
                if let Some(last) = last {
                    last.help
                        .push(format!("{rest} with {fix}: `kiln fix` shows details, `kiln fix --write` writes it"));
                }
            }
            Remedy::Contradiction(contradiction) => {
                let is_named = |unmet: &Unmet| names_all(unmet, contradiction);
                if !found.unmet.iter().any(is_named) {
                    findings.push(contradiction.diagnostic());
                }
            }
            Remedy::OutOfTime(_) => {
                if let Some(last) = last {
                    last.help.push("no fix was found quickly: `kiln fix` searches longer".to_owned());
                }
            }
            Remedy::NoMemory(bytes) => {
                if let Some(last) = last {
                    let size = bytes >> 20;
                    let why = format!("the solver cannot allocate {size} MiB of memory");
                    last.help.push(format!("no fix was searched for: {why}; {MORE_MEMORY}"));
                }
            }
            Remedy::Holds => {}
        }
        Ok(findings.into_iter().collect())
    }
}

/// Whether the finding about one request names all that contradict each other.
fn names_all(unmet: &Unmet, contradiction: &Contradiction) -> bool {
    let is_named =
        |symbol: &String| *symbol == unmet.request.symbol || unmet.rivals.iter().any(|rival| rival.symbol == *symbol);
    contradiction.requests.iter().all(|request| is_named(&request.symbol))
}

impl Analysis<'_> {
    /// Whether all requests of `options` hold, over the base of `analysis`; optional ones are ignored.
    ///
    /// # Errors
    /// A value cannot be written into a `.config`.
    pub fn all_hold(&self, options: &KernelOptions) -> Result<bool, PipelineError> {
        let requests = effective(&options.requests, &overruled(self.parsed.model(), &options.requests));
        let config = config_of(&self.parsed.resolve(&requests)?);
        let declared = self.parsed.declarations(&requests);
        Ok(check(&requests, &config, &declared).iter().all(|unmet| unmet.request.is_optional()))
    }
}

fn is_hopeless(kind: &UnmetKind) -> bool {
    matches!(kind, UnmetKind::UnknownSymbol { .. } | UnmetKind::OtherArch { .. } | UnmetKind::WrongType { .. })
}

/// Returns the requests of a command line: `SYMBOL=VALUE`, with or without `CONFIG_`.
///
/// # Errors
/// The word that is no request.
pub fn asked(words: &[String]) -> Result<BTreeMap<String, String>, String> {
    let one = |word: &String| {
        let (symbol, value) = word.split_once('=')?;
        let symbol = symbol.strip_prefix("CONFIG_").unwrap_or(symbol);
        let is_name = !symbol.is_empty() && symbol.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_line = !value.contains(['\n', '\r', '\0']);
        (is_name && is_line).then(|| (symbol.to_owned(), value.to_owned()))
    };
    words.iter().map(|word| one(word).ok_or_else(|| word.clone())).collect()
}
