//! Plans, as the guest gets them.

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
fn two_loaders_that_share_go_down_one_beside_the_other() {
    let spec = ProgramSpec {
        release: "6.1'x".to_owned(),
        loaders: vec![
            loader("b", &["a", "elsewhere"], &["core", "soft?", "own_b x=1 y=\"2 3\" x=4"]),
            loader("a", &[], &["core", "own_a", "stays!"]),
            loader("nothing", &[], &[]),
        ],
        checks: vec![
            Check { name: "one".to_owned(), script: "true".to_owned(), cleanup: Some("undo".to_owned()) },
            Check { name: "two".to_owned(), script: "false".to_owned(), cleanup: None },
        ],
        aliases: vec![Alias { alias: "net-pf-1".to_owned(), module: "core".to_owned() }],
        kmod: true,
    };
    let program = Program::plan(&spec, "N").unwrap();
    expect![[""]].assert_eq(&program.plan);
    assert_eq!(program.scripts.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), ["true", "false", "undo"]);
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
    assert_eq!(cycle.to_string(), "the loaders wait for each other: a, b");
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
