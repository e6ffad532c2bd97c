//! Paths that name a pipe, a device or a file of the kernel: an error at once, whoever names them.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use crate::small_tree;

const RECIPE: &str = "[kernel]\nsrc = \"./linux\"\narch = \"x86_64\"\nmakeTargets = [\"bzImage\"]\n";

/// Returns the small tree, and a pipe `pipe` that nobody writes to.
fn with_pipe() -> Sandbox {
    let sandbox = Sandbox::new();
    small_tree::write(&sandbox);
    make_pipe(&sandbox.path().join("pipe"));
    sandbox
}

fn make_pipe(path: &Path) {
    let _ = std::fs::remove_file(path);
    assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
}

/// Runs a command that must neither wait nor succeed.
#[track_caller]
fn refused(sandbox: &Sandbox, args: &[&str], what: &str) {
    let started = Instant::now();
    sandbox.kiln(args).expect(1).says("not a regular file").says(what);
    assert!(started.elapsed() < Duration::from_secs(20), "{args:?}");
}

#[test]
fn a_recipe_is_a_regular_file() {
    let sandbox = with_pipe();
    for (recipe, what) in
        [("pipe", "a named pipe"), ("/dev/zero", "a device"), ("/proc/self/environ", "a file of the kernel")]
    {
        refused(&sandbox, &["-r", recipe, "eval"], what);
        sandbox.file("kiln.toml", format!("imports = [\"{}{recipe}\"]\n", if recipe == "pipe" { "./" } else { "" }));
        refused(&sandbox, &["eval"], what);
    }
    sandbox.file("kiln.toml", format!("imports = [\"./pipe.config\"]\n{RECIPE}"));
    make_pipe(&sandbox.path().join("pipe.config"));
    refused(&sandbox, &["eval"], "pipe.config");
}

#[test]
fn a_file_on_the_command_line_is_a_regular_file() {
    let sandbox = with_pipe();
    sandbox.file("kiln.toml", RECIPE);
    refused(&sandbox, &["distill", "pipe"], "a named pipe");
    refused(&sandbox, &["init", "--from", "pipe", "new"], "a named pipe");
    refused(&sandbox, &["init", "--from", "/dev/zero", "new"], "a device");
}

#[test]
fn a_source_is_a_directory_or_a_regular_file() {
    let sandbox = with_pipe();
    sandbox.file("kiln.toml", RECIPE.replace("./linux", "./pipe"));
    refused(&sandbox, &["check"], "a named pipe");
    let url = format!("{{ url = \"file://{}/pipe\", sha256 = \"{}\" }}", sandbox.path().display(), "0".repeat(64));
    sandbox.file("kiln.toml", RECIPE.replace("\"./linux\"", &url));
    refused(&sandbox, &["check"], "a named pipe");
}

#[test]
fn the_files_that_a_recipe_names_are_regular() {
    let sandbox = with_pipe();
    make_pipe(&sandbox.path().join("fix.patch"));
    sandbox.file("kiln.toml", format!("{RECIPE}patches = [\"./fix.patch\"]\n"));
    refused(&sandbox, &["check"], "fix.patch");
    sandbox.file("kiln.toml", format!("{RECIPE}baseConfig = \"./pipe\"\n"));
    refused(&sandbox, &["check"], "pipe");
    let initrd = "config MODULES\n\tbool \"m\"\n\tmodules\nconfig BLK_DEV_INITRD\n\tdef_bool y\n";
    sandbox.file("linux/Kconfig", initrd);
    let output = |local: &str| {
        format!(
            "{RECIPE}\n[outputs.root]\ntype = \"initramfs\"\ncompression = \"none\"\nfiles.\"/etc/x\" = \"{local}\"\n"
        )
    };
    sandbox.file("kiln.toml", output("/proc/self/environ"));
    refused(&sandbox, &["build"], "a file of the kernel");
    sandbox.file("kiln.toml", output("./pipe"));
    sandbox.kiln(&["build"]).expect(1).says("cannot read `DIR/pipe`: it is not a regular file or a directory");
}

#[test]
fn the_files_of_a_tree_are_regular() {
    for name in ["linux/Kconfig", "linux/Makefile", "linux/arch/x86/Kconfig"] {
        let sandbox = with_pipe();
        sandbox.file("kiln.toml", RECIPE);
        sandbox.file("linux/Kconfig", "config MODULES\n\tbool \"m\"\n\tmodules\nsource \"arch/x86/Kconfig\"\n");
        make_pipe(&sandbox.path().join(name));
        let started = Instant::now();
        let ran = sandbox.kiln(&["check"]);
        assert!(ran.code.is_some_and(|code| code != 0), "{name}: {}", ran.block());
        assert!(started.elapsed() < Duration::from_secs(20), "{name}");
    }
}
