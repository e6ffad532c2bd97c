//! Random requests: lines that set some symbols to values that fit more or less.

use kiln_kconfig::{Model, Type};

/// Numbers that are the same in every run.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number from 0 to below `below`.
    pub(crate) fn draw(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % below
    }
}

/// Gives about one symbol in `one_in` a value; some get two, some one that is refused.
pub(crate) fn lines(model: &Model, chance: &mut Chance, one_in: u64) -> String {
    let mut out = String::new();
    for symbol in model.declared() {
        if chance.draw(one_in) != 0 {
            continue;
        }
        let name = model.name(symbol);
        if name.is_empty() {
            continue;
        }
        for _ in 0..=u64::from(chance.draw(30) == 0) {
            out += &line(&name, model.type_of(symbol), chance);
        }
    }
    out
}

fn line(name: &str, type_: Type, chance: &mut Chance) -> String {
    if chance.draw(60) == 0 {
        let odd = ["", "\"y\"", "yes", "0x", "-", "007", "\"open", "text", " y", "Y", "-0x1", "99999999999999999999"];
        return format!("CONFIG_{name}={}\n", odd[chance.draw(odd.len() as u64) as usize]);
    }
    let value = match (type_, chance.draw(4)) {
        (Type::Bool | Type::Tristate, 0) => return format!("# CONFIG_{name} is not set\n"),
        (Type::Bool | Type::Tristate, 1) => "m".to_owned(),
        (Type::Bool | Type::Tristate | Type::Unknown, _) => "y".to_owned(),
        (Type::Int, 0) => format!("-{}", chance.draw(100)),
        (Type::Int, 1) => chance.draw(1 << 40).to_string(),
        (Type::Int, _) => chance.draw(100).to_string(),
        (Type::Hex, 0) => format!("{:X}", chance.draw(1 << 40)),
        (Type::Hex, _) => format!("0x{:x}", chance.draw(1 << 20)),
        (Type::String, 0) => "\"a \\\"quoted\\\\ part\\\"\" behind".to_owned(),
        (Type::String, _) => format!("\"text {}\"", chance.draw(10)),
    };
    format!("CONFIG_{name}={value}\n")
}
