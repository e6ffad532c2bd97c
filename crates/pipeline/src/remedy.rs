//! Ways to make all requests hold, each tried as `check` would find it.

use std::collections::BTreeMap;

use kiln_diag::{Diagnostic, Diagnostics};
use kiln_kbuild::resolve::declarations;
use kiln_kconfig::{Config, Declarations, Request};
use kiln_plan::check::Known;
use kiln_plan::evaluate::Kernel as KernelWish;
use kiln_plan::remedy::{Contradiction, Firmness, Patience, Remedy, Way, Wish, remedy};
use kiln_plan::{Unmet, UnmetKind, check};

use crate::error::PipelineError;
use crate::resolution::Resolution;
use crate::tree::Tree;

/// So many steps `check` looks for a fix, which takes two seconds where it takes that long: no clock decides what it says.
const HELPING: u64 = 2_000_000;

/// What to do about a host that refuses the solver's memory.
pub const MORE_MEMORY: &str = "raise the limit of address space (`ulimit -v`) or of the container";

/// What can be done for a recipe, and for what is asked on top of it.
#[derive(Debug, Clone)]
pub struct Remedies {
    /// Requests that no other request helps: unknown symbols, symbols of other architectures, values of a wrong type.
    pub hopeless: Vec<Unmet>,
    /// The other requests that do not hold.
    pub unmet: Vec<Unmet>,
    /// What helps those.
    pub remedy: Remedy,
}

/// Looks for ways to make all requests hold, those of `asked` (symbol, value) too; these go before the recipe's.
///
/// # Errors
/// A Kconfig file cannot be read, or a value cannot be written into a `.config`.
pub fn remedies(
    tree: &Tree,
    resolution: &Resolution,
    wish: &KernelWish,
    asked: &BTreeMap<String, String>,
    patience: Patience,
) -> Result<Remedies, PipelineError> {
    let parsed = &resolution.parsed;
    let mut requests: Vec<Request> = asked.iter().map(|(symbol, value)| Request::fixed(symbol, value)).collect();
    requests.extend(
        wish.requests.values().filter(|request| !asked.contains_key(&request.symbol)).map(|request| request.request()),
    );
    let values: BTreeMap<String, String> =
        requests.iter().map(|request| (request.symbol.clone(), request.value.clone())).collect();
    let declared = parsed.declarations(values.keys());
    let unmet = unmet(tree, resolution, &requests, &values, &declared)?;
    let unmet = unmet.into_iter().filter(|unmet| !unmet.request.is_optional());
    let (mut hopeless, mut unmet): (Vec<Unmet>, Vec<Unmet>) = unmet.partition(|unmet| is_hopeless(&unmet.kind));
    let now = parsed.evaluation_of(&values)?;
    let past = resolution.history.of(&hopeless);
    let known = Known { evaluation: &now, requests: &requests, declarations: &declared, past: &past };
    unmet.iter_mut().chain(&mut hopeless).for_each(|unmet| unmet.explain(&known));
    let wishes = requests.iter().filter(|request| hopeless.iter().all(|unmet| unmet.request != **request));
    let wishes: Vec<Wish> = wishes
        .map(|request| Wish {
            symbol: request.symbol.clone(),
            value: request.value.clone(),
            firmness: match request.origin {
                _ if request.is_optional() => Firmness::Optional,
                Some(_) => Firmness::Written,
                None => Firmness::Asked,
            },
            origin: request.origin,
        })
        .collect();
    let mut found = remedy(&now, &wishes, patience);
    let works = |way: &Way| tried(resolution, &requests, &hopeless, way);
    let with_working = |way: &mut Way| {
        let whole = way.clone();
        way.or.retain(|or| works(&whole.with(or)));
    };
    match &mut found {
        Remedy::Ways(ways) => {
            ways.retain(works);
            ways.iter_mut().for_each(with_working);
            if ways.is_empty() {
                found = Remedy::OutOfTime(None);
            }
        }
        Remedy::OutOfTime(way) => *way = way.take().filter(works),
        Remedy::Holds | Remedy::Contradiction(_) | Remedy::NoMemory(_) => {}
    }
    Ok(Remedies { hopeless, unmet, remedy: found })
}

/// Whether all requests hold with those of `way`, found as `check` finds it.
fn tried(resolution: &Resolution, requests: &[Request], hopeless: &[Unmet], way: &Way) -> bool {
    let mut all: Vec<Request> = requests.to_vec();
    all.retain(|request| hopeless.iter().all(|unmet| unmet.request != *request));
    for line in &way.requests {
        all.retain(|request| request.symbol != line.symbol);
        all.push(Request::fixed(&line.symbol, &line.value));
    }
    let mut values: BTreeMap<String, String> =
        hopeless.iter().map(|unmet| (unmet.request.symbol.clone(), unmet.request.value.clone())).collect();
    values.extend(all.iter().map(|request| (request.symbol.clone(), request.value.clone())));
    let Ok(config) = resolution.parsed.config_of(&values) else { return false };
    let declarations = resolution.parsed.declarations(values.keys());
    check(&all, &Config::parse(&config), &declarations).iter().all(|unmet| unmet.request.is_optional())
}

/// Findings of `check` with what helps: requests with which all others hold, or those that contradict each other.
///
/// # Errors
/// See [`remedies`].
pub fn with_remedy(
    tree: &Tree,
    resolution: &Resolution,
    wish: &KernelWish,
    findings: Diagnostics,
) -> Result<Diagnostics, PipelineError> {
    if !findings.has_errors() {
        return Ok(findings);
    }
    let patience = Patience { deadline: None, steps: Some(HELPING) };
    let found = remedies(tree, resolution, wish, &BTreeMap::new(), patience)?;
    let mut findings: Vec<Diagnostic> = findings.into_iter().collect();
    let option = |unmet: &Unmet| Some(format!("kernel.config.{}", unmet.request.symbol));
    let options: Vec<Option<String>> = found.unmet.iter().map(option).collect();
    // Once, where it is read last.
    let last = findings.iter_mut().rfind(|finding| options.contains(&finding.option));
    match &found.remedy {
        Remedy::Ways(ways) => {
            let way = ways.first().map(Way::brief).unwrap_or_default();
            let rest = if found.hopeless.is_empty() { "all requests hold" } else { "all other requests hold" };
            if let Some(last) = last {
                last.help.push(format!("{rest} with {way}: `kiln fix` says more, `kiln fix --write` writes it"));
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
                last.help.push("what helps was not found at once: `kiln fix` looks longer".to_owned());
            }
        }
        Remedy::NoMemory(bytes) => {
            if let Some(last) = last {
                let size = bytes >> 20;
                let why = format!("the host refuses {size} MiB of memory for the solver");
                last.help.push(format!("no fix was looked for: {why}; {MORE_MEMORY}"));
            }
        }
        Remedy::Holds => {}
    }
    Ok(findings.into_iter().collect())
}

/// Whether what is said of one request names all that contradict each other.
fn names_all(unmet: &Unmet, contradiction: &Contradiction) -> bool {
    let is_named =
        |symbol: &String| *symbol == unmet.request.symbol || unmet.rivals.iter().any(|rival| rival.symbol == *symbol);
    contradiction.wishes.iter().all(|wish| is_named(&wish.symbol))
}

/// Whether all requests of `wish` hold, over the base of `resolution`; optional ones apart.
///
/// # Errors
/// A value cannot be written into a `.config`.
pub fn all_hold(resolution: &Resolution, wish: &KernelWish) -> Result<bool, PipelineError> {
    let requests: Vec<Request> = wish.requests.values().map(|request| request.request()).collect();
    let values: BTreeMap<String, String> =
        requests.iter().map(|request| (request.symbol.clone(), request.value.clone())).collect();
    let config = Config::parse(&resolution.parsed.config_of(&values)?);
    let declared = resolution.parsed.declarations(values.keys());
    Ok(check(&requests, &config, &declared).iter().all(|unmet| unmet.request.is_optional()))
}

fn unmet(
    tree: &Tree,
    resolution: &Resolution,
    requests: &[Request],
    values: &BTreeMap<String, String>,
    declared: &Declarations,
) -> Result<Vec<Unmet>, PipelineError> {
    let config = Config::parse(&resolution.parsed.config_of(values)?);
    let found = check(requests, &config, declared);
    if found.iter().any(|unmet| matches!(unmet.kind, UnmetKind::UnknownSymbol { .. })) {
        // Only now is it of use what else there is.
        return Ok(check(requests, &config, &declarations::scan(&tree.path, &resolution.target)?));
    }
    Ok(found)
}

fn is_hopeless(kind: &UnmetKind) -> bool {
    matches!(kind, UnmetKind::UnknownSymbol { .. } | UnmetKind::OtherArch { .. } | UnmetKind::WrongType { .. })
}

/// Requests of a command line: `SYMBOL=VALUE`, with or without `CONFIG_`; `Err` is the word that is none.
///
/// # Errors
/// The word.
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
