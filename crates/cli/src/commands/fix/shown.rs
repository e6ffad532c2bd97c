//! The answer of `kiln fix` as text.

use std::collections::BTreeMap;

use kiln_advise::remedy::{Alternative, Line, Remedy};
use kiln_diag::Sources;
use kiln_pipeline::Remedies;
use kiln_plan::evaluate::Evaluated;

/// The number of names of further symbols that are shown.
const N_NAMES: usize = 12;

/// The data of a text.
pub(super) struct Text<'a> {
    pub(super) remedies: &'a Remedies,
    /// The requests of the command line.
    pub(super) asked: &'a BTreeMap<String, String>,
    pub(super) evaluated: &'a Evaluated,
    /// Whether lists are shown whole.
    pub(super) lists_all: bool,
    /// Whether the first fix was written, so that the others are of no use.
    pub(super) is_written: bool,
}

impl Text<'_> {
    /// Returns all of it.
    pub(super) fn whole(&self, sources: &Sources) -> String {
        let mut out = String::new();
        for unmet in self.remedies.unmet.iter().filter(|unmet| !self.remedies.is_lost(&unmet.request.symbol)) {
            let (symbol, value) = (&unmet.request.symbol, &unmet.request.value);
            let place = unmet.request.origin.map(|origin| format!(" ({})", sources.location(origin)));
            out += &format!("{symbol} = {value:?}{} does not hold yet\n", place.unwrap_or_default());
        }
        let requests = &self.evaluated.kernel.requests;
        let is_new = |symbol: &String, value: &String| requests.get(symbol).is_none_or(|old| old.value != *value);
        let is_possible = |symbol: &String| !self.remedies.is_lost(symbol);
        let new: Vec<(&String, &String)> =
            self.asked.iter().filter(|(symbol, value)| is_new(symbol, value) && is_possible(symbol)).collect();
        let is_whole = self.remedies.hopeless.is_empty() && self.remedies.set_aside.is_empty();
        match &self.remedies.remedy {
            Remedy::Holds if is_whole => {
                out += &match new.as_slice() {
                    [] => all_hold(requests.len()),
                    [_] => "this request is enough:\n".to_owned(),
                    new => format!("these {} requests are enough:\n", new.len()),
                };
                out += &asked_for(&new);
            }
            Remedy::Holds | Remedy::OutOfTime(None) | Remedy::NoMemory(_) => {}
            Remedy::Alternatives(fixes) if self.is_written => out += &self.fixes(&fixes[..1], &new),
            Remedy::Alternatives(fixes) => out += &self.fixes(fixes, &new),
            Remedy::OutOfTime(Some(fix)) => out += &self.fixes(std::slice::from_ref(fix), &new),
        }
        out
    }

    fn fixes(&self, fixes: &[Alternative], asked: &[(&String, &String)]) -> String {
        let mut out = String::new();
        let Some(first) = fixes.first() else { return out };
        if first.drastic {
            let consequences = first.consequences();
            let ways = if first.smallest { "every way has" } else { "no way was found without" };
            out += &format!("\n{ways} large consequences: with the first, {consequences}\n");
        }
        for (index, fix) in fixes.iter().enumerate() {
            let shared = |line: &&Line| fixes[0].requests.contains(line);
            out += &match fix.requests.iter().filter(shared).count() {
                n if index > 0 && n > 0 => self.difference(index + 1, first, fix),
                _ => self.fix(index + 1, fix, asked),
            };
        }
        out
    }

    fn fix(&self, number: usize, fix: &Alternative, asked: &[(&String, &String)]) -> String {
        let n_requests = fix.requests.len();
        let plural = if n_requests == 1 { "" } else { "s" };
        let proved = match (fix.smallest, fix.turns_off.is_empty()) {
            (true, true) => ", the smallest number possible",
            (true, false) => ", the smallest number possible without more harm",
            (false, _) => "",
        };
        let mut out = format!("\n{number}. {n_requests} request{plural}{proved}:\n{}", asked_for(asked));
        out += &lines(&fix.requests, "    ");
        out + &self.consequences(fix)
    }

    /// Shows what another fix has in place of some requests of the first.
    fn difference(&self, number: usize, first: &Alternative, fix: &Alternative) -> String {
        let gone: Vec<Line> = first.requests.iter().filter(|line| !fix.requests.contains(line)).cloned().collect();
        let new: Vec<Line> = fix.requests.iter().filter(|line| !first.requests.contains(line)).cloned().collect();
        let names: Vec<String> = gone.iter().map(Line::assignment).collect();
        let mut out = format!("\n{number}. as 1, in place of {}:\n", names.join(", "));
        if gone.is_empty() {
            out = format!("\n{number}. as 1, with more:\n");
        }
        out += &lines(&new, "    ");
        out + &self.consequences(fix)
    }

    fn consequences(&self, fix: &Alternative) -> String {
        let mut out = String::new();
        for line in &fix.requests {
            let others = fix.substitutes.iter().filter(|other| other.instead_of == line.symbol);
            let others: Vec<String> = others.map(|other| format!("{} = {:?}", other.symbol, other.value)).collect();
            if !others.is_empty() {
                let others = self.names(&others);
                out += &format!("  in place of {}, one of these is enough: {others}\n", line.symbol);
            }
        }
        out += &self.listed("turns on", &fix.turns_on);
        out += &self.listed("turns off or lowers", &fix.turns_off);
        if !fix.keeps.is_empty() {
            let left = match fix.lost.len() {
                0 => "all of them".to_owned(),
                n => format!("all but {n} of them"),
            };
            let (n, plural) = (fix.keeps.len(), if fix.keeps.len() == 1 { "" } else { "s" });
            out += &format!("  {n} more request{plural} would keep {left} (`--keep` adds them):\n");
            let shown = if self.lists_all { n } else { n.min(N_NAMES) };
            out += &lines(&fix.keeps[..shown], "      ");
            if shown < n {
                out += &format!("      # and {} more: `--all` shows them\n", n - shown);
            }
        }
        if let Some(values) = fix.only_with {
            out += &format!("  holds only with `kernel.baseValues = \"{values}\"`, which this recipe has\n");
        }
        out
    }

    fn listed(&self, what: &str, symbols: &[String]) -> String {
        if symbols.is_empty() {
            return String::new();
        }
        format!("  {what} {} more: {}\n", symbols.len(), self.names(symbols))
    }

    fn names(&self, words: &[String]) -> String {
        let n_names = if self.lists_all { words.len() } else { N_NAMES };
        let more = match words.len().saturating_sub(n_names) {
            0 => String::new(),
            1 => " and 1 other".to_owned(),
            more => format!(" and {more} others"),
        };
        let first: Vec<&str> = words.iter().take(n_names).map(String::as_str).collect();
        format!("{}{more}", first.join(", "))
    }
}

fn all_hold(n_requests: usize) -> String {
    match n_requests {
        0 => "there is no request, so none is unmet\n".to_owned(),
        1 => "the one request holds\n".to_owned(),
        n => format!("all {n} requests hold\n"),
    }
}

fn lines(lines: &[Line], indent: &str) -> String {
    let width = lines.iter().map(|line| line.assignment().len()).max().unwrap_or(0);
    lines.iter().map(|line| format!("{indent}{:width$}  # {}\n", line.assignment(), line.comment())).collect()
}

fn asked_for(asked: &[(&String, &String)]) -> String {
    let line = |(symbol, value): &(&String, &String)| format!("    {symbol} = {value:?}  # as requested\n");
    asked.iter().map(line).collect()
}
