//! Fragments against the reader of a `.config`: a line that `conf` takes is a request with the same effect, and a line
//! on which the two differ has a warning.

use std::sync::Arc;

use kiln_diag::Sources;
use kiln_kconfig::fragment::{self, AfterUnset};
use kiln_kconfig::{Base, Config, Dialect, Host, Model, NoHost, Request, resolve};

use crate::chance::Chance;

const KCONFIG: &str = "\
config MODULES
\tbool \"modules\"
\tdefault y
\tmodules
config XB
\tbool \"b\"
config XON
\tbool \"on\"
\tdefault y
config XT
\ttristate \"t\"
config XS
\tstring \"s\"
\tdefault \"default\"
config XI
\tint \"i\"
\tdefault 7
config XH
\thex \"h\"
\tdefault 0x7
";

const SYMBOLS: [&str; 6] = ["XB", "XON", "XT", "XS", "XI", "XH"];

fn model(dialect: Dialect) -> Model {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(KCONFIG.as_bytes()));
    Model::parse("Kconfig", &files, &NoHost, dialect).0.expect("the tree has no errors")
}

/// Compares the effect of `text` as a part of a `.config` and as a fragment; returns the number of settings.
fn compare(model: &Model, rule: AfterUnset, text: &str) -> usize {
    let configs = [("f", text.as_bytes())];
    let config = |base, requests: &[Request]| {
        Config::parse(&String::from_utf8_lossy(resolve(model, base, requests).config_text()))
    };
    let theirs = config(Base::Configs(&configs), &[]);
    let mut sources = Sources::new();
    let file = sources.add("f", text);
    let read = fragment::parse(file, text, rule);
    assert!(!read.diagnostics.has_errors(), "{text:?}");
    let requests: Vec<Request> = read
        .assignments
        .iter()
        .map(|one| {
            let written = text.get(one.value_span.range()).filter(|_| one.quoted);
            Request::fixed(one.symbol.clone(), written.unwrap_or(&one.value))
        })
        .collect();
    let ours = config(Base::Defaults, &requests);
    let warned: Vec<String> = read
        .diagnostics
        .iter()
        .filter(|finding| finding.code == kiln_diag::Code::FragmentSyntax)
        .map(|finding| text[..finding.labels[0].span.range().start].matches('\n').count())
        .map(|line| text.split('\n').nth(line).expect("a line of the text").to_owned())
        .collect();
    for symbol in SYMBOLS {
        let is_warned = warned.iter().any(|line| line.contains(symbol));
        // A request that its symbol's type does not take is an error of `kiln check`; a string may be without quotes in a
        // recipe, where `conf` ignores it.
        let is_refused = requests.iter().any(|request| {
            let is_bare = symbol == "XS" && !request.value.starts_with('"');
            request.symbol == symbol && (is_bare || request.resolve(model).is_none())
        });
        assert!(
            ours.get(symbol) == theirs.get(symbol) || is_warned || is_refused,
            "{text:?}: {symbol} is {:?}, and {:?} as a fragment",
            theirs.get(symbol),
            ours.get(symbol)
        );
    }
    read.assignments.len()
}

#[test]
fn random_fragments_have_the_effect_that_conf_gives_them_or_a_warning() {
    const STARTS: [&str; 14] = [
        "CONFIG_",
        "CONFIG_",
        "CONFIG_",
        "CONFIG_",
        "# CONFIG_",
        "# CONFIG_",
        "# CONFIG_",
        "#CONFIG_",
        " CONFIG_",
        "#  CONFIG_",
        " # CONFIG_",
        "",
        "\u{feff}CONFIG_",
        "\tCONFIG_",
    ];
    const ENDS: [&str; 40] = [
        "=y",
        "=m",
        "=n",
        "=y",
        "=12",
        "=0x1f",
        "=\"text\"",
        " is not set",
        " is not set",
        " is not set",
        "=yes",
        "=no",
        "=module",
        "=Y",
        "=",
        "=y # why",
        "=n# why",
        "= y",
        " =y",
        "=12 # why",
        "=12 ",
        "=\"a\" # why",
        "=\"a",
        "=\"a\\\"b\"",
        "=\"\"",
        " is not set # why",
        " is not set.",
        " is not set ",
        "  is not set",
        " is unset",
        " disabled",
        " is needed",
        " is  not set",
        "",
        " isn't set",
        "=-3",
        "=ff",
        "=none",
        "=text",
        "=\"y\"",
    ];
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let dialects = [(Dialect::LINUX_6_1, AfterUnset::Ignored), (Dialect::LINUX_6_12, AfterUnset::MakesComment)];
    for (dialect, rule) in dialects {
        let model = model(dialect);
        let mut n_settings = 0;
        for _ in 0..4000 {
            let mut text = String::new();
            for _ in 0..=chance.below(5) {
                text += STARTS[chance.below(STARTS.len())];
                text += SYMBOLS[chance.below(SYMBOLS.len())];
                text += ENDS[chance.below(ENDS.len())];
                text += ["\n", "\n", "\n", "\r\n"][chance.below(4)];
            }
            if chance.below(4) == 0 {
                text.pop();
            }
            n_settings += compare(&model, rule, &text);
        }
        assert!(n_settings > 1500, "few lines are settings: {n_settings}");
    }
}

#[test]
fn lines_that_look_like_settings_and_are_none_have_a_warning_with_their_line() {
    let lines = [
        "# CONFIG_XB is unset",
        "# CONFIG_XB disabled",
        "#CONFIG_XB is not set",
        "# CONFIG_XB is not enabled.",
        "#  CONFIG_XB is not set",
        " # CONFIG_XB is not set",
        " CONFIG_XB=y",
        "CONFIG_XB = y",
        "XB=y",
        "CONFIG_XI=1 # one",
        "CONFIG_XB",
        "CONFIG_XS=text",
    ];
    for line in lines {
        let text = format!("# first\n{line}\n");
        let mut sources = Sources::new();
        let file = sources.add("f", text.clone());
        let read = fragment::parse(file, &text, AfterUnset::MakesComment);
        let [finding] = &read.diagnostics.iter().collect::<Vec<_>>()[..] else {
            panic!("{line}: {:?}", read.diagnostics)
        };
        assert!(sources.location(finding.labels[0].span).to_string().starts_with("f:2:"), "{line}");
        assert!(read.assignments.is_empty(), "{line}");
    }
    for comment in
        ["# CONFIG_XB is needed for the board", "#CONFIG_XB=y", "# CONFIG_XB=y", "# not set", "  # text", "   "]
    {
        let mut sources = Sources::new();
        let file = sources.add("f", comment);
        let read = fragment::parse(file, comment, AfterUnset::MakesComment);
        assert!(read.diagnostics.iter().next().is_none() && read.assignments.is_empty(), "{comment}");
    }
}

#[test]
fn text_after_is_not_set_follows_the_trees_rule() {
    for line in ["# CONFIG_XON is not set # why", "# CONFIG_XON is not set.", "# CONFIG_XON is not set "] {
        let read = |rule| {
            let mut sources = Sources::new();
            let file = sources.add("f", line);
            let read = fragment::parse(file, line, rule);
            (read.assignments.len(), read.diagnostics.iter().count(), read.needs_rule)
        };
        assert_eq!(read(AfterUnset::Ignored), (1, 0, false), "{line}");
        assert_eq!(read(AfterUnset::MakesComment), (0, 1, false), "{line}");
        assert_eq!(read(AfterUnset::Unknown), (1, 1, true), "{line}");
    }
}

/// In BusyBox `KCONFIG_ALLCONFIG` sets numbers, strings and members of choices only, beside `all*config`.
#[test]
fn a_seed_without_logic_sets_only_the_rest() {
    struct Seeded;
    impl Host for Seeded {
        fn variable(&self, name: &str) -> Option<Vec<u8>> {
            (name == "KCONFIG_ALLCONFIG").then(|| b"mini".to_vec())
        }

        fn shell(&self, _: &[u8]) -> Result<Vec<u8>, String> {
            Ok(Vec::new())
        }
    }
    let kconfig =
        format!("{KCONFIG}choice\n\tbool \"c\"\nconfig XA\n\tbool \"a\"\nconfig XC\n\tbool \"c\"\nendchoice\n");
    let files = |name: &str| match name {
        "Kconfig" => Some(Arc::from(kconfig.as_bytes())),
        "mini" => Some(Arc::from(&b"CONFIG_XB=y\nCONFIG_XS=\"x\"\nCONFIG_XI=3\nCONFIG_XC=y\n"[..])),
        _ => None,
    };
    let config = |seed_without_logic| {
        let dialect = Dialect { seed_without_logic, ..Dialect::LINUX_6_1 };
        let model = Model::parse("Kconfig", &files, &Seeded, dialect).0.expect("the tree has no errors");
        let outcome = kiln_kconfig::run(&model, &kiln_kconfig::Mode::AllNoConfig, &files, &Seeded);
        let config = Config::parse(&String::from_utf8_lossy(&outcome.config.expect("a config").1));
        ["XB", "XS", "XI", "XC"].map(|symbol| config.get(symbol).unwrap_or("n").to_owned())
    };
    assert_eq!(config(false), ["y", "\"x\"", "3", "y"]);
    assert_eq!(config(true), ["n", "\"x\"", "3", "y"]);
}
