use expect_test::{Expect, expect};
use kiln_diag::Diagnostics;

use super::graph;
use crate::{Dependency, LoadStep, LoaderName, LoaderSpec, ServiceName};

/// Builds loaders from lines `NAME: DEPENDENCY… | MODULE[ PARAMETERS], …`; a dependency with an `@` is a foreign
/// service.
fn specs(text: &str) -> Vec<LoaderSpec> {
    let spec = |line: &str| {
        let (name, rest) = line.split_once(':').unwrap();
        let (needs, modules) = rest.split_once('|').unwrap_or((rest, ""));
        let dependency = |word: &str| match word.strip_prefix('@') {
            Some(service) => Dependency::Service(ServiceName::new(service).unwrap()),
            None => Dependency::Loader(LoaderName::new(word).unwrap()),
        };
        let step = |text: &str| {
            let (module, parameters) = text.split_once(' ').unwrap_or((text, ""));
            LoadStep {
                module: module.to_owned(),
                path: format!("/m/{module}.ko"),
                parameters: parameters.to_owned(),
                stays_loaded: false,
                soft: name.starts_with("soft"),
            }
        };
        LoaderSpec {
            name: LoaderName::new(name.trim()).unwrap(),
            description: String::new(),
            dependencies: needs.split_whitespace().map(dependency).collect(),
            modules: modules.split(',').map(str::trim).filter(|text| !text.is_empty()).map(step).collect(),
            modular: true,
            blacklist: Vec::new(),
            origin: None,
        }
    };
    text.lines().map(spec).collect()
}

fn said(diagnostics: &Diagnostics) -> String {
    let line = |finding: &kiln_diag::Diagnostic| {
        let option = finding.option.clone().unwrap_or_default();
        let help: String = finding.help.iter().map(|help| format!("  help: {help}\n")).collect();
        format!("[{}] {option}: {}\n{help}", finding.code, finding.message)
    };
    diagnostics.iter().map(line).collect()
}

/// Shows the findings, or else the start order and each loader's modules with their words.
fn check(text: &str, want: Expect) {
    let (graph, diagnostics) = graph(specs(text));
    let mut seen = said(&diagnostics);
    if diagnostics.is_empty() {
        let order: Vec<&str> = graph.start_order().iter().map(LoaderName::as_str).collect();
        seen += &format!("{}\n", order.join(" "));
        for loader in graph.loaders() {
            for step in loader.steps() {
                let soft = if step.soft() { " (soft)" } else { "" };
                seen += &format!("{}: {} {:?}{soft}\n", loader.name(), step.module(), step.words);
            }
        }
    }
    want.assert_eq(&seen);
}

#[test]
fn start_order() {
    check(
        "a: c @x\nb: a c\nc: @kmodloader-d\nd:\ne:",
        expect![[r#"
        d c a b e
    "#]],
    );
}

#[test]
fn names_and_doubles() {
    check(
        "a: | nf-tables, x, nf_tables",
        expect![[r#"
        a
        a: nf_tables []
        a: x []
    "#]],
    );
    check(
        "soft: | x\nb: | x",
        expect![[r#"
        b soft
        b: x []
        soft: x [] (soft)
    "#]],
    );
}

#[test]
fn parameters_belong_to_the_module() {
    check(
        "a: | x\nb: | x p=1 q=\"a b\"\nc: | x p=1 q=\"a b\"",
        expect![[r#"
        a b c
        a: x ["p=1", "q=\"a b\""]
        b: x ["p=1", "q=\"a b\""]
        c: x ["p=1", "q=\"a b\""]
    "#]],
    );
    check(
        "a: | x p=1\nb: | x p=2\nc: | x",
        expect![[r#"
        [conflicting-parameters] kmodloader.b: loaders `a` and `b` give module `x` different parameters: `p=1` and `p=2`
          help: a module is loaded once for all its loaders: give the parameters in one of them
    "#]],
    );
}

#[test]
fn two_of_a_name() {
    check(
        "a: | x\na: | y",
        expect![[r#"
        [duplicate-loader] kmodloader.a: there are two loaders named `a`
    "#]],
    );
}

#[test]
fn unknown_loaders() {
    check(
        "a: b\nc: @kmodloader-d",
        expect![[r#"
        [unknown-loader] kmodloader.a: loader `a` depends on `b`, which is not a loader
          help: the loaders are `a`, `c`
        [unknown-loader] kmodloader.c: loader `c` depends on `d`, which is not a loader
          help: the loaders are `a`, `c`
    "#]],
    );
}

#[test]
fn cycles() {
    check(
        "a: a",
        expect![[r#"
        [loader-cycle] kmodloader.a: loaders depend on each other: a -> a
    "#]],
    );
    check(
        "a: b\nb: c\nc: b\nd: e\ne: d\nf:",
        expect![[r#"
        [loader-cycle] kmodloader.b: loaders depend on each other: b -> c -> b
        [loader-cycle] kmodloader.d: loaders depend on each other: d -> e -> d
    "#]],
    );
}

#[test]
fn what_cannot_be_loaded() {
    check(
        "a: | x/y, x p=\"q, é, 0123456789012345678901234567890123456789012345678901234567890123",
        expect![[r#"
        [bad-module-name] kmodloader.a: "x/y" cannot be a module's name
        [bad-parameters] kmodloader.a: module `x`: a `"` in the parameters is not closed
        [bad-module-name] kmodloader.a: "é" cannot be a module's name
        [bad-module-name] kmodloader.a: "0123456789012345678901234567890123456789012345678901234567890123" cannot be a module's name
    "#]],
    );
    let mut bad = specs("a: | x");
    bad[0].modules[0].path = "relative.ko".to_owned();
    bad[0].blacklist = vec!["a b".to_owned(), "c-d".to_owned()];
    expect![[r#"
        [bad-module-name] kmodloader.a: "a b" cannot be a module's name
        [bad-module-path] kmodloader.a: "relative.ko" cannot be the path of module `x`
    "#]]
    .assert_eq(&said(&graph(bad).1));
}
