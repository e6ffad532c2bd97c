use super::{Config, Difference};
use crate::{quote, unquote};

const TEXT: &str =
    "# a comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x = \\\"1\\\"\"\nnot a line\nCONFIG_D=0x10\n";

#[test]
fn a_config_keeps_its_text_and_knows_its_values() {
    let config = Config::parse(TEXT);
    assert_eq!(config.text(), TEXT);
    assert_eq!(config.iter().collect::<Vec<_>>(), [("A", "y"), ("C", "\"x = \\\"1\\\"\""), ("D", "0x10")]);
    assert_eq!(config.get("B"), None);
    assert!(config.is_yes("A") && !config.is_yes("D"));
}

#[test]
fn configs_differ_by_value_whatever_their_comments() {
    let before = Config::parse(TEXT);
    let after: Config = [("A", "m"), ("C", "\"x = \\\"1\\\"\""), ("E", "1")].map(owned).into_iter().collect();
    let expected = [
        Difference { symbol: "A", before: Some("y"), after: Some("m") },
        Difference { symbol: "D", before: Some("0x10"), after: None },
        Difference { symbol: "E", before: None, after: Some("1") },
    ];
    assert_eq!(before.differences(&after), expected);
    assert!(!before.has_values_of(&after));
    let bare = Config::parse("CONFIG_D=0x10\nCONFIG_C=\"x = \\\"1\\\"\"\nCONFIG_A=y");
    assert!(before.has_values_of(&bare) && before.differences(&bare).is_empty());
}

#[test]
fn quoting_and_unquoting_are_inverse() {
    for content in ["", "plain", "a \"b\" \\ c", "\\", "\"", "ends with \\\""] {
        assert_eq!(unquote(&quote(content)), content);
    }
    // Text that is not one quoted string stays as it is.
    for bare in ["plain", "\"half", "half\"", "\"a\" and \"b\"", "\""] {
        assert_eq!(unquote(bare), bare);
    }
}

fn owned((symbol, value): (&str, &str)) -> (String, String) {
    (symbol.to_owned(), value.to_owned())
}
