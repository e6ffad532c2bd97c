//! Small commands that need no kernel.

use crate::sandbox::Sandbox;

#[test]
fn init_writes_a_recipe_that_evaluates_and_never_overwrites() {
    let sandbox = Sandbox::new();
    sandbox.kiln(&["init", "router"]).expect(0);
    let recipe = sandbox.path().join("router/kiln.toml");
    let text = std::fs::read_to_string(&recipe).unwrap();
    sandbox.kiln(&["eval", "--recipe", "router/kiln.toml"]).expect(0);
    std::fs::write(&recipe, "mine").unwrap();
    sandbox.kiln(&["init", "router"]).expect(1).says("already exists");
    assert_eq!(std::fs::read_to_string(&recipe).unwrap(), "mine");
    assert!(text.contains("kiln:base"));
}

#[test]
fn init_knows_architectures_kinds_and_configs() {
    let sandbox = Sandbox::new();
    for arch in ["x86_64", "aarch64", "arm", "mips", "mipsel", "riscv64"] {
        for kind in ["vm", "board"] {
            let name = format!("{arch}-{kind}");
            sandbox.kiln(&["init", &name, "--arch", arch, "--kind", kind]).expect(0);
            let shown = sandbox.kiln(&["-q", "eval", "--json", "--recipe", &format!("{name}/kiln.toml")]).expect(0);
            let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
            assert_eq!(shown["kernel"]["arch"], arch, "{name}");
        }
    }
    sandbox.kiln(&["init", "x", "--arch", "s390x"]).expect(2).says("--kind board");
    sandbox.kiln(&["init", "s390x", "--arch", "s390x", "--kind", "board"]).expect(0);
    sandbox.kiln(&["init", "x", "--arch", "x87"]).expect(2).says("there is no architecture `x87`");
    assert!(!sandbox.path().join("x").exists());
}

#[test]
fn init_starts_from_a_config() {
    let sandbox = Sandbox::new();
    let heading = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/arm64 6.1.9 Kernel Configuration\n#\n";
    sandbox.file("vendor/board_defconfig", format!("{heading}CONFIG_ARM64=y\nCONFIG_NET=y\n"));
    sandbox.kiln(&["init", "board", "--from", "vendor/board_defconfig"]).expect(0);
    let read = |name: &str| std::fs::read_to_string(sandbox.path().join(name)).unwrap();
    assert_eq!(read("board/board_defconfig.config"), read("vendor/board_defconfig"));
    let recipe = read("board/kiln.toml");
    for line in ["arch = \"aarch64\"", "baseConfig = \"./board_defconfig.config\"", "made for Linux 6.1.9"] {
        assert!(recipe.contains(line), "{line}: {recipe}");
    }
    sandbox.kiln(&["-q", "eval", "--recipe", "board/kiln.toml"]).expect(0);
    // One beside the recipe is used where it is.
    sandbox.file("here/x.config", "CONFIG_X86_64=y\n").kiln(&["init", "here", "--from", "here/x.config"]).expect(0);
    assert!(read("here/kiln.toml").contains("baseConfig = \"./x.config\""));
    // Whatever its name, it stays a text of the recipe.
    let odd = "x\"\n[boot]\nmemory = 1 #.config";
    sandbox.file(odd, "CONFIG_X86_64=y\n").kiln(&["init", "odd", "--from", odd]).expect(0);
    assert!(!read("odd/kiln.toml").contains("\n[boot]"), "{}", read("odd/kiln.toml"));
    sandbox
        .file("binary", b"CONFIG_A=y\n\xff")
        .kiln(&["init", "no", "--from", "binary"])
        .expect(1)
        .says("binary:2: byte 11");
    sandbox.file("no.config", "CONFIG_NET=y\n");
    sandbox.kiln(&["init", "no", "--from", "no.config"]).expect(1).says("--arch");
    sandbox.kiln(&["init", "no", "--from", "missing.config"]).expect(1).says("cannot read missing.config");
    sandbox
        .file("odd.config", "hello\n")
        .kiln(&["init", "no", "--from", "odd.config"])
        .expect(1)
        .says("sets no symbol");
    assert!(!sandbox.path().join("no").exists());
}

#[test]
fn usage_errors_exit_2() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.kiln(&["frobnicate"]).code, Some(2));
    assert_eq!(sandbox.kiln(&["eval", "--nonsense"]).code, Some(2));
}

#[test]
fn colour_is_by_the_option_and_else_by_the_environment() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "nonsense = 1\n");
    let is_coloured = |variables: &[(&str, &str)], args: &[&str]| {
        let ran = sandbox.kiln_where(variables, &[&["eval"], args].concat()).expect(1).says("nonsense");
        ran.stderr.contains("\x1b[")
    };
    // No terminal: plain unless colour is requested.
    assert!(!is_coloured(&[("NO_COLOR", "")], &[]));
    assert!(is_coloured(&[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], &[]));
    assert!(!is_coloured(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &["--color", "auto"]));
    assert!(is_coloured(&[("NO_COLOR", "1")], &["--color", "always"]));
    assert!(!is_coloured(&[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], &["--color", "never"]));
}

#[test]
fn options_are_documented_and_misspelt_ones_are_guessed() {
    let sandbox = Sandbox::new();
    let ran = sandbox.kiln(&["options"]).expect(0);
    for name in ["kernel.config", "kernel.conditionalConfig", "kmodloader", "kiln:base", "kiln:firewall"] {
        assert!(ran.stdout.contains(name), "{name} is not in\n{}", ran.stdout);
    }
    sandbox.kiln(&["options", "kernel.makeTarget"]).expect(1).says("makeTargets");
}

#[test]
fn a_store_that_is_something_else_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "[kernel]\nsrc = \"./tree\"\n").file("store/precious", "data");
    sandbox.kiln(&["build"]).expect(3).says("--store");
    assert_eq!(std::fs::read_to_string(sandbox.path().join("store/precious")).unwrap(), "data");
}

#[test]
fn booting_without_a_result_says_how_to_make_one() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "imports = [\"kiln:base\"]\n");
    sandbox.kiln(&["boot"]).expect(1).says("kiln build");
}

#[test]
fn a_code_is_explained() {
    let sandbox = Sandbox::new();
    for code in ["unmet-dependency", "error[unmet-dependency]", "UNMET-DEPENDENCY"] {
        let page = sandbox.kiln(&["explain", code]).expect(0).stdout;
        assert!(page.starts_with("# unmet-dependency\n") && page.contains("## What to do"), "{page}");
    }
    sandbox.kiln(&["explain", "unmet-dependancy"]).expect(1).says("did you mean `unmet-dependency`?");
    sandbox.kiln(&["explain", "zzz"]).expect(1).says("`kiln explain` lists them all");
    let list = sandbox.kiln(&["explain"]).expect(0).stdout;
    let n_pages =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/codes")).expect("pages").count();
    // One of the pages is the list itself.
    assert_eq!(list.lines().count(), n_pages - 1, "{list}");
    assert!(list.lines().any(|line| line.starts_with("lost-choice  ")), "{list}");
}

#[test]
fn findings_name_the_command_that_explains_them() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "[kernel]\nmakeTarget = [\"x\"]\n");
    sandbox.kiln(&["eval"]).expect(1).says("error[unknown-option]").says("see `kiln explain unknown-option`");
}

/// A result or a message that cannot be written is an error, except to a reader that has gone.
#[test]
fn a_full_standard_output_or_error_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "[kernel.config]\nNET = \"y\"\n").file("config", "CONFIG_NET=y\n");
    let run = |args: &str, redirected: &str| {
        let script = format!("exec \"$1\" --store store {args} {redirected}");
        let script = if args.starts_with('-') { script.replace("--store store", "") } else { script };
        std::process::Command::new("sh")
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_kiln")])
            .current_dir(sandbox.path())
            .output()
            .expect("sh runs")
    };
    for args in [
        "eval",
        "eval --json",
        "options",
        "explain",
        "explain conflict",
        "completions bash",
        "gc",
        "build --help",
        "kconfig --help",
        "help",
        "--help",
        "--version",
    ] {
        let ran = run(args, "> /dev/full");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(3), "{args}: {said}");
        assert!(said.starts_with("error: cannot write to standard output: No space left"), "{args}: {said}");
        assert_eq!(run(args, "> /dev/full 2> /dev/full").status.code(), Some(3), "{args}");
        let ran = run(args, "| true");
        assert!(ran.status.success() && ran.stderr.is_empty(), "{args}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    // A message that is lost is lost for good: the status must say so.
    for (args, status) in [("set NET=n", 3), ("eval --nope", 2), ("why NET", 1), ("nope", 2)] {
        let status = if args.starts_with("set") { run(args, "2> /dev/null").status.code() } else { Some(status) };
        assert_eq!(run(args, "2> /dev/full").status.code(), status, "{args}");
    }
}

/// The script that a shell loads calls kiln for candidates: commands, codes, options of a recipe, symbols.
#[test]
fn a_shell_completes_words() {
    let sandbox = Sandbox::new();
    sandbox
        .file("tree/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n")
        .file("tree/Kconfig", "config NF_TABLES\n\tbool \"x\"\nconfig NF_NAT\n\tbool \"y\"\nconfig NET\n\tbool \"z\"\n")
        .file("tree/scripts/kconfig/parser.y", "choice_members T_TRANSITIONAL")
        .file("tree/arch/x86/Makefile", "")
        .file("kiln.toml", "[kernel]\nsrc = \"./tree\"\narch = \"x86_64\"\n");
    // Symbols are known of kernels that were resolved, in the store that the user's variables name.
    let cache = sandbox.path().join("cache");
    sandbox.kiln(&["-q", "check"]).expect(0);
    std::fs::create_dir(&cache).unwrap();
    std::os::unix::fs::symlink(sandbox.path().join("store"), cache.join("kiln")).unwrap();
    let script = sandbox.kiln(&["completions", "bash"]).expect(0).stdout;
    std::fs::write(sandbox.path().join("kiln.bash"), script).unwrap();
    let complete = |words: &[&str]| {
        let line = "source ./kiln.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; \
                    _clap_complete_kiln kiln \"${COMP_WORDS[COMP_CWORD]}\" \"\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let kiln = std::path::Path::new(env!("CARGO_BIN_EXE_kiln"));
        let path = format!("{}:/usr/bin:/bin", kiln.parent().unwrap().display());
        let ran = std::process::Command::new("bash")
            .args(["-c", line, "bash", "kiln"])
            .args(words)
            .current_dir(sandbox.path())
            .env("PATH", path)
            .env("XDG_CACHE_HOME", &cache)
            .output()
            .expect("bash runs");
        String::from_utf8_lossy(&ran.stdout).lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["comp"]), ["completions"]);
    assert_eq!(complete(&["explain", "lost"]), ["lost-choice"]);
    assert_eq!(complete(&["options", "kernel.baseC"]), ["kernel.baseConfig"]);
    assert_eq!(complete(&["why", "NF_"]), ["NF_NAT", "NF_TABLES"]);
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.kiln(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("KILN_COMPLETE"), "{shell}: {script}");
    }
}
