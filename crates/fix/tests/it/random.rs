//! Random small trees and requests: the fix is as small as the smallest one that an exhaustive search finds.
//!
//! The exhaustive search tries every possible fix in the order of size, on the engine alone and without clauses.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use kiln_fix::{Budget, Outcome, Problem, fix};
use kiln_kconfig::{Base, Dialect, Evaluation, Model, Request, Strength, SymbolId, Type, quote, resolve, unquote};
use kiln_testkit::Random;

use crate::tree::model;

const N_SYMBOLS: usize = 12;

/// The largest number of candidates of one size that are tried.
const MANY: usize = 20_000;

#[test]
fn a_fix_is_as_small_as_the_smallest() {
    play(0..150);
}

/// `KILN_FIX_ROUNDS` asks for another number of rounds.
#[test]
#[ignore = "slow: plays many rounds"]
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by a variable")]
fn every_fix_of_many_is_as_small_as_the_smallest() {
    let asked = std::env::var("KILN_FIX_ROUNDS").ok().and_then(|text| text.parse().ok());
    play(150..150 + asked.unwrap_or(850));
}

fn play(seeds: Range<u64>) {
    let mut tally = [0_u32; 4];
    for seed in seeds {
        for dialect in [Dialect::NEWEST, Dialect::LINUX_6_1] {
            round(seed, dialect, &mut tally);
        }
    }
    let [holding, fixed, contradicting, larger] = tally;
    // With a generator that makes no interesting trees, the test would prove nothing.
    assert!(fixed > contradicting / 4 && larger > fixed / 30 && contradicting > 0, "{holding} hold, {tally:?}");
}

fn round(seed: u64, dialect: Dialect, tally: &mut [u32; 4]) {
    let mut random = Random::new(seed);
    let text = tree(&mut random, dialect.choice_values);
    let Some(model) = model(&text, dialect) else { return };
    let symbols: Vec<SymbolId> = model.declared().filter(|symbol| model.type_of(*symbol) != Type::Unknown).collect();
    let base = if random.one_in(2) { Base::AllNo } else { Base::Defaults };
    let mut requests = Vec::new();
    for _ in 0..1 + random.below(3) {
        let symbol = *random.pick(&symbols);
        let name = model.name(symbol);
        if requests.iter().all(|request: &Request| request.symbol != name) {
            let values: &[&str] = match model.type_of(symbol) {
                Type::Bool => &["y", "y", "n"],
                Type::Tristate => &["y", "m", "m", "n"],
                Type::String => &["text", ""],
                _ => &["3", "5"],
            };
            let strengths = [Strength::Fixed, Strength::Required, Strength::Required, Strength::Optional];
            let strength = *random.pick(&strengths);
            requests.push(Request { strength, ..Request::fixed(name, *random.pick(values)) });
        }
    }
    requests.sort_by(|left, right| left.symbol.cmp(&right.symbol));
    let now = given(&model, base, &requests);
    let deadline = Some(Instant::now() + Duration::from_secs(60));
    let budget = Budget { deadline, steps: None };
    let problem = Problem { now: &now, requests: &requests, budget, n_wanted: 3 };
    let outcome = fix(&problem);
    let smallest = by_trying(&now, &requests);
    let shown = || {
        let shown: Vec<String> = requests
            .iter()
            .map(|request| format!("{}={} {:?}", request.symbol, request.value, request.strength))
            .collect();
        format!("seed {seed}, old choices: {}, base {base:?}\n{text}\n{shown:?}", dialect.choice_values)
    };
    match (outcome, smallest) {
        (Outcome::Holds, Tried::Size(0)) => tally[0] += 1,
        (Outcome::Fixes(fixes), tried @ (Tried::Size(size) | Tried::TooMany(size))) => {
            let best = fixes.first().expect("there is one");
            let is_right = best.cost.size == size || best.cost.size > size && matches!(tried, Tried::TooMany(_));
            assert!(is_right, "{}\n{}\ntrying gives {tried:?}", shown(), settings(&model, best));
            for fix in &fixes {
                assert!(works(&model, base, &requests, fix), "{}\n{}", shown(), settings(&model, fix));
                for other in &fix.substitutes {
                    let mut swapped = fix.clone();
                    swapped.settings.retain(|setting| setting.symbol != other.of);
                    swapped.settings.push(other.setting.clone());
                    assert!(works(&model, base, &requests, &swapped), "{}\n{}", shown(), settings(&model, &swapped));
                }
            }
            tally[1] += 1;
            tally[3] += u32::from(size > 1);
        }
        (Outcome::Contradiction { requests: found, .. }, Tried::Nothing | Tried::TooMany(_)) => {
            assert!(!found.is_empty(), "{}", shown());
            let these: Vec<Request> = found.iter().map(|index| requests[*index].clone()).collect();
            assert!(these.iter().all(|request| !request.is_optional()), "{}", shown());
            let alone = |kept: &[Request]| by_trying(&given(&model, base, kept), kept);
            let rest: Vec<Request> = requests.iter().filter(|request| request.is_optional()).cloned().collect();
            let whole = [these.as_slice(), &rest].concat();
            assert!(!matches!(alone(&whole), Tried::Size(_)), "{}\n{these:?} do not contradict", shown());
            let is_logic = requests
                .iter()
                .all(|request| model.find(&request.symbol).is_some_and(|symbol| model.type_of(symbol).is_logic()));
            for left_out in 0..if is_logic { these.len() } else { 0 } {
                let mut fewer = whole.clone();
                fewer.remove(left_out);
                assert!(alone(&fewer) != Tried::Nothing, "{}\n{these:?} is not the smallest", shown());
            }
            tally[2] += 1;
        }
        (outcome, smallest) => panic!("{}\ntrying gives {smallest:?}, fix {outcome:?}", shown()),
    }
}

/// Returns the values with these requests, applied in the order of their names.
fn given<'m>(model: &'m Model, base: Base<'_>, requests: &[Request]) -> Evaluation<'m> {
    let mut sorted = requests.to_vec();
    sorted.sort_by(|left, right| (&left.symbol, &left.value).cmp(&(&right.symbol, &right.value)));
    resolve(model, base, &sorted).into_evaluation()
}

fn settings(model: &Model, fix: &kiln_fix::Fix) -> String {
    let one = |setting: &kiln_fix::Setting| format!("{}={}", model.name(setting.symbol), setting.value);
    format!("{:?} {:?}", fix.settings.iter().map(one).collect::<Vec<_>>(), fix.cost)
}

/// Whether the requests hold when all of them are applied again, as another run of kiln does.
fn works(model: &Model, base: Base<'_>, requests: &[Request], fix: &kiln_fix::Fix) -> bool {
    let mut all: Vec<(String, String, bool)> = Vec::new();
    for request in requests {
        let altered = fix.settings.iter().any(|setting| model.name(setting.symbol) == request.symbol);
        if !altered {
            all.push((request.symbol.clone(), request.value.clone(), !request.is_optional()));
        }
    }
    for setting in &fix.settings {
        let is_string = model.type_of(setting.symbol) == Type::String;
        let value = if is_string { quote(&setting.value) } else { setting.value.clone() };
        all.push((model.name(setting.symbol).into_owned(), value, true));
    }
    all.sort();
    let pairs: Vec<Request> = all.iter().map(|(name, value, _)| Request::fixed(name, value)).collect();
    let values = resolve(model, base, &pairs);
    assert_eq!(fix.cost.size, fix.settings.len());
    all.iter()
        .filter(|(_, _, is_binding)| *is_binding)
        .all(|(name, value, _)| holds(&values, model.find(name).expect("it is declared"), &unquote(value)))
}

/// Whether a symbol has a value; the numbers of these trees have one form each.
fn holds(values: &Evaluation<'_>, symbol: SymbolId, value: &str) -> bool {
    (values.model().type_of(symbol).is_logic() || values.is_written(symbol)) && values.value_of(symbol) == value
}

/// The result of an exhaustive search.
#[derive(Debug, PartialEq, Eq)]
enum Tried {
    /// The least number of settings with which all requests hold.
    Size(usize),
    /// There are none.
    Nothing,
    /// There are none below this size, and of this size there are too many to try.
    TooMany(usize),
}

/// Tries every set of settings in the order of size, up to [`MANY`] of one size.
fn by_trying(now: &Evaluation<'_>, requests: &[Request]) -> Tried {
    let model = now.model();
    let mut open: Vec<(SymbolId, Vec<String>)> = Vec::new();
    for symbol in model.declared() {
        let request = requests.iter().find(|request| request.symbol == model.name(symbol));
        if request.is_none() && model.prompts(symbol).next().is_none() {
            continue;
        }
        let values: Vec<String> =
            match (request.map(|request| (request.strength, request.value.as_str())), model.type_of(symbol)) {
                (Some((Strength::Fixed, _)), _) => continue,
                (Some((Strength::Required, "m")), _) => vec!["y".to_owned()],
                (Some((Strength::Required, _)), _) => continue,
                (_, Type::Bool) => ["y", "n"].map(str::to_owned).to_vec(),
                (_, Type::Tristate) => ["y", "m", "n"].map(str::to_owned).to_vec(),
                (_, Type::String) => ["text", "other", "", "0", "1", "2", "3", "4"].map(str::to_owned).to_vec(),
                (_, Type::Int) => (-1..=6).map(|number| number.to_string()).collect(),
                _ => continue,
            };
        open.push((symbol, values));
    }
    let mut values = now.clone();
    for size in 0..=open.len() {
        if n_sets(&open, size) > MANY {
            return Tried::TooMany(size);
        }
        if try_sets(&mut values, requests, &open, size, &mut Vec::new()) {
            return Tried::Size(size);
        }
    }
    Tried::Nothing
}

/// Returns the number of sets of `size` symbols with values.
fn n_sets(open: &[(SymbolId, Vec<String>)], size: usize) -> usize {
    let mut counts = vec![1_usize];
    for (_, values) in open {
        counts.push(0);
        for at in (1..counts.len()).rev() {
            counts[at] += counts[at - 1] * values.len();
        }
    }
    counts[size]
}

fn try_sets(
    values: &mut Evaluation<'_>,
    requests: &[Request],
    open: &[(SymbolId, Vec<String>)],
    size: usize,
    chosen: &mut Vec<(SymbolId, String)>,
) -> bool {
    if size == 0 {
        return try_one(values, requests, chosen);
    }
    for (index, (symbol, texts)) in open.iter().enumerate() {
        if open.len() - index < size {
            return false;
        }
        for text in texts {
            chosen.push((*symbol, text.clone()));
            let found = try_sets(values, requests, &open[index + 1..], size - 1, chosen);
            chosen.pop();
            if found {
                return true;
            }
        }
    }
    false
}

/// Whether all requests hold when they and the chosen settings are applied after the base, in the order of their names.
fn try_one(values: &mut Evaluation<'_>, requests: &[Request], chosen: &[(SymbolId, String)]) -> bool {
    let model = values.model();
    let mut all: Vec<(SymbolId, String, bool)> = Vec::new();
    for request in requests {
        let requested = model.find(&request.symbol).expect("it is declared");
        if chosen.iter().all(|(symbol, _)| *symbol != requested) {
            all.push((requested, request.value.clone(), !request.is_optional()));
        }
    }
    for (symbol, value) in chosen {
        all.push((*symbol, value.clone(), true));
    }
    all.sort_by_key(|(symbol, ..)| model.name(*symbol));
    let mut changes = Vec::new();
    for (symbol, value, _) in &all {
        changes.push(values.set(*symbol, value).expect("the type takes it"));
    }
    let works =
        all.iter().filter(|(_, _, is_binding)| *is_binding).all(|(symbol, value, _)| holds(values, *symbol, value));
    for change in changes.into_iter().rev() {
        values.undo(change);
    }
    works
}

/// Writes a tree in which each symbol reads only those before it.
fn tree(random: &mut Random, legacy: bool) -> String {
    let n_symbols = 4 + random.below(N_SYMBOLS - 3);
    let mut out = "config S00\n\tbool \"modules\"\n\tmodules\n".to_owned();
    if random.one_in(2) {
        out += "\tdefault y\n";
    }
    let mut at = 1;
    while at < n_symbols {
        match random.below(8) {
            0 if at + 2 <= n_symbols => at = choice(random, at, n_symbols, legacy, &mut out),
            1 => {
                let condition = expression(random, at, 0);
                let _ = writeln!(out, "menu \"menu {at}\"\n\tvisible if {condition}");
                at = symbol(random, at, n_symbols, &mut out);
                out += "endmenu\n";
            }
            2 => {
                let condition = expression(random, at, 0);
                let _ = writeln!(out, "if {condition}");
                at = symbol(random, at, n_symbols, &mut out);
                out += "endif\n";
            }
            _ => at = symbol(random, at, n_symbols, &mut out),
        }
    }
    out
}

fn symbol(random: &mut Random, at: usize, n_symbols: usize, out: &mut String) -> usize {
    let type_ = *random.pick(&["bool", "bool", "tristate", "tristate", "tristate", "tristate", "int", "string"]);
    let _ = writeln!(out, "config S{at:02}\n\t{type_}");
    for _ in 0..[0, 1, 1, 1, 1, 2][random.below(6)] {
        let condition = condition(random, at);
        let _ = writeln!(out, "\tprompt \"symbol {at}\"{condition}");
    }
    if random.below(3) > 0 {
        let dependency = expression(random, at, 0);
        let _ = writeln!(out, "\tdepends on {dependency}");
    }
    for _ in 0..random.below(3) {
        let condition = condition(random, at);
        let value = match type_ {
            "int" => random.below(12).to_string(),
            "string" => ["\"text\"", "\"other\"", "\"\""][random.below(3)].to_owned(),
            _ if random.one_in(2) => ["y", "m", "n"][random.below(3)].to_owned(),
            _ => expression(random, at, 1),
        };
        let _ = writeln!(out, "\tdefault {value}{condition}");
    }
    if type_ == "int" && random.one_in(2) {
        let condition = condition(random, at);
        let (low, high) = (random.below(4), 4 + random.below(6));
        let _ = writeln!(out, "\trange {low} {high}{condition}");
    }
    let logic = matches!(type_, "bool" | "tristate");
    while logic && at + 1 < n_symbols && random.one_in(3) {
        let target = at + 1 + random.below(n_symbols - at - 1);
        let condition = condition(random, at);
        let verb = random.pick(&["select", "select", "imply"]);
        let _ = writeln!(out, "\t{verb} S{target:02}{condition}");
    }
    at + 1
}

fn choice(random: &mut Random, start: usize, n_symbols: usize, legacy: bool, out: &mut String) -> usize {
    let end = (start + 2 + random.below(3)).min(n_symbols);
    let type_ = if legacy && random.one_in(4) { "tristate" } else { "bool" };
    let shown = condition(random, start);
    let _ = writeln!(out, "choice\n\tprompt \"choice {start}\"{shown}");
    if legacy {
        let _ = writeln!(out, "\t{type_}");
        if random.one_in(4) {
            out.push_str("\toptional\n");
        }
    }
    if random.one_in(2) {
        let dependency = expression(random, start, 0);
        let _ = writeln!(out, "\tdepends on {dependency}");
    }
    for _ in 0..random.below(3) {
        let condition = condition(random, start);
        let _ = writeln!(out, "\tdefault S{:02}{condition}", start + random.below(end - start));
    }
    for member in start..end {
        let shown = condition(random, start);
        let _ = writeln!(out, "config S{member:02}\n\t{type_} \"member {member}\"{shown}");
        if random.one_in(3) {
            let dependency = expression(random, start, 0);
            let _ = writeln!(out, "\tdepends on {dependency}");
        }
    }
    out.push_str("endchoice\n");
    end
}

fn condition(random: &mut Random, end: usize) -> String {
    if random.one_in(3) { format!(" if {}", expression(random, end, 0)) } else { String::new() }
}

/// Writes an expression over the symbols before `end`.
fn expression(random: &mut Random, end: usize, depth: usize) -> String {
    let symbol = format!("S{:02}", random.below(end));
    match random.below(if depth > 1 { 5 } else { 9 }) {
        0 => format!("!{symbol}"),
        1 => format!("{symbol}{}{}", random.pick(&["=", "!="]), random.pick(&["y", "m", "n"])),
        2 if random.one_in(2) => format!("{symbol}{}{}", random.pick(&["<", ">=", "=", "!="]), random.below(5)),
        2 => format!("{symbol}{}\"{}\"", random.pick(&["=", "!="]), random.pick(&["text", ""])),
        3 | 4 => symbol,
        5 => format!("{symbol} && m"),
        6 => format!("({} || {})", expression(random, end, depth + 1), expression(random, end, depth + 1)),
        7 => format!("!({} && {symbol})", expression(random, end, depth + 1)),
        _ => format!("{} && {}", expression(random, end, depth + 1), expression(random, end, depth + 1)),
    }
}
