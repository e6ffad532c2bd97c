use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_kconfig::{Base, Dialect, Evaluation, Model, NoHost, Request, resolve};
use kiln_testkit::Random;

use super::*;

const TREE: &str = "\
config MODULES
\tbool \"modules\"
\tmodules
menu \"Networking\"
menuconfig NET
\tbool \"net\"
\tdefault y
if NET
config IPV6
\ttristate \"ipv6\"
\tdefault y
\tselect CRC
config VLAN
\ttristate \"vlan\"
\tdepends on IPV6
\tdefault m
endif
endmenu
config CRC
\ttristate \"crc\"
config NAME
\tstring \"name\"
\tdefault \"none\"
config LEVEL
\tint \"level\"
\trange 1 9 if NET
\tdefault 12
menu \"Preemption\"
choice
\tprompt \"pick\"
\tdefault B
config A
\tbool \"a\"
config B
\tbool \"b\"
config C
\tbool \"c\"
\tdepends on NET
endchoice
endmenu
";

fn model(text: &str) -> Model {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(text.as_bytes()));
    let (model, messages) = Model::parse("Kconfig", &files, &NoHost, Dialect::NEWEST);
    model.unwrap_or_else(|| panic!("{messages:?}"))
}

fn evaluation<'m>(model: &'m Model, base: Base<'_>, requests: &[(&str, &str)]) -> Evaluation<'m> {
    let requests: Vec<Request> = requests.iter().map(|(name, value)| Request::fixed(*name, *value)).collect();
    resolve(model, base, &requests).into_evaluation()
}

fn check(base: Base<'_>, requests: &[(&str, &str)], expected: Expect) {
    let model = model(TREE);
    let target = evaluation(&model, base, requests);
    let needed = distill(&evaluation(&model, base, &[]), &target).expect("it can be asked for");
    let kernel = vec![("arch".to_owned(), "\"x86_64\"".to_owned())];
    let heading = Heading { kernel, ..Heading::default() };
    let all = text(&heading, &needed);
    expected.assert_eq(all.split_once("[kernel.config]\n").expect("the table").1);
    is_least(&model, base, &target, &needed);
}

/// Checks that the requests produce the target and that none of them is superfluous.
fn is_least(model: &Model, base: Base<'_>, target: &Evaluation<'_>, needed: &[Needed]) {
    let written: Vec<String> = needed.iter().map(Needed::written).collect();
    let mut sorted: Vec<(&str, &str)> =
        needed.iter().zip(&written).map(|(request, value)| (request.symbol.as_str(), value.as_str())).collect();
    sorted.sort_unstable();
    let give = |requests: &[(&str, &str)]| evaluation(model, base, requests).config_text();
    let wanted = target.clone().config_text();
    assert!(give(&sorted) == wanted, "{sorted:?}");
    for index in 0..sorted.len() {
        let mut fewer = sorted.clone();
        let (symbol, _) = fewer.remove(index);
        assert!(give(&fewer) != wanted, "{symbol} is needless");
    }
}

#[test]
fn defaults_selects_and_other_members_are_left_out() {
    check(
        Base::Defaults,
        &[("MODULES", "y"), ("NET", "y"), ("IPV6", "y"), ("CRC", "y"), ("VLAN", "m"), ("A", "n"), ("B", "y")],
        expect![[r#"
            # Top
            MODULES = "y"  # modules
        "#]],
    );
    check(
        Base::AllNo,
        &[("NET", "y"), ("IPV6", "y"), ("CRC", "y"), ("NAME", ""), ("LEVEL", "5"), ("C", "y")],
        expect![[r##"
            # Networking
            NET = "y"  # net

            # Networking > net
            IPV6 = "y"  # ipv6

            # Top
            NAME = "\"\""  # name
            LEVEL = "5"  # level

            # Preemption > pick
            C = "y"  # c
        "##]],
    );
}

#[test]
fn a_default_that_its_range_moves_needs_no_line() {
    check(Base::Defaults, &[("LEVEL", "9")], expect![[""]]);
    check(
        Base::Defaults,
        &[("LEVEL", "8"), ("NAME", r#""\"a\\b\"""#)],
        expect![[r##"
        # Top
        NAME = "\"\\\"a\\\\b\\\"\""  # name
        LEVEL = "8"  # level
    "##]],
    );
}

#[test]
fn a_base_that_sets_what_is_not_wanted() {
    let text = b"CONFIG_A=y\nCONFIG_NET=n\n# CONFIG_MODULES is not set\nCONFIG_LEVEL=3\n";
    check(
        Base::Configs(&[("base", text)]),
        &[("C", "y"), ("NET", "y")],
        expect![[r##"
        # Networking
        NET = "y"  # net

        # Preemption > pick
        C = "y"  # c
    "##]],
    );
    check(
        Base::Configs(&[("base", text)]),
        &[("B", "y"), ("LEVEL", "12")],
        expect![[r##"
        # Top
        LEVEL = "12"  # level

        # Preemption > pick
        B = "y"  # b
    "##]],
    );
}

/// Random values over each base.
#[test]
fn any_values_come_back_with_the_fewest_requests() {
    let model = model(TREE);
    let names = ["MODULES", "NET", "IPV6", "VLAN", "CRC", "NAME", "LEVEL", "A", "B", "C"];
    let mut random = Random::new(7);
    for _ in 0..300 {
        let mut requests = Vec::new();
        for name in names {
            let values: &[&str] = match name {
                "NAME" => &["", "x", "none"],
                "LEVEL" => &["1", "9", "12"],
                _ => &["y", "n", "m"],
            };
            if random.below(3) > 0 {
                requests.push((name, values[random.below(values.len())]));
            }
        }
        let text = b"CONFIG_B=y\nCONFIG_A=y\nCONFIG_IPV6=n\nCONFIG_NAME=\"base\"\n";
        for base in [Base::Defaults, Base::AllNo, Base::Configs(&[("base", text)])] {
            let target = evaluation(&model, base, &requests);
            let needed = distill(&evaluation(&model, base, &[]), &target).expect("it can be asked for");
            is_least(&model, base, &target, &needed);
        }
    }
}
