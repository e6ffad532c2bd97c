//! Requests that cannot hold, and why.

use kiln_diag::{Code, Diagnostic};
use kiln_fix::Problem;
use kiln_kconfig::Request;

use crate::why::{Asked, Cause, obstacles};

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
    /// What it needs exists for other architectures only.
    OtherArch,
    /// Nothing that can be requested turns on what it needs.
    Unreachable,
}

impl SetAside {
    pub(super) fn new(problem: &Problem<'_, '_>, one: &kiln_fix::SetAside) -> SetAside {
        let model = problem.now.model();
        let request = problem.requests[one.request].clone();
        let rivals: Vec<Request> = one.requests.iter().map(|index| problem.requests[*index].clone()).collect();
        let causes = std::iter::once(&request)
            .chain(&rivals)
            .flat_map(|request| obstacles(problem.now, &request.symbol, &request.value, &Asked::NOTHING))
            .collect();
        SetAside {
            request,
            rivals,
            kept: one.kept.iter().map(|symbol| model.name(*symbol).into_owned()).collect(),
            causes,
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
        } else if self.causes.iter().any(|cause| !cause.arches.is_empty()) {
            Reason::OtherArch
        } else {
            Reason::Unreachable
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
            [_] if self.reason() == Reason::Tool => {
                format!("no further requests make {one} hold: this host's tools decide it")
            }
            [_] => format!("no further requests make {one} hold"),
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
            Reason::OtherArch => "otherArch",
            Reason::Unreachable => "unreachable",
        }
    }
}
