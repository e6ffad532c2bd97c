//! Small trees written for one rule each.

use expect_test::{Expect, expect};
use kiln_fix::{Budget, Fix, Outcome, Pins, Problem, SetAside, Solution, fix, needed_for, pins};
use kiln_kconfig::{Base, Dialect, Request, Strength, SymbolId, resolve};

use crate::tree::model;

/// Requests are `SYMBOL=VALUE`, with `?` after those that may stay unmet and `!` after those that may not be raised.
#[track_caller]
pub(crate) fn check(text: &str, requests: &str, expect: Expect) {
    check_over(Base::AllNo, text, requests, "", expect);
}

/// As [`check`], over another base, with symbols that no fix turns off.
#[track_caller]
pub(crate) fn check_over(base: Base<'_>, text: &str, requests: &str, kept: &str, expect: Expect) {
    let model = model(text, Dialect::LINUX_6_12).expect("the tree is sound");
    let request = |word: &str| {
        let (strength, word) = match (word.strip_suffix('?'), word.strip_suffix('!')) {
            (Some(word), _) => (Strength::Optional, word),
            (_, Some(word)) => (Strength::Fixed, word),
            _ => (Strength::Required, word),
        };
        let (symbol, value) = word.split_once('=').expect("SYMBOL=VALUE");
        Request { strength, ..Request::fixed(symbol, value) }
    };
    let requests: Vec<Request> = requests.split_whitespace().map(request).collect();
    let now = resolve(&model, base, &requests).into_evaluation();
    let kept: Vec<SymbolId> = kept.split_whitespace().filter_map(|name| model.find(name)).collect();
    let problem = Problem { now: &now, requests: &requests, kept: &kept, budget: Budget::default(), n_wanted: 3 };
    let Solution { set_aside, outcome } = fix(&problem);
    let mut shown = String::new();
    for one in &set_aside {
        let named = one.requests.iter().map(|index| requests[*index].symbol.clone());
        let kept = one.kept.iter().map(|symbol| format!("{}, which is kept", model.name(*symbol)));
        let with: Vec<String> = named.chain(kept).collect();
        let with = if with.is_empty() { "anything".to_owned() } else { with.join(" and ") };
        shown += &format!("{} does not hold with {with}\n", requests[one.request].symbol);
        assert!(one.is_smallest);
    }
    shown += &match outcome {
        Outcome::Holds => "holds\n".to_owned(),
        Outcome::Fixes(fixes) => fixes.iter().map(|fix| self::shown(&problem, &set_aside, fix)).collect(),
        Outcome::OutOfTime(_) => "out of time\n".to_owned(),
        Outcome::NoMemory(_) => "no memory\n".to_owned(),
    };
    expect.assert_eq(&shown);
}

fn shown(problem: &Problem<'_, '_>, set_aside: &[SetAside], fix: &Fix) -> String {
    let model = problem.now.model();
    let drastic = if fix.cost.is_drastic { ", drastic" } else { "" };
    let smallest = if fix.is_smallest { ", smallest" } else { "" };
    let mut out = format!("fix of {}{drastic}{smallest}\n", fix.cost.size);
    for (setting, needed) in fix.settings.iter().zip(needed_for(problem, set_aside, fix)) {
        let needed: Vec<&str> = needed.iter().map(|index| problem.requests[*index].symbol.as_str()).collect();
        out += &format!("  {}={} for {}\n", model.name(setting.symbol), setting.value, needed.join(" "));
    }
    let list = |symbols: &[SymbolId]| match symbols.len() {
        n if n > 20 => format!("{n} symbols"),
        _ => symbols.iter().map(|symbol| model.name(*symbol).into_owned()).collect::<Vec<_>>().join(" "),
    };
    for other in &fix.substitutes {
        let (name, of) = (model.name(other.setting.symbol), model.name(other.of));
        out += &format!("  or {name}={} instead of {of}\n", other.setting.value);
    }
    if !fix.raised.is_empty() {
        out += &format!("  turns on {}\n", list(&fix.raised));
    }
    if !fix.lowered.is_empty() {
        let Pins { settings, left, lowered } = pins(problem, set_aside, fix);
        out += &format!("  turns off {}\n", list(&lowered));
        let kept: Vec<String> =
            settings.iter().map(|pin| format!("{}={}", model.name(pin.symbol), pin.value)).collect();
        out += &format!("  kept by {}, all but {:?}\n", kept.join(" "), list(&left));
    }
    out
}

pub(crate) const MODULES: &str = "config MODULES\n\tbool \"modules\"\n\tmodules\n";

#[test]
fn the_dependencies_of_a_prompt_are_added() {
    let text = "config NET\n\tbool \"net\"\n\tselect SOCKETS\nconfig SOCKETS\n\tbool\nmenuconfig VIRTIO_MENU\n\tbool \"virtio\"\n\
                config PCI\n\tbool \"pci\"\nconfig VIRTIO_NET\n\tbool \"net\"\n\tdepends on NET && (VIRTIO_MENU && PCI)\n";
    check(
        text,
        "VIRTIO_NET=y PCI=y",
        expect![[r#"
            fix of 2, smallest
              NET=y for VIRTIO_NET
              VIRTIO_MENU=y for VIRTIO_NET
              turns on SOCKETS
        "#]],
    );
}

#[test]
fn of_two_alternatives_the_one_that_changes_fewer_symbols_comes_first() {
    let text = "config A\n\tbool \"a\"\n\tselect X\nconfig X\n\tbool\nconfig B\n\tbool \"b\"\n\
                config C\n\tbool \"c\"\n\tdepends on A || B\n";
    check(
        text,
        "C=y",
        expect![[r#"
            fix of 1, smallest
              B=y for C
              or A=y instead of B
        "#]],
    );
}

#[test]
fn a_module_is_preferred_where_it_is_enough() {
    let text = format!(
        "{MODULES}config A\n\ttristate \"a\"\nconfig B\n\ttristate \"b\"\n\tdepends on A\nconfig C\n\tbool \"c\"\n\tdepends on A\n"
    );
    check(
        &text,
        "MODULES=y C=y",
        expect![[r#"
            fix of 1, smallest
              A=m for C
        "#]],
    );
    check(
        &text,
        "B=m",
        expect![[r#"
            fix of 2, smallest
              A=m for B
              MODULES=y for B
            fix of 2, smallest
              A=y for B
              B=y for B
        "#]],
    );
    check(
        &text,
        "B=y",
        expect![[r#"
            fix of 1, smallest
              A=y for B
        "#]],
    );
}

#[test]
fn a_module_that_a_built_in_symbol_needs_is_raised_unless_its_request_is_fixed() {
    let text = format!("{MODULES}config DRM\n\ttristate \"drm\"\nconfig I915\n\ttristate \"i915\"\n\tdepends on DRM\n");
    check(
        &text,
        "MODULES=y DRM=m I915=y",
        expect![[r#"
            fix of 1, smallest
              DRM=y for I915
        "#]],
    );
    check(
        &text,
        "MODULES=y DRM=m! I915=y",
        expect![[r#"
            I915 does not hold with DRM
            holds
        "#]],
    );
}

#[test]
fn a_symbol_without_a_prompt_needs_one_that_selects_it() {
    let text = "config LIB\n\tbool\nconfig USER\n\tbool \"user\"\n\tselect LIB\nconfig OTHER\n\tbool \"other\"\n\
                \tdepends on USER\n\tselect LIB\n";
    check(
        text,
        "LIB=y",
        expect![[r#"
            fix of 1, smallest
              USER=y for LIB
        "#]],
    );
    check(
        "config LIB\n\tbool\n\tdepends on NOWHERE\n",
        "LIB=y",
        expect![[r#"
            LIB does not hold with anything
            holds
        "#]],
    );
}

#[test]
fn a_symbol_that_selects_one_requested_to_be_off_is_turned_off() {
    let text = "config A\n\tbool \"a\"\n\tdefault y\n\tselect LIB\nconfig LIB\n\tbool \"lib\"\n";
    let text = format!("{text}config B\n\tbool \"b\"\n\tselect A\n");
    check(
        &text,
        "B=y? LIB=n",
        expect![[r#"
            fix of 1, smallest
              B=n for LIB
              turns off A
              kept by , all but "A"
        "#]],
    );
    check(
        &text,
        "B=y LIB=n",
        expect![[r#"
            LIB does not hold with B
            holds
        "#]],
    );
}

#[test]
fn one_member_of_a_choice_is_y() {
    let text = "choice\n\tprompt \"debug\"\nconfig NONE\n\tbool \"none\"\nconfig DWARF\n\tbool \"dwarf\"\n\tdepends on TOOLS\nendchoice\n\
                config TOOLS\n\tbool \"tools\"\nconfig BTF\n\tbool \"btf\"\n\tdepends on DWARF\n";
    check(
        text,
        "BTF=y",
        expect![[r#"
            fix of 2, smallest
              DWARF=y for BTF
              TOOLS=y for BTF
              or NONE=n instead of DWARF
              turns off NONE
              kept by , all but "NONE"
        "#]],
    );
    check(
        text,
        "NONE=y BTF=y",
        expect![[r#"
            BTF does not hold with NONE
            holds
        "#]],
    );
}

#[test]
fn a_string_that_must_not_be_empty_becomes_blank() {
    let text = "config CMDLINE\n\tstring \"cmdline\"\nchoice\n\tprompt \"kind\"\n\tdepends on CMDLINE != \"\"\n\
                config FORCE\n\tbool \"force\"\nconfig FROM\n\tbool \"from\"\nendchoice\n";
    check(
        text,
        "FROM=y",
        expect![[r#"
            fix of 1, smallest
              CMDLINE=  for FROM
        "#]],
    );
}

#[test]
fn a_number_is_moved_to_where_the_comparison_holds() {
    let text = "config N\n\tint \"n\"\n\trange 1 9\n\tdefault 2\nconfig BIG\n\tbool \"big\"\n\tdepends on N > 5\n";
    check(
        text,
        "BIG=y",
        expect![[r#"
            fix of 1, smallest
              N=6 for BIG
        "#]],
    );
    check(
        &text.replace("1 9", "1 5"),
        "BIG=y",
        expect![[r#"
            BIG does not hold with anything
            holds
        "#]],
    );
}

#[test]
fn a_number_that_is_not_in_the_config_meets_no_request() {
    // Without its prompt, N reads as 0 and is not in the `.config`.
    let text = "config NET\n\tbool \"net\"\nconfig N\n\tint \"n\"\n\tdepends on NET\nconfig BIG\n\tbool \"big\"\n\tdepends on NET && N = 0\n";
    check(
        text,
        "N=0",
        expect![[r#"
            fix of 1, smallest
              NET=y for N
        "#]],
    );
    check(
        text,
        "BIG=y",
        expect![[r#"
            fix of 1, smallest
              NET=y for BIG
        "#]],
    );
}

#[test]
fn a_range_that_ends_at_another_number_is_widened() {
    let text =
        "config MOST\n\tint \"most\"\n\trange 1 64\n\tdefault 4\nconfig N\n\tint \"n\"\n\trange 0 MOST\n\tdefault 4\n";
    check(
        text,
        "N=31",
        expect![[r#"
            fix of 1, smallest
              MOST=31 for N
        "#]],
    );
    check(
        text,
        "N=65",
        expect![[r#"
            N does not hold with anything
            holds
        "#]],
    );
    let taken_over = "config OURS\n\tint \"ours\"\n\tdefault 4\nconfig N\n\tint\n\tdefault OURS\n";
    check(
        taken_over,
        "N=7",
        expect![[r#"
            fix of 1, smallest
              OURS=7 for N
        "#]],
    );
}

#[test]
fn requests_that_the_model_does_not_take_are_left_out() {
    let text = "config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on !A\nconfig C\n\tbool \"c\"\n\tdepends on D\n\
                config D\n\tbool \"d\"\n";
    check(
        text,
        "NOWHERE=y D=m C=y",
        expect![[r#"
            fix of 1, smallest
              D=y for C
        "#]],
    );
    check(
        text,
        "NOWHERE=y D=m A=y C=y B=y",
        expect![[r#"
            B does not hold with A
            fix of 1, smallest
              D=y for C
        "#]],
    );
    check(
        text,
        "NOWHERE=y D=m A=y",
        expect![[r#"
            holds
        "#]],
    );
}

#[test]
fn the_quotes_of_a_string_are_not_part_of_its_value() {
    let text = "config NET\n\tbool \"net\"\nconfig NAME\n\tstring \"name\"\n\tdepends on NET\n";
    check(
        text,
        r#"NET=y NAME="router""#,
        expect![[r#"
            holds
        "#]],
    );
    check(
        text,
        r#"NAME="router""#,
        expect![[r#"
            fix of 1, smallest
              NET=y for NAME
        "#]],
    );
}

#[test]
fn of_many_requests_only_those_that_contradict_each_other_are_named() {
    let text = "config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on !A\nconfig C\n\tbool \"c\"\n";
    check(
        text,
        "A=y B=y C=y",
        expect![[r#"
            B does not hold with A
            holds
        "#]],
    );
}
