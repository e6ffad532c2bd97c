//! The requests of a merged recipe: `kernel.config`, then `conditionalConfig`, then `modular`.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic, Diagnostics, Span};
use kiln_kconfig::{Request, Strength, unquote};
use kiln_recipe::{Data, Merged, Tree};

use crate::evaluate::{Because, Located, MergedRequest};

/// Makes the requests of `tree`; a changed value that was written in the recipe causes a warning.
pub(super) fn requests(
    tree: &Tree,
    modular: &Located<bool>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, MergedRequest> {
    let mut requests = collect(tree, &["kernel", "config"], None);
    apply_conditions(tree, &mut requests, diagnostics);
    if !modular.value {
        build_in(&mut requests, modular.origin, diagnostics);
    }
    requests
}

fn collect(tree: &Tree, path: &[&str], because: Option<&Because>) -> BTreeMap<String, MergedRequest> {
    tree.entries(path)
        .filter_map(|(symbol, tree)| match tree {
            Tree::Leaf(merged) => Some((symbol.to_owned(), request(symbol, merged, because.cloned())?)),
            Tree::Set(_) => None,
        })
        .collect()
}

fn request(symbol: &str, merged: &Merged, because: Option<Because>) -> Option<MergedRequest> {
    let Data::Text(value) = &merged.value else { return None };
    let strength = if merged.is_optional() { Strength::Optional } else { Strength::Required };
    // These options have no defaults of their own, so there is a definition.
    let origin = Some(merged.origin()?);
    Some(MergedRequest {
        request: Request { symbol: symbol.to_owned(), value: value.clone(), strength, origin },
        won: merged.won.clone(),
        lost: merged.lost.clone(),
        because,
        overridden: None,
    })
}

/// Applies the conditions that hold for the requests as they are before any is applied, in the order of their names.
fn apply_conditions(tree: &Tree, requests: &mut BTreeMap<String, MergedRequest>, diagnostics: &mut Diagnostics) {
    for condition in holding(tree) {
        let because = Because::Condition(condition.to_owned());
        let path = ["kernel", "conditionalConfig", condition];
        for (symbol, mut request) in collect(tree, &path, Some(&because)) {
            if let Some(before) = requests.remove(&symbol) {
                if unquote(&before.value) != unquote(&request.value) {
                    diagnostics.push(changed(condition, &request, &before));
                }
                request.overridden = Some(Box::new(before));
            }
            requests.insert(symbol, request);
        }
    }
}

/// Returns the conditions that hold, in the order of their names.
fn holding(tree: &Tree) -> impl Iterator<Item = &str> {
    let requested = |condition: &str| tree.text(&["kernel", "config", condition]);
    let conditions = tree.entries(&["kernel", "conditionalConfig"]).map(|(condition, _)| condition);
    conditions.filter(move |condition| requested(condition).is_some_and(|value| value != "n"))
}

/// Returns the symbols whose value under `kernel.config` has no effect: a condition overrides it, and none tests it.
///
/// Quirk: the seed is lazy and never evaluates such a value, so it may be invalid there too.
pub(super) fn overridden(tree: &Tree) -> BTreeSet<String> {
    let asked = |symbol: &str| tree.get(&["kernel", "conditionalConfig", symbol]).is_some();
    holding(tree)
        .flat_map(|condition| tree.entries(&["kernel", "conditionalConfig", condition]))
        .map(|(symbol, _)| symbol)
        .filter(|symbol| !asked(symbol))
        .map(str::to_owned)
        .collect()
}

fn changed(condition: &str, request: &MergedRequest, before: &MergedRequest) -> Diagnostic {
    let symbol = &request.symbol;
    let message = format!(
        "`{symbol}` becomes `{}` instead of `{}`, because `{condition}` is requested",
        request.value, before.value
    );
    Diagnostic::warning(Code::ConditionOverrides, message)
        .option(format!("kernel.conditionalConfig.{condition}.{symbol}"))
        .label(request.origin, "this overrides")
        .label(before.origin, "what is requested here")
        .help("`conditionalConfig` overrides regardless of priority: write it as a `when` block to use priorities")
}

/// Turns every module into a built-in, and requests that modules are off.
fn build_in(requests: &mut BTreeMap<String, MergedRequest>, origin: Option<Span>, diagnostics: &mut Diagnostics) {
    for request in requests.values_mut().filter(|request| unquote(&request.value) == "m") {
        let origin = request.origin;
        replace(request, "y", origin);
    }
    // The option's own default is `true`, so a `false` was written somewhere.
    let Some(origin) = origin else { return };
    match requests.get_mut("MODULES") {
        Some(request) if unquote(&request.value) == "n" => {}
        Some(request) => {
            diagnostics.push(
                Diagnostic::warning(Code::ModularOverrides, "`MODULES` becomes `n`, because `kernel.modular` is false")
                    .option("kernel.config.MODULES")
                    .label(origin, "modules are disabled here")
                    .label(request.origin, "and requested here"),
            );
            replace(request, "n", Some(origin));
        }
        None => {
            let because = Some(Because::NotModular);
            let (symbol, value) = ("MODULES".to_owned(), "n".to_owned());
            let request = Request { symbol, value, strength: Strength::Required, origin: Some(origin) };
            let request = MergedRequest { request, won: Vec::new(), lost: Vec::new(), because, overridden: None };
            requests.insert("MODULES".to_owned(), request);
        }
    }
}

fn replace(request: &mut MergedRequest, value: &str, origin: Option<Span>) {
    let before = request.clone();
    request.request.value = value.to_owned();
    request.request.origin = origin;
    request.because = Some(Because::NotModular);
    request.overridden = Some(Box::new(before));
}
