//! What a boot has proved.

use kiln_assembly::Provider;
use serde::{Deserialize, Serialize};

use crate::console::{Console, Finding, FindingKind, Line, LineSource, milliseconds};
use crate::machine::Machine;
use crate::program::{PlannedStep, Program, StepName};

mod requested;

/// The version of [`Verdict`]'s JSON.
pub const VERDICT_VERSION: u32 = 2;

/// The verdict, with everything that it is based on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// [`VERDICT_VERSION`].
    pub version: u32,
    /// Whether the guest went through all steps, none failed, and the kernel had no fault.
    pub ok: bool,
    /// Why not, the first cause first; empty when `ok`.
    pub reasons: Vec<Reason>,
    /// The machine's name.
    pub machine: String,
    /// The output of `uname -r`; `None` when the guest did not get there.
    pub release: Option<String>,
    /// How the boot ended.
    pub ended: Ended,
    /// Every planned step in order, reached or not.
    pub steps: Vec<Step>,
    /// What a person should see in the kernel's messages.
    pub findings: Vec<Finding>,
    /// Requests of the kernel to `modprobe` between the start of the first loader and the end of the checks that brought
    /// no module: in the guest, only loaders load modules.
    pub requested_modules: Vec<ModuleRequest>,
    /// The transcript.
    pub transcript: Vec<Line>,
    /// The number of lines that came after the transcript was full.
    pub dropped_lines: usize,
    /// How long the boot took.
    pub seconds: f64,
}

/// A module that the kernel requested in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleRequest {
    /// The module or alias, as the kernel spells it.
    pub name: String,
    /// The step at the end of which the request was known, as an index into `steps`; `None` before the first loader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// The modules that the build has for it; empty when it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<Provider>,
    /// The symbols that would build such a module, where the build has none and they are known; filled in by the caller
    /// that has the kernel's source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<String>,
}

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Ended {
    /// The guest reported that it had finished.
    Finished,
    /// The kernel panicked or halted.
    Died,
    /// The time was up.
    Deadline {
        /// The time that it had.
        seconds: f64,
    },
    /// QEMU ended without a last report from the guest.
    Exited {
        /// How QEMU ended, for people.
        status: String,
    },
}

/// One cause of a bad verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// The kernel panicked.
    Panic {
        /// The message.
        text: String,
    },
    /// The kernel survived a fault or a bug of its own.
    Fault {
        /// The message.
        text: String,
    },
    /// A step failed.
    StepFailed {
        /// Its index in `steps`.
        step: usize,
    },
    /// The time was up.
    Deadline {
        /// The time that the guest had.
        seconds: f64,
        /// The step that was running; `None` when it never started the first or had done all.
        step: Option<usize>,
        /// The last lines.
        last: Vec<String>,
    },
    /// The guest ended before it had finished.
    Ended {
        /// The step that was running.
        step: Option<usize>,
        /// The last lines.
        last: Vec<String>,
    },
    /// The kernel requested a module that a loader loads, and that is not loaded although the loader has started.
    NotLoaded {
        /// The request's index in `requested_modules`.
        request: usize,
        /// The module.
        module: String,
        /// The loader.
        loader: String,
    },
    /// The guest reported that it had finished, but a step has no report.
    NoReport {
        /// Its index in `steps`.
        step: usize,
    },
}

/// One step and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What was done.
    pub name: StepName,
    /// The loader concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// The module concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The check, the alias, the parameter or the other loader concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The outcome.
    pub outcome: Outcome,
    /// The guest's text about it; often empty.
    pub detail: String,
    /// The transcript's lines from the previous report up to this one's own: the output while it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<(usize, usize)>,
}

/// The outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Not as requested, but not a fault.
    Warned,
    /// Could not be checked.
    Skipped,
    /// Not as it should be.
    Failed,
    /// The guest did not get there.
    NotReached,
}

/// The number of last lines that a reason quotes.
const LAST_LINES: usize = 10;

/// Judges a boot that has ended.
pub fn judge(machine: &Machine, program: &Program, console: &Console, ended: Ended, seconds: f64) -> Verdict {
    let steps = steps(program, console);
    let panicked = console.findings().iter().any(|finding| finding.kind == FindingKind::Panic);
    let ended = match ended {
        _ if console.finished() => Ended::Finished,
        Ended::Deadline { .. } | Ended::Exited { .. } if panicked => Ended::Died,
        other => other,
    };
    let requested = requested::requests(program, console, &steps);
    let mut reasons = reasons(console, &steps, &ended);
    reasons.extend(requested::not_loaded(&requested, &steps));
    Verdict {
        version: VERDICT_VERSION,
        ok: reasons.is_empty(),
        reasons,
        machine: machine.name.to_owned(),
        release: release(&steps),
        ended,
        steps,
        findings: console.findings().to_vec(),
        requested_modules: requested,
        transcript: console.lines().to_vec(),
        dropped_lines: console.dropped(),
        seconds: milliseconds(seconds),
    }
}

fn release(steps: &[Step]) -> Option<String> {
    let step = steps.iter().find(|step| step.name == StepName::Release && step.outcome != Outcome::NotReached)?;
    Some(step.detail.clone())
}

fn steps(program: &Program, console: &Console) -> Vec<Step> {
    let mut first_line = 0;
    let step = |(number, planned): (usize, &PlannedStep)| {
        let report = console.report(number);
        let (mut outcome, mut detail) =
            report.map_or((Outcome::NotReached, String::new()), |report| (report.outcome, report.text.clone()));
        if let (StepName::Parameter, Outcome::Ok, Some(wanted)) = (planned.name, outcome, &planned.value) {
            (outcome, detail) = parameter(wanted, &detail);
        }
        if planned.name == StepName::Release && outcome == Outcome::Ok && detail != program.release {
            outcome = Outcome::Failed;
        }
        let lines = report.map(|report| {
            let range = (first_line.min(report.line), report.line);
            first_line = report.line + 1;
            range
        });
        let PlannedStep { name, loader, module, subject, .. } = planned.clone();
        Step { name, loader, module, subject, outcome, detail, lines }
    };
    program.steps.iter().enumerate().map(step).collect()
}

/// Compares a parameter's value with the requested one, as the kernel reads it.
///
/// A number that differs is only a warning: modules round them (nf_conntrack's `hashsize` to whole pages).
fn parameter(wanted: &str, found: &str) -> (Outcome, String) {
    let wanted = wanted.trim_matches('"');
    let says = format!("requested {wanted}, but the kernel reports {found}");
    let truth = |text: &str| match text {
        "1" | "y" | "Y" | "yes" | "on" | "true" => Some(true),
        "0" | "n" | "N" | "no" | "off" | "false" => Some(false),
        _ => None,
    };
    let same_truth = matches!(found, "Y" | "N") && truth(wanted).is_some() && truth(wanted) == truth(found);
    match (number(wanted), number(found)) {
        _ if wanted == found || same_truth => (Outcome::Ok, found.to_owned()),
        (Some(wanted), Some(found)) if wanted == found => (Outcome::Ok, found.to_string()),
        (Some(_), Some(_)) => (Outcome::Warned, says),
        // An array is shown with all its elements, also those that were not given.
        _ if found.starts_with(&format!("{wanted},")) => (Outcome::Ok, found.to_owned()),
        _ => (Outcome::Failed, says),
    }
}

/// Parses a number as the kernel's `kstrtoll` does: `0x` is base 16, a leading `0` base 8.
fn number(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(|value| sign * value)
}

fn reasons(console: &Console, steps: &[Step], ended: &Ended) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for finding in console.findings() {
        let text = finding.text.clone();
        match finding.kind {
            FindingKind::Panic => reasons.push(Reason::Panic { text }),
            FindingKind::Oops | FindingKind::Bug => reasons.push(Reason::Fault { text }),
            FindingKind::Stall | FindingKind::Crash | FindingKind::Warning => {}
        }
    }
    let failed = steps.iter().enumerate().filter(|(_, step)| step.outcome == Outcome::Failed);
    reasons.extend(failed.map(|(step, _)| Reason::StepFailed { step }));
    let missing = steps.iter().position(|step| step.outcome == Outcome::NotReached);
    match ended {
        Ended::Finished => {
            let missing = steps.iter().enumerate().filter(|(_, step)| step.outcome == Outcome::NotReached);
            reasons.extend(missing.map(|(step, _)| Reason::NoReport { step }));
        }
        Ended::Deadline { seconds } => {
            reasons.push(Reason::Deadline { seconds: *seconds, step: missing, last: last_words(console) });
        }
        Ended::Died if reasons.iter().any(|reason| matches!(reason, Reason::Panic { .. })) => {}
        Ended::Died | Ended::Exited { .. } => reasons.push(Reason::Ended { step: missing, last: last_words(console) }),
    }
    reasons
}

fn last_words(console: &Console) -> Vec<String> {
    let spoken = console.lines().iter().filter(|line| line.source != LineSource::Report);
    let mut last: Vec<String> = spoken.rev().take(LAST_LINES).map(|line| line.text.clone()).collect();
    last.reverse();
    last
}

#[cfg(test)]
mod tests;
