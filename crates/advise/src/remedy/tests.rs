use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_kconfig::{Base, Dialect, Model, NoHost, Request, Strength, resolve};

use super::{Answer, Budget, Remedy, remedy};
use crate::why::RequestContext;

const TREE: &str = "config MODULES\n\tbool \"Modules\"\n\tdefault y\n\tmodules\nconfig NET\n\tbool \"Networking\"\n\tselect SOCKETS\n\
    config SOCKETS\n\tbool\nconfig DRM\n\ttristate \"Graphics\"\nconfig I915\n\ttristate \"Intel\"\n\tdepends on DRM && NET\n\
    config NAME\n\tstring \"name\"\nconfig NAMED\n\tbool \"named\"\n\tdepends on NAME != \"\"\n\
    config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on !A\n\
    config LEVEL\n\tstring \"level\"\nconfig HIGH\n\tbool \"high\"\n\tdepends on LEVEL = \"2\"\n\
    config OURS\n\tdef_bool y if \"$(OUR_SDK)\" = \"yes\"\nconfig SDK\n\tbool \"sdk\"\n\tdepends on OURS\n\
    config ABI\n\tstring\n\tdefault \"$(OUR_ABI)\"\nconfig FAST\n\tbool \"fast\"\n\tdepends on ABI = \"lp64\"\n\
    config BOARD\n\tbool \"board\"\n\tdepends on NET && NOWHERE\nconfig RIVAL\n\tbool \"rival\"\n\tdepends on NET && !A\n";

#[track_caller]
fn check(pairs: &[(&str, &str)], expect: Expect) {
    let files = |name: &str| (name == "Kconfig").then(|| Arc::from(TREE.as_bytes()));
    let (model, _) = Model::parse("Kconfig", &files, &NoHost, Dialect::NEWEST);
    let model = model.expect("the text is sound");
    let request =
        |(symbol, value): &(&str, &str)| Request { strength: Strength::Required, ..Request::fixed(*symbol, *value) };
    let requests: Vec<Request> = pairs.iter().map(request).collect();
    let now = resolve(&model, Base::Defaults, &requests).into_evaluation();
    let mut shown = String::new();
    let Answer { set_aside, remedy } = remedy(&now, &requests, &[], &RequestContext::NOTHING, Budget::default());
    for one in set_aside {
        let diagnostic = one.diagnostic();
        shown += &format!("{} ({})\n", diagnostic.message, one.reason().name());
        diagnostic.notes.iter().for_each(|note| shown += &format!("  {note}\n"));
    }
    match remedy {
        Remedy::Alternatives(alternatives) => {
            for fix in alternatives {
                shown += &format!("{} (smallest: {})\n", fix.brief(), fix.smallest);
                fix.requests.iter().for_each(|line| shown += &format!("  {}\n", line.comment()));
                shown += &format!("  turns on {:?}, off {:?}\n", fix.turns_on, fix.turns_off);
            }
        }
        other => shown += &format!("{other:?}\n"),
    }
    expect.assert_eq(&shown);
}

#[test]
fn a_fix_says_what_each_line_is_for_and_what_else_it_does() {
    check(
        &[("DRM", "m"), ("I915", "y")],
        expect![[r#"
        `DRM = "y"` and `NET = "y"` (smallest: true)
          "Graphics", Kconfig:10, instead of "m", for I915
          "Networking", Kconfig:5, for I915
          turns on ["SOCKETS"], off []
    "#]],
    );
}

#[test]
fn a_string_is_written_so_that_it_can_be_read_again() {
    check(
        &[("NAMED", "y")],
        expect![[r#"
        `NAME = "\" \""` (smallest: true)
          "name", Kconfig:15, for NAMED
          turns on [], off []
    "#]],
    );
}

#[test]
fn a_contradiction_says_what_is_in_the_way() {
    check(
        &[("A", "y"), ("B", "y"), ("NET", "y")],
        expect![[r#"
            `A = "y"` and `B = "y"` cannot hold together (contradiction)
              `B` needs !A [=y] (Kconfig:24): set `A = "n"`
            Holds
        "#]],
    );
}

#[test]
fn what_is_not_declared_is_left_to_the_check() {
    check(
        &[("NOWHERE", "y")],
        expect![[r#"
        Holds
    "#]],
    );
}

#[test]
fn a_string_that_looks_like_a_number_has_its_quotes() {
    check(
        &[("HIGH", "y")],
        expect![[r#"
        `LEVEL = "\"2\""` (smallest: true)
          "level", Kconfig:25, for HIGH
          turns on [], off []
    "#]],
    );
}

#[test]
fn a_variable_of_the_environment_is_named() {
    check(
        &[("SDK", "y"), ("FAST", "y"), ("I915", "m")],
        expect![[r#"
            no further requests make `SDK = "y"` hold: it needs the environment variable `OUR_SDK`, which is not set (environment)
              `SDK` needs OURS [=n] (Kconfig:34)
                `OURS` has no prompt: only its defaults set it (Kconfig:30)
                  `OURS` needs "$(OUR_SDK)" (empty) = "yes": `OUR_SDK` is a variable of the environment (`kernel.environment.OUR_SDK`) (Kconfig:31)
            no further requests make `FAST = "y"` hold: it needs the environment variable `OUR_ABI`, which is not set (environment)
              `FAST` needs ABI [=""] = "lp64" (Kconfig:40)
                `ABI` has no prompt: only its defaults set it (Kconfig:35)
            `DRM = "m"` and `NET = "y"` (smallest: true)
              "Graphics", Kconfig:10, for I915
              "Networking", Kconfig:5, for I915
              turns on ["SOCKETS"], off []
        "#]],
    );
}

#[test]
fn a_reason_names_only_what_no_request_settles() {
    check(
        &[("A", "y"), ("BOARD", "y"), ("RIVAL", "y")],
        expect![[r#"
        no further requests make `BOARD = "y"` hold (unreachable)
          `BOARD` needs NOWHERE [=n], which no Kconfig file declares (Kconfig:43)
        `A = "y"` and `RIVAL = "y"` cannot hold together (contradiction)
          `RIVAL` needs !A [=y] (Kconfig:46): set `A = "n"`
        Holds
    "#]],
    );
}
