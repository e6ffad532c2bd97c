//! Requests that cannot hold, and why.

use kiln_diag::{Code, Diagnostic};
use kiln_fix::Problem;
use kiln_kconfig::{Model, Place, Request};

use crate::why::{Cause, RequestContext, obstacles};

/// The number of sentences of a reason that are shown; `kiln why` shows all.
const N_CAUSES: usize = 8;

/// A request that cannot hold, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The request.
    pub request: Request,
    /// The requests that contradict it, each of which is needed for the contradiction; without any, it does not hold
    /// whatever else is requested.
    pub rivals: Vec<Request>,
    /// The symbols that the recipe's loaders need and that contradict it likewise.
    pub kept: Vec<String>,
    /// The reasons why it does not hold now.
    pub causes: Vec<Cause>,
    /// The variable of the environment that it needs and that is not set.
    pub variable: Option<String>,
    /// Whether no smaller set contradicts it.
    pub is_smallest: bool,
}

/// The kind of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Other requests contradict it.
    Contradiction,
    /// It would turn off what a loader needs.
    Loader,
    /// The host's tools decide it.
    Tool,
    /// It needs a variable of the environment.
    Environment,
    /// It needs something that exists for other architectures only.
    OtherArch,
    /// Nothing that can be requested turns on what it needs.
    Unreachable,
}

impl SetAside {
    pub(super) fn new(problem: &Problem<'_, '_>, one: &kiln_fix::SetAside, asked: &RequestContext<'_>) -> SetAside {
        let model = problem.now.model();
        let request = problem.requests[one.request].clone();
        let rivals: Vec<Request> = one.requests.iter().map(|index| problem.requests[*index].clone()).collect();
        let causes: Vec<Cause> = std::iter::once(&request)
            .chain(&rivals)
            .flat_map(|request| obstacles(problem.now, &request.symbol, &request.value, asked))
            .collect();
        let causes = relevant(causes, &rivals);
        let variable = Some(&causes).filter(|_| rivals.is_empty()).and_then(|causes| variable(model, causes));
        SetAside {
            request,
            rivals,
            kept: one.kept.iter().map(|symbol| model.name(*symbol).into_owned()).collect(),
            causes,
            variable,
            is_smallest: one.is_smallest,
        }
    }

    /// Returns the kind of the reason.
    pub fn reason(&self) -> Reason {
        if !self.rivals.is_empty() {
            Reason::Contradiction
        } else if !self.kept.is_empty() {
            Reason::Loader
        } else if self.causes.iter().any(|cause| cause.is_host) {
            Reason::Tool
        } else if self.variable.is_some() {
            Reason::Environment
        } else if self.causes.iter().any(|cause| !cause.arches.is_empty()) {
            Reason::OtherArch
        } else {
            Reason::Unreachable
        }
    }

    /// Returns the end of the message.
    fn because(&self) -> String {
        let arches = self.causes.iter().find(|cause| !cause.arches.is_empty()).map(|cause| cause.arches.join(", "));
        match (self.reason(), &self.variable, arches) {
            (Reason::Tool, ..) => ": this host's tools decide it".to_owned(),
            (Reason::Environment, Some(variable), _) => {
                format!(": it needs the environment variable `{variable}`, which is not set")
            }
            (Reason::OtherArch, _, Some(arches)) => format!(": what it needs exists only for {arches}"),
            _ => String::new(),
        }
    }

    /// Returns a finding that points at the request and at those that contradict it.
    pub fn diagnostic(&self) -> Diagnostic {
        let shown = |request: &Request| format!("`{} = {:?}`", request.symbol, request.value);
        let one = shown(&self.request);
        let mut all: Vec<&Request> = self.rivals.iter().chain([&self.request]).collect();
        all.sort_by_key(|request| request.origin.map_or(u32::MAX, |origin| origin.start));
        let loader = format!("{one} would turn off what the loaders need: {}", self.kept.join(", "));
        let message = match all.as_slice() {
            _ if !self.kept.is_empty() && self.rivals.is_empty() => loader,
            [_] => format!("no further requests make {one} hold{}", self.because()),
            [first @ .., last] => {
                let first: Vec<String> = first.iter().map(|request| shown(request)).collect();
                format!("{} and {} cannot hold together", first.join(", "), shown(last))
            }
            [] => String::new(),
        };
        let mut diagnostic = Diagnostic::error(Code::Contradiction, message);
        for request in all {
            diagnostic = diagnostic.label(request.origin, "requested here");
        }
        for cause in self.causes.iter().take(N_CAUSES) {
            diagnostic = diagnostic.note(cause.sentence());
        }
        if !self.kept.is_empty() && !self.rivals.is_empty() {
            diagnostic = diagnostic.note(format!("the loaders need {}", self.kept.join(", ")));
        }
        diagnostic
    }
}

impl Reason {
    /// Returns its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Contradiction => "contradiction",
            Reason::Loader => "loader",
            Reason::Tool => "tool",
            Reason::Environment => "environment",
            Reason::OtherArch => "otherArch",
            Reason::Unreachable => "unreachable",
        }
    }
}

/// Leaves out the parts of a reason that other requests would settle, where others are left: of a contradiction those
/// that do not name a rival, otherwise those for which one request is enough.
fn relevant(causes: Vec<Cause>, rivals: &[Request]) -> Vec<Cause> {
    let mut parts: Vec<Vec<Cause>> = Vec::new();
    for cause in &causes {
        match parts.last_mut() {
            Some(part) if cause.depth > 0 => part.push(cause.clone()),
            _ => parts.push(vec![cause.clone()]),
        }
    }
    let is_rival = |cause: &Cause| rivals.iter().any(|rival| Some(&rival.symbol) == cause.culprit.as_ref());
    let is_settled = |part: &Vec<Cause>| part[0].request.is_some() && !part[0].needs_more;
    parts.retain(|part| if rivals.is_empty() { !is_settled(part) } else { part.iter().any(is_rival) });
    if parts.is_empty() { causes } else { parts.concat() }
}

/// Returns the variable without a value that a line among the causes reads.
fn variable(model: &Model, causes: &[Cause]) -> Option<String> {
    let place = |text: &String| {
        let (file, line) = text.rsplit_once(':')?;
        Some(Place { file: file.into(), line: line.parse().ok()?, column: 1 })
    };
    let own = causes.iter().filter_map(|cause| cause.place.as_ref().and_then(place));
    let defaults = causes.iter().filter_map(|cause| model.find(cause.culprit.as_ref()?));
    let defaults = defaults.flat_map(|symbol| model.defaults(symbol).map(|default| default.place));
    let is_set = |name: &str| model.environment().any(|(known, value)| known == name && !value.is_empty());
    let mut read = own.chain(defaults).filter_map(|place| model.statement(&place)).flat_map(|line| names(&line));
    read.find(|name| !is_set(name))
}

/// Returns the variables in `$(NAME)` on a line; those of makefiles and of the environment have uppercase names.
fn names(line: &str) -> Vec<String> {
    let rests = line.match_indices("$(").map(|(at, _)| &line[at + 2..]);
    let name = |rest: &str| {
        let (name, _) = rest.split_once(')')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        (is_name && !name.is_empty()).then(|| name.to_owned())
    };
    rests.filter_map(name).collect()
}
