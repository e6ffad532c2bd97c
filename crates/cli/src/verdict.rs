//! A boot's verdict as text for people.

use kiln_assembly::Provider;
use kiln_boot::{Line, LineSource, ModuleRequest, Outcome, Reason, Step, Verdict};
use kiln_modgraph::fold;

/// The number of last lines of a bad boot that are shown.
const LAST: usize = 40;

/// Formats one line of a transcript file, with its newline.
pub(crate) fn transcript_line(line: &Line) -> String {
    let source = match line.source {
        LineSource::Kernel => "kernel",
        LineSource::Guest => "guest ",
        LineSource::Report => "report",
        LineSource::Qemu => "qemu  ",
    };
    format!("{:8.3} {source} {}\n", line.seconds, line.text)
}

/// Formats every step, then the verdict; a bad one has its reasons and the end of the transcript.
pub(crate) fn text(verdict: &Verdict) -> String {
    let mut text = String::new();
    for step in &verdict.steps {
        text.push_str(&format!("{:11} {}", word(step.outcome), title(step)));
        if !step.detail.is_empty() {
            text.push_str(&format!(": {}", step.detail));
        }
        text.push('\n');
        if let (Some((from, to)), true) = (step.lines, shows_lines(step)) {
            for line in verdict.transcript.get(from..to).unwrap_or_default() {
                if line.source == LineSource::Guest {
                    text.push_str(&format!("            | {}\n", line.text));
                }
            }
        }
    }
    verdict.requested_modules.iter().for_each(|request| text.push_str(&note(verdict, request)));
    if !verdict.ok {
        text.push_str("\nthe console's last lines:\n");
        let from = verdict.transcript.len().saturating_sub(LAST);
        verdict.transcript[from..].iter().for_each(|line| text.push_str(&transcript_line(line)));
        text.push('\n');
        verdict.reasons.iter().for_each(|reason| text.push_str(&format!("reason: {}\n", reason_text(verdict, reason))));
    }
    let release = verdict.release.as_deref().unwrap_or("of unknown release");
    let good = verdict.steps.iter().filter(|step| matches!(step.outcome, Outcome::Ok | Outcome::Warned)).count();
    text.push_str(&format!(
        "verdict: {}: Linux {release} on {}, {good} of {} steps in {:.1} s\n",
        if verdict.ok { "good" } else { "bad" },
        verdict.machine,
        verdict.steps.len(),
        verdict.seconds
    ));
    text
}

/// Returns a note on a module that the kernel requested in vain.
fn note(verdict: &Verdict, request: &ModuleRequest) -> String {
    let name = &request.name;
    let step = request.step.and_then(|step| verdict.steps.get(step));
    let step = step.map(|step| format!(" by the end of step `{}`", title(step))).unwrap_or_default();
    let named = |module: &str| if fold(name) == module { "it".to_owned() } else { format!("`{module}`") };
    let places: Vec<String> = request
        .providers
        .iter()
        .map(|provider| match provider {
            Provider::Loader { module, loader, loaded: true } => {
                format!("loader `{loader}` loads {}: let the services that need it depend on `{loader}`", named(module))
            }
            Provider::Loader { module, loader, loaded: false } => format!(
                "{} is in the result for loader `{loader}`, which leaves it to modprobe: the device loads it where the \
                 kernel can run modprobe; to load it always, add it to the loader's `targets`",
                named(module)
            ),
            Provider::LeftOut { module } => {
                format!("{} is built and in no loader: add `{module}` to the `targets` of one", named(module))
            }
        })
        .collect();
    let place = match (places.is_empty(), &request.symbols[..]) {
        (false, _) => places.join("; "),
        (true, []) => "no module of the build has this name or alias".to_owned(),
        (true, symbols) => {
            let lines: Vec<String> = symbols.iter().map(|symbol| format!("`{symbol} = \"m\"`")).collect();
            format!("it is not built: {} and a loader would bring it", lines.join(" or "))
        }
    };
    format!("note        the kernel requested the module `{name}`{step}, which was not loaded: {place}\n")
}

/// The output of a script is why the user wrote it; of the other steps only a failure is of interest.
fn shows_lines(step: &Step) -> bool {
    step.name == kiln_boot::StepName::Check || matches!(step.outcome, Outcome::Failed | Outcome::Warned)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Warned => "warned",
        Outcome::Skipped => "skipped",
        Outcome::Failed => "failed",
        Outcome::NotReached => "not reached",
    }
}

fn title(step: &Step) -> String {
    let name =
        serde_json::to_value(step.name).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    let parts = [&step.loader, &step.module, &step.subject];
    parts.into_iter().flatten().fold(name, |text, part| format!("{text} {part}"))
}

fn reason_text(verdict: &Verdict, reason: &Reason) -> String {
    let step = |index: &usize| verdict.steps.get(*index).map(title).unwrap_or_default();
    let busy =
        |index: &Option<usize>| index.as_ref().map(|index| format!(" in step `{}`", step(index))).unwrap_or_default();
    match reason {
        Reason::Panic { text } => format!("the kernel panicked: {text}"),
        Reason::Fault { text } => format!("the kernel reported an error: {text}"),
        Reason::StepFailed { step: index } => format!("step `{}` failed", step(index)),
        Reason::Deadline { seconds, step, last } => {
            format!("the guest did not end within {seconds:.0} s{}; its last lines: {}", busy(step), last.join(" / "))
        }
        Reason::Ended { step, last } => {
            format!("the guest ended too early{}; its last lines: {}", busy(step), last.join(" / "))
        }
        Reason::NotLoaded { request, module, loader } => {
            let name = verdict.requested_modules.get(*request).map_or("", |request| &request.name);
            format!("the kernel requested `{name}`, and loader `{loader}` had not loaded `{module}`")
        }
        Reason::NoReport { step: index } => format!("step `{}` reported nothing", step(index)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_where_a_requested_module_is() {
        let verdict: Verdict = serde_json::from_str(
            r#"{ "version": 2, "ok": true, "reasons": [], "machine": "q35", "release": "6.12.1",
                 "ended": { "how": "finished" }, "findings": [], "transcript": [], "droppedLines": 0, "seconds": 1.0,
                 "steps": [{ "name": "check", "subject": "mount", "outcome": "ok", "detail": "" }],
                 "requestedModules": [
                     { "name": "nls-cp437", "step": 0, "providers": [{ "place": "left-out", "module": "nls_cp437" }] },
                     { "name": "fs-vfat", "providers": [
                         { "place": "loader", "module": "vfat", "loader": "fat", "loaded": true }] },
                     { "name": "nft-chain-2-nat", "symbols": ["NFT_NAT"] }, { "name": "no-such" }] }"#,
        )
        .expect("a verdict");
        let notes: String = verdict.requested_modules.iter().map(|request| note(&verdict, request)).collect();
        expect_test::expect![[r#"
            note        the kernel requested the module `nls-cp437` by the end of step `check mount`, which was not loaded: it is built and in no loader: add `nls_cp437` to the `targets` of one
            note        the kernel requested the module `fs-vfat`, which was not loaded: loader `fat` loads `vfat`: let the services that need it depend on `fat`
            note        the kernel requested the module `nft-chain-2-nat`, which was not loaded: it is not built: `NFT_NAT = "m"` and a loader would bring it
            note        the kernel requested the module `no-such`, which was not loaded: no module of the build has this name or alias
        "#]].assert_eq(&notes);
    }
}
