use super::*;

fn sh(script: &str) -> Exec {
    Exec::new("/bin/sh").args(["-c", script])
}

#[test]
fn the_environment_is_what_was_given() {
    let output = Exec::new("env").env("PATH", "/usr/bin:/bin").env("A", "1").capture().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "A=1\nPATH=/usr/bin:/bin\n");
}

#[test]
fn a_failure_names_command_status_and_last_lines() {
    let error = sh("echo one; echo two >&2; exit 3").run(&mut |_, _| ControlFlow::Continue(())).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("exit status: 3") && text.contains("| one") && text.contains("| two"), "{text}");
}

#[test]
fn a_missing_program_is_told_apart() {
    assert!(matches!(Exec::new("no-such-program").capture(), Err(ExecError::NotFound { .. })));
}

#[test]
fn the_deadline_ends_the_whole_group() {
    let started = Instant::now();
    let error = sh("echo begun; sleep 60 & sleep 60").deadline(Duration::from_millis(300)).text().unwrap_err();
    assert!(matches!(&error, ExecError::TimedOut { tail, .. } if tail == &["begun"]), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_background_process_does_not_hold_us_up() {
    let started = Instant::now();
    assert_eq!(sh("sleep 60 & echo done").text().unwrap(), "done\n");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn breaking_ends_the_child() {
    let mut seen = Vec::new();
    sh("echo a; echo b; sleep 60")
        .run(&mut |_, line| {
            seen.push(line.to_owned());
            if line == "b" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, ["a", "b"]);
}

#[test]
fn the_log_holds_both_streams_and_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    sh("echo out; echo err >&2").log(&log).text().unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.starts_with("$ cd / && /bin/sh -c 'echo out; echo err >&2'\n"), "{text}");
    assert!(text.contains("out\n") && text.contains("err\n"), "{text}");
}

#[test]
fn input_reaches_the_child() {
    assert_eq!(Exec::new("/bin/cat").stdin("hello").text().unwrap(), "hello");
}
