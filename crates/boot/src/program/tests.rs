//! Plans, as the guest receives them.

use expect_test::expect;

use super::*;

fn loader(name: &str, dependencies: &[&str], modules: &[&str]) -> Loader {
    let module = |spec: &&str| {
        let (name, parameters) = spec.split_once(' ').unwrap_or((spec, ""));
        LoaderModule {
            name: name.trim_end_matches(['!', '?']).to_owned(),
            path: format!("lib/modules/6.1/{}.ko", name.trim_end_matches(['!', '?'])),
            parameters: parameters.to_owned(),
            stays: name.ends_with('!'),
            soft: name.ends_with('?'),
        }
    };
    Loader {
        name: name.to_owned(),
        dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        modules: modules.iter().map(module).collect(),
    }
}

fn plan(loaders: Vec<Loader>) -> Result<Program, ProgramError> {
    Program::plan(&ProgramSpec { release: "6.1".to_owned(), loaders, ..ProgramSpec::default() }, "N")
}

#[test]
fn a_check_that_cannot_be_made_is_a_step_that_says_why() {
    let check = |name: &str, skipped: Option<&str>| Check {
        name: name.to_owned(),
        script: "true".to_owned(),
        cleanup: Some("undo".to_owned()),
        skipped: skipped.map(str::to_owned),
    };
    let checks = vec![check("one", Some("Debian has no nftables for mips")), check("two", None)];
    let spec = ProgramSpec { release: "6.1".to_owned(), checks, ..ProgramSpec::default() };
    let program = Program::plan(&spec, "N").unwrap();
    expect![[r#"
        stays=''
        step_release 0 '6.1'
        step_skipped 1 'Debian has no nftables for mips'
        step_script 2 '000.sh'
        step_script 3 '001.sh'
        requested
    "#]]
    .assert_eq(&program.plan);
    assert_eq!(program.scripts.len(), 2);
}

#[test]
fn two_loaders_that_share_go_down_one_beside_the_other() {
    let spec = ProgramSpec {
        release: "6.1'x".to_owned(),
        loaders: vec![
            loader("b", &["a", "elsewhere"], &["core", "soft?", "own_b x=1 y=\"2 3\" x=4"]),
            loader("a", &[], &["core", "own_a", "stays!"]),
            loader("nothing", &[], &[]),
        ],
        checks: vec![
            Check {
                name: "one".to_owned(),
                script: "true".to_owned(),
                cleanup: Some("undo".to_owned()),
                skipped: None,
            },
            Check { name: "two".to_owned(), script: "false".to_owned(), cleanup: None, skipped: None },
        ],
        aliases: vec![Alias { alias: "net-pf-1".to_owned(), module: "core".to_owned() }],
        kmod: true,
        ..ProgramSpec::default()
    };
    let program = Program::plan(&spec, "N").unwrap();
    expect![[r#"
        stays='stays'
        step_release 0 '6.1'\''x'
        step_service 1 'a' 'start'
        requested
        step_service 2 'b' 'start'
        requested
        step_service 3 'nothing' 'start'
        requested
        step_service 4 'a' 'start'
        step_status 5 'a' '0'
        step_service 6 'b' 'start'
        step_status 7 'b' '0'
        step_service 8 'nothing' 'start'
        step_live 9 'core' 'hard'
        step_live 10 'own_a' 'hard'
        step_live 11 'stays' 'hard'
        step_live 12 'core' 'hard'
        step_live 13 'soft' 'soft'
        step_live 14 'own_b' 'hard'
        step_parameter 15 'own_b' 'y'
        step_parameter 16 'own_b' 'x'
        step_script 17 '000.sh'
        step_script 18 '001.sh'
        step_script 19 '002.sh'
        requested
        remember
        step_service 20 'b' 'stop'
        step_kept 21 'core' 'own_a' 'stays'
        step_released 22 'soft' 'own_b'
        step_service 23 'b' 'start'
        step_service 24 'nothing' 'stop'
        step_service 25 'b' 'stop'
        step_service 26 'a' 'stop'
        step_service 27 'nothing' 'stop'
        step_service 28 'b' 'stop'
        step_status 29 'b' '3'
        step_service 30 'a' 'stop'
        step_status 31 'a' '3'
        step_gone 32 'core'
        step_gone 33 'own_a'
        step_gone 34 'stays'
        step_gone 35 'soft'
        step_gone 36 'own_b'
        foreign='core'
        step_foreign 37 'core' 'lib/modules/6.1/core.ko'
        step_service 38 'a' 'start'
        step_service 39 'b' 'start'
        step_service 40 'nothing' 'start'
        step_service 41 'nothing' 'stop'
        step_service 42 'b' 'stop'
        step_service 43 'a' 'stop'
        step_there 44 'core'
        step_gone 45 'own_a'
        step_gone 46 'stays'
        step_gone 47 'soft'
        step_gone 48 'own_b'
        foreign=
        remove 'core'
        step_alias 49 'busybox' 'net-pf-1' 'core'
        step_alias 50 'kmod' 'net-pf-1' 'core'
    "#]]
    .assert_eq(&program.plan);
    assert_eq!(program.scripts.into_values().collect::<Vec<_>>(), ["true", "false", "undo"]);
}

#[test]
fn every_step_has_its_line_in_the_plan() {
    let program = plan(vec![loader("a", &[], &["x", "y"]), loader("b", &[], &["x", "z p=1"])]).unwrap();
    let numbers = program.plan.lines().filter(|line| line.starts_with("step_"));
    let numbers: Vec<usize> = numbers.map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..program.steps.len()).collect::<Vec<_>>());
}

#[test]
fn loaders_without_a_start_order_are_refused() {
    let cycle = plan(vec![loader("a", &["b"], &[]), loader("b", &["a"], &[]), loader("c", &[], &[])]).unwrap_err();
    assert_eq!(cycle.to_string(), "the loaders depend on each other: a, b");
    let twice = plan(vec![loader("a", &[], &[]), loader("a", &[], &[])]).unwrap_err();
    assert_eq!(twice.to_string(), "two loaders are named `a`");
}

#[test]
fn a_kernel_without_modules_still_starts_its_loaders() {
    let program = plan(vec![loader("a", &[], &[])]).unwrap();
    let names: Vec<StepName> = program.steps.iter().map(|step| step.name).collect();
    use StepName::*;
    assert_eq!(names, [Release, Up, UpAgain, Down, DownAgain]);
}

#[test]
fn nonces_differ_and_are_words() {
    let (one, other) = (nonce(), nonce());
    assert_ne!(one, other);
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
