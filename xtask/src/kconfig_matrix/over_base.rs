//! Requests over a base, resolved by the library's one function and by `conf` from one file of assignments.

use std::collections::BTreeMap;

use anyhow::Result;
use kiln_kconfig::{Base, Mode, Model, Request, Type, quote, resolve, unquote};

use super::comparison::{Bench, Job};
use super::requests::{Chance, lines};

/// Compares one random set: half of its symbols are the base's, half are requests.
///
/// `conf` gets the lines of the base without those of requested symbols, and after them the requests by name.
pub(crate) fn check(bench: &mut Bench<'_>, set: u32, job: impl Fn(&str, &str, Mode) -> Job) -> Result<()> {
    let mut chance = Chance::new(u64::from(set) + 1_000_003);
    let text = lines(bench.model, &mut chance, [10, 40, 200, 2000][set as usize % 4]);
    let mut requests = BTreeMap::new();
    for line in text.lines() {
        if chance.draw(2) == 0
            && let Some(request) = request(bench.model, line)
        {
            requests.insert(request.symbol.clone(), request);
        }
    }
    let requests: Vec<Request> = requests.into_values().collect();
    let is_requested =
        |line: &&str| symbol_of(line).is_some_and(|symbol| requests.iter().any(|one| one.symbol == symbol));
    let (_, kept): (Vec<&str>, Vec<&str>) = text.lines().partition(is_requested);
    let mut seed: String = kept.iter().flat_map(|line| [*line, "\n"]).collect();
    seed.extend(requests.iter().map(|request| assignment(bench.model, request)));
    let file = bench.folder().join("over-base");
    std::fs::write(&file, seed)?;
    let variables = vec![("KCONFIG_ALLCONFIG", file.display().to_string())];
    let (argument, mode) =
        if set.is_multiple_of(2) { ("alldefconfig", Mode::AllDefConfig) } else { ("allnoconfig", Mode::AllNoConfig) };
    let name = format!("{argument} with {} requests over a base {set}", requests.len());
    let made = bench.check(&Job { variables, ..job(&name, argument, mode) })?;
    let Some(theirs) = made.config else { return Ok(()) };
    let configs = [("base", text.as_bytes())];
    let base = if set.is_multiple_of(2) { Base::Configs(&configs) } else { Base::ConfigsOverAllNo(&configs) };
    bench.same(&name, &theirs, resolve(bench.model, base, &requests).config_text());
    Ok(())
}

fn symbol_of(line: &str) -> Option<&str> {
    let off = line.strip_prefix("# CONFIG_").and_then(|rest| rest.strip_suffix(" is not set"));
    off.or_else(|| line.strip_prefix("CONFIG_")?.split_once('=').map(|(symbol, _)| symbol))
}

/// Returns a line as a request; `None` for one that a request cannot express in the same way.
fn request(model: &Model, line: &str) -> Option<Request> {
    let symbol = symbol_of(line)?;
    let value = line.strip_prefix("CONFIG_").and_then(|rest| rest.split_once('=')).map_or("n", |(_, value)| value);
    let is_same = match model.type_of(model.find(symbol)?) {
        Type::Bool | Type::Tristate => matches!(value, "y" | "m" | "n"),
        Type::String => value == quote(&unquote(value)),
        Type::Int | Type::Hex => true,
        Type::Unknown => false,
    };
    is_same.then(|| Request::fixed(symbol, value))
}

fn assignment(model: &Model, request: &Request) -> String {
    let (symbol, value) = (&request.symbol, &request.value);
    let is_text = model.find(symbol).is_some_and(|symbol| model.type_of(symbol) == Type::String);
    match value.as_str() {
        "n" => format!("# CONFIG_{symbol} is not set\n"),
        _ if is_text => format!("CONFIG_{symbol}={}\n", quote(&unquote(value))),
        _ => format!("CONFIG_{symbol}={value}\n"),
    }
}
