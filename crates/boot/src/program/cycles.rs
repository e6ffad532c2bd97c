//! The parts of a program.

use std::collections::BTreeSet;

use super::{Loader, LoaderModule, ProgramSpec, StepName, Writer};

/// Cycle 1: only what kiln loads.
pub(super) fn ours(writer: &mut Writer, spec: &ProgramSpec, order: &[&Loader]) {
    for &loader in order {
        service(writer, StepName::Up, loader, "start");
        writer.line("requested");
    }
    for &loader in order {
        service(writer, StepName::UpAgain, loader, "start");
        status(writer, loader, "0");
    }
    for &loader in order {
        for module in &loader.modules {
            live(writer, loader, module);
        }
    }
    for module in unique_modules(order) {
        parameters(writer, module);
    }
    checks(writer, spec);
    sharing(writer, order);
    for &loader in order.iter().rev() {
        service(writer, StepName::Down, loader, "stop");
    }
    for &loader in order.iter().rev() {
        service(writer, StepName::DownAgain, loader, "stop");
        status(writer, loader, "3");
    }
    for module in unique_modules(order) {
        writer.step(StepName::Gone, |step| step.module(&module.name), &["gone", &module.name]);
    }
}

/// Cycle 2: a module that something else loaded must outlive every loader that uses it.
pub(super) fn somebody_elses(writer: &mut Writer, order: &[&Loader]) {
    // Dependencies come first, so the first module needs no other. One that cannot be unloaded is already loaded.
    let firsts = order.iter().filter_map(|loader| loader.modules.first());
    let Some(foreign) = firsts.into_iter().find(|module| !module.stays) else { return };
    let name = &foreign.name;
    writer.line(&format!("foreign={}", super::quoted(name)));
    writer.step(StepName::Foreign, |step| step.module(name), &["foreign", name, &foreign.path]);
    for &loader in order {
        service(writer, StepName::Up, loader, "start");
    }
    for &loader in order.iter().rev() {
        service(writer, StepName::Down, loader, "stop");
    }
    writer.step(StepName::ForeignKept, |step| step.module(name), &["there", name]);
    for module in unique_modules(order).into_iter().filter(|module| module.name != *name) {
        writer.step(StepName::Gone, |step| step.module(&module.name), &["gone", &module.name]);
    }
    writer.line("foreign=");
    writer.line(&format!("remove {}", super::quoted(name)));
}

/// `modprobe` against the shipped indexes.
pub(super) fn aliases(writer: &mut Writer, spec: &ProgramSpec) {
    let tools: &[&str] = if spec.kmod { &["busybox", "kmod"] } else { &["busybox"] };
    for tool in tools {
        for alias in &spec.aliases {
            writer.step(
                StepName::Alias,
                |step| step.module(&alias.module).subject(&alias.alias).value(tool),
                &["alias", tool, &alias.alias, &alias.module],
            );
        }
    }
}

fn service(writer: &mut Writer, name: StepName, loader: &Loader, action: &str) {
    writer.step(name, |step| step.loader(&loader.name), &["service", &loader.name, action]);
}

/// A loader's own status; one without modules has no state to report.
fn status(writer: &mut Writer, loader: &Loader, wanted: &str) {
    if !loader.modules.is_empty() {
        writer.step(StepName::Status, |step| step.loader(&loader.name), &["status", &loader.name, wanted]);
    }
}

fn live(writer: &mut Writer, loader: &Loader, module: &LoaderModule) {
    let need = if module.soft { "soft" } else { "hard" };
    let fill = |step: super::PlannedStep| step.loader(&loader.name).module(&module.name);
    writer.step(StepName::Live, fill, &["live", &module.name, need]);
}

/// Of several values of one parameter, the last one counts.
fn parameters(writer: &mut Writer, module: &LoaderModule) {
    let words = words(&module.parameters);
    let pairs: Vec<(&str, &str)> = words.iter().filter_map(|word| word.split_once('=')).collect();
    for (idx, (name, value)) in pairs.iter().enumerate() {
        if pairs[idx + 1..].iter().any(|(later, _)| later == name) {
            continue;
        }
        writer.step(
            StepName::Parameter,
            |step| step.module(&module.name).subject(name).value(value),
            &["parameter", &module.name, name],
        );
    }
}

/// Splits a parameter string into words at blanks, except between double quotes, which are removed.
///
/// Quirk: the kernel knows no escape (lib/cmdline.c, `next_arg`).
fn words(parameters: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in parameters.chars() {
        match (c, words.last_mut()) {
            ('"', _) => quoted = !quoted,
            (c, _) if c.is_whitespace() && !quoted => words.push(String::new()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn checks(writer: &mut Writer, spec: &ProgramSpec) {
    for check in &spec.checks {
        if let Some(reason) = &check.skipped {
            writer.step(StepName::Check, |step| step.subject(&check.name), &["skipped", reason]);
            continue;
        }
        let file = writer.script(&check.script);
        writer.step(StepName::Check, |step| step.subject(&check.name), &["script", &file]);
    }
    for check in spec.checks.iter().rev().filter(|check| check.skipped.is_none()) {
        if let Some(cleanup) = &check.cleanup {
            let file = writer.script(cleanup);
            writer.step(StepName::Cleanup, |step| step.subject(&check.name), &["script", &file]);
        }
    }
    writer.line("requested");
}

/// Stops each loader that shares modules while the others are up, and starts it again.
///
/// What depends on it stops before it and starts after it, as under a service manager.
fn sharing(writer: &mut Writer, order: &[&Loader]) {
    for &loader in order {
        let going = dependents(loader, order);
        let staying: Vec<&Loader> =
            order.iter().filter(|other| !going.contains(other.name.as_str())).copied().collect();
        if !staying.iter().any(|other| shares(loader, other)) {
            continue;
        }
        let going: Vec<&Loader> = order.iter().filter(|other| going.contains(other.name.as_str())).copied().collect();
        writer.line("remember");
        for &stopped in going.iter().rev() {
            service(writer, StepName::Stop, stopped, "stop");
        }
        let used: BTreeSet<&str> = staying.iter().flat_map(|other| names(other)).collect();
        for &other in staying.iter().filter(|other| !other.modules.is_empty()) {
            let words: Vec<&str> = ["kept"].into_iter().chain(names(other)).collect();
            writer.step(StepName::Kept, |step| step.loader(&loader.name).subject(&other.name), &words);
        }
        let own: Vec<&str> =
            going.iter().flat_map(|stopped| names(stopped)).filter(|name| !used.contains(name)).collect();
        if !own.is_empty() {
            let words: Vec<&str> = ["released"].into_iter().chain(own).collect();
            writer.step(StepName::Released, |step| step.loader(&loader.name), &words);
        }
        for &stopped in &going {
            service(writer, StepName::Restart, stopped, "start");
        }
    }
}

/// Returns `loader` and everything that depends on it, directly or not.
fn dependents<'a>(loader: &'a Loader, order: &[&'a Loader]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([loader.name.as_str()]);
    // In start order, so what a loader depends on has been visited before it.
    for other in order {
        if other.dependencies.iter().any(|name| found.contains(name.as_str())) {
            found.insert(&other.name);
        }
    }
    found
}

fn shares(one: &Loader, other: &Loader) -> bool {
    names(one).any(|name| names(other).any(|shared| shared == name))
}

fn names(loader: &Loader) -> impl Iterator<Item = &str> {
    loader.modules.iter().map(|module| module.name.as_str())
}

/// Returns every module once, in load order.
fn unique_modules<'a>(order: &[&'a Loader]) -> Vec<&'a LoaderModule> {
    let mut seen = BTreeSet::new();
    order.iter().flat_map(|loader| &loader.modules).filter(|module| seen.insert(&module.name)).collect()
}
