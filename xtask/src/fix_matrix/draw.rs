//! Random requests.

use kiln_fix::Setting;
use kiln_kconfig::{Evaluation, Model, Request, SymbolId, Type};

use crate::kconfig_matrix::requests::Chance;

/// Up to five requests.
pub(crate) struct Draw {
    pub(crate) number: u64,
    /// The requests, sorted by symbol; strings have no quotes.
    pub(crate) requests: Vec<Request>,
    /// Whether there is a configuration in which all of them hold.
    pub(crate) is_sound: bool,
}

impl Draw {
    /// Returns the draw of a number over the values of a base, which is always the same.
    pub(crate) fn new(before: &Evaluation<'_>, number: u64) -> Draw {
        let mut chance = Chance::new(number + 1);
        let n_wanted = [1, 1, 1, 2, 3, 4, 5][chance.draw(7) as usize];
        Draw::of(before, number, n_wanted, 4, chance)
    }

    /// Returns one request of a `bool` or `tristate` symbol.
    pub(crate) fn single(before: &Evaluation<'_>, number: u64) -> Draw {
        Draw::of(before, number, 1, 0, Chance::new(number + 1))
    }

    /// Returns `n_wanted` requests, of which one of `one_text_in` is a number or a string.
    fn of(before: &Evaluation<'_>, number: u64, n_wanted: usize, one_text_in: u64, mut chance: Chance) -> Draw {
        let model = before.model();
        let is_sound = number.is_multiple_of(2);
        let of = |is_wanted: &dyn Fn(Type) -> bool| -> Vec<SymbolId> {
            model.declared().filter(|symbol| is_wanted(model.type_of(*symbol))).collect()
        };
        let logic = of(&Type::is_logic);
        let texts = of(&|type_| type_ != Type::Unknown && !type_.is_logic());
        let mut values = before.clone();
        if is_sound {
            shuffle(&mut values, &[logic.as_slice(), &texts].concat(), &mut chance);
        }
        let mut requests: Vec<Request> = Vec::new();
        let mut n_tries = 0;
        while requests.len() < n_wanted && n_tries < 10_000 {
            n_tries += 1;
            // Numbers and strings are far fewer than the others.
            let symbols = if one_text_in > 0 && chance.draw(one_text_in) == 0 { &texts } else { &logic };
            let Some(symbol) = symbols.get(chance.draw(symbols.len() as u64) as usize).copied() else { continue };
            let name = model.name(symbol);
            if requests.iter().any(|request| request.symbol == name) {
                continue;
            }
            let value = if is_sound {
                // A value that the symbol has already needs no fix.
                let value = values.value_of(symbol).into_owned();
                let is_there = model.type_of(symbol).is_logic() || values.is_written(symbol);
                if value == before.value_of(symbol) || !is_there {
                    continue;
                }
                value
            } else {
                drawn(before, symbol, &mut chance)
            };
            requests.push(Request::fixed(name, value));
        }
        requests.sort_by(|left, right| left.symbol.cmp(&right.symbol));
        Draw { number, requests, is_sound }
    }

    /// Returns the requests as one line.
    pub(crate) fn text(&self) -> String {
        let one = |request: &Request| format!("{}={}", request.symbol, request.value);
        self.requests.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// Sets many symbols to random values, which gives a configuration that can be requested.
fn shuffle(values: &mut Evaluation<'_>, symbols: &[SymbolId], chance: &mut Chance) {
    for symbol in symbols {
        if chance.draw(3) == 0 && values.model().prompts(*symbol).next().is_some() {
            let value = drawn(values, *symbol, chance);
            // A value that the type does not take leaves the symbol alone.
            let _ = values.set(*symbol, &value);
        }
    }
}

/// Returns a random value that the symbol's type takes; a number is mostly one of the active range.
fn drawn(values: &Evaluation<'_>, symbol: SymbolId, chance: &mut Chance) -> String {
    let model = values.model();
    let one_of = |texts: &[&str], chance: &mut Chance| texts[chance.draw(texts.len() as u64) as usize].to_owned();
    match model.type_of(symbol) {
        Type::Bool => one_of(&["y", "y", "y", "n"], chance),
        Type::Tristate => one_of(&["y", "m", "m", "n"], chance),
        Type::String => one_of(&["some text", "x", "", "console=ttyS0,115200 \"quoted\""], chance),
        type_ => {
            let end = |symbol: SymbolId| {
                let text = match model.type_of(symbol) {
                    Type::Unknown => model.name(symbol),
                    _ => values.value_of(symbol),
                };
                match text.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16).ok(),
                    None => text.parse().ok(),
                }
            };
            let range = values.active_range(symbol).and_then(|range| Some((end(range.low)?, end(range.high)?)));
            let (low, high) = range.filter(|(low, high)| low < high && chance.draw(8) != 0).unwrap_or((0, 100));
            let number = low + chance.draw((high - low).min(1 << 20) + 1);
            if type_ == Type::Hex { format!("{number:#x}") } else { number.to_string() }
        }
    }
}

/// Returns settings as one line.
pub(crate) fn shown(model: &Model, settings: &[Setting]) -> String {
    let one = |setting: &Setting| format!("{}={}", model.name(setting.symbol), setting.value);
    settings.iter().map(one).collect::<Vec<_>>().join(" ")
}
