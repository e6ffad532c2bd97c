use expect_test::{Expect, expect};

use super::*;

const MAKEFILE: &str = "\
obj-$(CONFIG_WIREGUARD) += wireguard.o
obj-$(CONFIG_VETH) += veth.o
obj-$(CONFIG_IMAGE) += image.o
obj-y += always.o
";

fn located(word: &str) -> Located<String> {
    Located { value: word.to_owned(), origin: None }
}

fn loader(name: &str, targets: &[&str]) -> Loader {
    Loader {
        name: name.to_owned(),
        targets: targets.iter().map(|word| located(word)).collect(),
        dependencies: Vec::new(),
        parameters: BTreeMap::new(),
        blacklist: Vec::new(),
        origin: None,
    }
}

/// Checks loaders of a kernel that has `veth` as a module and `image` built in; `ip_conntrack` is an alias.
fn check(loaders: Vec<Loader>, extra: &str, expected: Expect) {
    let mut rules = ModuleRules::new();
    rules.add("net/Makefile", MAKEFILE);
    let mut of_extra = ModuleRules::new();
    of_extra.add("Kbuild", extra);
    let ahead = Ahead {
        rules: &rules,
        extra: &of_extra,
        config: &Config::parse("CONFIG_MODULES=y\nCONFIG_VETH=m\nCONFIG_IMAGE=y\n"),
        requests: &BTreeMap::new(),
        is_alias: &|word| word == "ip_conntrack",
        has_object: &|word| word == "strange",
    };
    let loaders = loaders.into_iter().map(|loader| (loader.name.clone(), loader)).collect();
    let mut shown = String::new();
    for finding in findings(&ahead, &loaders).iter() {
        shown.push_str(&format!("{:?} {}: {}\n", finding.severity, finding.code, finding.message));
        finding.help.iter().for_each(|help| shown.push_str(&format!("  {help}\n")));
    }
    expected.assert_eq(&shown);
}

#[test]
fn targets_are_looked_up_in_the_makefiles() {
    check(
        vec![loader("a", &["wirguard", "wireguard", "veth", "image", "ip_conntrack"])],
        "",
        expect![[r#"
        Error unknown-target: there is no module `wirguard` in this kernel
          did you mean `wireguard`?
        Error target-off: module `wireguard` is not built: `WIREGUARD` is off
          set `kernel.config.WIREGUARD = "m"`
    "#]],
    );
}

#[test]
fn a_name_that_only_make_can_compute_is_left_open() {
    check(
        vec![loader("a", &["mine", "other"])],
        "obj-m := mine.o",
        expect![[r#"
        Error unknown-target: there is no module `other` in this kernel
          targets are module names as `lsmod` shows them; a module from outside the tree must be built first
    "#]],
    );
    check(
        vec![loader("a", &["mine"])],
        "obj-m += \\\n  $(NAME).o",
        expect![[r#"
        Note unknown-target: no makefile names a module `mine`
          whether it is an alias, or a name that make computes, is known once the modules are built
    "#]],
    );
    check(
        vec![loader("a", &["net-pf-10", "strange"])],
        "",
        expect![[r#"
            Note unknown-target: no makefile names a module `net-pf-10`
              whether it is an alias, or a name that make computes, is known once the modules are built
            Note unknown-target: no makefile names a module `strange`
              whether it is an alias, or a name that make computes, is known once the modules are built
        "#]],
    );
}

#[test]
fn parameters_of_modules_that_no_closure_can_have_are_found() {
    let mut given = loader("a", &["veth", "wireguard"]);
    for module in ["veth", "wireguard", "image", "wirguard", "always"] {
        given.parameters.insert(module.to_owned(), located("x=1"));
    }
    check(
        vec![given],
        "",
        expect![[r#"
        Error target-off: module `wireguard` is not built: `WIREGUARD` is off
          set `kernel.config.WIREGUARD = "m"`
        Warning builtin-parameters: `image` is part of the kernel image: no loader sets its parameters
          put `image.x=1` on the kernel's command line, or build `image` as a module
        Error stray-parameters: loader `a` has parameters for `wirguard`, which it does not load
          add `wirguard` to `kmodloader.a.targets`, or drop the parameters
    "#]],
    );
}

#[test]
fn entries_of_a_blacklist_without_effect_are_found() {
    let mut given = loader("a", &["veth"]);
    given.blacklist = ["veth", "image", "wireguard", "wirguard", "ip_conntrack"].map(located).into();
    check(
        vec![given],
        "",
        expect![[r#"
        Warning void-blacklist: loader `a` loads `veth` although it blacklists it: it is one of its targets
          remove it from `targets`, or from `blacklist`; only hotplug does not load it
        Warning void-blacklist: `image` is part of the kernel image: no blacklist can leave it out
          remove it from `blacklist`, or build `image` as a module
        Warning void-blacklist: there is no module `wirguard` in this kernel that a blacklist could leave out
          did you mean `wireguard`?
    "#]],
    );
}

#[test]
fn loaders_are_checked_as_a_whole() {
    let depends = |name: &str, on: &str| Loader { dependencies: vec![located(on)], ..loader(name, &["veth"]) };
    check(
        vec![depends("a", "b"), depends("b", "a")],
        "",
        expect![[r#"
        Error loader-cycle: loaders depend on each other: a -> b -> a
    "#]],
    );
    let mut first = loader("a", &["veth"]);
    first.parameters.insert("veth".to_owned(), located("x=1"));
    let mut second = loader("b", &["veth"]);
    second.parameters.insert("veth".to_owned(), located("x=2"));
    check(
        vec![first, second],
        "",
        expect![[r#"
        Error conflicting-parameters: loaders `a` and `b` give module `veth` different parameters: `x=1` and `x=2`
          a module is loaded once for all its loaders: give the parameters in one of them
    "#]],
    );
    let mut broken = loader("a", &["veth"]);
    broken.parameters.insert("veth".to_owned(), located("x=\"1"));
    check(
        vec![broken],
        "",
        expect![[r#"
        Error bad-parameters: module `veth`: a `"` in the parameters is not closed
    "#]],
    );
}
