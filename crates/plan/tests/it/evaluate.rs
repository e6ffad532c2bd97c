//! One case for each rule and each fault, as text.

use expect_test::{Expect, expect};
use kiln_plan::evaluate;

use crate::fixture::{Files, evaluated, evaluated_for, findings};

/// Everything that is found about `recipe`.
fn finds(recipe: &str, expect: Expect) {
    let (sources, evaluation) = evaluated(&Files::parse(recipe));
    expect.assert_eq(&findings(&sources, &evaluation.diagnostics));
}

/// What a sound recipe comes to, as `kiln eval` prints it.
fn gives(recipe: &str, expect: Expect) {
    let (sources, evaluation) = evaluated(&Files::parse(recipe));
    let said = findings(&sources, &evaluation.diagnostics);
    let evaluated = evaluation.evaluated.unwrap_or_else(|| panic!("{said}"));
    let text = evaluate::text(&evaluated, &sources, true);
    // What every recipe has without saying so is left out.
    let noise = |part: &&str| !part.starts_with("[boot]") && !part.starts_with("[hardware]");
    expect.assert_eq(&text.split("\n\n").filter(noise).collect::<Vec<_>>().join("\n\n"));
}

/// The requests, one a line.
fn requests(recipe: &str, version: Option<&str>) -> String {
    let (sources, evaluation) = evaluated_for(&Files::parse(recipe), version);
    let said = findings(&sources, &evaluation.diagnostics);
    let kernel = evaluation.evaluated.unwrap_or_else(|| panic!("{said}")).kernel;
    let line = |request: &evaluate::Request| format!("{}={}", request.symbol, request.value);
    kernel.requests.values().map(line).collect::<Vec<_>>().join(" ")
}

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
              help: a priority stands on a value, not on a section: write it on each value
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
            error[type]: `kernel.config.B`: the value is empty
              option kernel.config.B
              kiln.toml:9:5
            error[type]: `kernel.config.C`: the value is only blanks
              option kernel.config.C
              kiln.toml:10:5
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
            error[type]: `kernel` holds options, and this is an integer
              option kernel
              kiln.toml:1:10 expected a table
            error[type]: `kmodloader` holds options, and this is a string
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
            error[priority]: `prioritty` does not belong in a table that gives a value its priority
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
            error[priority]: `optional` means nothing for this option
              option kernel.modular
              kiln.toml:10:27
            error[priority]: `apt` does not belong in a table that gives a value its priority
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
              help: take one out, or write the one that shall stand as `{ force = … }`, or the other as `{ default = … }`
            error[conflict]: `kernel.config.A` is defined with different values
              option kernel.config.A
              a.toml:4:1 "y"
              kiln.toml:3:1 "m"
              help: take one out, or write the one that shall stand as `{ force = … }`, or the other as `{ default = … }`
            error[conflict]: `kernel.config.B` is defined with different values
              option kernel.config.B
              a.toml:5:1 "n"
              kiln.toml:4:1 "y"
              help: take one out, or give one a lower number: `{ value = …, priority = 40 }`
            error[conflict]: `kernel.conditionalConfig.USB.X` is defined with different values
              option kernel.conditionalConfig.USB.X
              a.toml:7:1 "y"
              b.toml:4:1 "m"
              help: take one out, or write the one that shall stand as `{ force = … }`, or the other as `{ default = … }`
        "#]],
    );
}

#[test]
fn import_cycles() {
    finds(
        r#"imports = ["./a.toml"]
#- a.toml
imports = ["./sub/b.toml"]
#- sub/b.toml
imports = ["../a.toml", "./b.toml"]
"#,
        expect![[r#"
            error[import-cycle]: imports go round in a circle: `a.toml` imports `sub/b.toml` imports `a.toml`
              option imports
              a.toml:1:12 imported here
              sub/b.toml:1:12 and this closes the circle
              help: take one of these imports out
            error[import-cycle]: imports go round in a circle: `sub/b.toml` imports `sub/b.toml`
              option imports
              sub/b.toml:1:25 and this closes the circle
              help: take one of these imports out
        "#]],
    );
}

#[test]
fn imports_that_fail() {
    finds(
        r#"imports = ["./none.toml", "kiln:firewal", "kiln:nonsense", 3, "", "./bad.json", "./bad.config"]
#- bad.json
{"kernel": {"config": {"A": "y",}}}
#- bad.config
CONFIG_A=y
what is this
"#,
        expect![[r#"
            error[type]: an import is a name, and this is an integer
              option imports
              kiln.toml:1:60
            error[missing-import]: cannot find `none.toml`
              option imports
              kiln.toml:1:12 imported here
            error[unknown-module]: there is no `kiln:firewal`
              option imports
              kiln.toml:1:27 no module of this name ships
              help: did you mean `kiln:firewall`?
            error[unknown-module]: there is no `kiln:nonsense`
              option imports
              kiln.toml:1:43 no module of this name ships
              help: there are `kiln:arch/aarch64`, `kiln:arch/arm`, `kiln:arch/mips`, `kiln:arch/mipseb`, `kiln:arch/mipsel`, `kiln:arch/riscv64`, `kiln:arch/x86_64`, `kiln:base`, `kiln:firewall`, `kiln:qemu`
            error[missing-import]: an import is the name of a file or of a shipped module
              option imports
              kiln.toml:1:63
            error[syntax]: expected a key in double quotes
              bad.json:1:33
            error[fragment-syntax]: not a Kconfig fragment line
              bad.config:2:1
              help: a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`
        "#]],
    );
}

#[test]
fn imports_is_a_list() {
    finds(
        r#"imports = "./a.toml"
"#,
        expect![[r#"
            error[type]: `imports` must be a list of names, and this is a string
              option imports
              kiln.toml:1:11
        "#]],
    );
}

#[test]
fn toml_faults() {
    finds(
        r#"[kernel
x = 1
#- other
"#,
        expect![[r#"
            error[syntax]: unclosed table, expected `]`
              kiln.toml:1:8
        "#]],
    );
}

#[test]
fn toml_keys_twice() {
    finds(
        r#"[kernel.config]
A = "y"
A = "n"
[kernel.config]
"#,
        expect![[r#"
            error[syntax]: duplicate key
              kiln.toml:3:1
            error[syntax]: duplicate key
              kiln.toml:4:9
        "#]],
    );
}

#[test]
fn json_faults() {
    finds(
        r#"imports = ["./a.json", "./b.json", "./c.json", "./d.json", "./e.json"]
#- a.json
{"kernel": {"config": {"A": "y", "A": "n"}}}
#- b.json
[]
#- c.json
{"kernel": {"config": {"A": "y}}
#- d.json
{"kernel": {"version": null, "src": 01}}
#- e.json
{"kernel": {"version": null, "modular": 1.0}} x
"#,
        expect![[r#"
            error[syntax]: duplicate key `A`
              a.json:1:34
              a.json:1:24 first written here
            error[syntax]: a recipe is an object, and this is a list
              b.json:1:1
            error[syntax]: a control character in a string must be escaped
              c.json:1:33
            error[syntax]: not a JSON number
              d.json:1:37
            error[syntax]: text behind the end of the JSON value
              e.json:1:47
        "#]],
    );
}

#[test]
fn json_values_have_places() {
    finds(
        r#"imports = ["./a.json"]
#- a.json
{
  "kernel": {
    "config": {"A": true},
    "version": null, "arch": "risc"
  }
}
"#,
        expect![[r#"
            error[type]: `kernel.version`: expected a string, found `null`
              option kernel.version
              a.json:4:16
              help: leave the key out to define nothing
            error[type]: `kernel.arch`: there is no architecture `risc`
              option kernel.arch
              a.json:4:30
              help: did you mean `riscv`?
            error[type]: `kernel.config.A`: expected a string, found a boolean
              option kernel.config.A
              a.json:3:21
              help: write `"y"` or `"n"`
        "#]],
    );
}

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
            error[condition]: there is nothing called `modul` to ask about
              option when
              kiln.toml:6:8
              help: did you mean `modular`?
            error[condition]: `none` is no operator
              option when
              kiln.toml:7:8
              help: there are `all(…)`, `any(…)` and `not(…)`
            error[condition]: `not` takes one expression
              option when
              kiln.toml:8:8
              help: write `not(any(…))` or `not(all(…))`
            error[condition]: `modular` takes no value
              option when
              kiln.toml:9:8
              help: write `modular` or `not(modular)`
            error[condition]: text behind the end of the expression
              option when
              kiln.toml:10:16
              help: join tests with `all(…)` or `any(…)`
            error[condition]: expected a test, `all(…)`, `any(…)` or `not(…)`
              option when
              kiln.toml:11:8
            error[unknown-option]: `imports` cannot stand in a `when` block
              option when.imports
              kiln.toml:13:1
              help: import the file always, and write the block in it
            error[unknown-option]: `when` cannot stand in a `when` block
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
            error[type]: `kernel.conditionalConfig.NOBODY.C`: the value is empty
              option kernel.conditionalConfig.NOBODY.C
              kiln.toml:7:5
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
            error[unsettled]: whether these `when` blocks hold cannot be settled: `not(config.A)`
              option when
              kiln.toml:1:7 changes what it, or another of these, depends on
              help: let the expressions depend on nothing that the blocks define
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
            error[unsettled]: whether these `when` blocks hold cannot be settled: `not(config.B)`, `config.A`
              option when
              kiln.toml:1:7 changes what it, or another of these, depends on
              kiln.toml:3:7 changes what it, or another of these, depends on
              help: let the expressions depend on nothing that the blocks define
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
              kiln.toml:1:8 asked for here
              help: say `kernel.version`, or use a command that looks at the source
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
            error[unknown-fact]: the recipe says version 6.12, which does not tell whether it is `>=6.12.50`
              option when
              kiln.toml:3:8 asked for here
              help: say more of `kernel.version`, or use a command that looks at the source
        "#]],
    );
}

#[test]
fn names_that_are_refused() {
    finds(
        r#"[kernel.config]
CONFIG_USB = "y"
"A B" = "y"
[kmodloader."../x"]
targets = ["nft_ct.ko", "net/nft_ct.ko.xz", "a b"]
dependencies = ["a b"]
parameters."a b" = "x"
parameters.ok = "x\ny"
[kmodloader."a b"]
[kmodloader.""]
[boot]
packages = ["Nftables"]
files."etc/x" = "./x"
"#,
        expect![[r#"
            error[name]: `CONFIG_USB` has the prefix of a `.config`
              option kernel.config.CONFIG_USB
              kiln.toml:2:1
              help: write `USB`
            error[name]: `A B` is not the name of a symbol
              option kernel.config."A B"
              kiln.toml:3:1
              help: a symbol's name has letters, digits and `_`
            error[name]: `../x` cannot be the name: a name cannot hold '.'; it may hold letters, digits, `-` and `_`
              option kmodloader."../x"
              kiln.toml:4:13
            error[name]: `a b` is not the name of a module
              option kmodloader."../x".parameters."a b"
              kiln.toml:7:12
              help: a module's name has letters, digits, `_` and `-`
            error[name]: `a b` cannot be the name: a name cannot hold ' '; it may hold letters, digits, `-` and `_`
              option kmodloader."a b"
              kiln.toml:9:13
            error[name]: `` cannot be the name: a name cannot be empty
              option kmodloader.""
              kiln.toml:10:13
            error[name]: `etc/x` is not the path of a file in the guest
              option boot.files.etc/x
              kiln.toml:13:7
              help: write it from `/` on, without `.`, `..` and doubled slashes
            error[type]: `kmodloader."../x".targets`: `nft_ct.ko` is not the name of a module
              option kmodloader."../x".targets
              kiln.toml:5:12
              help: write `nft_ct`: the name alone, without folder and `.ko`
            error[type]: `kmodloader."../x".targets`: `net/nft_ct.ko.xz` is not the name of a module
              option kmodloader."../x".targets
              kiln.toml:5:25
              help: write `nft_ct`: the name alone, without folder and `.ko`
            error[type]: `kmodloader."../x".targets`: `a b` is not the name of a module
              option kmodloader."../x".targets
              kiln.toml:5:45
              help: a module's name has letters, digits, `_` and `-`
            error[type]: `kmodloader."../x".dependencies`: `a b` is not the name of a service
              option kmodloader."../x".dependencies
              kiln.toml:6:17
              help: a service's name has letters, digits, `_`, `-`, `.`, `@` and `:`
            error[type]: `kmodloader."../x".parameters.ok`: the value is more than one line
              option kmodloader."../x".parameters.ok
              kiln.toml:8:17
            error[type]: `boot.packages`: `Nftables` is not the name of a Debian package
              option boot.packages
              kiln.toml:12:13
              help: a package's name has lower-case letters, digits, `+`, `-` and `.`
        "#]],
    );
}

#[test]
fn sources_that_are_refused() {
    finds(
        r#"[kernel]
src = { url = "ftp://x", sha256 = "abc" }
baseConfig = "allnoconfg"
makeTargets = ["-j4", "../x"]
arch = "x86"
#- b
"#,
        expect![[r#"
            error[type]: `kernel.src`: the URL begins with none of `https://`, `http://`, `file://`
              option kernel.src
              kiln.toml:2:15
            error[type]: `kernel.src`: a SHA-256 has 64 hexadecimal digits
              option kernel.src
              kiln.toml:2:35
              help: `sha256sum FILE` prints it
            error[type]: `kernel.arch`: there is no architecture `x86`
              option kernel.arch
              kiln.toml:5:8
              help: write `x86_64` or `i386`
            error[type]: `kernel.makeTargets`: `-j4` is not a target of make
              option kernel.makeTargets
              kiln.toml:4:16
            error[type]: `kernel.makeTargets`: `../x` is not a target of make
              option kernel.makeTargets
              kiln.toml:4:23
            error[type]: `kernel.baseConfig`: `allnoconfg` is no base config
              option kernel.baseConfig
              kiln.toml:3:14
              help: did you mean `allnoconfig`?
        "#]],
    );
}

#[test]
fn toolchains() {
    finds(
        "[kernel]\ntoolchain = \"clang\"\n",
        expect![[r#"
        error[type]: `kernel.toolchain`: there is no toolchain `clang`
          option kernel.toolchain
          kiln.toml:2:13
          help: write `gcc`, `llvm`, or `llvm-N` for programs that are called `clang-N`
    "#]],
    );
    finds(
        "[kernel]\ntoolchain = \"gcc-12\"\n",
        expect![[r#"
        error[type]: `kernel.toolchain`: there is no toolchain `gcc-12`
          option kernel.toolchain
          kiln.toml:2:13
          help: write `gcc`; another one by the prefix of its programs, in `kernel.crossCompile`
    "#]],
    );
    finds(
        r#"imports = ["./board.toml"]
[kernel]
toolchain = "llvm-14"
#- board.toml
[kernel]
crossCompile = "mips-linux-gnu-"
"#,
        expect![[r#"
            error[stray-prefix]: `kernel.toolchain = "llvm-14"` takes no prefix
              option kernel.crossCompile
              board.toml:2:1 the prefix is written here
              kiln.toml:3:1 the toolchain here
              help: take out `kernel.crossCompile`: clang compiles for every machine, and is told which by `kernel.arch`
        "#]],
    );
    finds("[kernel]\ntoolchain = \"llvm\"\ncrossCompile = \"\"\n", expect![[""]]);
    gives(
        "[kernel]\narch = \"arm64\"\ntoolchain = \"llvm-14\"\n",
        expect![[r#"
        [kernel]
        arch = "arm64"
          # kiln.toml:2:1
        baseConfig = "alldefconfig"
        extraPatchPhase = "true"
        makeTargets = []
        modular = true
        patches = []
        toolchain = "llvm-14"
          # kiln.toml:3:1"#]],
    );
}

#[test]
fn source_tables() {
    finds(
        r#"imports = ["./a.toml", "./b.toml", "./c.toml"]
#- a.toml
[kernel]
src = { force = { url = "https://x" } }
#- b.toml
[kernel]
src = { force = { apt = "linux", git = "x" } }
#- c.toml
[kernel]
src = { force = { atp = "linux" } }
"#,
        expect![[r#"
            error[type]: `kernel.src`: `sha256` is missing
              option kernel.src
              a.toml:2:17
            error[type]: `kernel.src`: `apt` and `git` exclude each other
              option kernel.src
              b.toml:2:17
            error[type]: `kernel.src`: the table has none of `path`, `apt`, `url`, `git`
              option kernel.src
              c.toml:2:17
              help: did you mean `apt`?
        "#]],
    );
}

#[test]
fn a_check_needs_a_script() {
    finds(
        r#"[boot.checks.nft]
cleanup = "true"
"#,
        expect![[r#"
            error[missing-option]: the check `nft` has no `script`
              option boot.checks.nft.script
              kiln.toml:2:1 the check is written here
              help: a check is a script that the guest runs
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
              kiln.toml:3:1 what is asked for here
              help: `conditionalConfig` overrides whatever the priority: write it as a `when` block to let priorities decide
        "#]],
    );
}

#[test]
fn an_empty_recipe_is_one() {
    gives(
        "# nothing\n",
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "gcc""#]],
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
fn without_modules_all_is_built_in() {
    gives(
        r#"imports = ["kiln:base"]
[kernel]
modular = false
[kernel.config]
A = "m"
B = "n"
[kernel.conditionalConfig.A]
C = "\"m\""
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            extraPatchPhase = "true"
            makeTargets = ["vmlinux"]
              # kiln:base:4:1
            modular = false
              # kiln.toml:3:1
            patches = []
            toolchain = "gcc"

            [kernel.conditionalConfig.A]
            C = "\"m\""
              # kiln.toml:8:1

            [kernel.config]
            A = "y"
              # kiln.toml:5:1 (not modular)
              # kiln.toml:5:1 overridden "m"
            B = "n"
              # kiln.toml:6:1
            BLK_DEV_INITRD = "n"
              # kiln:base:27:1 (default)
            C = "y"
              # kiln.toml:8:1 (not modular)
              # kiln.toml:8:1 overridden "\"m\"" because A is requested
            DEBUG_FS = "y"
              # kiln:base:11:1
            DEVTMPFS = "y"
              # kiln:base:29:1
            FW_LOADER = "y"
              # kiln:base:34:1
            FW_LOADER_COMPRESS = "y"
              # kiln:base:35:1
            FW_LOADER_USER_HELPER = "n"
              # kiln:base:37:1
            IKCONFIG = "y"
              # kiln:base:8:1
            IKCONFIG_PROC = "y"
              # kiln:base:9:1
            INET = "y"
              # kiln:base:18:1
            IPV6 = "y"
              # kiln:base:19:1
            KEXEC = "y"
              # kiln:base:14:1
            MODULES = "n"
              # kiln:base:44:1 when 'not(modular)'
            MODULE_SIG = "n"
              # kiln:base:45:1 when 'not(modular)'
            NET = "y"
              # kiln:base:16:1
            NETDEVICES = "y"
              # kiln:base:24:1
            PACKET = "y"
              # kiln:base:21:1
            PROC_FS = "y"
              # kiln:base:10:1
            SYSVIPC = "y"
              # kiln:base:22:1
            TMPFS = "y"
              # kiln:base:30:1
            TMPFS_POSIX_ACL = "y"
              # kiln:base:31:1
            TMPFS_XATTR = "y"
              # kiln:base:32:1
            UNIX = "y"
              # kiln:base:17:1"#]],
    );
}

#[test]
fn every_kind_of_file_is_a_recipe() {
    gives(
        r#"imports = ["./a.json", "./old.config", "./defconfig", "./fragment"]
#- a.json
{"kernel": {"config": {"J": "y", "N": 8}}}
#- old.config
# Linux
CONFIG_A=y
# CONFIG_B is not set
CONFIG_S="a \"b\""
CONFIG_E=""
#- defconfig
CONFIG_D=m
#- fragment
# CONFIG_F is not set
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "gcc"

            [kernel.config]
            A = "y"
              # old.config:2:1
            B = "n"
              # old.config:3:3
            D = "m"
              # defconfig:1:1
            E = "\"\""
              # old.config:5:1
            F = "n"
              # fragment:1:3
            J = "y"
              # a.json:1:24
            N = "8"
              # a.json:1:34
            S = "\"a \\\"b\\\"\""
              # old.config:4:1"#]],
    );
}

#[test]
fn loaders() {
    gives(
        r#"[kmodloader.wlan]
targets = ["ath10k_pci", "ath10k_pci"]
dependencies = ["wlan-calibration"]
parameters.ath10k_core = "debug_mask=0"
blacklist = ["ath9k"]
[kmodloader.empty]
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "gcc"

            [kmodloader.empty]
            blacklist = []
            dependencies = []
            targets = []

            [kmodloader.wlan]
            blacklist = ["ath9k"]
              # kiln.toml:5:1
            dependencies = ["wlan-calibration"]
              # kiln.toml:3:1
            targets = ["ath10k_pci", "ath10k_pci"]
              # kiln.toml:2:1

            [kmodloader.wlan.parameters]
            ath10k_core = "debug_mask=0"
              # kiln.toml:4:12"#]],
    );
}

#[test]
fn paths_belong_to_the_file_that_wrote_them() {
    gives(
        r#"imports = ["./sub/a.toml"]
[boot]
files."/etc/own" = "./own"
[hardware]
firmware = ["fw", { apt = "firmware-realtek" }]
#- sub/a.toml
[kernel]
src = "../linux"
baseConfig = "./board.config"
[boot]
memory = 64
files."/etc/nft" = "./x/y"
[hardware]
firmware = [{ path = "./fw" }]
"#,
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "sub/./board.config"
              # sub/a.toml:3:1
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            src = { path = "sub/../linux" }
              # sub/a.toml:2:1
            toolchain = "gcc"

            [boot.files]
            "/etc/nft" = "sub/x/y"
              # sub/a.toml:6:7
            "/etc/own" = "own"
              # kiln.toml:3:7
        "#]],
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
fn the_source_must_agree_with_the_recipe() {
    let recipe = Files::parse("[kernel]\nversion = \"6.12\"\n");
    assert!(evaluated_for(&recipe, Some("6.12.117")).1.evaluated.is_some());
    let (sources, evaluation) = evaluated_for(&recipe, Some("6.1.3"));
    expect![[r#"
        error[version-mismatch]: the recipe says version 6.12, and the source is 6.1.3
          option kernel.version
          kiln.toml:2:1 said here
          help: change `kernel.version`, or take it out
    "#]]
    .assert_eq(&findings(&sources, &evaluation.diagnostics));
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
fn every_shipped_module_is_sound() {
    for builtin in kiln_plan::BUILTINS {
        let recipe = format!("imports = [\"kiln:{}\"]\n", builtin.name);
        let (sources, evaluation) = evaluated(&Files::parse(&recipe));
        assert!(evaluation.diagnostics.is_empty(), "{}", findings(&sources, &evaluation.diagnostics));
        assert!(builtin.text.starts_with("# "), "{} says what it is for", builtin.name);
    }
}

#[test]
fn hostile_texts_are_refused_or_read() {
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let check = |name: &str, bytes: Vec<u8>, sound: bool| {
        let mut files = Files::default();
        files.files.insert("kiln.toml".to_owned(), format!("imports = [\"./{name}\"]\n").into_bytes());
        files.files.insert(name.to_owned(), bytes);
        assert_eq!(evaluated(&files).1.evaluated.is_some(), sound, "{name}");
    };
    check("deep.json", format!("{{\"a\": {}}}", deep("[", "]", 100_000)).into_bytes(), false);
    check("deep.toml", format!("a = {}", deep("[", "]", 100_000)).into_bytes(), false);
    check("deeper.toml", format!("a = {}", deep("{ a = ", " }", 100_000)).into_bytes(), false);
    check("dots.toml", format!("{}a = 1", "a.".repeat(100_000)).into_bytes(), false);
    check("when.toml", format!("[when.'{}'.kernel]", deep("not(", ")", 100_000)).into_bytes(), false);
    check("latin1.toml", b"[kernel.config]\nA = \"\xe4\"\n".to_vec(), false);
    check("nul.toml", b"[kernel.config]\nA = \"\0\"\n".to_vec(), false);
    check("bom.toml", b"\xef\xbb\xbf[kernel.config]\nA = \"y\"\n".to_vec(), true);
    check("bom.json", b"\xef\xbb\xbf{\"kernel\": {}}".to_vec(), true);
    check("empty.config", Vec::new(), true);
    check("empty.json", Vec::new(), false);
    let huge: String = (0..50_000).map(|index| format!("S{index} = \"y\"\n")).collect();
    check("huge.toml", format!("[kernel.config]\n{huge}").into_bytes(), true);
}

#[test]
fn chains_of_imports_end() {
    let mut files = Files::default();
    files.files.insert("kiln.toml".to_owned(), b"imports = [\"./0.toml\"]".to_vec());
    for index in 0..5000 {
        files.files.insert(format!("{index}.toml"), format!("imports = [\"./{}.toml\"]", index + 1).into_bytes());
    }
    let (_, evaluation) = evaluated(&files);
    assert!(evaluation.diagnostics.iter().any(|one| one.code.name() == "import-depth"));
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
