//! Runs `tests/cases/*.case`; the expectation of each is in a file `.out` next to it, which `UPDATE_EXPECT=1` rewrites.
//!
//! A case is a tree in one text: `#- NAME` starts a file, `#- run MODE [VARIABLE=VALUE…]` ends it and starts a run. The
//! outputs were recorded from Linux 6.12's own `conf`, those of `run-6.1` from Linux 6.1's, those of `run-4.20` from the
//! `conf` of U-Boot 2023.01, which is that of Linux 4.20, those of `run-2.6.16` from BusyBox 1.35's, whose heading and
//! whose dialogue on standard output are not imitated. The configs of `run-5.10` are those of barebox, U-Boot and Xen, of
//! `run-4.17` Buildroot's, of `run-3.14` uClibc-ng's. `ANSWERS` is what is typed, with `|` for a newline.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use kiln_kconfig::{Dialect, Files, Host, InChoice, Mode, Model, ShortText, run};

struct Machine(BTreeMap<String, String>);

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|value| value.clone().into_bytes())
    }

    /// A shell that knows `echo`, `printf` and nothing else.
    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        let command = String::from_utf8_lossy(command);
        let (program, rest) = command.split_once(' ').unwrap_or((&command, ""));
        match program {
            "echo" => Ok(format!("{rest}\n").into_bytes()),
            "printf" => Ok(rest.trim_matches('\'').replace("\\n", "\n").into_bytes()),
            "true" | "false" => Ok(Vec::new()),
            other => Err(format!("{other} is not known here")),
        }
    }
}

/// The files of a case.
struct Texts<'a>(&'a BTreeMap<String, Vec<u8>>);

impl Files for Texts<'_> {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        self.0.get(name).map(|text| Arc::from(text.as_slice()))
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let inside = self.0.keys().filter_map(|name| name.strip_prefix(&start)?.split('/').next());
        let mut names: Vec<String> = inside.map(str::to_owned).collect();
        names.dedup();
        names
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the cases are files")]
fn outputs_are_those_of_conf() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
    cases.sort();
    assert!(cases.len() > 10, "the cases are there");
    for case in cases {
        let text = std::fs::read(&case).unwrap();
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut out = String::new();
        let mut current = String::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            match std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("#- ")) {
                Some(head) if head.starts_with("run ") || head.starts_with("run-") => {
                    out += &outcome(head.trim_end(), &files)
                }
                Some(name) => current = name.trim_end().to_owned(),
                None => files.entry(current.clone()).or_default().extend_from_slice(line),
            }
        }
        expect_file![case.with_extension("out")].assert_eq(&out);
    }
}

fn outcome(head: &str, files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut words = head.split(' ').skip(1);
    let mode = words.next().unwrap_or_default();
    let variables =
        words.filter_map(|word| word.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let host = Machine(variables.collect());
    let files = Texts(files);
    let dialect = match head.split(' ').next() {
        Some("run-6.1") => Dialect::LINUX_6_1,
        Some(old @ ("run-4.20" | "run-2.6.16")) => Dialect {
            strict_variables: false,
            rustc_cfg: false,
            options: true,
            bare_words: true,
            end_comments: false,
            keeps_unchanged: false,
            seed_on_stderr: true,
            promotes_implied: true,
            raw_strings: old == "run-4.20",
            writes_hidden: old == "run-2.6.16",
            in_choice: InChoice::Statements,
            ..Dialect::LINUX_6_1
        },
        Some("run-5.10") => Dialect { in_choice: InChoice::Statements, empty_menu_ends: false, ..Dialect::LINUX_6_1 },
        Some("run-coreboot") => Dialect { in_choice: InChoice::Sources, source_patterns: true, ..Dialect::LINUX_6_1 },
        Some(old @ ("run-4.17" | "run-3.14")) => Dialect {
            options: true,
            bare_words: true,
            end_comments: false,
            keeps_unchanged: false,
            macros: false,
            in_choice: InChoice::Statements,
            writes_default_n: old == "run-3.14",
            modules_by_name: old == "run-3.14",
            title: ShortText::new(if old == "run-3.14" { "uClibc Configuration" } else { "Buildroot Configuration" })
                .unwrap_or(Dialect::NEWEST.title),
            ..Dialect::LINUX_6_1
        },
        _ => Dialect::LINUX_6_12,
    };
    let (model, messages) = Model::parse("Kconfig", &files, &host, dialect);
    let (mut stdout, mut stderr) = (messages.stdout(), messages.stderr());
    let mut status = 1;
    let mut config = None;
    if let Some(model) = model {
        let outcome = run(&model, &mode_called(mode, &host), &files, &host);
        stdout.extend_from_slice(&outcome.stdout);
        stderr.extend_from_slice(&outcome.stderr);
        status = outcome.status;
        config = outcome.config.filter(|_| status == 0);
    }
    let mut out = format!("{head}: status {status}\n");
    let config = config.map(|(_, text)| text).unwrap_or_default();
    for (name, text) in [("stdout", stdout), ("stderr", stderr), ("config", config)] {
        if !text.is_empty() {
            out += &format!("--- {name}\n{}\n", String::from_utf8_lossy(&text));
        }
    }
    out
}

fn mode_called(name: &str, host: &Machine) -> Mode {
    let answers = || host.0.get("ANSWERS").map(|text| text.replace('|', "\n").into_bytes()).unwrap_or_default();
    match name {
        "oldconfig" => Mode::OldConfig(answers()),
        "oldaskconfig" => Mode::OldAskConfig(answers()),
        "helpnewconfig" => Mode::HelpNewConfig,
        "syncconfig" => Mode::SyncConfig,
        "allnoconfig" => Mode::AllNoConfig,
        "allyesconfig" => Mode::AllYesConfig,
        "allmodconfig" => Mode::AllModConfig,
        "alldefconfig" => Mode::AllDefConfig,
        "randconfig" => Mode::RandConfig,
        "olddefconfig" => Mode::OldDefConfig,
        "listnewconfig" => Mode::ListNewConfig,
        "yes2modconfig" => Mode::Yes2ModConfig,
        "mod2yesconfig" => Mode::Mod2YesConfig,
        "mod2noconfig" => Mode::Mod2NoConfig,
        "savedefconfig" => Mode::SaveDefConfig("defconfig".to_owned()),
        other => panic!("no mode is called {other}"),
    }
}
