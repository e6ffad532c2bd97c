//! Whether what was requested is what came out.
//!
//! Takes the requests, the `.config` that the kernel's own Kconfig made of them, and what the tree declares; gives every
//! request whose *value* does not hold, with the kind of reason, and turns them into findings on demand. What keeps a
//! symbol from its value comes from the engine, where there is one to ask ([`Unmet::explain`]).

use std::collections::BTreeMap;

use kiln_diag::{Diagnostic, Severity, Span};
use kiln_kconfig::Evaluation;

use crate::why::{Cause, obstacles};

mod declaration;
mod value;

pub use declaration::{Declaration, Declarations, SymbolType};
pub use value::Value;

/// How many sentences of a reason are shown; `kiln why` has all.
const N_OBSTACLES: usize = 8;

/// A definition under `kernel.config`, as merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value as it was written: `y`, `m`, `n`, a number, a bare or quoted string.
    pub value: String,
    /// Whether it may stay unmet, and is then only reported.
    pub optional: bool,
    /// Where it was written; `None` for what kiln itself asks for.
    pub origin: Option<Span>,
}

/// What a `.config` says of each symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigValues {
    values: BTreeMap<String, String>,
}

/// A request that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What was asked for.
    pub request: Request,
    /// Why it does not hold.
    pub kind: UnmetKind,
    /// What keeps the symbol from the value, as [`Unmet::explain`] found it.
    pub obstacles: Vec<Cause>,
}

/// Why a request does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnmetKind {
    /// The tree declares no such symbol.
    UnknownSymbol {
        /// Declared symbols of similar names, the most similar first.
        nearest: Vec<String>,
    },
    /// The symbol is declared, but not for the architecture that is built.
    OtherArch {
        /// The folders below `arch/` whose Kconfig declares it, sorted.
        arches: Vec<String>,
        /// One of the places, as `file:line` in the tree.
        place: String,
    },
    /// The symbol's type has no such value.
    WrongType {
        /// The symbol's type.
        symbol_type: SymbolType,
        /// Where it is declared.
        declaration: Declaration,
    },
    /// `m` was asked for, and modules are off.
    NoModules,
    /// `m` was asked for and the symbol is built in: a default or another symbol's `select` wants it.
    Raised {
        /// Where it is declared.
        declaration: Declaration,
    },
    /// The symbol resolved to something else.
    Value {
        /// What it resolved to, as in a `.config`; `None` when the symbol is off or not there at all.
        resolved: Option<String>,
        /// Where it is declared.
        declaration: Declaration,
    },
}

/// How many similar names are offered.
const N_NEAREST: usize = 3;

/// Compares every request with what came out; the result is in the order of `requests`.
pub fn check(requests: &[Request], config: &ConfigValues, declarations: &Declarations) -> Vec<Unmet> {
    let modules = config.get("MODULES") == Some("y");
    let mut unmet = Vec::new();
    for request in requests {
        if let Some(kind) = check_one(request, config, declarations, modules) {
            unmet.push(Unmet { request: request.clone(), kind, obstacles: Vec::new() });
        }
    }
    unmet
}

impl ConfigValues {
    /// Reads a `.config`; lines that are not assignments are passed over.
    pub fn parse(text: &str) -> ConfigValues {
        let assignment = |line: &str| {
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        ConfigValues { values: text.lines().filter_map(assignment).collect() }
    }

    /// The value as it is written in the `.config`, strings with their quotes; `None` when off or not there.
    pub fn get(&self, symbol: &str) -> Option<&str> {
        self.values.get(symbol).map(String::as_str)
    }

    /// All symbols that are not off, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// From symbols that are not off and their values.
impl FromIterator<(String, String)> for ConfigValues {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> ConfigValues {
        ConfigValues { values: values.into_iter().collect() }
    }
}

impl Unmet {
    /// Puts it into words; an optional request gives a note, any other an error.
    ///
    /// `place` finds the [`Span`] of `(file, line)` of the tree, when its text is at hand.
    pub fn diagnostic(&self, place: &dyn Fn(&str, u32) -> Option<Span>) -> Diagnostic {
        let Unmet { request, kind, obstacles } = self;
        let (symbol, value) = (&request.symbol, &request.value);
        let severity = if request.optional { Severity::Note } else { Severity::Error };
        let mut diagnostic = Diagnostic {
            severity,
            ..Diagnostic::error(kind.code(), kind.message(symbol, value))
                .option(format!("kernel.config.{symbol}"))
                .label(request.origin, "asked for here")
        };
        if let Some(declaration) = kind.declaration() {
            match place(&declaration.file, declaration.line) {
                Some(span) => diagnostic = diagnostic.label(span, "declared here"),
                None => diagnostic = diagnostic.help(format!("it is declared at {}", declaration.place())),
            }
        }
        for obstacle in obstacles.iter().take(N_OBSTACLES) {
            diagnostic = diagnostic.help(obstacle.sentence());
        }
        for help in kind.help(request, !obstacles.is_empty()) {
            diagnostic = diagnostic.help(help);
        }
        diagnostic
    }

    /// Takes from the engine what keeps the symbol from the value.
    pub fn explain(&mut self, evaluation: &Evaluation<'_>) {
        if matches!(self.kind, UnmetKind::Raised { .. } | UnmetKind::Value { .. }) {
            self.obstacles = obstacles(evaluation, &self.request.symbol, &self.request.value);
        }
    }
}

impl UnmetKind {
    /// The stable name of this kind of finding.
    pub fn code(&self) -> &'static str {
        match self {
            UnmetKind::UnknownSymbol { .. } => "unknown-symbol",
            UnmetKind::OtherArch { .. } => "other-arch-symbol",
            UnmetKind::WrongType { .. } => "wrong-type",
            UnmetKind::NoModules | UnmetKind::Raised { .. } | UnmetKind::Value { .. } => "unmet-request",
        }
    }

    fn message(&self, symbol: &str, value: &str) -> String {
        match self {
            UnmetKind::UnknownSymbol { .. } => format!("this kernel has no symbol `{symbol}`"),
            UnmetKind::OtherArch { arches, .. } => {
                format!("`{symbol}` exists only for {}", listed(arches.iter().map(|arch| format!("`{arch}`"))))
            }
            UnmetKind::WrongType { symbol_type, .. } => {
                format!("`{symbol}` is {symbol_type} and cannot be `{value}`")
            }
            UnmetKind::NoModules => format!("`{symbol}` cannot be `m` while `MODULES` is off"),
            UnmetKind::Raised { .. } => format!("`{symbol}` was asked to be `m` and came out as `y`"),
            UnmetKind::Value { resolved: None, .. } => {
                format!("`{symbol}` was asked to be `{value}` and came out unset")
            }
            UnmetKind::Value { resolved: Some(resolved), .. } => {
                format!("`{symbol}` was asked to be `{value}` and came out as `{resolved}`")
            }
        }
    }

    fn declaration(&self) -> Option<&Declaration> {
        match self {
            UnmetKind::WrongType { declaration, .. }
            | UnmetKind::Raised { declaration }
            | UnmetKind::Value { declaration, .. } => Some(declaration),
            UnmetKind::UnknownSymbol { .. } | UnmetKind::OtherArch { .. } | UnmetKind::NoModules => None,
        }
    }

    /// `is_explained` says that the reason stands above already.
    fn help(&self, request: &Request, is_explained: bool) -> Vec<String> {
        let symbol = &request.symbol;
        match self {
            UnmetKind::UnknownSymbol { nearest } if nearest.is_empty() => Vec::new(),
            UnmetKind::UnknownSymbol { nearest } => {
                vec![format!("did you mean {}?", alternatives(nearest.iter().map(|name| format!("`{name}`"))))]
            }
            UnmetKind::OtherArch { place, arches } => {
                let arch = arches.first().map_or("", String::as_str);
                vec![
                    format!("it is declared at {place}"),
                    format!("move it under `[when.'arch = \"{arch}\"'.kernel.config]`"),
                ]
            }
            UnmetKind::WrongType { symbol_type, .. } => vec![symbol_type.hint().to_owned()],
            UnmetKind::NoModules => vec![
                "set `MODULES = \"y\"`".to_owned(),
                "or set `kernel.modular = false`, which builds what is `m` into the kernel".to_owned(),
            ],
            UnmetKind::Raised { .. } => {
                let who = if is_explained { "" } else { "something that is built in selects it: " };
                vec![
                    format!("{who}ask for `{symbol} = \"y\"`"),
                    format!("or allow it: `{symbol} = {{ value = \"m\", optional = true }}`"),
                ]
            }
            UnmetKind::Value { resolved, declaration } if !is_explained => {
                value_help(resolved.as_deref(), declaration, request)
            }
            UnmetKind::Value { .. } => vec![allowing(request)],
        }
    }
}

fn check_one(
    request: &Request,
    config: &ConfigValues,
    declarations: &Declarations,
    modules: bool,
) -> Option<UnmetKind> {
    let resolved = config.get(&request.symbol);
    let off = request.value == "n" && matches!(resolved, None | Some("n"));
    let Some(declaration) = declarations.get(&request.symbol) else {
        // What does not exist is not set: `n` holds for it, here as in the seed.
        return if off { None } else { Some(absent(&request.symbol, declarations)) };
    };
    if off {
        return None;
    }
    let symbol_type = declaration.symbol_type;
    let Some(wanted) = Value::parse(&request.value, symbol_type) else {
        return Some(UnmetKind::WrongType { symbol_type, declaration: declaration.clone() });
    };
    let got = resolved.and_then(|text| Value::parse(text, symbol_type));
    if got.as_ref() == Some(&wanted) {
        return None;
    }
    let declaration = declaration.clone();
    Some(match (request.value.as_str(), resolved) {
        ("m", Some("y")) if symbol_type == SymbolType::Tristate && modules => UnmetKind::Raised { declaration },
        ("m", _) if symbol_type == SymbolType::Tristate && !modules => UnmetKind::NoModules,
        _ => UnmetKind::Value { resolved: resolved.map(str::to_owned), declaration },
    })
}

fn absent(symbol: &str, declarations: &Declarations) -> UnmetKind {
    let arches = declarations.arches(symbol);
    match declarations.elsewhere(symbol) {
        Some(declaration) if !arches.is_empty() => UnmetKind::OtherArch { arches, place: declaration.place() },
        _ => UnmetKind::UnknownSymbol { nearest: declarations.nearest(symbol, N_NEAREST) },
    }
}

fn value_help(resolved: Option<&str>, declaration: &Declaration, request: &Request) -> Vec<String> {
    let symbol = &request.symbol;
    let mut help = Vec::new();
    if declaration.prompt.is_none() {
        help.push(
            "it has no prompt, so it cannot be set directly: only a default or another symbol's `select` sets it"
                .into(),
        );
    }
    let wants_off = request.value == "n";
    if !declaration.depends.is_empty() && !wants_off {
        help.push(format!("its own entry says: depends on {}", declaration.depends.join(" && ")));
    }
    if wants_off {
        help.push("something that is on selects it, or it has no prompt where this configuration can see it".into());
    }
    let lower = matches!((request.value.as_str(), resolved), ("y", Some("m")));
    if lower {
        help.push(format!("something it depends on is `m`: make that `y`, or ask for `{symbol} = \"m\"`"));
    }
    help.push(allowing(request));
    help
}

fn allowing(request: &Request) -> String {
    format!("or allow it: `{} = {{ value = {:?}, optional = true }}`", request.symbol, request.value)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    joined(names.collect(), "and")
}

fn alternatives(names: impl Iterator<Item = String>) -> String {
    joined(names.collect(), "or")
}

fn joined(mut names: Vec<String>, word: &str) -> String {
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} {word} {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
