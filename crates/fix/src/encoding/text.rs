//! Numbers and strings, each of which has one of a few texts.

use kiln_kconfig::{Comparison, Expr, Range, Strength, SymbolId, Type};
use rustsat::types::Lit;

use super::{Encoding, Setter, To};
use crate::circuit::TRUE;
use crate::goal::Goal;

/// The largest number of texts of one symbol; a symbol with more keeps its present text.
const MANY: usize = 64;

impl Encoding<'_, '_> {
    /// Collects for every number and string the values that comparisons with constants distinguish.
    pub(super) fn collect_texts(&mut self) {
        for (op, left, right) in self.model.comparisons() {
            for (symbol, other) in [(left, right), (right, left)] {
                let type_ = self.model.type_of(symbol);
                if type_ == Type::Unknown || type_.is_logic() {
                    continue;
                }
                let texts = self.distinct_texts.entry(symbol).or_default();
                let is_word = self.model.fixed_text(other).is_some_and(|text| matches!(text.as_ref(), "n" | "m" | "y"));
                let is_logic = self.model.type_of(other).is_logic()
                    || is_word
                    || type_ != Type::String && self.model.fixed_value(other).is_some();
                if let Some(text) = self.model.fixed_text(other) {
                    texts.extend(around(type_, op, &text));
                }
                if is_logic {
                    // Compared with a number, also one in a string, `n`, `m` and `y` are 0, 1 and 2.
                    texts.extend(["-1", "0", "1", "2", "3"].map(|text| text.as_bytes().to_vec()));
                }
            }
        }
    }

    /// Adds the texts of a number or string to those of the symbols in its ranges and defaults: a request beyond the end
    /// of a range needs the symbol at that end to have the same value.
    pub(super) fn propagate_texts(&mut self) {
        let requested = self.goals.values().filter(|goal| !self.model.type_of(goal.symbol).is_logic());
        let mut waiting: Vec<(SymbolId, Vec<u8>)> =
            requested.map(|goal| (goal.symbol, goal.value.clone().into_bytes())).collect();
        waiting.extend(
            self.distinct_texts.iter().flat_map(|(symbol, texts)| texts.iter().map(|text| (*symbol, text.clone()))),
        );
        while let Some((symbol, text)) = waiting.pop() {
            let ends = self.model.ranges(symbol).flat_map(|range| [range.low, range.high]);
            let sources =
                self.model.defaults(symbol).filter_map(|default| match self.model.expression(default.value) {
                    Expr::Symbol(source) => Some(source),
                    _ => None,
                });
            for source in ends.chain(sources) {
                let type_ = self.model.type_of(source);
                let is_open = type_ != Type::Unknown && !type_.is_logic();
                let known = self.distinct_texts.get(&source).map_or(0, std::collections::BTreeSet::len);
                if is_open && known < MANY && self.distinct_texts.entry(source).or_default().insert(text.clone()) {
                    waiting.push((source, text.clone()));
                }
            }
        }
    }

    /// Returns the texts that a number or string may have; exactly one of the guards holds.
    pub(super) fn text(&mut self, symbol: SymbolId) -> Vec<(Vec<u8>, Lit)> {
        if let Some(texts) = self.texts.get(&symbol) {
            return texts.clone();
        }
        if !self.open.insert(symbol) {
            return self.present_text(symbol);
        }
        let texts = self.free_text(symbol);
        let texts = self.in_range(symbol, texts);
        self.open.remove(&symbol);
        let texts = if texts.len() > MANY { self.present_text(symbol) } else { texts };
        self.texts.insert(symbol, texts.clone());
        texts
    }

    /// Returns whether a number or string is in the `.config`: one that is not visible and has no default reads as 0 or as
    /// empty, but this does not meet a request.
    pub(super) fn written(&mut self, symbol: SymbolId) -> Lit {
        let mut cases = vec![self.visible(symbol).on];
        for default in self.model.defaults(symbol) {
            cases.push(self.expression(default.condition).on);
        }
        self.circuit.or(&cases)
    }

    fn present_text(&mut self, symbol: SymbolId) -> Vec<(Vec<u8>, Lit)> {
        self.is_approximate = true;
        vec![(self.now.value_of(symbol).into_owned().into_bytes(), TRUE)]
    }

    /// Returns the texts that a number or string may have before its range limits them.
    fn free_text(&mut self, symbol: SymbolId) -> Vec<(Vec<u8>, Lit)> {
        let visible = self.visible(symbol).on;
        let setter = self.text_setter(symbol, visible);
        let mut texts = Vec::new();
        let mut changed = !TRUE;
        if let Some(Setter { changed: literal, to: To::Text(values) }) = setter {
            changed = literal;
            for (text, guard) in values {
                let guard = self.circuit.and(&[visible, guard]);
                add(&mut texts, &text, guard);
            }
        }
        let base = self.now.user_value(symbol).map(|text| text.into_owned().into_bytes());
        let mut counts = self.circuit.and(&[visible, changed]);
        if let Some(base) = base {
            let mut kept = self.circuit.and(&[visible, !changed]);
            if visible != !TRUE && self.is_bound(symbol) {
                let given_up = self.give_up(symbol);
                let mut open = self.circuit.and(&[kept, given_up]);
                kept = self.circuit.and(&[kept, !given_up]);
                // It may be anything then, or what its defaults say.
                for text in self.possible(symbol) {
                    let picked = self.circuit.fresh();
                    let guard = self.circuit.and(&[open, picked]);
                    add(&mut texts, &text, guard);
                    counts = self.circuit.or(&[counts, guard]);
                    open = self.circuit.and(&[open, !picked]);
                }
            }
            add(&mut texts, &base, kept);
            counts = self.circuit.or(&[counts, kept]);
        }
        let mut rest = !counts;
        for default in self.model.defaults(symbol) {
            if rest == !TRUE {
                break;
            }
            let condition = self.expression(default.condition).on;
            let guard = self.circuit.and(&[rest, condition]);
            rest = self.circuit.and(&[rest, !condition]);
            if guard == !TRUE {
                continue;
            }
            let Expr::Symbol(source) = self.model.expression(default.value) else {
                add(&mut texts, &self.zero(symbol), guard);
                continue;
            };
            for (text, one) in self.texts_of_source(source) {
                let guard = self.circuit.and(&[guard, one]);
                add(&mut texts, &text, guard);
            }
        }
        add(&mut texts, &self.zero(symbol), rest);
        self.joined(texts)
    }

    /// Returns the texts of a symbol that another symbol has as its default or in its range.
    fn texts_of_source(&mut self, source: SymbolId) -> Vec<(Vec<u8>, Lit)> {
        if let Some(text) = self.model.fixed_text(source) {
            return vec![(text.into_owned().into_bytes(), TRUE)];
        }
        if self.model.type_of(source).is_logic() {
            return vec![(b"n".to_vec(), TRUE)];
        }
        self.text(source)
    }

    fn zero(&self, symbol: SymbolId) -> Vec<u8> {
        match self.model.type_of(symbol) {
            Type::Int if self.model.dialect().zero_numbers => b"0".to_vec(),
            Type::Hex if self.model.dialect().zero_numbers => b"0x0".to_vec(),
            _ => Vec::new(),
        }
    }

    fn text_setter(&mut self, symbol: SymbolId, visible: Lit) -> Option<Setter> {
        let is_free = matches!(self.goals.get(&symbol), None | Some(Goal { strength: Strength::Optional, .. }));
        if visible == !TRUE || !is_free {
            return None;
        }
        let texts = self.possible(symbol);
        if texts.is_empty() {
            return None;
        }
        let values: Vec<(Vec<u8>, Lit)> = texts.into_iter().map(|text| (text, self.circuit.fresh())).collect();
        for (index, (_, one)) in values.iter().enumerate() {
            for (_, other) in &values[index + 1..] {
                self.circuit.clause(&[!*one, !*other]);
            }
        }
        let all: Vec<Lit> = values.iter().map(|(_, guard)| *guard).collect();
        let changed = self.circuit.or(&all);
        let setter = Setter { changed, to: To::Text(values) };
        self.setters.insert(symbol, setter.clone());
        Some(setter)
    }

    /// Returns the texts that a fix may request.
    fn possible(&self, symbol: SymbolId) -> Vec<Vec<u8>> {
        let base = self.now.user_value(symbol);
        let texts = self.distinct_texts.get(&symbol).into_iter().flatten().filter(|text| {
            let text = String::from_utf8_lossy(text);
            Some(text.as_ref()) != base.as_deref() && self.model.takes(symbol, &text)
        });
        texts.cloned().collect()
    }

    /// Moves numbers to the ends of the first range whose condition holds.
    fn in_range(&mut self, symbol: SymbolId, texts: Vec<(Vec<u8>, Lit)>) -> Vec<(Vec<u8>, Lit)> {
        let mut moved = Vec::new();
        let mut rest = TRUE;
        for range in self.model.ranges(symbol) {
            let condition = self.expression(range.condition).on;
            let guard = self.circuit.and(&[rest, condition]);
            rest = self.circuit.and(&[rest, !condition]);
            if guard != !TRUE {
                self.moved(symbol, &range, &texts, guard, &mut moved);
            }
        }
        for (text, one) in &texts {
            let guard = self.circuit.and(&[rest, *one]);
            add(&mut moved, text, guard);
        }
        self.joined(moved)
    }

    fn moved(
        &mut self,
        symbol: SymbolId,
        range: &Range,
        texts: &[(Vec<u8>, Lit)],
        guard: Lit,
        moved: &mut Vec<(Vec<u8>, Lit)>,
    ) {
        let (lows, highs) = (self.texts_of_source(range.low), self.texts_of_source(range.high));
        for (low, low_guard) in &lows {
            for (high, high_guard) in &highs {
                for (text, one) in texts {
                    let end = self.model.moved(symbol, text, low, high, range);
                    let guard = self.circuit.and(&[guard, *one, *low_guard, *high_guard]);
                    add(moved, end.unwrap_or(text), guard);
                }
            }
        }
    }

    /// Merges equal texts.
    fn joined(&mut self, mut texts: Vec<(Vec<u8>, Lit)>) -> Vec<(Vec<u8>, Lit)> {
        texts.sort();
        let groups: Vec<(Vec<u8>, Vec<Lit>)> = texts
            .chunk_by(|a, b| a.0 == b.0)
            .map(|group| (group[0].0.clone(), group.iter().map(|(_, guard)| *guard).collect()))
            .collect();
        groups.into_iter().map(|(text, guards)| (text, self.circuit.or(&guards))).collect()
    }
}

fn add(texts: &mut Vec<(Vec<u8>, Lit)>, text: &[u8], guard: Lit) {
    if guard != !TRUE {
        texts.push((text.to_vec(), guard));
    }
}

/// Returns the values on both sides of the point where the result of a comparison with `text` changes.
fn around(type_: Type, op: Comparison, text: &str) -> Vec<Vec<u8>> {
    let number = match type_ {
        Type::Int => text.parse::<i64>().ok(),
        Type::Hex => i64::from_str_radix(text.trim_start_matches("0x").trim_start_matches("0X"), 16).ok(),
        _ => None,
    };
    let Some(number) = number else {
        let is_equality = matches!(op, Comparison::Equal | Comparison::Unequal);
        // Where any other text will do, the one with the least content is used.
        let other = if text.is_empty() || !is_equality { " " } else { "" };
        return vec![text.into(), other.into()];
    };
    let near = [number.saturating_sub(1), number, number.saturating_add(1)];
    let shown = |number: i64| if type_ == Type::Hex { format!("{number:#x}") } else { number.to_string() };
    near.into_iter().filter(|near| type_ == Type::Int || *near >= 0).map(|near| shown(near).into_bytes()).collect()
}
