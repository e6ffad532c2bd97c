//! `kiln eval`.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/seed")
}

/// A directory with these files.
fn folder(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, text) in files {
        sandbox.file(name, text);
    }
    sandbox
}

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error} in {}", ran.block()))
}

/// The run in one block, without the blanks at line ends that editors strip.
fn block(ran: &Ran) -> String {
    ran.block().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn sorted(list: &Value) -> Value {
    let mut items: Vec<&str> = list.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    items.sort_unstable();
    json!(items)
}

/// The seed's own answers, through the command; what they mean is tested in `plan`.
#[test]
fn merge_cases() {
    let cases = fs::read_dir(corpus().join("merge-cases")).expect("the cases");
    let mut count = 0;
    for case in cases {
        let case = case.expect("a case").path();
        let expected: Value =
            serde_json::from_slice(&fs::read(case.join("expected.json")).expect("an answer")).expect("JSON");
        let sandbox = Sandbox::new();
        for file in fs::read_dir(&case).expect("a case") {
            let path = file.expect("a file").path();
            sandbox.file(&path.file_name().expect("a name").to_string_lossy(), fs::read(&path).expect("a file"));
        }
        let ran = sandbox.kiln(&["eval", "--json"]);
        let got = parsed(&ran);
        count += 1;
        // The seed refuses the empty text, which Kconfig takes; `plan` tests which cases these are.
        if expected["ok"] == false && expected["kind"] == "type" && ran.code == Some(0) {
            let option = expected["option"].as_str().and_then(|option| option.strip_prefix("kernel.config."));
            assert_eq!(got["kernel"]["config"][option.expect("a request")], "", "{}", case.display());
            continue;
        }
        if expected["ok"] == false {
            assert_eq!(ran.code, Some(1), "{}: {}", case.display(), ran.block());
            let named =
                got["diagnostics"].as_array().expect("findings").iter().any(|one| one["option"] == expected["option"]);
            assert!(named, "{}: {}", case.display(), ran.block());
            continue;
        }
        assert_eq!(ran.code, Some(0), "{}: {}", case.display(), ran.block());
        assert_eq!(got["kernel"]["config"], expected["config"], "{}", case.display());
        assert_eq!(got["kernel"]["modular"], expected["modular"], "{}", case.display());
        assert_eq!(sorted(&got["kernel"]["makeTargets"]), expected["makeTargets"], "{}", case.display());
        let lines: Vec<&str> = got["kernel"]["extraPatchPhase"].as_str().expect("lines").lines().collect();
        assert_eq!(sorted(&json!(lines)), expected["extraPatchPhase"], "{}", case.display());
    }
    assert_eq!(count, 80);
}

/// A dump of the seed is a recipe by itself.
#[test]
fn devices() {
    let mut count = 0;
    for device in fs::read_dir(corpus().join("devices")).expect("the devices") {
        let device = device.expect("a device").path();
        let text: Value = serde_json::from_slice(&fs::read(&device).expect("a dump")).expect("JSON");
        let dir = folder(&[("liminix.json", &json!({ "kernel": text["options"] }).to_string())]);
        let ran = dir.kiln(&["eval", "--json", "--recipe", "liminix.json"]);
        assert_eq!(parsed(&ran)["kernel"]["config"], text["merged"], "{}", device.display());
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn no_recipe() {
    let dir = folder(&[]);
    expect![[r#"
        status: 1
        --- stderr
        error[missing-recipe]: cannot find `kiln.toml`: no such file or directory
         |
         = help: `kiln init` writes a recipe to start from; `--recipe FILE` names one elsewhere
        for more, see `kiln explain missing-recipe`
    "#]]
    .assert_eq(&block(&dir.kiln(&["eval"])));
}

#[test]
fn faults_are_shown_where_they_are() {
    let dir = folder(&[
        ("kiln.toml", "imports = [\"./a.config\", \"./b.toml\"]\n[kernel.config]\nUSB = true\n[kernel.confg]\n"),
        ("a.config", "CONFIG_A=y\nnonsense\n"),
    ]);
    expect![[r#"
        status: 1
        --- stderr
        warning[fragment-syntax]: not a setting: Kconfig ignores this line
         --> a.config:2:1
          |
        2 | nonsense
          | ^^^^^^^^
          |
          = help: a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`
        error[missing-import]: cannot find `b.toml`: no such file or directory
         --> kiln.toml:1:26
          |
        1 | imports = ["./a.config", "./b.toml"]
          |                          ^^^^^^^^^^ imported here
        error[unknown-option]: there is no option `kernel.confg`
         --> kiln.toml:4:9
          |
        4 | [kernel.confg]
          |         ^^^^^ not an option
          |
          = help: did you mean `kernel.config`?
        error[type]: `kernel.config.USB`: expected a string, found a boolean
         --> kiln.toml:3:7
          |
        3 | USB = true
          |       ^^^^
          |
          = help: write `"y"` or `"n"`
        for more, see `kiln explain fragment-syntax`, `kiln explain missing-import`, `kiln explain unknown-option`
    "#]]
    .assert_eq(&block(&dir.kiln(&["eval"])));
    let ran = dir.kiln(&["eval", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let found = parsed(&ran);
    assert_eq!(found["version"], 1);
    assert_eq!(found["diagnostics"].as_array().map(Vec::len), Some(4));
    let wrong = found["diagnostics"].as_array().expect("findings").iter().find(|one| one["code"] == "type");
    let wrong = wrong.expect("the boolean");
    assert_eq!(wrong["option"], "kernel.config.USB");
    assert_eq!(wrong["locations"][0]["line"], 3);
    assert_eq!(wrong["locations"][0]["column"], 7);
}

#[test]
fn origins_are_shown() {
    let dir = folder(&[
        ("kiln.toml", "imports = [\"./a.config\", \"kiln:arch/aarch64\"]\n[kernel.config]\nA = { force = \"m\" }\n"),
        ("a.config", "CONFIG_A=y\nCONFIG_B=\"text\"\n"),
    ]);
    expect![[r#"
        status: 0
        --- stdout
        [kernel]
        arch = "aarch64"
          # kiln:arch/aarch64:4:1 (default)
        baseConfig = "alldefconfig"
        baseValues = "written"
        extraPatchPhase = "true"
        makeTargets = []
        modular = true
        patches = []
        toolchain = "gcc"

        [kernel.config]
        A = "m"
          # kiln.toml:3:1 (force)
          # a.config:1:1 lost "y"
        ARM64_PTR_AUTH = "n"
          # kiln:arch/aarch64:11:1 (default)
        B = "\"text\""
          # a.config:2:1
        CMDLINE = "empty=false"
          # kiln:arch/aarch64:13:1 (default)
        CMDLINE_FROM_BOOTLOADER = "y"
          # kiln:arch/aarch64:14:1 (default)
        CPU_BIG_ENDIAN = "n"
          # kiln:arch/aarch64:8:1
        CPU_LITTLE_ENDIAN = "y"
          # kiln:arch/aarch64:9:1
        OF = "y"
          # kiln:arch/aarch64:7:1
        SUSPEND = "y"
          # kiln:arch/aarch64:16:1 (default)

        [hardware]
        firmware = []
        firmwareCompression = "auto"
        firmwareMissing = []

        [boot]
        deadline = 300
        memory = 512
        packages = []
    "#]]
    .assert_eq(&block(&dir.kiln(&["eval", "--origins"])));
    let got = parsed(&dir.kiln(&["eval", "--json", "--origins"]));
    let lost = json!({
        "value": "y", "priority": 100, "fate": "lost", "file": "a.config", "line": 1, "column": 1,
    });
    assert_eq!(got["kernel"]["config"]["A"]["definitions"][1], lost);
}

#[test]
fn an_import_by_another_name_counts_once() {
    let dir = folder(&[
        ("kiln.toml", "imports = [\"./m.toml\", \"././m.toml\", \"link.toml\"]\n"),
        ("m.toml", "[kernel]\nmakeTargets = [\"bzImage\"]\n"),
    ]);
    std::os::unix::fs::symlink("m.toml", dir.path().join("link.toml")).expect("a link");
    let got = parsed(&dir.kiln(&["eval", "--json"]));
    assert_eq!(got["kernel"]["makeTargets"], json!(["bzImage"]));
}

#[test]
fn files_that_cannot_be_read() {
    let dir = folder(&[("kiln.toml", "imports = [\"./dir\", \"/dev/zero\"]\n")]);
    fs::create_dir(dir.path().join("dir")).expect("a directory");
    expect![[r#"
        status: 1
        --- stderr
        error[missing-import]: `dir` is a directory
         --> kiln.toml:1:12
          |
        1 | imports = ["./dir", "/dev/zero"]
          |            ^^^^^^^ imported here
        error[unreadable-file]: cannot read `/dev/zero`: not a regular file, but a device
         --> kiln.toml:1:21
          |
        1 | imports = ["./dir", "/dev/zero"]
          |                     ^^^^^^^^^^^ imported here
        for more, see `kiln explain missing-import`, `kiln explain unreadable-file`
    "#]]
    .assert_eq(&block(&dir.kiln(&["eval"])));
}

/// A file that is no recipe has findings without end, each of which would be shown with its lines.
#[test]
fn not_more_findings_are_shown_than_anybody_reads() {
    let dir = folder(&[("kiln.toml", "imports = [\"./a.config\"]\n"), ("a.config", &"CONFIG_A=y\n".repeat(503))]);
    let ran = dir.kiln(&["eval"]).expect(0).says("2 more findings are not shown");
    assert_eq!(ran.stderr.matches("warning[fragment-duplicate]").count(), 500);
}
