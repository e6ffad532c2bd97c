//! Programs in the place of QEMU, and how the boot ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use kiln_boot::{BootError, BootSpec, Ended, LineSource, Machine, Program, ProgramSpec, Reason, Verdict};
use tempfile::TempDir;

/// Boots with `script` in QEMU's place.
fn boot(script: &str, change: impl FnOnce(&mut BootSpec)) -> Result<Verdict, BootError> {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("qemu"), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(at("qemu"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("kernel"), "").unwrap();
    fs::write(at("initramfs"), "").unwrap();
    let machine = *Machine::find("mips").unwrap();
    let mut spec = BootSpec {
        machine,
        kernel: at("kernel"),
        initramfs: at("initramfs"),
        memory_mib: 64,
        deadline: Duration::from_secs(60),
        append: Vec::new(),
        arguments: Vec::new(),
        program: Some(at("qemu")),
        search_path: "/usr/bin:/bin".into(),
        console_log: Some(at("log")),
    };
    change(&mut spec);
    let program = Program::plan(&ProgramSpec { release: "6.1".to_owned(), ..ProgramSpec::default() }, "N").unwrap();
    kiln_boot::run(&spec, &program, &mut |_| {})
}

#[test]
fn a_qemu_that_is_not_there_is_named_with_its_package() {
    let error = boot("", |spec| {
        spec.program = None;
        spec.search_path = "/nonexistent".into();
    });
    assert_eq!(
        error.unwrap_err().to_string(),
        "`qemu-system-mips` not found: the Debian package `qemu-system-mips` has it"
    );
}

#[test]
fn a_qemu_that_refuses_is_quoted() {
    let error = boot("echo 'qemu: -M malta: no such thing' >&2; exit 1", |_| {}).unwrap_err();
    let BootError::Refused { status, said, command } = &error else { panic!("{error:?}") };
    assert_eq!((status.as_str(), said.join("|").as_str()), ("exit status: 1", "qemu: -M malta: no such thing"));
    assert!(command.contains("-M malta") && error.to_string().contains(command));
}

#[test]
fn a_kernel_that_is_not_there_is_named() {
    let error = boot("", |spec| spec.kernel = "/nonexistent/kernel".into()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nonexistent/kernel");
}

#[test]
fn qemu_is_ended_when_the_guest_is_through() {
    let started = Instant::now();
    let script = "echo '@kiln N 0 ok 6.1 @end'; echo '@kiln N finish ok @end'; echo unheard; exec sleep 1000";
    let verdict = boot(script, |_| {}).unwrap();
    assert!(verdict.ok, "{:?}", verdict.reasons);
    assert_eq!(verdict.ended, Ended::Finished);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_qemu_that_ends_early_is_a_bad_verdict_with_its_last_words() {
    let verdict = boot("echo '[    0.100000] Linux'; echo 'cpu on fire' >&2; exit 3", |_| {}).unwrap();
    assert_eq!(verdict.ended, Ended::Exited { status: "exit status: 3".to_owned() });
    let [Reason::Ended { step: Some(0), last }] = &verdict.reasons[..] else { panic!("{:?}", verdict.reasons) };
    assert!(last.contains(&"cpu on fire".to_owned()));
    assert!(verdict.transcript.iter().any(|line| line.source == LineSource::Qemu));
}

#[test]
fn the_deadline_quotes_even_an_unfinished_line() {
    // QEMU writes what comes over the line into its log, byte by byte.
    let script =
        "log=${0%/*}/log; echo 'Loading ramdisk' | tee $log; printf 'Uncompressing' | tee -a $log; exec sleep 1000";
    let verdict = boot(script, |spec| spec.deadline = Duration::from_secs(3)).unwrap();
    let [Reason::Deadline { seconds, step: Some(0), last }] = &verdict.reasons[..] else {
        panic!("{:?}", verdict.reasons)
    };
    assert_eq!(*seconds, 3.0);
    assert_eq!(last[..], ["Loading ramdisk", "Uncompressing"]);
}

#[test]
fn a_kernel_that_hangs_in_its_panic_is_not_waited_for() {
    let script = "echo '[    1.000000] Kernel panic - not syncing: oh no'
echo '[    1.000001] ---[ end Kernel panic - not syncing: oh no ]---'; exec sleep 1000";
    let started = Instant::now();
    let verdict = boot(script, |_| {}).unwrap();
    assert_eq!(verdict.ended, Ended::Died);
    assert_eq!(verdict.reasons, [Reason::Panic { text: "Kernel panic - not syncing: oh no".to_owned() }]);
    assert!(started.elapsed() < Duration::from_secs(30));
}
