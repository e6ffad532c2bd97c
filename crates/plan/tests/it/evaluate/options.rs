//! Options, their types, and which of several definitions wins.

use expect_test::expect;

use super::{finds, gives, requests};
use crate::fixture::{Files, evaluated, evaluated_for};

#[test]
fn an_unknown_option_shows_the_nearest() {
    finds(
        r#"[kernel]
confg = "y"
[kernel.config]
A = "y"
[kernl]
x = 1
[when.'modular'.kernel]
modulr = true
"#,
        expect![[r#"
            error[unknown-option]: there is no option `kernel.confg`
              option kernel.confg
              kiln.toml:2:1 not an option
              help: did you mean `kernel.config`?
            error[unknown-option]: there is no option `kernl`
              option kernl
              kiln.toml:5:2 not an option
              help: did you mean `kernel`?
            error[unknown-option]: there is no option `kernel.modulr`
              option kernel.modulr
              kiln.toml:8:1 not an option
              help: did you mean `kernel.modular`?
        "#]],
    );
}

#[test]
fn a_priority_on_a_section_is_no_option() {
    finds(
        r#"[kernel]
force = { modular = true }
"#,
        expect![[r#"
            error[unknown-option]: there is no option `kernel.force`
              option kernel.force
              kiln.toml:2:1 not an option
              help: a priority belongs to a value, not to a section: write it on each value
        "#]],
    );
}

#[test]
fn wrong_types() {
    finds(
        r#"[kernel]
modular = "yes"
makeTargets = "vmlinux"
version = 6.12
arch = true
extraPatchPhase = ["true"]
[kernel.config]
A = true
B = ""
C = "  "
D = 1.5
E = ["y"]
F = "a\u0000b"
G = "a\nb"
[boot]
memory = 1
deadline = "60"
"#,
        expect![[r#"
            error[type]: `kernel.version`: expected a string, found a number with a fraction
              option kernel.version
              kiln.toml:4:11
              help: write it in quotes
            error[type]: `kernel.arch`: expected a string, found a boolean
              option kernel.arch
              kiln.toml:5:8
              help: write it in quotes
            error[type]: `kernel.extraPatchPhase`: expected a string, found a list
              option kernel.extraPatchPhase
              kiln.toml:6:19
            error[type]: `kernel.modular`: expected `true` or `false`, found a string
              option kernel.modular
              kiln.toml:2:11
            error[type]: `kernel.makeTargets`: expected a list, found a string
              option kernel.makeTargets
              kiln.toml:3:15
              help: write `["vmlinux"]`
            error[type]: `kernel.config.A`: expected a string, found a boolean
              option kernel.config.A
              kiln.toml:8:5
              help: write `"y"` or `"n"`
            error[type]: `kernel.config.C`: the value is only blanks
              option kernel.config.C
              kiln.toml:10:5
              help: write `""` for the empty text, `'" "'` for blanks
            error[type]: `kernel.config.D`: expected a string, found a number with a fraction
              option kernel.config.D
              kiln.toml:11:5
              help: write it in quotes
            error[type]: `kernel.config.E`: expected a string, found a list
              option kernel.config.E
              kiln.toml:12:5
            error[type]: `kernel.config.F`: the text has a NUL character in it
              option kernel.config.F
              kiln.toml:13:5
            error[type]: `kernel.config.G`: the value is more than one line
              option kernel.config.G
              kiln.toml:14:5
            error[type]: `boot.memory`: 1 is not between 32 and 1048576
              option boot.memory
              kiln.toml:16:10
            error[type]: `boot.deadline`: expected an integer, found a string
              option boot.deadline
              kiln.toml:17:12
        "#]],
    );
}

#[test]
fn a_section_is_a_table() {
    finds(
        r#"kernel = 1
kmodloader = "x"
"#,
        expect![[r#"
            error[type]: `kernel` is a table of options, and this is an integer
              option kernel
              kiln.toml:1:10 expected a table
            error[type]: `kmodloader` is a table of options, and this is a string
              option kmodloader
              kiln.toml:2:14 expected a table
        "#]],
    );
}

#[test]
fn priorities_that_cannot_be_read() {
    finds(
        r#"[kernel.config]
A = {}
B = { value = "y", force = "y" }
C = { force = "y", priority = 3 }
D = { value = "y", priority = "high" }
E = { value = "y", prioritty = 3 }
F = { priority = 3 }
G = { value = "y", optional = "yes" }
[kernel]
modular = { value = true, optional = true }
src = { apt = "linux-source-6.12", default = "x" }
"#,
        expect![[r#"
            error[priority]: the table gives no value
              option kernel.config.A
              kiln.toml:2:5
              help: write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`
            error[priority]: `value` and `force` exclude each other
              option kernel.config.B
              kiln.toml:3:20
              help: write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`
            error[priority]: `force` is a priority already
              option kernel.config.C
              kiln.toml:4:20
              help: write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`
            error[priority]: a priority is an integer
              option kernel.config.D
              kiln.toml:5:31
              help: the lower number wins; a plain value has 100
            error[priority]: `prioritty` is not allowed in a table that gives a value its priority
              option kernel.config.E
              kiln.toml:6:20
              help: write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`
            error[priority]: the table gives no value
              option kernel.config.F
              kiln.toml:7:5
              help: write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`
            error[priority]: `optional` is `true` or `false`, and this is a string
              option kernel.config.G
              kiln.toml:8:31
            error[priority]: `optional` does not apply to this option
              option kernel.modular
              kiln.toml:10:27
            error[priority]: `apt` is not allowed in a table that gives a value its priority
              option kernel.src
              kiln.toml:11:9
              help: write `{ default = … }`, `{ force = … }` or `{ value = …, priority = N }`
        "#]],
    );
}

#[test]
fn conflicts_show_every_definition() {
    finds(
        r#"imports = ["./a.toml", "./b.toml"]
[kernel.config]
A = "m"
B = { force = "y" }
[kernel]
modular = false
[when.modular.kernel.config]
C = "y"
#- a.toml
[kernel]
modular = true
[kernel.config]
A = "y"
B = { force = "n" }
[kernel.conditionalConfig.USB]
X = "y"
#- b.toml
[kernel.config]
A = { default = "n" }
[kernel.conditionalConfig.USB]
X = "m"
"#,
        expect![[r#"
            error[conflict]: `kernel.modular` is defined with different values
              option kernel.modular
              a.toml:2:1 true
              kiln.toml:6:1 false
              help: remove one, or write the one to keep as `{ force = … }`, or the other as `{ default = … }`
            error[conflict]: `kernel.config.A` is defined with different values
              option kernel.config.A
              a.toml:4:1 "y"
              kiln.toml:3:1 "m"
              help: remove one, or write the one to keep as `{ force = … }`, or the other as `{ default = … }`
            error[conflict]: `kernel.config.B` is defined with different values
              option kernel.config.B
              a.toml:5:1 "n"
              kiln.toml:4:1 "y"
              help: remove one, or give one a lower number: `{ value = …, priority = 40 }`
            error[conflict]: `kernel.conditionalConfig.USB.X` is defined with different values
              option kernel.conditionalConfig.USB.X
              a.toml:7:1 "y"
              b.toml:4:1 "m"
              help: remove one, or write the one to keep as `{ force = … }`, or the other as `{ default = … }`
        "#]],
    );
}

#[test]
fn priorities_and_losers() {
    gives(
        r#"imports = ["./a.toml"]
[kernel.config]
HZ = { value = 250, priority = 80 }
A = "y"
B = { default = "n" }
#- a.toml
[kernel.config]
HZ = { default = true }
A = "y"
B = { value = "m", priority = 900, optional = true }
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            baseValues = "written"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "gcc"

            [kernel.config]
            A = "y"
              # a.toml:3:1
              # kiln.toml:4:1
            B = "m"  # optional
              # a.toml:4:1 (priority 900)
              # kiln.toml:5:1 lost "n" (default)
            HZ = "250"
              # kiln.toml:3:1 (priority 80)
              # a.toml:2:1 lost true (default)"#]],
    );
}

#[test]
fn lists_join_imports_first() {
    gives(
        r#"imports = ["./a.toml", "./b.toml", "./a.toml"]
[kernel]
makeTargets = ["own"]
extraPatchPhase = "own"
patches = ["./p/*.patch"]
[when.modular.kernel]
makeTargets = ["when"]
#- a.toml
imports = ["./sub/c.toml"]
[kernel]
makeTargets = ["a"]
extraPatchPhase = "a"
#- b.toml
imports = ["./sub/c.toml"]
[kernel]
makeTargets = ["b"]
extraPatchPhase = { default = "b" }
#- sub/c.toml
[kernel]
makeTargets = ["c"]
patches = ["../x.patch", "q.patch"]
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            baseValues = "written"
            extraPatchPhase = "a\nown"
              # a.toml:4:1
              # kiln.toml:4:1
              # b.toml:4:1 lost "b" (default)
            makeTargets = ["c", "a", "b", "own", "when"]
              # sub/c.toml:2:1
              # a.toml:3:1
              # b.toml:3:1
              # kiln.toml:3:1
              # kiln.toml:7:1 when modular
            modular = true
            patches = ["sub/../x.patch", "sub/q.patch", "p/*.patch"]
              # sub/c.toml:3:1
              # kiln.toml:5:1
            toolchain = "gcc""#]],
    );
}

#[test]
fn definitions_behind_an_options_own_default_lose() {
    let recipe = "[kernel]\nmodular = { value = false, priority = 1600 }\n";
    let (_, evaluation) = evaluated(&Files::parse(recipe));
    let kernel = evaluation.evaluated.expect("a sound recipe").kernel;
    assert!(kernel.modular.value);
}

#[test]
fn the_order_of_independent_settings_says_nothing() {
    let lines = ["A = \"y\"", "B = { default = \"n\" }", "C = 3", "D = { force = \"m\" }"];
    let blocks = ["[kernel.conditionalConfig.A]\nB = \"m\"\n", "[when.modular.kernel.config]\nE = \"y\"\n"];
    let recipe =
        |lines: &[&str], blocks: &[&str]| format!("[kernel.config]\n{}\n{}", lines.join("\n"), blocks.concat());
    let first = requests(&recipe(&lines, &blocks), None);
    assert_eq!(first, "A=y B=m C=3 D=m E=y");
    let mut turned = lines;
    for _ in 0..lines.len() {
        turned.rotate_left(1);
        assert_eq!(requests(&recipe(&turned, &blocks), None), first);
        turned.swap(0, 2);
        assert_eq!(requests(&recipe(&turned, &[blocks[1], blocks[0]]), None), first);
    }
}

#[test]
fn the_reference_finds_what_is_asked_for() {
    let about = |name| kiln_plan::reference(Some(name));
    assert!(about("kernel.config").is_ok_and(|text| text.contains("## `kernel.config.SYMBOL`")));
    assert!(about("kernel.config.USB").is_ok_and(|text| text.contains("## `kernel.config.SYMBOL`")));
    assert!(about("targets").is_ok_and(|text| text.contains("## `kmodloader.NAME.targets`")));
    assert!(about("kiln:firewall").is_ok_and(|text| text.contains("nft_chain_nat")));
    assert_eq!(about("targts"), Err(Some("targets".to_owned())));
    assert_eq!(about("kiln:firewal"), Err(Some("firewall".to_owned())));
    assert_eq!(about("zzzzzz"), Err(None));
    let all = kiln_plan::reference(None).expect("everything");
    for builtin in kiln_plan::BUILTINS {
        assert!(all.contains(&format!("`kiln:{}`", builtin.name)));
    }
}

/// The examples of the page on recipes are recipes, and its sections can be asked for.
#[test]
fn the_examples_of_the_page_on_recipes_evaluate() {
    let mut n_examples = 0;
    for block in kiln_plan::RECIPE.split("```toml\n").skip(1) {
        let recipe = block.split("```").next().expect("the block ends");
        let files = recipe.lines().filter(|line| line.starts_with("imports")).flat_map(|line| line.split('"'));
        let files: String =
            files.filter(|name| name.starts_with('.')).map(|name| format!("#- {name}\n# nothing\n")).collect();
        // A parent of the recipe's directory is that directory, in these files.
        let files = files.replace("../", "").replace("./", "");
        let recipe = format!("{recipe}{files}");
        let (sources, evaluation) = evaluated_for(&Files::parse(&recipe), Some("6.12.1"));
        let errors: Vec<_> =
            evaluation.diagnostics.iter().filter(|one| one.severity == kiln_diag::Severity::Error).collect();
        assert!(errors.is_empty(), "{recipe}\n{}", crate::fixture::findings(&sources, &evaluation.diagnostics));
        n_examples += 1;
    }
    assert!(n_examples >= 8, "{n_examples}");
    let when = kiln_plan::reference(Some("when")).expect("a section");
    assert!(when.starts_with("## `when`\n") && !when.contains("## `fragments`"), "{when}");
    assert_eq!(kiln_plan::reference(Some("priorites")), Err(Some("priorities".to_owned())));
}
