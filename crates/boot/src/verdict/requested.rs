//! Modules that the kernel requested from `modprobe`, and whether a loader should have had it.

use kiln_assembly::Provider;

use super::{ModuleRequest, Outcome, Reason, Step};
use crate::console::Console;
use crate::program::{Program, StepName};

/// Looks up what the kernel requested in vain; a module that loaders had loaded by the time of the request, or that the
/// same loader loads later, is none of it.
pub(super) fn requests(program: &Program, console: &Console, steps: &[Step]) -> Vec<ModuleRequest> {
    let of = |requested: &crate::console::RequestedModule| ModuleRequest {
        name: requested.name.clone(),
        step: requested.step.filter(|step| *step < steps.len()),
        providers: program.providers.of(&requested.name),
        symbols: Vec::new(),
    };
    let is_open = |request: &ModuleRequest| {
        !request
            .providers
            .iter()
            .any(|provider| due(provider, request.step, steps).is_some() && live(provider, steps) == Some(Outcome::Ok))
    };
    console.requested().iter().map(of).filter(is_open).collect()
}

/// Returns a reason for each request for a module that a started loader was to load and did not.
pub(super) fn not_loaded(requests: &[ModuleRequest], steps: &[Step]) -> Vec<Reason> {
    let of = |(index, request): (usize, &ModuleRequest)| {
        let missing = request.providers.iter().find_map(|provider| {
            let loader = due(provider, request.step, steps)?;
            (live(provider, steps)? != Outcome::Ok).then(|| (provider.module().to_owned(), loader.to_owned()))
        });
        missing.map(|(module, loader)| Reason::NotLoaded { request: index, module, loader })
    };
    requests.iter().enumerate().filter_map(of).collect()
}

/// Returns the loader that loads a module and that had started by the end of a step.
fn due<'a>(provider: &'a Provider, step: Option<usize>, steps: &[Step]) -> Option<&'a str> {
    let Provider::Loader { loader, loaded: true, .. } = provider else { return None };
    let starts = |one: &Step| one.name == StepName::Up && one.loader.as_ref() == Some(loader);
    let started = steps.iter().position(starts)?;
    step.is_some_and(|step| started <= step).then_some(loader)
}

/// Returns the outcome of the step that looks whether a loader's module is live.
fn live(provider: &Provider, steps: &[Step]) -> Option<Outcome> {
    let Provider::Loader { loader, module, .. } = provider else { return None };
    let looks = |step: &&Step| {
        step.name == StepName::Live && step.loader.as_ref() == Some(loader) && step.module.as_ref() == Some(module)
    };
    steps.iter().find(looks).map(|step| step.outcome)
}
