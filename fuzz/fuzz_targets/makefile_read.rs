//! Makefiles: reading ends, and means the same with a comment before it, and with the line ends of other systems.

#![no_main]

use std::collections::BTreeSet;

use kiln_makefile::{BuildContext, Effect, Mentions, ModuleRules, Objects, Rule, Scope, Variables, objects};
use libfuzzer_sys::fuzz_target;

const LISTS: [&str; 8] = ["obj-y", "obj-m", "lib-y", "a-y", "a-objs", "ccflags-y", "A", "B"];
const SYMBOLS: [&str; 3] = ["A", "B", "NET"];

/// All that is read from one makefile.
#[derive(Debug, PartialEq)]
struct Read {
    values: Vec<String>,
    rules: Vec<(Vec<String>, Vec<String>)>,
    objects: Objects,
    modules: Vec<(String, Vec<Rule>)>,
    effects: Vec<Effect>,
}

fn read(text: &str) -> Read {
    let config = |name: &str| match name {
        "A" => Some("y"),
        "B" => Some("m"),
        "NAME" => Some("\"a b\""),
        _ => None,
    };
    let context = BuildContext { arch: "x86_64", srcarch: "x86", config: &config };
    let mut variables = Variables::of_folder("net", context);
    variables.evaluate(text);
    let mut modules = ModuleRules::new();
    modules.add("net/Makefile", text);
    let file = |name: &str| match name {
        "Kbuild" => Some("obj-y += net/\n".to_owned()),
        "net/Makefile" | "net/a/Makefile" | "arch/x86/Makefile" => Some(text.to_owned()),
        _ => None,
    };
    let mut effects = Vec::new();
    for name in ["net/Makefile", "Makefile", "arch/x86/Makefile", "scripts/Makefile.lib", "scripts/a.sh"] {
        let mut mentions = Mentions::new("x86", text, "include scripts/Makefile.lib\n");
        mentions.include(text, "scripts/Makefile.lib");
        mentions.note_includes(name, text);
        let about = SYMBOLS.map(str::to_owned).into_iter().collect::<BTreeSet<String>>();
        mentions.add(name, text, &about);
        effects.extend(SYMBOLS.iter().flat_map(|symbol| mentions.of(symbol)).cloned());
    }
    let rules = variables.rules().iter().map(|rule| (rule.targets.clone(), rule.prerequisites.clone()));
    Read {
        values: LISTS.iter().map(|name| variables.value(name)).collect(),
        rules: rules.collect(),
        objects: objects(context, &file),
        modules: modules.names().map(|name| (name.to_owned(), modules.of(name).to_vec())).collect(),
        effects,
    }
}

fuzz_target!(|text: &str| {
    let plain = read(text);
    let n_lines = text.lines().count() as u32;
    for effect in &plain.effects {
        assert!((1..=n_lines).contains(&effect.line), "{effect:?} is in none of {n_lines} lines");
        let (Scope::Product(path) | Scope::Below(path) | Scope::Rules(path)) = &effect.scope else { continue };
        assert!(!path.split('/').any(|part| part == ".."), "{effect:?} is outside of the tree");
    }
    if !text.contains('\r') {
        assert_eq!(read(&text.replace('\n', "\r\n")), plain, "other line ends");
    }
    let mut later = read(&format!("# a comment\n{text}"));
    later.effects.iter_mut().for_each(|effect| effect.line -= 1);
    later.modules.iter_mut().flat_map(|(_, rules)| rules).for_each(|rule| rule.line -= 1);
    assert_eq!(later, plain, "a comment before it");
});
