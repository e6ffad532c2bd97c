//! Checks whether the resolved config has what was requested.
//!
//! [`check`] takes the requests, the `.config` that Kconfig made of them, and the tree's declarations; it returns every
//! request whose *value* does not hold. [`Unmet::explain`] asks the engine why, which determines the kind;
//! [`Unmet::diagnostic`] turns it into a finding. So a recipe whose requests all hold costs nothing but the comparison.

use kiln_kconfig::{Config, Declaration, Declarations, Request, Type, Value};

use crate::why::Cause;

mod explain;
mod finding;
mod group;
mod history;
mod overruled;
mod past;

pub use explain::Known;
pub use group::{EmptyGroup, empty_groups};
pub use history::{Catalogue, Successor};
pub use overruled::{Overruled, effective, overruled};
pub use past::{CHANGES, Change, Fate};

/// A request that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The request.
    pub request: Request,
    /// Its resolved value, as in a `.config`; `None` when the symbol is off or absent.
    pub resolved: Option<String>,
    /// Where it is declared, when it is declared for the target architecture.
    pub declaration: Option<Declaration>,
    /// Why it does not hold.
    pub kind: UnmetKind,
    /// The causes that keep the symbol from the value, as [`Unmet::explain`] found them.
    pub obstacles: Vec<Cause>,
    /// Other requests that cause it, the most relevant first.
    pub rivals: Vec<Request>,
}

/// The evidence that a symbol has another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The tree keeps the old name for old configs (`transitional`), and the new one takes over its value.
    Transitional,
    /// Linux renamed it.
    History {
        /// The first version with the later of both names.
        version: &'static str,
        /// Whether the tree is from before the change, and the request has the later name.
        is_before: bool,
    },
    /// Another version that was resolved before has this prompt under the old name.
    Prompt {
        /// The prompt.
        prompt: String,
        /// The version.
        version: String,
    },
}

/// Why a request does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnmetKind {
    /// The tree declares no such symbol.
    UnknownSymbol {
        /// Declared symbols of similar names, the most similar first.
        nearest: Vec<String>,
        /// Whether a declared name differs from it in one letter at most, or in two swapped letters.
        is_spelled_alike: bool,
        /// The other version that has it, and where, in words.
        elsewhen: Option<String>,
    },
    /// The symbol goes by another name in this tree.
    Renamed {
        /// The new name.
        to: String,
        /// Where the new name is defined, as `file:line` in the tree.
        place: String,
        /// The evidence.
        evidence: Evidence,
    },
    /// The symbol is declared, but not for the target architecture.
    OtherArch {
        /// The directories below `arch/` whose Kconfig declares it, sorted.
        arches: Vec<String>,
        /// One of the places, as `file:line` in the tree.
        place: String,
    },
    /// The symbol's type has no such value.
    WrongType {
        /// The symbol's type.
        symbol_type: Type,
    },
    /// `m` was requested, and modules are off.
    NoModules,
    /// It has no prompt: only selects and defaults give it a value.
    NoPrompt,
    /// It is not visible: something that it depends on is too low.
    Dependency,
    /// `y` was requested, and something that it depends on is a module.
    LimitedToModule,
    /// Another symbol selects it.
    Selected,
    /// Another member of its choice is on, or it is the only one that can be.
    LostChoice {
        /// The choice's prompt.
        prompt: Option<String>,
        /// Where the choice starts, as `file:line` in the tree.
        place: String,
        /// The member that is on.
        chosen: Option<String>,
    },
    /// The number is outside of the range that holds.
    OutOfRange {
        /// The lowest value now.
        low: String,
        /// The highest value now.
        high: String,
        /// The line with its condition, each symbol with its value.
        line: String,
        /// The line's place, as `file:line` in the tree.
        place: String,
    },
    /// The compiler or another program of the host lacks what it needs.
    ToolFeature,
    /// Another request rules it out: the first of [`Unmet::rivals`].
    Conflict,
    /// The symbol resolved to something else, and none of the above explains it.
    Value,
}

/// The number of similar names that are offered.
const N_NEAREST: usize = 3;

/// Compares every request with the resolved config; the result is in the order of `requests`.
pub fn check(requests: &[Request], config: &Config, declarations: &Declarations) -> Vec<Unmet> {
    let modules = config.get("MODULES") == Some("y");
    let mut unmet = Vec::new();
    for request in requests {
        if let Some(kind) = check_one(request, config, declarations, modules) {
            unmet.push(Unmet {
                request: request.clone(),
                resolved: config.get(&request.symbol).map(str::to_owned),
                declaration: declarations.get(&request.symbol).cloned(),
                kind,
                obstacles: Vec::new(),
                rivals: Vec::new(),
            });
        }
    }
    unmet
}

fn check_one(request: &Request, config: &Config, declarations: &Declarations, modules: bool) -> Option<UnmetKind> {
    let resolved = config.get(&request.symbol);
    let off = request.value == "n" && matches!(resolved, None | Some("n"));
    let Some(declaration) = declarations.get(&request.symbol) else {
        // A symbol that does not exist is not set: `n` holds for it, here as in the seed.
        return if off { None } else { Some(absent(&request.symbol, declarations)) };
    };
    if off {
        return None;
    }
    let symbol_type = declaration.symbol_type;
    let Some(wanted) = Value::parse(&request.value, symbol_type) else {
        return Some(UnmetKind::WrongType { symbol_type });
    };
    // A bare `y` is for a bool; a text that looks like one has to be written with quotes.
    if symbol_type == Type::String && matches!(request.value.as_str(), "y" | "m" | "n") {
        return Some(UnmetKind::WrongType { symbol_type });
    }
    // Like `n` of a bool: a text that is absent is empty.
    if symbol_type == Type::String && resolved.is_none() && wanted == Value::Text(String::new()) {
        return None;
    }
    let got = resolved.and_then(|text| Value::parse(text, symbol_type));
    if got.as_ref() == Some(&wanted) {
        return None;
    }
    let wants_module = request.value == "m" && symbol_type == Type::Tristate;
    Some(if wants_module && !modules { UnmetKind::NoModules } else { UnmetKind::Value })
}

fn absent(symbol: &str, declarations: &Declarations) -> UnmetKind {
    let arches = declarations.arches(symbol);
    match declarations.elsewhere(symbol) {
        Some(declaration) if !arches.is_empty() => UnmetKind::OtherArch { arches, place: declaration.place() },
        _ => {
            let nearest = declarations.nearest(symbol, N_NEAREST);
            let is_spelled_alike = declarations.has_alike(symbol);
            UnmetKind::UnknownSymbol { nearest, is_spelled_alike, elsewhen: None }
        }
    }
}

#[cfg(test)]
mod tests;
