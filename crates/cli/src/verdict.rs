//! A boot's verdict as text for people.

use kiln_assembly::manifest::{LoaderEntry, Manifest};
use kiln_boot::{Line, LineSource, Outcome, Reason, Step, Verdict};

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
pub(crate) fn text(verdict: &Verdict, manifest: &Manifest) -> String {
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
    for wish in &verdict.wishes {
        let place = place(wish, manifest);
        text.push_str(&format!("note        the kernel requested a module that is missing: {wish}{place}\n"));
    }
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

/// Returns where the build has the module of this name; empty for an alias.
fn place(wish: &str, manifest: &Manifest) -> String {
    let name = wish.replace('-', "_");
    let has = |(_, loader): &(&String, &LoaderEntry)| loader.modules.iter().any(|module| module.name == name);
    if let Some((loader, _)) = manifest.loaders.iter().find(has) {
        return format!(" (it is in the result, for loader `{loader}`)");
    }
    if manifest.left_out.contains(&name) {
        return format!(" (it is built and in no loader: add `{name}` to the `targets` of one)");
    }
    String::new()
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
        Reason::NoReport { step: index } => format!("step `{}` reported nothing", step(index)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requested_module_is_looked_up_in_the_build() {
        let json = r#"{ "version": 1, "kiln": "0", "requests": {}, "firmware": {}, "leftOut": ["nls_cp437"],
            "kernel": { "release": "6.12.1", "arch": "x86_64", "machine": "x86_64", "modular": true, "source": "",
                        "toolchain": [], "keys": {}, "images": [] },
            "loaders": { "fat": { "targets": [], "dependencies": [], "builtin": [], "modules": [
                { "name": "vfat", "path": "vfat.ko", "size": 1, "loaded": true, "because": [] }] } },
            "sizes": { "modules": 1, "moduleBytes": 1, "allModules": 2, "allModuleBytes": 2 } }"#;
        let manifest = Manifest::from_json(json).expect("a manifest");
        assert_eq!(
            place("nls-cp437", &manifest),
            " (it is built and in no loader: add `nls_cp437` to the `targets` of one)"
        );
        assert_eq!(place("vfat", &manifest), " (it is in the result, for loader `fat`)");
        assert_eq!(place("nft-chain-2-nat", &manifest), "");
    }
}
