//! `kiln doctor`, and the errors of other commands on a host that lacks something.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use kiln_testkit::assert_has;

use crate::sandbox::{KERNEL_TOOLS, Ran, Sandbox};

const RECIPE: &str = "[kernel]\nsrc = { apt = \"linux-source-6.12\" }\narch = \"aarch64\"\nbaseConfig = \"tinyconfig\"\n\
                      makeTargets = [\"Image\"]\n";

/// A directory of links to all programs of the host except `lacking`; the `PATH` of a host without these.
fn programs_but(folder: &Path, lacking: &[&str]) {
    fs::create_dir_all(folder).expect("directory");
    let host = std::env::var("PATH").expect("PATH");
    for entry in host.split(':').flat_map(fs::read_dir).flatten().flatten() {
        let name = entry.file_name();
        if !lacking.iter().any(|lacking| name == *lacking) {
            // The first directory of the PATH has it already.
            drop(symlink(entry.path(), folder.join(name)));
        }
    }
}

#[test]
fn what_is_missing_is_named_with_the_command_that_installs_it() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", RECIPE);
    let lacking = ["flex", "bison", "bc", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld", "qemu-system-aarch64"];
    let bin = sandbox.path().join("bin");
    programs_but(&bin, &lacking);
    let ran = sandbox.kiln_on(&bin, &["doctor"]).expect(3);
    for lacking in lacking {
        assert!(ran.stdout.contains(&format!("`{lacking}`")), "{lacking}: {}", ran.block());
    }
    let command = ran.stdout.lines().find(|line| line.starts_with("install it with:")).expect("a command");
    for package in ["bc", "binutils-aarch64-linux-gnu", "bison", "flex", "gcc-aarch64-linux-gnu", "qemu-system-arm"] {
        assert!(command.split(' ').any(|word| word == package), "{package}: {command}");
    }
    let without_boot = sandbox.kiln_on(&bin, &["doctor", "--no-boot"]).expect(3);
    assert!(!without_boot.stdout.contains("qemu"), "{}", without_boot.block());
}

/// The command is run, and what it installed is looked for again.
#[test]
fn install_runs_the_command_and_looks_again() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", RECIPE);
    let bin = sandbox.path().join("bin");
    let lacking = ["bc", "flex", "apt-get"];
    programs_but(&bin, &lacking);
    let put = |name: &str, script: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
    };
    // An installer that installs everything that was requested except flex; it records its arguments.
    put("sudo", "exec \"$@\"");
    put(
        "apt-get",
        &format!(
            "echo \"$@\" >> {0}/asked\nfor word; do [ \"$word\" = bc ] && ln -sf /bin/true {0}/bin/bc; done; exit 0",
            sandbox.path().display()
        ),
    );
    let ran = sandbox.kiln_on(&bin, &["doctor", "--no-boot", "--install"]).expect(3);
    let asked = fs::read_to_string(sandbox.path().join("asked")).expect("asked");
    assert!(asked.lines().any(|line| line.starts_with("install ") && line.ends_with(" bc flex")), "{asked}");
    assert!(ran.stdout.contains("`flex`") && !ran.stdout.contains("`bc`"), "{}", ran.block());

    put("flex", "exit 0");
    let ran = sandbox.kiln_on(&bin, &["doctor", "--no-boot", "--install"]).expect(0);
    assert!(ran.stdout.contains("nothing is missing"), "{}", ran.block());

    fs::remove_file(bin.join("flex")).expect("flex");
    put("apt-get", "echo 'E: Could not get lock' >&2; exit 100");
    let ran = sandbox.kiln_on(&bin, &["doctor", "--no-boot", "--install"]).expect(3);
    assert!(ran.stderr.contains("Could not get lock") && ran.stderr.contains("by hand"), "{}", ran.block());
}

/// A program without which no build is possible is reported with the doctor's text.
#[test]
#[ignore = "slow: builds a kernel"]
fn a_build_says_what_the_host_lacks() {
    assert_has(KERNEL_TOOLS);
    // A store of its own: results of an earlier build need no program any more.
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", RECIPE.replace("aarch64", "x86_64").replace("Image", "bzImage"));
    sandbox.kiln(&["check"]).expect(0);
    for program in ["make", "gcc", "flex", "bison", "bc"] {
        let bin = sandbox.path().join(format!("without-{program}"));
        programs_but(&bin, &[program]);
        let ran = sandbox.kiln_on(&bin, &["build"]).expect(3).says(&format!("`{program}`"));
        let install = ran.stderr.lines().find(|line| line.contains("install it with:")).unwrap_or_default();
        assert!(install.split(' ').any(|word| word == program), "{}", ran.block());
        assert!(!sandbox.path().join("result").exists());
    }
}

#[test]
fn a_log_is_printed_on_request_only() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", "[kernel]\nsrc = \"/nowhere\"\n");
    let log = |ran: &Ran| ran.stderr.lines().filter(|line| line.contains(" kiln_")).count();
    let silent = sandbox.kiln(&["doctor", "--no-boot"]);
    assert_eq!(log(&silent), 0, "{}", silent.block());
    let verbose = sandbox.kiln(&["doctor", "--no-boot", "-v"]).says(" INFO kiln_exec").says("starts");
    let by_variable = sandbox.kiln_where(&[("KILN_LOG", "kiln_exec=info")], &["doctor", "--no-boot"]);
    assert_eq!(log(&by_variable), log(&verbose), "{}", by_variable.block());
    // The variable overrides the option.
    let off = sandbox.kiln_where(&[("KILN_LOG", "off")], &["doctor", "--no-boot", "-vv"]);
    assert_eq!(log(&off), 0, "{}", off.block());
    sandbox.kiln_where(&[("KILN_LOG", "a=b=c")], &["doctor"]).expect(2).says("`KILN_LOG=a=b=c` cannot be read");
}
