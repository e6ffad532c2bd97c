use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_kconfig::{Base, Dialect, Host, Model, Request, resolve};

use super::*;

struct Nothing;

impl Host for Nothing {
    fn variable(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        Err(format!("no shell for {}", String::from_utf8_lossy(command)))
    }
}

const TREE: &str = "\
config MODULES
\tbool \"modules\"
\tmodules
config NET
\tbool \"net\"
menuconfig NETFILTER
\tbool \"netfilter\"
\tdepends on NET
config ADVANCED
\tbool \"advanced\"
\tdepends on NETFILTER
config CONNTRACK
\ttristate \"conntrack\"
\tdepends on NETFILTER && ADVANCED && !BROKEN && (NET || MISSING)
\tselect DEFRAG
config BROKEN
\tbool \"broken\"
config DEFRAG
\ttristate
config HIDDEN
\tbool
\tdefault y if NET
config ARCH_HAS
\tdef_bool y
\tdepends on NET
config OFF_ONLY
\tbool \"off only\" if ADVANCED
\tdefault y
config LEVEL
\tint \"level\"
\trange 1 9
\tdefault 5
choice
\tprompt \"pick\"
config A
\tbool \"a\"
config B
\tbool \"b\"
endchoice
";

fn check(requests: &[(&str, &str)], symbol: &str, expected: Expect) {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(TREE.as_bytes()));
    let (model, messages) = Model::parse("Kconfig", &files, &Nothing, Dialect::NEWEST);
    let model = model.unwrap_or_else(|| panic!("{messages:?}"));
    let evaluation = resolve(
        &model,
        Base::AllNo,
        &requests.iter().map(|(name, value)| Request::fixed(*name, *value)).collect::<Vec<_>>(),
    )
    .into_evaluation();
    let asks = |name: &str| requests.iter().any(|(symbol, _)| *symbol == name);
    let elsewhere = |name: &str| if name == "MISSING" { vec!["arm".to_owned()] } else { Vec::new() };
    let why =
        why(&evaluation, symbol, &RequestContext { asks: &asks, elsewhere: &elsewhere, ..RequestContext::NOTHING })
            .unwrap();
    let line = |cause: &Cause| {
        let place = cause.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let request = cause.request.as_ref().map(|request| format!(" -> {request}")).unwrap_or_default();
        format!("{}- {}{place}{request}\n", "  ".repeat(cause.depth), cause.text)
    };
    let mut text: String = why.because.iter().map(line).collect();
    for other in &why.otherwise {
        text += &format!("for {}:\n", other.value);
        text.extend(other.obstacles.iter().map(line));
        text.extend(
            other.changes.iter().map(|change| format!("  {} {} -> {}\n", change.symbol, change.from, change.to)),
        );
    }
    expected.assert_eq(&text);
}

#[test]
fn a_chain_of_dependencies_is_followed_to_what_can_be_asked_for() {
    check(
        &[("MODULES", "y"), ("NET", "y")],
        "CONNTRACK",
        expect![[r#"
            - `CONNTRACK` is `n`: it is not requested, and no default applies
            for y:
            - `CONNTRACK` needs NETFILTER [=n] (Kconfig:14) -> NETFILTER=y
            - `CONNTRACK` needs ADVANCED [=n] (Kconfig:14) -> ADVANCED=y
            for m:
            - `CONNTRACK` needs NETFILTER [=n] (Kconfig:14) -> NETFILTER=y
            - `CONNTRACK` needs ADVANCED [=n] (Kconfig:14) -> ADVANCED=y
        "#]],
    );
    check(
        &[("NET", "y"), ("NETFILTER", "y"), ("ADVANCED", "y"), ("BROKEN", "y")],
        "CONNTRACK",
        expect![[r#"
            - `CONNTRACK` is `n`: it is not requested, and no default applies
            for y:
            - `CONNTRACK` needs !BROKEN [=y] (Kconfig:14) -> BROKEN=n
            for m:
            - there are no modules: `MODULES` is `n` -> MODULES=y
            - `CONNTRACK` needs !BROKEN [=y] (Kconfig:14) -> BROKEN=n
        "#]],
    );
    check(
        &[],
        "CONNTRACK",
        expect![[r#"
            - `CONNTRACK` is `n`: it is not requested, and no default applies
            for y:
            - `CONNTRACK` needs NETFILTER [=n] (Kconfig:14) -> NETFILTER=y
              - `NETFILTER` needs NET [=n] (Kconfig:8) -> NET=y
            - `CONNTRACK` needs ADVANCED [=n] (Kconfig:14) -> ADVANCED=y
            - `CONNTRACK` needs one of NET [=n] || MISSING (Kconfig:14)
              - `NET` can be turned on -> NET=y
              - `MISSING` exists only for arm
            for m:
            - there are no modules: `MODULES` is `n` -> MODULES=y
            - `CONNTRACK` needs NETFILTER [=n] (Kconfig:14) -> NETFILTER=y
              - `NETFILTER` needs NET [=n] (Kconfig:8) -> NET=y
            - `CONNTRACK` needs ADVANCED [=n] (Kconfig:14) -> ADVANCED=y
            - `CONNTRACK` needs one of NET [=n] || MISSING (Kconfig:14)
              - `NET` can be turned on -> NET=y
              - `MISSING` exists only for arm
        "#]],
    );
}

#[test]
fn a_select_is_followed_to_who_asked() {
    let all = [("MODULES", "y"), ("NET", "y"), ("NETFILTER", "y"), ("ADVANCED", "y"), ("CONNTRACK", "m")];
    check(
        &all,
        "DEFRAG",
        expect![[r#"
            - `DEFRAG` is `m`: selected by `CONNTRACK`, which is `m` (Kconfig:15)
              - `CONNTRACK` is `m`: the recipe sets it
            for y:
            - `DEFRAG` has no prompt: it is on when `CONNTRACK`, which the recipe requests, selects it (Kconfig:15)
            for n:
            - `CONNTRACK`, which is `m`, selects `DEFRAG` (Kconfig:15) -> CONNTRACK=n
        "#]],
    );
    check(
        &[],
        "DEFRAG",
        expect![[r#"
            - `DEFRAG` is `n`: it is not requested, and no default applies
            for y:
            - `DEFRAG` has no prompt: it is on when another symbol selects it: `CONNTRACK`; set it, and what it needs (Kconfig:18)
              - `CONNTRACK` needs NETFILTER [=n] (Kconfig:14) -> NETFILTER=y
                - `NETFILTER` needs NET [=n] (Kconfig:8) -> NET=y
              - `CONNTRACK` needs ADVANCED [=n] (Kconfig:14) -> ADVANCED=y
              - `CONNTRACK` needs one of NET [=n] || MISSING (Kconfig:14)
                - `NET` can be turned on -> NET=y
                - `MISSING` exists only for arm
            for m:
            - there are no modules: `MODULES` is `n` -> MODULES=y
            - `DEFRAG` has no prompt: it is on when another symbol selects it: `CONNTRACK`; set it, and what it needs (Kconfig:18)
              - `CONNTRACK` needs NETFILTER [=n] (Kconfig:14) -> NETFILTER=y
                - `NETFILTER` needs NET [=n] (Kconfig:8) -> NET=y
              - `CONNTRACK` needs ADVANCED [=n] (Kconfig:14) -> ADVANCED=y
              - `CONNTRACK` needs one of NET [=n] || MISSING (Kconfig:14)
                - `NET` can be turned on -> NET=y
                - `MISSING` exists only for arm
        "#]],
    );
}

#[test]
fn defaults_ranges_and_choices() {
    check(
        &[("NET", "y")],
        "HIDDEN",
        expect![[r#"
            - `HIDDEN` is `y`: default y if NET [=y] (Kconfig:22)
            for n:
            - `HIDDEN` has no prompt, and its default is y if NET [=y] (Kconfig:22)
        "#]],
    );
    check(
        &[("LEVEL", "12")],
        "LEVEL",
        expect![[r#"
            - `LEVEL` is `9`: limited to its range, 1 to 9 (Kconfig:31)
        "#]],
    );
    check(
        &[("B", "y")],
        "A",
        expect![[r#"
            - `A` is `n`: `B` is the chosen member of its choice `pick` (Kconfig:33)
              - `B` is on: the recipe sets it
            for y:
              B y -> n
        "#]],
    );
}

#[test]
fn what_is_met_is_simple() {
    check(
        &[("NET", "y")],
        "NET",
        expect![[r#"
            - `NET` is `y`: the recipe sets it
            for n:
              HIDDEN y -> n
              ARCH_HAS y -> n
        "#]],
    );
    check(
        &[("NETFILTER", "y")],
        "NETFILTER",
        expect![[r#"
            - `NETFILTER` is `n`: the recipe sets it to `y`, but it is not visible
            for y:
            - `NETFILTER` needs NET [=n] (Kconfig:8) -> NET=y
        "#]],
    );
}

#[test]
fn a_symbol_without_a_prompt_in_sight() {
    check(
        &[],
        "ARCH_HAS",
        expect![[r#"
            - `ARCH_HAS` is `n`: it is not requested, and no default applies
            for y:
            - `ARCH_HAS` has no prompt: only its defaults set it (Kconfig:23)
              - `ARCH_HAS` needs NET [=n] (Kconfig:25) -> NET=y
        "#]],
    );
    check(
        &[],
        "OFF_ONLY",
        expect![[r#"
            - `OFF_ONLY` is `y`: default y (Kconfig:28)
            for n:
            - `OFF_ONLY` can only be turned off where it is visible (Kconfig:27)
              - `OFF_ONLY` needs ADVANCED [=n] (Kconfig:27) -> ADVANCED=y
                - `ADVANCED` needs NETFILTER [=n] (Kconfig:11) -> NETFILTER=y
                  - `NETFILTER` needs NET [=n] (Kconfig:8) -> NET=y
        "#]],
    );
    check(
        &[("MODULES", "y")],
        "BROKEN",
        expect![[r#"
            - `BROKEN` is `n`: the base config sets it
            for y:
        "#]],
    );
}
