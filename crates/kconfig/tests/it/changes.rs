//! Successive changes on random trees: after each, everything must be as a fresh evaluation has it.
//!
//! `KCONFIG_CHANCE_ROUNDS` sets the number of trees.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use kiln_kconfig::{Base, Change, Dialect, Evaluation, Model, NoHost, Request, SymbolId, Tristate, Type, resolve};

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// An expression over the symbols before `end`.
    fn expression(&mut self, end: usize, depth: usize) -> String {
        let symbol = format!("S{}", self.below(end));
        match self.below(if depth > 2 { 4 } else { 9 }) {
            0 => format!("!{symbol}"),
            1 => format!("{symbol}{}{}", ["=", "!="][self.below(2)], ["y", "m", "n"][self.below(3)]),
            2 | 3 => symbol,
            4 => format!("{symbol}{}{}", ["<", ">=", "="][self.below(3)], self.below(20)),
            5 => format!("{symbol} && m"),
            6 => format!("({} || {})", self.expression(end, depth + 1), self.expression(end, depth + 1)),
            7 => format!("!({} && {symbol})", self.expression(end, depth + 1)),
            _ => format!("{} && {}", self.expression(end, depth + 1), self.expression(end, depth + 1)),
        }
    }

    fn condition(&mut self, end: usize) -> String {
        if self.one_in(2) { format!(" if {}", self.expression(end, 0)) } else { String::new() }
    }

    /// A tree in which each symbol reads only those before it.
    fn tree(&mut self, legacy: bool) -> String {
        let n_symbols = 8 + self.below(40);
        let mut out = "config S0\n\tbool \"modules\"\n\tdefault y\n\tmodules\n".to_owned();
        let mut at = 1;
        while at < n_symbols {
            match self.below(12) {
                0 => at = self.choice(at, legacy, &mut out),
                1 => {
                    let condition = self.expression(at, 0);
                    let _ = writeln!(out, "menu \"menu {at}\"\n\tvisible if {condition}");
                    at = self.symbol(at, n_symbols, &mut out);
                    out += "endmenu\n";
                }
                2 => {
                    let condition = self.expression(at, 0);
                    let _ = writeln!(out, "if {condition}");
                    at = self.symbol(at, n_symbols, &mut out);
                    out += "endif\n";
                }
                _ => at = self.symbol(at, n_symbols, &mut out),
            }
        }
        out
    }

    fn symbol(&mut self, at: usize, n_symbols: usize, out: &mut String) -> usize {
        let type_ = ["bool", "bool", "tristate", "tristate", "tristate", "int", "hex", "string"][self.below(8)];
        let _ = writeln!(out, "config S{at}\n\t{type_}");
        for _ in 0..self.below(3) {
            let condition = self.condition(at);
            let _ = writeln!(out, "\tprompt \"symbol {at}\"{condition}");
        }
        if self.one_in(2) {
            let dependency = self.expression(at, 0);
            let _ = writeln!(out, "\tdepends on {dependency}");
        }
        for _ in 0..self.below(3) {
            let condition = self.condition(at);
            let value = match type_ {
                "int" | "hex" if self.one_in(2) => self.below(30).to_string(),
                "string" if self.one_in(2) => format!("\"text {}\"", self.below(3)),
                "int" | "hex" | "string" => format!("S{}", self.below(at)),
                _ => self.expression(at, 1),
            };
            let _ = writeln!(out, "\tdefault {value}{condition}");
        }
        if matches!(type_, "int" | "hex") && self.one_in(2) {
            let condition = self.condition(at);
            let (low, high) = (self.below(10), 10 + self.below(10));
            let _ = writeln!(out, "\trange {low} {high}{condition}");
        }
        let logic = matches!(type_, "bool" | "tristate");
        while logic && at + 1 < n_symbols && self.one_in(2) {
            let target = at + 1 + self.below(n_symbols - at - 1);
            let condition = self.condition(at);
            let verb = ["select", "imply"][self.below(2)];
            let _ = writeln!(out, "\t{verb} S{target}{condition}");
        }
        at + 1
    }

    fn choice(&mut self, start: usize, legacy: bool, out: &mut String) -> usize {
        let type_ = if legacy && self.one_in(2) { "tristate" } else { "bool" };
        let condition = self.condition(start);
        let _ = writeln!(out, "choice\n\t{type_} \"choice {start}\"{condition}");
        if legacy && self.one_in(3) {
            out.push_str("\toptional\n");
        }
        if self.one_in(3) {
            let dependency = self.expression(start, 0);
            let _ = writeln!(out, "\tdepends on {dependency}");
        }
        let n_members = 2 + self.below(4);
        if self.one_in(2) {
            let condition = self.condition(start);
            let _ = writeln!(out, "\tdefault S{}{condition}", start + self.below(n_members));
        }
        for member in start..start + n_members {
            let condition = self.condition(start);
            let type_ = if type_ == "tristate" && self.one_in(3) { "tristate" } else { "bool" };
            let _ = writeln!(out, "config S{member}\n\t{type_} \"member {member}\"{condition}");
        }
        out.push_str("endchoice\n");
        start + n_members
    }

    /// A value that fits a type.
    fn value(&mut self, type_: Type) -> String {
        match type_ {
            Type::Bool => ["y", "n"][self.below(2)].to_owned(),
            Type::Tristate => ["y", "m", "n"][self.below(3)].to_owned(),
            Type::Int => self.below(25).to_string(),
            Type::Hex => format!("0x{:x}", self.below(40)),
            _ => format!("own {}", self.below(3)),
        }
    }
}

fn parse(text: &str, dialect: Dialect) -> Option<Model> {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(text.as_bytes()));
    Model::parse("Kconfig", &files, &NoHost, dialect).0
}

/// The visible state of a symbol.
type Seen = (String, Tristate, bool);

fn seen(values: &Evaluation<'_>) -> Vec<(SymbolId, Seen)> {
    let of = |symbol| (values.value_of(symbol).into_owned(), values.visibility(symbol), values.is_written(symbol));
    values.model().declared().map(|symbol| (symbol, of(symbol))).collect()
}

/// The differences from a fresh evaluation with the same values, given in the same order.
fn compare(values: &mut Evaluation<'_>, given: &[(SymbolId, String)]) -> Vec<String> {
    let model = values.model();
    let request = |(symbol, value): &(SymbolId, String)| Request::fixed(&*model.name(*symbol), value);
    let requests: Vec<Request> = given.iter().map(request).collect();
    let fresh = resolve(model, Base::Defaults, &requests);
    let mut differ = Vec::new();
    for ((symbol, ours), (_, theirs)) in seen(values).into_iter().zip(seen(&fresh)) {
        if ours != theirs {
            differ.push(format!("{}: {ours:?}, fresh {theirs:?}", model.name(symbol)));
        }
        let dependencies =
            |values: &Evaluation<'_>| (values.direct_dependency(symbol), values.reverse_dependency(symbol));
        if dependencies(values) != dependencies(&fresh) {
            differ.push(format!("{}: dependencies", model.name(symbol)));
        }
    }
    if values.config_text() != fresh.config_text() {
        differ.push(".config".to_owned());
    }
    differ
}

/// The changes, according to a comparison of before and after.
fn changed(before: &[(SymbolId, Seen)], after: &[(SymbolId, Seen)]) -> BTreeSet<SymbolId> {
    before.iter().zip(after).filter(|(before, after)| before != after).map(|(before, _)| before.0).collect()
}

fn step(values: &mut Evaluation<'_>, given: &mut Vec<(SymbolId, String)>, chance: &mut Chance) -> Option<Change> {
    let symbols: Vec<SymbolId> = values.model().declared().collect();
    let symbol = symbols[chance.below(symbols.len())];
    let type_ = values.model().type_of(symbol);
    if chance.one_in(4) {
        given.retain(|(other, _)| *other != symbol);
        return Some(values.unset(symbol));
    }
    let value = chance.value(type_);
    let change = values.set(symbol, &value).ok()?;
    given.retain(|(other, _)| *other != symbol);
    given.push((symbol, value));
    Some(change)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by a variable")]
fn changes_are_as_good_as_a_fresh_start() {
    let rounds = std::env::var("KCONFIG_CHANCE_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let (mut n_changed, mut n_trees) = (0, [0; 3]);
    for round in 0..rounds {
        let dialect = [Dialect::LINUX_6_12, Dialect::LINUX_6_1, Dialect::NEWEST][round % 3];
        let text = chance.tree(dialect.choice_values);
        let Some(model) = parse(&text, dialect) else { continue };
        n_trees[round % 3] += 1;
        let mut values = Evaluation::new(&model);
        let mut given = Vec::new();
        let mut undone = Vec::new();
        for number in 0..40 {
            let before = seen(&values);
            let Some(change) = step(&mut values, &mut given, &mut chance) else { continue };
            let differ = compare(&mut values, &given);
            assert!(differ.is_empty(), "round {round}, step {number}: {differ:#?}\n{given:?}\n{text}");
            let told: BTreeSet<SymbolId> = change
                .changed()
                .iter()
                .copied()
                .filter(|symbol| before.iter().any(|(other, _)| other == symbol))
                .collect();
            assert_eq!(told, changed(&before, &seen(&values)), "round {round}, step {number}\n{text}");
            n_changed += told.len();
            undone.push((change, before));
        }
        while let Some((change, before)) = undone.pop() {
            let name = model.name(change.symbol()).into_owned();
            values.undo(change);
            assert_eq!(seen(&values), before, "round {round}: undone {name}\n{text}");
        }
    }
    assert!(n_changed > rounds * 10, "the trees are worth changing: {n_changed}");
    assert!(n_trees.iter().all(|n| n * 9 > rounds), "most trees are sound: {n_trees:?} of {rounds}");
}

#[test]
fn a_text_that_others_take_over() {
    let text = "config A\n\tstring \"a\"\nconfig B\n\tstring\n\tdefault A\nconfig C\n\tdef_bool B = \"two\"\n";
    let model = parse(text, Dialect::NEWEST).unwrap();
    let [a, b, c] = ["A", "B", "C"].map(|name| model.find(name).unwrap());
    let mut values = Evaluation::new(&model);
    assert_eq!(values.set(a, "one").unwrap().changed(), [a, b]);
    assert_eq!(values.set(a, "two").unwrap().changed(), [a, b, c]);
    assert_eq!(values.set(a, "two").unwrap().changed(), []);
    assert_eq!(values.value("B").as_deref(), Some("two"));
    assert_eq!(values.unset(a).changed(), [a, b, c]);
}

#[test]
fn a_text_that_reads_the_same_from_elsewhere() {
    let text = "config A\n\tint \"a\"\n\trange 3 9\nconfig B\n\tint\n\tdefault A\nconfig C\n\tint\n\tdefault B\n";
    let model = parse(text, Dialect::NEWEST).unwrap();
    let a = model.find("A").unwrap();
    let mut values = Evaluation::new(&model);
    let change = values.set(a, "3").unwrap();
    values.undo(change);
    for name in ["A", "B", "C"] {
        assert_eq!(values.value(name).as_deref(), Some("3"), "{name}");
    }
}

#[test]
fn trees_in_which_the_order_decides() {
    // Ranges that limit each other are not a loop for the C program.
    let text = "config A\n\tint \"a\"\n\trange 0 B\n\tdefault 3\nconfig B\n\tint \"b\"\n\trange A 9\n\tdefault 5\n";
    let model = parse(text, Dialect::NEWEST).unwrap();
    let mut values = Evaluation::new(&model);
    let mut given = Vec::new();
    for (name, value) in [("A", "7"), ("B", "6"), ("A", "2"), ("B", "1")] {
        let symbol = model.find(name).unwrap();
        assert!(values.set(symbol, value).is_ok());
        given.retain(|(other, _)| *other != symbol);
        given.push((symbol, value.to_owned()));
        assert_eq!(compare(&mut values, &given), [""; 0]);
    }
}
