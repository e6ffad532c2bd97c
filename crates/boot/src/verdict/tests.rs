//! From a console's lines to a verdict.

use expect_test::{Expect, expect};

use super::*;
use crate::program::{Loader, LoaderModule, ProgramSpec};

fn program() -> Program {
    let module = LoaderModule {
        name: "dummy".to_owned(),
        path: "lib/modules/6.1/dummy.ko".to_owned(),
        parameters: "numdummies=2".to_owned(),
        stays: true,
        soft: false,
    };
    let loader = Loader { name: "links".to_owned(), dependencies: Vec::new(), modules: vec![module] };
    let spec = ProgramSpec { release: "6.1".to_owned(), loaders: vec![loader], ..ProgramSpec::default() };
    Program::plan(&spec, "N").unwrap()
}

/// Reports every step as good except for `changes`, and judges.
fn verdict(changes: &[(usize, Option<&str>)], more: &str, ended: Ended) -> Verdict {
    let program = program();
    let mut console = Console::new("N");
    console.push(0.1, "[    0.100000] Linux version 6.1");
    for number in 0..program.steps.len() {
        let usual = match program.steps[number].name {
            StepName::Release => "ok 6.1",
            StepName::Parameter => "ok 2",
            _ => "ok",
        };
        let change = changes.iter().find(|(step, _)| *step == number);
        if let Some(report) = change.map_or(Some(usual), |(_, report)| *report) {
            console.push(0.2, &format!("@kiln N {number} {report} @end"));
        }
    }
    more.lines().for_each(|line| console.push(0.3, line));
    judge(Machine::find("x86_64").unwrap(), &program, &console, ended, 1.23456)
}

const FINISH: &str = "@kiln N finish ok @end";

fn exited() -> Ended {
    Ended::Exited { status: "exit status: 0".to_owned() }
}

fn check(verdict: &Verdict, expected: Expect) {
    let reasons: String = verdict.reasons.iter().map(|reason| format!("{reason:?}\n")).collect();
    expected.assert_eq(&format!("{} {:?}\n{reasons}", if verdict.ok { "good" } else { "bad" }, verdict.ended));
}

#[test]
fn all_steps_and_the_end_make_a_good_verdict() {
    let verdict = verdict(&[], FINISH, exited());
    check(
        &verdict,
        expect![[r#"
        good Finished
    "#]],
    );
    let steps: String = verdict.steps.iter().map(|step| format!("{:?} {:?}\n", step.name, step.outcome)).collect();
    expect![[r#"
        Release Ok
        Up Ok
        UpAgain Ok
        Status Ok
        Live Ok
        Parameter Ok
        Down Ok
        DownAgain Ok
        Status Ok
        Gone Ok
    "#]]
    .assert_eq(&steps);
    assert_eq!(verdict.seconds, 1.235);
}

#[test]
fn each_way_to_be_bad_has_its_reason() {
    check(
        &verdict(&[(1, Some("fail exit status 1"))], FINISH, exited()),
        expect![[r#"
        bad Finished
        StepFailed { step: 1 }
    "#]],
    );
    check(
        &verdict(&[(4, None)], FINISH, exited()),
        expect![[r#"
        bad Finished
        NoReport { step: 4 }
    "#]],
    );
    check(
        &verdict(&[(0, Some("ok 6.1-other"))], FINISH, exited()),
        expect![[r#"
        bad Finished
        StepFailed { step: 0 }
    "#]],
    );
    check(
        &verdict(&[(9, None)], "going down", exited()),
        expect![[r#"
        bad Exited { status: "exit status: 0" }
        Ended { step: Some(9), last: ["[    0.100000] Linux version 6.1", "going down"] }
    "#]],
    );
    check(
        &verdict(&[(9, None)], "almost", Ended::Deadline { seconds: 60.0 }),
        expect![[r#"
        bad Deadline { seconds: 60.0 }
        Deadline { seconds: 60.0, step: Some(9), last: ["[    0.100000] Linux version 6.1", "almost"] }
    "#]],
    );
    check(
        &verdict(&[(9, None)], "[    9.000000] Kernel panic - not syncing: oh", exited()),
        expect![[r#"
        bad Died
        Panic { text: "Kernel panic - not syncing: oh" }
    "#]],
    );
    check(
        &verdict(&[(9, None)], "[    9.000000] reboot: System halted", Ended::Died),
        expect![[r#"
        bad Died
        Ended { step: Some(9), last: ["[    0.100000] Linux version 6.1", "[    9.000000] reboot: System halted"] }
    "#]],
    );
    let oops = format!("[    9.000000] BUG: unable to handle page fault\n{FINISH}");
    check(
        &verdict(&[], &oops, exited()),
        expect![[r#"
        bad Finished
        Fault { text: "BUG: unable to handle page fault" }
    "#]],
    );
    let warning = format!("[    9.000000] WARNING: CPU: 0 PID: 1\n{FINISH}");
    check(
        &verdict(&[(2, Some("warn not there"))], &warning, exited()),
        expect![[r#"
        good Finished
    "#]],
    );
}

#[test]
fn a_guest_that_said_nothing_reached_nothing() {
    let console = Console::new("N");
    let verdict = judge(Machine::find("mips").unwrap(), &program(), &console, Ended::Deadline { seconds: 1.0 }, 1.0);
    assert!(verdict.steps.iter().all(|step| step.outcome == Outcome::NotReached));
    check(
        &verdict,
        expect![[r#"
        bad Deadline { seconds: 1.0 }
        Deadline { seconds: 1.0, step: Some(0), last: [] }
    "#]],
    );
}

/// The loader `links` has `dummy`, which it loads although it may be missing, and `veth`, which it only brings.
#[test]
fn a_module_that_its_started_loader_did_not_load_and_the_kernel_requests_is_a_reason() {
    let json = r#"{ "version": 1, "kiln": "0", "requests": {}, "firmware": {}, "leftOut": ["nls_cp437"],
        "kernel": { "release": "6.1", "arch": "x86_64", "machine": "x86_64", "modular": true, "source": "",
                    "toolchain": [], "keys": {}, "images": [] },
        "loaders": { "links": { "targets": [], "dependencies": [], "builtin": [], "modules": [
            { "name": "dummy", "path": "dummy.ko", "size": 1, "loaded": true, "soft": true, "because": [] },
            { "name": "veth", "path": "veth.ko", "size": 1, "loaded": false, "because": [] }] } },
        "sizes": { "modules": 2, "moduleBytes": 2, "allModules": 3, "allModuleBytes": 3 } }"#;
    let manifest = kiln_assembly::manifest::Manifest::from_json(json).unwrap();
    let spec = ProgramSpec {
        release: "6.1".to_owned(),
        loaders: crate::loaders(&manifest),
        providers: kiln_assembly::Providers::new(&manifest, "alias rtnl-link-dummy dummy\n"),
        ..ProgramSpec::default()
    };
    let program = Program::plan(&spec, "N").unwrap();
    let judged = |live: &str, early: bool| {
        let mut console = Console::new("N");
        let requests = "@kiln N request note rtnl-link-dummy @end\n@kiln N request note veth @end\n\
                        @kiln N request note nls-cp437 @end\n@kiln N request note no-such @end";
        let ask = |console: &mut Console| requests.lines().for_each(|line| console.push(0.2, line));
        if early {
            ask(&mut console);
        }
        for (number, step) in program.steps.iter().enumerate() {
            let report = match step.name {
                StepName::Release => "ok 6.1",
                StepName::Live => live,
                _ => "ok",
            };
            console.push(0.2, &format!("@kiln N {number} {report} @end"));
            if !early && step.name == StepName::Live {
                ask(&mut console);
            }
        }
        console.push(0.3, FINISH);
        let verdict = judge(Machine::find("x86_64").unwrap(), &program, &console, exited(), 1.0);
        let requests: String = verdict
            .requested_modules
            .iter()
            .map(|one| format!("{} in {:?}: {:?}\n", one.name, one.step, one.providers))
            .collect();
        let reasons: String = verdict.reasons.iter().map(|reason| format!("{reason:?}\n")).collect();
        format!("{requests}{reasons}")
    };
    expect![[r#"
        rtnl-link-dummy in Some(4): [Loader { module: "dummy", loader: "links", loaded: true }]
        veth in Some(4): [Loader { module: "veth", loader: "links", loaded: false }]
        nls-cp437 in Some(4): [LeftOut { module: "nls_cp437" }]
        no-such in Some(4): []
        NotLoaded { request: 0, module: "dummy", loader: "links" }
    "#]]
    .assert_eq(&judged("warn not there", false));
    expect![[r#"
        veth in Some(4): [Loader { module: "veth", loader: "links", loaded: false }]
        nls-cp437 in Some(4): [LeftOut { module: "nls_cp437" }]
        no-such in Some(4): []
    "#]]
    .assert_eq(&judged("ok", false));
    expect![[r#"
        rtnl-link-dummy in None: [Loader { module: "dummy", loader: "links", loaded: true }]
        veth in None: [Loader { module: "veth", loader: "links", loaded: false }]
        nls-cp437 in None: [LeftOut { module: "nls_cp437" }]
        no-such in None: []
    "#]]
    .assert_eq(&judged("warn not there", true));
}

#[test]
fn parameters_are_compared_as_the_kernel_reads_them() {
    let check = |wanted: &str, found: &str, outcome: Outcome| {
        assert_eq!(parameter(wanted, found).0, outcome, "{wanted} {found}");
    };
    check("4096", "4096", Outcome::Ok);
    check("0x10", "16", Outcome::Ok);
    check("010", "8", Outcome::Ok);
    check("-1", "-1", Outcome::Ok);
    check("1", "Y", Outcome::Ok);
    check("no", "N", Outcome::Ok);
    check("5000", "5120", Outcome::Warned);
    check("1", "N", Outcome::Failed);
    check("eth0", "(null)", Outcome::Failed);
    check("1,2", "1,2,0,0", Outcome::Ok);
    check("\"a b\"", "a b", Outcome::Ok);
    check("", "", Outcome::Ok);
}

#[test]
fn the_json_is_versioned_and_reads_back() {
    let verdict = verdict(&[(1, Some("fail x"))], "[    9.000000] WARNING: x", Ended::Deadline { seconds: 2.0 });
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["version"], 2);
    assert_eq!(json["ended"]["how"], "deadline");
    assert_eq!(json["reasons"][0]["reason"], "step-failed");
    assert_eq!(json["steps"][1]["name"], "up");
    assert_eq!(json["steps"][1]["outcome"], "failed");
    assert!(serde_json::from_value::<Verdict>(json).unwrap() == verdict);
}
