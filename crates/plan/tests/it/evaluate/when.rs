//! `when` blocks and `conditionalConfig`: effects of each condition.

use expect_test::expect;

use super::{finds, gives, requests};
use crate::fixture::{Files, evaluated, evaluated_for};

#[test]
fn when_faults() {
    finds(
        r#"[when.'all(modular']
[when.'arch = "x87"'.kernel]
[when.'arch'.kernel]
[when.'version = "new"'.kernel]
[when.'config.CONFIG_USB = "y"'.kernel]
[when.'modul'.kernel]
[when.'none(modular)'.kernel]
[when.'not(modular, modular)'.kernel]
[when.'modular = "y"'.kernel]
[when.'modular modular'.kernel]
[when.''.kernel]
[when.modular]
imports = ["./x.toml"]
when = {}
"#,
        expect![[r#"
            error[condition]: expected `,` or `)`
              option when
              kiln.toml:1:19
            error[condition]: there is no architecture `x87`
              option when
              kiln.toml:2:8
              help: the usual ones are `x86_64`, `arm64`, `arm`, `mips`, `mipsel` and `riscv`
            error[condition]: `arch` needs a value
              option when
              kiln.toml:3:8
              help: write `arch = "x86_64"`
            error[condition]: `new` is not a range of versions such as `>=6.6` or `>=5.15, <6.1`
              option when
              kiln.toml:4:8
            error[condition]: `CONFIG_USB` has the prefix of a `.config`
              option when
              kiln.toml:5:8
              help: write `USB`
            error[condition]: there is no fact `modul`
              option when
              kiln.toml:6:8
              help: did you mean `modular`?
            error[condition]: `none` is not an operator
              option when
              kiln.toml:7:8
              help: the operators are `all(…)`, `any(…)` and `not(…)`
            error[condition]: `not` takes one expression
              option when
              kiln.toml:8:8
              help: write `not(any(…))` or `not(all(…))`
            error[condition]: `modular` takes no value
              option when
              kiln.toml:9:8
              help: write `modular` or `not(modular)`
            error[condition]: text after the end of the expression
              option when
              kiln.toml:10:16
              help: join tests with `all(…)` or `any(…)`
            error[condition]: expected a test, `all(…)`, `any(…)` or `not(…)`
              option when
              kiln.toml:11:8
            error[unknown-option]: `imports` is not allowed in a `when` block
              option when.imports
              kiln.toml:13:1
              help: import the file always, and write the block in it
            error[unknown-option]: `when` is not allowed in a `when` block
              option when.when
              kiln.toml:14:1
              help: join the expressions with `all(…)`
        "#]],
    );
}

#[test]
fn a_block_that_does_not_hold_is_checked() {
    finds(
        r#"[kernel.config]
B = "y"
[when.'not(modular)'.kernel.config]
A = true
B = { default = true }
[kernel.conditionalConfig.NOBODY]
C = ""
"#,
        expect![[r#"
            error[type]: `kernel.config.A`: expected a string, found a boolean
              option kernel.config.A
              kiln.toml:4:5
              help: write `"y"` or `"n"`
        "#]],
    );
}

#[test]
fn blocks_that_do_not_settle() {
    finds(
        r#"[when.'not(config.A)'.kernel.config]
A = "y"
"#,
        expect![[r#"
            error[unsettled]: whether these `when` blocks hold cannot be determined: `not(config.A)`
              option when
              kiln.toml:1:7 changes what it, or another of these, depends on
              help: the expressions must not depend on what the blocks define
        "#]],
    );
}

#[test]
fn blocks_that_feed_each_other_do_not_settle() {
    finds(
        r#"[when.'not(config.B)'.kernel.config]
A = "y"
[when.'config.A'.kernel.config]
B = "y"
[when.'modular'.kernel.config]
C = "y"
"#,
        expect![[r#"
            error[unsettled]: whether these `when` blocks hold cannot be determined: `not(config.B)`, `config.A`
              option when
              kiln.toml:1:7 changes what it, or another of these, depends on
              kiln.toml:3:7 changes what it, or another of these, depends on
              help: the expressions must not depend on what the blocks define
        "#]],
    );
}

#[test]
fn an_unknown_version() {
    finds(
        r#"[when.'version = ">=6.6"'.kernel.config]
A = "y"
"#,
        expect![[r#"
            error[unknown-fact]: the kernel's version is not known here
              option when
              kiln.toml:1:8 requested here
              help: set `kernel.version`, or use a command that reads the source
        "#]],
    );
}

#[test]
fn a_version_that_does_not_tell() {
    finds(
        r#"[kernel]
src = { apt = "linux-source-6.12" }
[when.'version = ">=6.12.50"'.kernel.config]
A = "y"
"#,
        expect![[r#"
            error[unknown-fact]: the recipe gives version 6.12, which does not determine whether it is `>=6.12.50`
              option when
              kiln.toml:3:8 requested here
              help: write `kernel.version` in full, or use a command that reads the source
        "#]],
    );
}

#[test]
fn a_condition_that_overrides_says_so() {
    finds(
        r#"[kernel.config]
USB = "y"
A = { force = "n" }
B = "y"
C = "\"x\""
[kernel.conditionalConfig.USB]
A = { default = "y" }
B = "y"
C = "x"
"#,
        expect![[r#"
            warning[condition-overrides]: `A` becomes `y` instead of `n`, because `USB` is requested
              option kernel.conditionalConfig.USB.A
              kiln.toml:7:1 this overrides
              kiln.toml:3:1 what is requested here
              help: `conditionalConfig` overrides regardless of priority: write it as a `when` block to use priorities
        "#]],
    );
}

#[test]
fn conditions_take_the_requests_as_they_are() {
    gives(
        r#"[kernel.config]
A = "y"
B = "n"
C = "\"n\""
[kernel.conditionalConfig.A]
B = "y"
X = "m"
[kernel.conditionalConfig.B]
NEVER = "y"
[kernel.conditionalConfig.C]
X = "y"
[kernel.conditionalConfig.D]
NEVER = "y"
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

            [kernel.conditionalConfig.A]
            B = "y"
              # kiln.toml:6:1
            X = "m"
              # kiln.toml:7:1

            [kernel.conditionalConfig.B]
            NEVER = "y"
              # kiln.toml:9:1

            [kernel.conditionalConfig.C]
            X = "y"
              # kiln.toml:11:1

            [kernel.conditionalConfig.D]
            NEVER = "y"
              # kiln.toml:13:1

            [kernel.config]
            A = "y"
              # kiln.toml:2:1
            B = "y"
              # kiln.toml:6:1 because A is requested
              # kiln.toml:3:1 overridden "n"
            C = "\"n\""
              # kiln.toml:4:1
            X = "y"
              # kiln.toml:11:1 because C is requested
              # kiln.toml:7:1 overridden "m" because A is requested"#]],
    );
}

#[test]
fn when_blocks_ask_about_the_recipe() {
    let recipe = |head: &str, expression: &str| {
        format!(
            "[kernel]\n{head}\n[kernel.config]\nU = \"m\"\nN = \"n\"\n[when.'{expression}'.kernel.config]\nX = \"y\"\n"
        )
    };
    let check = |head: &str, expression: &str, want: bool| {
        let got = requests(&recipe(head, expression), Some("6.12.117")).contains("X=y");
        assert_eq!(got, want, "{expression} under {head}");
    };
    check("", "arch = \"x86\"", true);
    check("", "arch = \"amd64\"", true);
    check("arch = \"aarch64\"", "arch = \"arm64\"", true);
    check("arch = \"arm64\"", "arch = \"aarch64\"", true);
    check("arch = \"mipsel\"", "arch = \"mips\"", true);
    check("arch = \"arm64\"", "arch = \"arm\"", false);
    check("", "version = \">=6.12.100, <6.13\"", true);
    check("", "version = \"6.11\"", false);
    check("", "modular", true);
    check("modular = false", "modular", false);
    check("", "config.U", true);
    check("", "config.U = \"m\"", true);
    check("", "config.U = \"y\"", false);
    check("", "config.N", false);
    check("", "config.N = \"n\"", true);
    check("", "config.NOBODY", false);
    check("", "all()", true);
    check("", "any()", false);
    check("", "any(config.N, all(config.U, not(arch = \"arm\")),)", true);
}

#[test]
fn blocks_may_depend_on_blocks() {
    let recipe = r#"
[when.'config.B'.kernel.config]
C = "y"
[when.'config.A'.kernel.config]
B = "y"
[when.modular.kernel.config]
A = "y"
[when.'config.C'.kernel.config]
A = { force = "m" }
"#;
    assert_eq!(requests(recipe, None), "A=m B=y C=y");
}

#[test]
fn an_unknown_version_matters_only_when_the_outcome_hangs_on_it() {
    let recipe = r#"
[when.'all(arch = "arm", version = "6")'.kernel.config]
A = "y"
[when.'any(modular, version = "6")'.kernel.config]
B = "y"
"#;
    assert_eq!(requests(recipe, None), "B=y");
    let (_, evaluation) = evaluated(&Files::parse("[when.'version = \"6\"']\n[kernel]\nsrc = \"./linux\"\n"));
    assert!(evaluation.needs_version && evaluation.evaluated.is_none());
    assert!(evaluation.source.is_some(), "the source is what tells the version");
}

#[test]
fn text_after_is_not_set_waits_for_the_version_of_the_source() {
    let text = "imports = [\"./a.config\"]\n#- a.config\n# CONFIG_A is not set # why\nCONFIG_B=y\n";
    let files = Files::parse(text);
    let requests = |version| {
        let (_, evaluation) = evaluated_for(&files, version);
        let kernel = evaluation.evaluated.expect("warnings only").kernel;
        let requests = kernel.requests.values().map(|merged| format!("{}={}", merged.symbol, merged.value));
        (requests.collect::<Vec<_>>().join(" "), evaluation.needs_version)
    };
    assert_eq!(requests(None), ("A=n B=y".to_owned(), true));
    assert_eq!(requests(Some("6.7.12")), ("A=n B=y".to_owned(), false));
    assert_eq!(requests(Some("6.8-rc1")), ("B=y".to_owned(), false));
}
