//! The checkers of shells and service managers. Those that the machine lacks are reported and skipped.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use kiln_service::{Dependency, LoaderName, LoaderSpec, RenderedFile, ServiceName, graph, render};

use crate::device::{find, spec};

/// A directory name that every format has to quote.
const ODD: &str = "it's $HOME %n";

fn specs() -> Vec<LoaderSpec> {
    let mut firewall = spec("/lib/modules/it's 6.12", "firewall", "base left solo", "solo", "left");
    firewall.description = "Packet filter: 100 % of it's \"$x\" \\".to_owned();
    firewall.blacklist = vec!["pcspkr".to_owned()];
    firewall.dependencies = vec![
        Dependency::Loader(LoaderName::new("base").unwrap()),
        Dependency::Service(ServiceName::new("wlan-calibration").unwrap()),
    ];
    vec![firewall, spec("/lib", "base", "", "", ""), spec("/lib", "builtin", "base", "", "")]
}

/// Writes all files below `dir`, with the scripts at the path that the services use.
fn write(dir: &Path) -> Vec<RenderedFile> {
    let (graph, diagnostics) = graph(specs());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let files = render(&graph, &dir.join("services/sh").display().to_string());
    for file in &files {
        let path = dir.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &file.contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).unwrap();
    }
    files
}

/// Runs a program, if the machine has it, and returns its status and its output.
fn run(program: &str, args: &[&str], env: &[(&str, &str)]) -> Option<(bool, String)> {
    let Some(path) = find(program) else {
        _ = std::io::Write::write_all(&mut std::io::stderr(), format!("left out: no {program} here\n").as_bytes());
        return None;
    };
    let output = Command::new(path).args(args).envs(env.iter().copied()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

fn scripts(files: &[RenderedFile], dir: &Path) -> Vec<String> {
    let shell =
        |file: &&RenderedFile| file.path.starts_with("services/sh/") || file.path.starts_with("services/openrc/");
    files.iter().filter(shell).map(|file| dir.join(&file.path).display().to_string()).collect()
}

#[test]
fn scripts_parse_in_every_shell() {
    let dir = tempfile::tempdir().unwrap();
    for script in scripts(&write(&dir.path().join(ODD)), &dir.path().join(ODD)) {
        for (shell, args) in [("busybox", &["sh", "-n"][..]), ("dash", &["-n"]), ("bash", &["-n"]), ("mksh", &["-n"])] {
            let args = [args, &[&script]].concat();
            if let Some(outcome) = run(shell, &args, &[]) {
                assert_eq!(outcome, (true, String::new()), "{shell} -n {script}");
            }
        }
    }
}

#[test]
fn shellcheck_finds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for script in scripts(&write(dir.path()), dir.path()) {
        // OpenRC reads a variable that the script only sets, and the description is unusual on purpose.
        if let Some(outcome) =
            run("shellcheck", &["--shell=sh", "--severity=style", "--exclude=SC2034,SC2016,SC1003", &script], &[])
        {
            assert_eq!(outcome, (true, String::new()), "{script}");
        }
    }
}

#[test]
fn systemd_takes_the_units() {
    let dir = tempfile::tempdir().unwrap();
    for top in [dir.path().join("plain"), dir.path().join("a b $HOME %n")] {
        write(&top);
        let units = top.join("services/systemd");
        fs::write(units.join("wlan-calibration.service"), "[Service]\nExecStart=/bin/sh\n").unwrap();
        let unit = units.join("kmodloader-firewall.service");
        // Other units are searched in the directory of the unit. The name of a program must not contain a quote.
        let args = ["verify", "--man=no", &unit.display().to_string()];
        if let Some(outcome) = run("systemd-analyze", &args, &[]) {
            assert_eq!(outcome, (true, String::new()), "{}", unit.display());
        }
    }
}

#[test]
fn s6_calls_the_script() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join("it's \"$HOME\" \\ %n");
    write(&top);
    fs::write(top.join("services/sh/firewall"), "#!/bin/sh\necho called with \"$@\"\n").unwrap();
    for (file, verb) in [("up", "start"), ("down", "stop")] {
        let file = top.join("services/s6-rc/kmodloader-firewall").join(file);
        if let Some(outcome) = run("execlineb", &["-P", &file.display().to_string()], &[]) {
            assert_eq!(outcome, (true, format!("called with {verb}\n")));
        }
    }
}

#[test]
fn openrc_calls_the_script() {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().join(ODD);
    write(&top);
    fs::write(top.join("services/sh/firewall"), "#!/bin/sh\necho called with \"$@\"\nexit 3\n").unwrap();
    // The environment that openrc-run gives to a script, as far as it is used.
    let stage = r#"
        need() { echo "need $*"; }
        after() { echo "after $*"; }
        keyword() { :; }
        ebegin() { echo "$1 ..."; }
        eend() { return "$1"; }
        . "$1"
        echo "$description"
        depend
        start
        echo "status $?"
        stop
    "#;
    let script = top.join("services/openrc/kmodloader-firewall").display().to_string();
    let outcome = run("sh", &["-c", stage, "sh", &script], &[]);
    let want = "Packet filter: 100 % of it's \"$x\" \\\nneed kmodloader-base wlan-calibration\nafter modules\n\
                Loading the kernel modules of firewall ...\ncalled with start\nstatus 3\n\
                Unloading the kernel modules of firewall ...\ncalled with stop\n";
    assert_eq!(outcome, Some((false, want.to_owned())));
}

#[test]
fn modprobe_reads_the_options_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = spec("/lib", "x", "solo", "", "");
    spec.modules[0].parameters = r#"a=1 b="x  y" c='$(d);*\n\\ e=\"#.to_owned();
    spec.blacklist = vec!["pc-spkr".to_owned()];
    let (graph, _) = graph(vec![spec]);
    let file = render(&graph, "/x").into_iter().find(|file| file.path.starts_with("lib/modprobe.d/")).unwrap();
    fs::write(dir.path().join("x.conf"), file.contents).unwrap();
    if let Some((true, said)) = run("modprobe", &["-C", &dir.path().display().to_string(), "--showconfig"], &[]) {
        let lines: Vec<&str> =
            said.lines().filter(|line| line.starts_with("options solo") || line.starts_with("blacklist")).collect();
        assert_eq!(lines, ["blacklist pc_spkr", r#"options solo a=1 b="x  y" c='$(d);*\n\\ e=\"#]);
    }
}
