//! The content of files, and how they import each other.

use expect_test::expect;

use super::{finds, gives};
use crate::fixture::{Files, evaluated, findings};

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
            error[import-cycle]: imports form a cycle: `a.toml` imports `sub/b.toml` imports `a.toml`
              option imports
              a.toml:1:12 imported here
              sub/b.toml:1:12 and this closes the cycle
              help: remove one of these imports
            error[import-cycle]: imports form a cycle: `sub/b.toml` imports `sub/b.toml`
              option imports
              sub/b.toml:1:25 and this closes the cycle
              help: remove one of these imports
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
            warning[fragment-syntax]: not a setting: Kconfig ignores this line
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
            error[syntax]: text after the end of the JSON value
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
fn an_empty_recipe_is_one() {
    gives(
        "# nothing\n",
        expect![[r#"
            [kernel]
            arch = "x86_64"
            baseConfig = "alldefconfig"
            baseValues = "written"
            extraPatchPhase = "true"
            makeTargets = []
            modular = true
            patches = []
            toolchain = "gcc""#]],
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
            baseValues = "written"
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
            baseValues = "written"
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
