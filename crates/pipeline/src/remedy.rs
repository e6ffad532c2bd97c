//! Fixes that make all requests hold, each verified by the check of `kiln check`.

use std::collections::{BTreeMap, BTreeSet};

use kiln_advise::check::{Known, effective, overruled};
use kiln_advise::remedy::{Alternative, Answer, Budget, Reason, Remedy, SetAside, remedy};
use kiln_advise::why::RequestContext;
use kiln_advise::{Unmet, UnmetKind, check};
use kiln_diag::{Diagnostic, Diagnostics};
use kiln_kbuild::resolve::config_of;
use kiln_kconfig::{BaseValues, Evaluation, Request, Tristate};
use kiln_plan::evaluate::Kernel as KernelOptions;

use crate::analysis::Analysis;
use crate::error::PipelineError;

/// The number of steps that `check` searches for a fix; all of them take about two seconds, but no clock decides the result.
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
    /// Those of them that cannot hold, each with its reason; the remedy is for the rest.
    pub set_aside: Vec<SetAside>,
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
        let kept = self.needed_by_loaders(&now)?;
        let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        let asks = |name: &str| requests.iter().any(|request| request.symbol == name);
        let elsewhere = |name: &str| match declared.get(name) {
            Some(_) => Vec::new(),
            None => declared.arches(name),
        };
        let turned_on = |name: &str| self.turned_on_elsewhere(name);
        let asked = RequestContext { asks: &asks, elsewhere: &elsewhere, turned_on: &turned_on };
        let Answer { set_aside, remedy: mut found } = remedy(&now, &possible, &kept, &asked, budget);
        let lost: Vec<&Request> =
            hopeless.iter().map(|unmet| &unmet.request).chain(set_aside.iter().map(|one| &one.request)).collect();
        let values = self.parsed.base_values_kept();
        let works_with = |values, fix: &Alternative| OverBase { analysis: self, values }.holds(&requests, &lost, fix);
        let works = |fix: &Alternative| works_with(values, fix);
        let with_working = |fix: &mut Alternative| {
            let whole = fix.clone();
            fix.substitutes.retain(|substitute| works(&whole.with(substitute)));
        };
        match &mut found {
            Remedy::Alternatives(fixes) => {
                fixes.retain(works);
                fixes.iter_mut().for_each(with_working);
                fixes.iter_mut().filter(|fix| !works(&fix.keeping())).for_each(|fix| {
                    fix.keeps.clear();
                    fix.lost.clone_from(&fix.turns_off);
                });
                if fixes.is_empty() {
                    found = Remedy::OutOfTime(None);
                }
            }
            Remedy::OutOfTime(fix) => *fix = fix.take().filter(works),
            Remedy::Holds | Remedy::NoMemory(_) => {}
        }
        let fixes: &mut [Alternative] = match &mut found {
            Remedy::Alternatives(fixes) => fixes,
            Remedy::OutOfTime(fix) => fix.as_mut_slice(),
            Remedy::Holds | Remedy::NoMemory(_) => &mut [],
        };
        for fix in fixes.iter_mut().filter(|fix| !works_with(values.other(), fix)) {
            fix.only_with = Some(values.name());
        }
        Ok(Remedies { hopeless, unmet, set_aside, remedy: found })
    }
}

/// Tries a fix over the base with one of its two meanings.
struct OverBase<'a> {
    analysis: &'a Analysis<'a>,
    values: BaseValues,
}

impl OverBase<'_> {
    /// Whether all requests but those that are `lost` hold with those of `fix`, by the check of `kiln check`.
    fn holds(&self, requests: &[Request], lost: &[&Request], fix: &Alternative) -> bool {
        let mut all: Vec<Request> = requests.to_vec();
        all.retain(|request| !lost.contains(&request));
        for line in &fix.requests {
            all.retain(|request| request.symbol != line.symbol);
            all.push(Request::fixed(&line.symbol, &line.value));
        }
        let parsed = &self.analysis.parsed;
        let Ok(resolved) = parsed.resolve_keeping(self.values, all.iter().chain(lost.iter().copied())) else {
            return false;
        };
        let declarations = parsed.declarations(&all);
        check(&all, &config_of(&resolved), &declarations).iter().all(|unmet| unmet.request.is_optional())
    }
}

impl Remedies {
    /// Whether a request was given up: no further requests make it hold.
    pub fn is_lost(&self, symbol: &str) -> bool {
        self.hopeless.iter().any(|unmet| unmet.request.symbol == symbol)
            || self.set_aside.iter().any(|one| one.request.symbol == symbol)
    }

    /// Adds to each fix the requests that keep what it turns off.
    pub fn keep(&mut self) {
        match &mut self.remedy {
            Remedy::Alternatives(fixes) => fixes.iter_mut().for_each(|fix| *fix = fix.keeping()),
            Remedy::OutOfTime(fix) => *fix = fix.take().map(|fix| fix.keeping()),
            Remedy::Holds | Remedy::NoMemory(_) => {}
        }
    }

    /// Returns the findings about the requests that are set aside.
    pub fn findings(&self, mut of: impl FnMut(&[Unmet]) -> Diagnostics) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for one in &self.set_aside {
            // The check explains a request that the host's tools decide.
            let by_tools = self.unmet.iter().find(|unmet| {
                unmet.request == one.request
                    && matches!(unmet.kind, UnmetKind::ToolFeature)
                    && one.reason() == Reason::Tool
            });
            match by_tools {
                Some(unmet) => findings.extend(of(std::slice::from_ref(unmet))),
                None => findings.push(one.diagnostic()),
            }
        }
        findings
    }
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
        let is_open = |unmet: &&Unmet| !found.is_lost(&unmet.request.symbol);
        let option = |unmet: &Unmet| Some(format!("kernel.config.{}", unmet.request.symbol));
        let options: Vec<Option<String>> = found.unmet.iter().filter(is_open).map(option).collect();
        // Once, at the last finding that it is for.
        if let Some(help) = help(&found)
            && let Some(last) = findings.iter_mut().rfind(|finding| options.contains(&finding.option))
        {
            last.help.push(help);
        }
        for one in &found.set_aside {
            let own = Some(format!("kernel.config.{}", one.request.symbol));
            match findings.iter_mut().find(|finding| finding.option == own) {
                Some(_) if found.unmet.iter().any(|unmet| names_all(unmet, one)) => {}
                Some(finding) if one.rivals.is_empty() && one.kept.is_empty() => {
                    finding.notes.push("no further requests make it hold".to_owned());
                }
                _ => findings.push(one.diagnostic()),
            }
        }
        Ok(findings.into_iter().collect())
    }

    /// Returns the symbols that the recipe's loaders need on: those that build their targets, and `MODULES`.
    fn needed_by_loaders(&self, now: &Evaluation<'_>) -> Result<Vec<String>, PipelineError> {
        let loaders = self.recipe.loaders.values();
        let targets: BTreeSet<&str> =
            loaders.flat_map(|loader| &loader.targets).map(|target| target.value.as_str()).collect();
        let mut needed = BTreeSet::new();
        let mut has_modules = !self.recipe.kernel.extra_modules.is_empty();
        if !targets.is_empty() {
            let rules = self.module_rules()?;
            for target in targets {
                let symbols = rules.of(target).iter().filter_map(|rule| rule.symbol.clone());
                let on: Vec<String> = symbols.filter(|name| value(now, name) != Tristate::No).collect();
                has_modules |= on.is_empty() || on.iter().any(|name| value(now, name) == Tristate::Mod);
                needed.extend(on);
            }
        }
        if has_modules && value(now, "MODULES") != Tristate::No {
            needed.insert("MODULES".to_owned());
        }
        Ok(needed.into_iter().collect())
    }
}

fn value(now: &Evaluation<'_>, name: &str) -> Tristate {
    now.model().find(name).map_or(Tristate::No, |symbol| now.tristate(symbol))
}

/// Returns the advice of `check`.
fn help(found: &Remedies) -> Option<String> {
    Some(match &found.remedy {
        Remedy::Alternatives(fixes) => {
            let fix = fixes.first()?;
            let is_all = found.hopeless.is_empty() && found.set_aside.is_empty();
            let rest = if is_all { "all requests hold" } else { "all other requests hold" };
            let what = format!("{rest} with {}", fix.brief());
            if fix.drastic {
                format!("{what}, which has large consequences ({}): `kiln fix` shows them", fix.consequences())
            } else {
                format!("{what}: `kiln fix` shows details, `kiln fix --write` writes it")
            }
        }
        Remedy::OutOfTime(_) => "no fix was found quickly: `kiln fix` searches longer".to_owned(),
        Remedy::NoMemory(bytes) => {
            let why = format!("the solver cannot allocate {} MiB of memory", bytes >> 20);
            format!("no fix was searched for: {why}; {MORE_MEMORY}")
        }
        Remedy::Holds => return None,
    })
}

/// Whether the finding about one request names all that contradict each other.
fn names_all(unmet: &Unmet, one: &SetAside) -> bool {
    let is_named =
        |symbol: &String| *symbol == unmet.request.symbol || unmet.rivals.iter().any(|rival| rival.symbol == *symbol);
    !one.rivals.is_empty() && one.rivals.iter().chain([&one.request]).all(|request| is_named(&request.symbol))
}

impl Analysis<'_> {
    /// Whether all requests of `options` hold, over the base of `analysis`; optional ones and those given up are ignored.
    ///
    /// # Errors
    /// A value cannot be written into a `.config`.
    pub fn all_hold(&self, options: &KernelOptions, given_up: &Remedies) -> Result<bool, PipelineError> {
        let requests = effective(&options.requests, &overruled(self.parsed.model(), &options.requests));
        let config = config_of(&self.parsed.resolve(&requests)?);
        let declared = self.parsed.declarations(&requests);
        let is_told = |unmet: &Unmet| unmet.request.is_optional() || given_up.is_lost(&unmet.request.symbol);
        Ok(check(&requests, &config, &declared).iter().all(is_told))
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
