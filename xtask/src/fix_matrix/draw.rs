//! Requests by chance.

use kiln_fix::{Firmness, Request, Setting};
use kiln_kconfig::{Base, Model, SymbolId, Type, resolve};

use crate::kconfig_matrix::requests::Chance;

/// Up to five requests.
pub(crate) struct Draw {
    pub(crate) number: u64,
    /// In the order of their names.
    pub(crate) requests: Vec<Request>,
    /// Whether there is a configuration in which all of them hold.
    pub(crate) is_sound: bool,
}

impl Draw {
    /// The draw of a number, which is always the same.
    pub(crate) fn new(model: &Model, number: u64, base: Base<'_>) -> Draw {
        let mut chance = Chance::new(number + 1);
        let n_wanted = [1, 1, 1, 2, 3, 4, 5][chance.draw(7) as usize];
        let is_sound = number.is_multiple_of(2);
        let symbols: Vec<SymbolId> =
            model.declared().filter(|symbol| model.type_of(*symbol) != Type::Unknown).collect();
        let mut values = resolve(model, base, &[]).into_evaluation();
        if is_sound {
            // Many values by chance: what comes out is a configuration that somebody can ask for.
            for symbol in &symbols {
                if chance.draw(3) == 0 && model.prompts(*symbol).next().is_some() && model.type_of(*symbol).is_logic() {
                    let value = ["y", "y", "m", "n"][chance.draw(4) as usize];
                    // A bool takes no `m`, and is left alone.
                    let _ = values.set(*symbol, value);
                }
            }
        }
        let before = resolve(model, base, &[]).into_evaluation();
        let mut requests: Vec<Request> = Vec::new();
        let mut n_tries = 0;
        while requests.len() < n_wanted && n_tries < 10_000 {
            n_tries += 1;
            let symbol = symbols[chance.draw(symbols.len() as u64) as usize];
            let type_ = model.type_of(symbol);
            if !type_.is_logic() || requests.iter().any(|request| request.symbol == symbol) {
                continue;
            }
            let value = if is_sound {
                // What is so already would be no question.
                let value = values.value_of(symbol).into_owned();
                if value == before.value_of(symbol) {
                    continue;
                }
                value
            } else {
                let texts: &[&str] = if type_ == Type::Bool { &["y", "y", "y", "n"] } else { &["y", "m", "m", "n"] };
                texts[chance.draw(4) as usize].to_owned()
            };
            requests.push(Request { symbol, value, firmness: Firmness::Asked });
        }
        requests.sort_by_key(|request| model.name(request.symbol).into_owned());
        Draw { number, requests, is_sound }
    }

    /// The requests as one line.
    pub(crate) fn text(&self, model: &Model) -> String {
        let one = |request: &Request| format!("{}={}", model.name(request.symbol), request.value);
        self.requests.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// Settings as one line.
pub(crate) fn shown(model: &Model, settings: &[Setting]) -> String {
    let one = |setting: &Setting| format!("{}={}", model.name(setting.symbol), setting.value);
    settings.iter().map(one).collect::<Vec<_>>().join(" ")
}
