//! Finds the first real error in the output of a build.
//!
//! With several jobs the last line is about whatever was still running, and the first line that looks like an error may
//! be a probe that was meant to fail. So the search begins at the first `make: *** …`, goes back over the lines of
//! that one target (which `--output-sync` keeps together), and takes the first of them that looks like an error of a
//! compiler, assembler, linker or one of the kernel's own tools.

use std::fmt;

use crate::doctor::Missing;
use crate::toolchain::Target;

/// The error of a failed build, according to its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of error.
    pub kind: FailureKind,
    /// The file that was being made, in the output directory, when `make` named it.
    pub target: Option<String>,
    /// The line that describes the error best.
    pub headline: String,
    /// That line with the surrounding lines that belong to it.
    pub context: Vec<String>,
}

/// Kinds of errors in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// A compiler or assembler rejected a source.
    Compiler,
    /// The linker failed.
    Linker,
    /// The kernel's check of module symbols failed.
    Modpost,
    /// `make` has no rule to make a file.
    NoRule,
    /// A program is not installed.
    MissingProgram(String),
    /// A header of the host's is not installed.
    MissingHeader(String),
    /// A disk is full.
    NoSpace,
    /// The system killed a process, for example for lack of memory.
    Killed,
    /// Anything else.
    Other,
}

/// The maximum numbers of lines around the headline that are kept, before and after.
const N_BEFORE: usize = 6;
const N_AFTER: usize = 8;

/// Finds the first error in the lines of a build that failed.
///
/// There is always a result: without any known sign, the last lines.
pub fn find(lines: &[String]) -> Failure {
    let Some(end) = lines.iter().position(|line| is_make_error(line)) else { return without_make(lines) };
    let start = lines[..end].iter().rposition(|line| is_progress(line) || is_make_error(line)).unwrap_or(0);
    let target = make_target(&lines[end]);
    let group = start..end + 1;
    let signs = || group.clone().filter_map(|index| Some((index, classify(&lines[index])?)));
    let known = signs()
        .find(|(_, kind)| *kind != FailureKind::Other)
        // A script (link-vmlinux.sh) prints its own progress between an error's lines and the end of its target.
        .or_else(|| earlier(lines, start, end))
        .or_else(|| signs().next());
    let (index, kind) = known.unwrap_or_else(|| (said_last(lines, group.clone()).unwrap_or(end), FailureKind::Other));
    Failure { context: context(lines, index), headline: lines[index].trim().to_owned(), kind, target }
}

impl Failure {
    /// Returns what the host lacks, when that is the error.
    pub fn missing(&self, target: &Target) -> Option<Missing> {
        match &self.kind {
            FailureKind::MissingProgram(name) => Some(Missing::program(name, target)),
            FailureKind::MissingHeader(name) => Missing::header(name),
            _ => None,
        }
    }
}

/// Writes the lines, each on its own line, to follow a sentence.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(target) = &self.target {
            write!(f, " while making {target}")?;
        }
        self.context.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

/// Returns the object of a line that Kbuild prints when it makes something (`net/a.o` for `  CC [M]  net/a.o`).
pub(crate) fn progress_object(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
    let (verb, rest) = rest.split_once(' ')?;
    let is_verb = verb.len() > 1
        && verb.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_+-".contains(&byte));
    let object = rest.trim_start().strip_prefix("[M]").unwrap_or(rest).trim();
    (is_verb && !object.is_empty() && !object.contains(' ')).then_some(object)
}

fn is_progress(line: &str) -> bool {
    progress_object(line).is_some()
}

/// Whether the line is an error of `make` itself: `make[2]: *** …` or `Makefile:12: *** …`.
fn is_make_error(line: &str) -> bool {
    let Some((place, _)) = line.split_once(": *** ") else { return false };
    !place.contains(' ') || place.starts_with("make")
}

/// Returns the target in `make[2]: *** [scripts/Makefile.build:229: net/a.o] Error 1`.
fn make_target(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("*** [")?;
    let (inner, _) = rest.split_once(']')?;
    let target = inner.rsplit(": ").next()?;
    Some(target.to_owned())
}

/// Returns the kind of error in a line; `None` when it has none.
fn classify(line: &str) -> Option<FailureKind> {
    if let Some(name) = missing_program(line) {
        return Some(FailureKind::MissingProgram(name));
    }
    if line.contains("No space left on device") {
        return Some(FailureKind::NoSpace);
    }
    if line.contains("Killed signal terminated program")
        || line.trim_end().ends_with(": Killed")
        || line.trim() == "Killed"
    {
        return Some(FailureKind::Killed);
    }
    if line.contains("*** No rule to make target") {
        return Some(FailureKind::NoRule);
    }
    if line.starts_with("ERROR: modpost:") || line.starts_with("FATAL: modpost:") {
        return Some(FailureKind::Modpost);
    }
    if let Some(header) = missing_header(line) {
        return Some(FailureKind::MissingHeader(header));
    }
    if LINKER.iter().any(|sign| line.contains(sign)) {
        return Some(FailureKind::Linker);
    }
    if COMPILER.iter().any(|sign| line.contains(sign)) || line.starts_with("error:") {
        return Some(FailureKind::Compiler);
    }
    let told = ["ERROR:", "Error:", "FATAL:", "FAILED", "*** "].iter().any(|sign| line.starts_with(sign));
    (told || (!line.starts_with("make") && is_make_error(line)) || is_at_place(line)).then_some(FailureKind::Other)
}

const LINKER: &[&str] = &[
    ": undefined reference to ",
    ": multiple definition of ",
    "undefined symbol: ",
    "ld: cannot find ",
    "ld: error: ",
    "ld: unrecognized option",
    "relocation truncated to fit",
    ": final link failed",
    "failed to convert GOTPCREL",
    "does not fit in region",
    "will not fit in region",
    "section .data VMA",
];
const COMPILER: &[&str] = &[": error:", ": fatal error:", ": internal compiler error:", ": Error: ", "error: objtool:"];

/// Returns the program that a shell, `make`, `env` or Kconfig did not find.
fn missing_program(line: &str) -> Option<String> {
    let plain = |name: &str| {
        let name = name.trim().trim_matches(['\'', '‘', '’', '`', '"']);
        let ok = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-/".contains(c));
        (ok && !name.contains('/')).then(|| name.to_owned())
    };
    for end in [": not found", ": command not found"] {
        if let Some(front) = line.trim_end().strip_suffix(end) {
            return plain(front.rsplit(": ").next()?);
        }
    }
    if let Some(front) = line.trim_end().strip_suffix(": No such file or directory") {
        let (caller, name) = front.rsplit_once(": ")?;
        return if caller.starts_with("make") || caller == "env" || caller == "/usr/bin/env" {
            plain(name)
        } else {
            None
        };
    }
    for start in ["C compiler '", "linker '"] {
        if let Some((_, rest)) = line.split_once(start) {
            return plain(rest.strip_suffix("' not found")?);
        }
    }
    None
}

/// Returns the header of the host that was not found. For a header of the kernel's own, the error is the compiler's.
fn missing_header(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("fatal error: ")?;
    let name = rest.trim().strip_suffix(": No such file or directory")?;
    Missing::header(name).map(|_| name.to_owned())
}

/// Whether the line begins with `file:12:`, as Kconfig's own errors do.
fn is_at_place(line: &str) -> bool {
    let mut parts = line.splitn(3, ':');
    let (Some(file), Some(number), Some(text)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    numbered && !file.is_empty() && !file.contains(' ') && !text.contains("warning:")
}

/// Returns the first known sign before the failed target's lines, for scripts whose progress lines split them.
fn earlier(lines: &[String], start: usize, end: usize) -> Option<(usize, FailureKind)> {
    let from = lines[..start].iter().rposition(|line| is_make_error(line)).map_or(0, |index| index + 1);
    (from..end).find_map(|index| {
        let kind = classify(&lines[index]).filter(|kind| *kind != FailureKind::Other)?;
        // Probes for programs are part of a normal build, and print such lines all the time.
        (!matches!(kind, FailureKind::MissingProgram(_))).then_some((index, kind))
    })
}

/// Returns the last line of the group that is neither progress nor `make`'s own.
fn said_last(lines: &[String], group: std::ops::Range<usize>) -> Option<usize> {
    group
        .rev()
        .find(|&index| !is_make_error(&lines[index]) && !is_progress(&lines[index]) && !lines[index].trim().is_empty())
}

fn without_make(lines: &[String]) -> Failure {
    let known = lines.iter().enumerate().find_map(|(index, line)| Some((index, classify(line)?)));
    let last = lines.iter().rposition(|line| !line.trim().is_empty());
    match known.or_else(|| last.map(|index| (index, FailureKind::Other))) {
        None => Failure { kind: FailureKind::Other, target: None, headline: "no output".into(), context: Vec::new() },
        Some((index, kind)) => {
            Failure { kind, target: None, headline: lines[index].trim().to_owned(), context: context(lines, index) }
        }
    }
}

/// Returns the line with those that belong to it: the chain of includes, the function, the source line and the notes.
fn context(lines: &[String], index: usize) -> Vec<String> {
    let stops = |line: &String| is_progress(line) || is_make_error(line);
    let first =
        (index.saturating_sub(N_BEFORE)..index).rev().take_while(|&at| !stops(&lines[at])).last().unwrap_or(index);
    let behind = lines[index + 1..].iter().take(N_AFTER).take_while(|line| !stops(line)).count();
    lines[first..index + 1 + behind].to_vec()
}

#[cfg(test)]
mod tests;
