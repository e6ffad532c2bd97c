//! Hostile input must end in a message or a model.

use std::fmt::Write as _;
use std::sync::Arc;

use kiln_kconfig::{Dialect, Files, Mode, Model, NoHost, run};

fn parse(files: &dyn Files) -> (Option<Model>, String) {
    let (model, messages) = Model::parse("Kconfig", files, &NoHost, Dialect::LINUX_6_12);
    (model, String::from_utf8_lossy(&messages.stderr()).into_owned())
}

/// The messages that `conf` would print on a text; empty when there are none.
fn complaint(text: impl Into<Vec<u8>>) -> String {
    let text: Arc<[u8]> = Arc::from(text.into());
    let (model, said) = parse(&|name: &str| (name == "Kconfig").then(|| text.clone()));
    if let Some(model) = &model {
        let outcome = run(model, &Mode::AllYesConfig, &|_: &str| None, &NoHost);
        assert_eq!(outcome.status, 0);
    }
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn deep_nesting_is_refused() {
    assert!(complaint(format!("if {}y\nendif\n", "(".repeat(100_000))).contains("nested more than"));
    assert!(complaint(format!("if {}y\nendif\n", "!".repeat(100_000))).contains("nested more than"));
    assert!(complaint("if y\n".repeat(100_000)).contains("nested more than"));
    let references = format!("x = {}a{}\n$(x)\n", "$(".repeat(50_000), ")".repeat(50_000));
    assert!(complaint(references).contains("more than 256 MiB"));
}

#[test]
fn long_chains_are_evaluated() {
    let chain = vec!["A"; 200_000].join(" || ");
    assert_eq!(complaint(format!("config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on {chain}\n")), "");
}

#[test]
fn long_runs_of_dependencies_are_refused() {
    let mut text = String::new();
    for index in 0..20_000 {
        let _ = write!(text, "config A{index}\n\tbool \"a\"\n\tdepends on A{}\n", index + 1);
    }
    assert!(complaint(text).contains("symbols in a row"));
}

#[test]
fn the_longest_run_that_is_taken_is_evaluated() {
    let mut text = String::new();
    for index in 0..1_990 {
        let _ = write!(text, "config A{index}\n\tbool \"a\"\n\tdepends on (A{} || X)\n", index + 1);
    }
    assert_eq!(complaint(text), "");
}

#[test]
fn macros_cannot_run_for_ever() {
    assert!(complaint("f = $(f,$(1)x)\n$(f,)\n").contains("Too deep recursive expansion"));
    let mut doubling = "a0 = xxxxxxxxxxxxxxxx\n".to_owned();
    for index in 0..40 {
        let _ = writeln!(doubling, "a{} = $(a{index})$(a{index})", index + 1);
    }
    assert!(complaint(format!("{doubling}$(a40)\n")).contains("more than 256 MiB"));
    assert!(complaint("config $(x\n\tbool\n").contains("unterminated reference"));
    assert!(complaint("$(a,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16)\n").contains("too many function arguments"));
}

#[test]
fn includes_cannot_run_for_ever() {
    let (model, said) = parse(&|name: &str| {
        let depth = if name == "Kconfig" { 0 } else { name.parse().unwrap_or(0) };
        Some(Arc::from(format!("source \"{}\"\nsource \"{}\"\n", depth + 1, depth + 1).into_bytes()))
    });
    assert!(model.is_none());
    assert!(said.contains("too many files"), "{said}");
}

#[test]
fn bytes_of_any_kind_are_taken() {
    let every: Vec<u8> = (0..=255).collect();
    complaint(every.clone());
    complaint(every.repeat(3).into_iter().rev().collect::<Vec<u8>>());
    complaint(b"config A\r\n\tbool \"a\"\r\n\0\0\xff\n".to_vec());
    complaint(b"config A\n\tbool \"\xff\xfe\"\n\thelp".to_vec());
    assert!(complaint("config A\n\tbool \"a").contains("invalid statement") || !complaint("config A").is_empty());
}

#[test]
fn one_huge_line_is_taken() {
    assert_eq!(complaint(format!("config A\n\tbool \"{}\"\n", "x".repeat(10_000_000))), "");
    let words = format!("{}\n", "x ".repeat(1_000_000));
    assert!(complaint(words).contains("unknown statement"));
    let config: Arc<[u8]> = Arc::from(format!("CONFIG_{}=y\n", "A".repeat(10_000_000)).into_bytes());
    let tree: Arc<[u8]> = Arc::from(b"config A\n\tbool \"a\"\n".as_slice());
    let files = |name: &str| Some(if name == "Kconfig" { tree.clone() } else { config.clone() });
    let (model, _) = parse(&files);
    let outcome = run(&model.unwrap(), &Mode::OldDefConfig, &files, &NoHost);
    assert_eq!(outcome.status, 0);
}

#[test]
fn a_config_of_any_bytes_is_taken() {
    let tree: Arc<[u8]> = Arc::from(b"config A\n\tbool \"a\"\nconfig S\n\tstring \"s\"\n".as_slice());
    let every: Vec<u8> = (0..=255).collect();
    let huge = [b"CONFIG_S=\"".as_slice(), &vec![b'x'; 100_000_000], b"\"\n"].concat();
    let texts: [(&[u8], &str); 6] = [
        (&every, "unexpected data"),
        (b"CONFIG_A=y\r\n# CONFIG_S is not set\r\n", ""),
        (b"CONFIG_S=\"never closed\n", "invalid string found"),
        (b"CONFIG_A=\0\n", "invalid for A"),
        (b"CONFIG_S=\"\xff\xfe\"\n", ""),
        (&huge, ""),
    ];
    for (text, said) in texts {
        let config: Arc<[u8]> = Arc::from(text);
        let files = |name: &str| Some(if name == "Kconfig" { tree.clone() } else { config.clone() });
        let (model, _) = parse(&files);
        let outcome = run(&model.unwrap(), &Mode::OldDefConfig, &files, &NoHost);
        let stderr = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert_eq!(outcome.status, 0);
        assert!(stderr.contains(said) && stderr.is_empty() == said.is_empty(), "{said}: {stderr}");
    }
}
