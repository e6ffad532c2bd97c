//! A tree of recipe files in one string, evaluated.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kiln_diag::{Diagnostics, Severity, Sources};
use kiln_plan::evaluate::{Evaluation, Setting, evaluate};
use kiln_plan::{Arch, KernelVersion};
use kiln_recipe::{Fault, Found, Reader};

/// Files in memory; `kiln.toml` is the recipe.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// Splits a text at lines `#- PATH`; text before the first is `kiln.toml`.
    pub(crate) fn parse(text: &str) -> Files {
        let mut files = Files::default();
        let mut path = "kiln.toml".to_owned();
        for line in text.split_inclusive('\n') {
            match line.strip_prefix("#- ") {
                Some(name) => path = name.trim().to_owned(),
                None => files.files.entry(path.clone()).or_default().extend(line.as_bytes()),
            }
        }
        files
    }
}

impl Reader for Files {
    fn find(&self, dir: &str, name: &str) -> Result<Found, Fault> {
        let joined = if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                other => parts.push(other),
            }
        }
        let identity = parts.join("/");
        let dir = identity.rsplit_once('/').map(|(dir, _)| dir.to_owned()).unwrap_or_default();
        match self.files.contains_key(&identity) {
            true => Ok(Found { name: identity.clone(), identity, dir }),
            false => Err(Fault::new(format!("cannot find `{identity}`"))),
        }
    }

    fn read(&self, found: &Found) -> Result<Vec<u8>, Fault> {
        Ok(self.files[&found.identity].clone())
    }
}

/// Evaluates on an x86_64 host without a known kernel version.
pub(crate) fn evaluated(files: &dyn Reader) -> (Sources, Evaluation) {
    evaluated_for(files, None)
}

/// Evaluates for a source of the given version.
pub(crate) fn evaluated_for(files: &dyn Reader, version: Option<&str>) -> (Sources, Evaluation) {
    let setting = Setting {
        host: Arch::parse("x86_64").expect("known"),
        version: version.map(|text| KernelVersion::parse(text).expect("a version")),
    };
    let mut sources = Sources::new();
    let evaluation = evaluate("kiln.toml", files, &setting, &mut sources);
    (sources, evaluation)
}

/// Returns the findings, one paragraph each: code, message, option, places, remedies.
pub(crate) fn findings(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let mut out = String::new();
    for one in diagnostics {
        let severity = match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(out, "{severity}[{}]: {}", one.code, one.message);
        if let Some(option) = &one.option {
            let _ = writeln!(out, "  option {option}");
        }
        for label in &one.labels {
            let _ = writeln!(out, "  {} {}", sources.location(label.span), label.text);
        }
        for help in &one.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    // Editors strip trailing blanks, in snapshots too.
    out.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
