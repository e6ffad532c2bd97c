//! The pages of the codes: each has an example that kiln is run on, and shows what it printed.
//!
//! Under `## Example`, a fenced block whose info string is `LANGUAGE FILE` is a file to write, and a `console` block has
//! command lines (`$ kiln check`, or one for `sh`), each with its output. Files below `linux/` overlay a small tree,
//! and a `.ko` file is written by the testkit from its description ([`small_tree`]). `> /dev/null` drops a result.
//!
//! `UPDATE_EXPECT=1 cargo test -p kiln-cli code_pages` writes what kiln prints now into the pages and their copies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use kiln_diag::Code;

use crate::sandbox::Sandbox;
use crate::small_tree;

/// Codes whose finding no command can be made to print, and why.
const WITHOUT_COMMAND: &[(Code, &str)] = &[
    (
        Code::BadLoaderName,
        "a recipe with such a name is refused before, with the code `name`: a guard of `kiln_plan`'s own",
    ),
    (
        Code::DuplicateLoader,
        "the loaders of a recipe are a table, so that no two have one name: a guard of `kiln_service`'s own",
    ),
];

/// The replacements for `depmod` and `conf` print what these print, without codes.
const STAND_INS: &[&str] = &["$ kiln depmod ", "$ kiln kconfig "];

#[test]
fn every_example_is_what_kiln_prints() {
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let queue = Mutex::new(Code::ALL.iter());
    let faults = Mutex::new(Vec::new());
    let next = || queue.lock().expect("no page panics").next().copied();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(code) = next() {
                    let found = check(code, is_update);
                    faults.lock().expect("no page panics").extend(found.err().map(|fault| format!("{code}: {fault}")));
                }
            });
        }
    });
    let mut faults = faults.into_inner().expect("no page panics");
    faults.sort();
    assert!(faults.is_empty(), "{} pages are at fault:\n\n{}", faults.len(), faults.join("\n\n"));
}

/// Runs the example of one page; writes the page when that is requested.
fn check(code: Code, is_update: bool) -> Result<(), String> {
    let path = page_of(code);
    let page = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (start, rest) = page.split_once("## Example\n").ok_or("the page has no example")?;
    let (example, end) = rest.split_once("\n## ").ok_or("nothing follows the example")?;
    let severities = ["error", "warning", "note"];
    let is_shown = |text: &str| severities.iter().any(|severity| text.contains(&format!("\n{severity}[{code}]: ")));
    if WITHOUT_COMMAND.iter().any(|(listed, _)| *listed == code) {
        return match (example.contains("$ kiln "), is_shown(example)) {
            (true, _) => Err("the page has a command, and is listed as one that cannot have one".to_owned()),
            (_, false) => Err("the example does not show it".to_owned()),
            (false, true) => Ok(()),
        };
    }
    let printed = run(example)?;
    if !is_shown(&printed) && !STAND_INS.iter().any(|command| printed.contains(command)) {
        return Err(format!("the example does not print it:\n{printed}"));
    }
    if printed == example {
        return Ok(());
    }
    if !is_update {
        return Err(format!("stale (`UPDATE_EXPECT=1` writes it again); kiln prints:\n{printed}"));
    }
    let text = format!("{start}## Example\n{printed}\n## {end}");
    let copy = root().join(format!("docs/reference/codes/{code}.md"));
    [path, copy].iter().try_for_each(|path| fs::write(path, &text)).map_err(|error| error.to_string())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page_of(code: Code) -> PathBuf {
    root().join(format!("crates/diag/src/code/{code}.md"))
}

/// Writes the files of an example and runs its commands; returns the example with what they print.
fn run(example: &str) -> Result<String, String> {
    let sandbox = Sandbox::new();
    small_tree::write(&sandbox);
    let mut printed = String::new();
    let mut has_command = false;
    let mut lines = example.lines();
    while let Some(line) = lines.next() {
        printed += &format!("{line}\n");
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match info.split_once(' ') {
            None if info == "console" => {
                for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                    has_command |= command.starts_with("kiln ");
                    printed += &format!("$ {command}\n{}", output(&sandbox, command)?);
                }
            }
            None => return Err(format!("a block is `{info}`: neither a file nor `console`")),
            Some((_, name)) => {
                let text: String = block.iter().flat_map(|line| [line, "\n"]).collect();
                small_tree::write_file(&sandbox, name, &text)?;
                printed += &text;
            }
        }
        printed += "```\n";
    }
    if has_command { Ok(printed) } else { Err("the example has no command".to_owned()) }
}

/// Runs a command and returns what it prints, the errors first.
fn output(sandbox: &Sandbox, command: &str) -> Result<String, String> {
    let Some(args) = command.strip_prefix("kiln ") else {
        let done = Command::new("sh").args(["-ec", command]).current_dir(sandbox.path()).output();
        let done = done.map_err(|error| format!("cannot run sh: {error}"))?;
        let text = String::from_utf8_lossy(&[done.stderr, done.stdout].concat()).into_owned();
        return if done.status.success() { Ok(text) } else { Err(format!("`{command}` failed:\n{text}")) };
    };
    let (args, is_dropped) = match args.strip_suffix(" > /dev/null") {
        Some(args) => (args, true),
        None => (args, false),
    };
    let args: Vec<&str> = args.split(' ').collect();
    let ran = sandbox.kiln(&args);
    // A bug has status 70, and a process that was killed has none.
    if ran.code.is_none_or(|code| code >= 7) {
        return Err(format!("`kiln {}` ended badly:\n{}", args.join(" "), ran.block()));
    }
    let result = if is_dropped { String::new() } else { ran.stdout };
    let text = (ran.stderr + &result).replace("DIR/", "/path/to/");
    Ok(text.lines().map(|line| format!("{}\n", line.trim_end())).collect())
}
