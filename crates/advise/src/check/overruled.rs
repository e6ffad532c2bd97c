//! Requests that lose their choice to a request of a higher priority.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic};
use kiln_kconfig::{Model, NodeId, Request, SymbolId};
use kiln_plan::evaluate::MergedRequest;

use crate::why::shown;

/// A request for a member of a choice that another member has by its priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overruled {
    /// The request that has no effect.
    pub request: Request,
    /// The request for another member, whose priority is higher.
    pub winner: Request,
    /// The place where the choice starts, as `file:line` in the tree.
    pub place: String,
}

impl Overruled {
    /// Returns the note on it.
    pub fn diagnostic(&self) -> Diagnostic {
        let Overruled { request, winner, place } = self;
        let (symbol, other) = (&request.symbol, &winner.symbol);
        let message = format!("`{symbol} = \"{}\"` has no effect: `{other}` has a higher priority", request.value);
        let note = Diagnostic::remark(Code::OverruledChoice, message)
            .option(format!("kernel.config.{symbol}"))
            .label(request.origin, "requested here");
        note.label(winner.origin, format!("`{other}` was requested as `{}` here", winner.value))
            .note(format!("both are members of one choice, which has a single one ({place})"))
    }
}

/// Returns the requests that lose their choice; the rest are to be resolved.
///
/// A request for a member beats those for other members whose priority is lower; requests of equal priority contradict
/// each other, which [`check`](super::check) reports. Several members may be `m`.
pub fn overruled(model: &Model, requests: &BTreeMap<String, MergedRequest>) -> Vec<Overruled> {
    let mut choices: BTreeMap<NodeId, Vec<(SymbolId, &MergedRequest)>> = BTreeMap::new();
    for request in requests.values().filter(|request| matches!(request.value.as_str(), "y" | "m")) {
        if let Some(symbol) = model.find(&request.symbol)
            && let Some(choice) = model.choice_of(symbol)
        {
            choices.entry(choice).or_default().push((symbol, request));
        }
    }
    let mut found = Vec::new();
    for (choice, members) in choices {
        let place = shown(&model.place_of(choice));
        for (_, request) in &members {
            let beats = |other: &&&MergedRequest| {
                let is_shared = other.value == "m" && request.value == "m";
                other.priority() < request.priority() && !is_shared
            };
            let winner = members.iter().map(|(_, other)| other).filter(beats).min_by_key(|other| other.priority());
            if let Some(winner) = winner {
                let (request, winner) = (request.request.clone(), winner.request.clone());
                found.push(Overruled { request, winner, place: place.clone() });
            }
        }
    }
    found
}

/// Returns the requests that are resolved: all that are not overruled.
pub fn effective(requests: &BTreeMap<String, MergedRequest>, overruled: &[Overruled]) -> Vec<Request> {
    let lost: BTreeSet<&str> = overruled.iter().map(|one| one.request.symbol.as_str()).collect();
    let rest = requests.values().filter(|merged| !lost.contains(merged.symbol.as_str()));
    rest.map(|merged| merged.request.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kiln_diag::{Sources, Span};
    use kiln_kconfig::{Dialect, NoHost};
    use kiln_recipe::{Data, Def, Priority, Value};

    use super::*;

    const KCONFIG: &str = "\
config MODULES
\tbool \"modules\"
\tmodules
choice
\ttristate \"pick\"
config A
\ttristate \"a\"
config B
\ttristate \"b\"
config C
\ttristate \"c\"
endchoice
config D
\tbool \"d\"
";

    /// Returns the requests that are overruled, each with its winner; a priority follows each request.
    fn of(requests: &[(&str, &str, Priority)]) -> Vec<(String, String)> {
        let files = |name: &str| (name == "Kconfig").then(|| Arc::from(KCONFIG.as_bytes()));
        let model = Model::parse("Kconfig", &files, &NoHost, Dialect::LINUX_6_1).0.expect("a tree");
        let origin = Span::new(Sources::new().add("r", ""), 0..0);
        let merged = |(symbol, value, priority): &(&str, &str, Priority)| {
            let value_of = Value { data: Data::Text((*value).to_owned()), span: origin };
            let won = Def { value: value_of, priority: *priority, optional: false, origin, when: None };
            let request = Request::fixed(*symbol, *value);
            let merged = MergedRequest { request, won: vec![won], lost: Vec::new(), because: None, overridden: None };
            ((*symbol).to_owned(), merged)
        };
        let requests: BTreeMap<String, MergedRequest> = requests.iter().map(merged).collect();
        let found = overruled(&model, &requests);
        let effective = effective(&requests, &found);
        assert_eq!(effective.len() + found.len(), requests.len());
        found.into_iter().map(|one| (one.request.symbol, one.winner.symbol)).collect()
    }

    #[test]
    fn the_higher_priority_has_the_choice() {
        let pair = |loser: &str, winner: &str| (loser.to_owned(), winner.to_owned());
        let (force, plain, default) = (Priority::FORCE, Priority::PLAIN, Priority::DEFAULT);
        assert_eq!(of(&[("A", "y", force), ("B", "y", plain)]), [pair("B", "A")]);
        assert_eq!(of(&[("A", "y", default), ("B", "y", plain), ("D", "y", force)]), [pair("A", "B")]);
        let all = [("A", "y", plain), ("B", "y", force), ("C", "y", default)];
        assert_eq!(of(&all), [pair("A", "B"), pair("C", "B")]);
        assert_eq!(of(&[("A", "m", plain), ("B", "y", force)]), [pair("A", "B")]);
        // Equal priorities contradict each other; several members may be `m`; `n` leaves the choice to others.
        assert_eq!(of(&[("A", "y", plain), ("B", "y", plain)]), []);
        assert_eq!(of(&[("A", "m", plain), ("B", "m", force)]), []);
        assert_eq!(of(&[("A", "n", force), ("B", "y", plain)]), []);
    }
}
