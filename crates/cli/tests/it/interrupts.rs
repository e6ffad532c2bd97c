//! SIGINT and SIGTERM end kiln within a second, whatever it waits for, with the status 128 + the signal's number.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;
use crate::small_tree;

const RECIPE: &str = "[kernel]\nsrc = \"./linux\"\narch = \"x86_64\"\nmakeTargets = [\"bzImage\"]\n";
/// The measured time includes the wait of the test itself for a processor.
const SECOND: Duration = Duration::from_millis(1900);

/// Sends `signal`; kiln must end within a second, with that signal's status.
#[track_caller]
fn end(mut child: Child, signal: &str) {
    let status = match signal {
        "INT" => 130,
        "TERM" => 143,
        _ => 129,
    };
    assert!(child.try_wait().expect("its status").is_none(), "it does not wait");
    let started = Instant::now();
    assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().expect("kill runs").success());
    let deadline = started + Duration::from_secs(20);
    while child.try_wait().expect("its status").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("it ends");
            panic!("{signal} is ignored");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(started.elapsed() < SECOND, "{signal}: {:?}", started.elapsed());
    assert_eq!(child.wait().expect("its status").code(), Some(status), "{signal}");
}

#[track_caller]
fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !there() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A lock on the whole store is held by another process.
#[test]
fn a_wait_for_a_lock_ends() {
    let sandbox = Sandbox::new();
    sandbox.file("kiln.toml", RECIPE);
    sandbox.kiln(&["gc"]).expect(0);
    let in_use = std::fs::File::options().append(true).open(sandbox.path().join("store/in-use")).unwrap();
    in_use.lock().unwrap();
    for signal in ["INT", "TERM", "HUP"] {
        let child = sandbox.start(&["gc"]);
        std::thread::sleep(Duration::from_millis(300));
        end(child, signal);
    }
}

/// A server accepts the connection, and never answers; or answers, and never sends the rest.
#[test]
fn a_wait_for_a_server_ends() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let sandbox = Sandbox::new();
        let url = format!("http://{}/linux.tar.xz", server.local_addr().unwrap());
        let source = format!("{{ url = \"{url}\", sha256 = \"{}\" }}", "0".repeat(64));
        sandbox.file("kiln.toml", RECIPE.replace("\"./linux\"", &source));
        let child = sandbox.start(&["check"]);
        let (mut connection, _) = server.accept().unwrap();
        assert!(connection.read(&mut [0; 100]).unwrap() > 0);
        std::io::Write::write_all(&mut connection, answer.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        end(child, if answer.is_empty() { "TERM" } else { "INT" });
        let results = std::fs::read_dir(sandbox.path().join("store/results")).unwrap();
        assert_eq!(results.count(), 0);
    }
}

/// A child that ignores SIGTERM is killed, with the processes that it started.
#[test]
fn a_wait_for_a_child_ends() {
    let sandbox = Sandbox::new();
    small_tree::write(&sandbox);
    // The makefile may write to the output directory only.
    let works = sandbox.path().join("store/work");
    let started = || {
        let found = std::fs::read_dir(&works).into_iter().flatten().flatten();
        found.map(|work| work.path().join("dir/started")).find(|file| file.exists())
    };
    let makefile = std::fs::read_to_string(sandbox.path().join("linux/Makefile")).unwrap();
    for (target, signal) in [("trap '' TERM INT; sleep 3000 & wait", "TERM"), ("sleep 3000", "INT")] {
        let rule = format!("vmlinux:\n\t@: > $(O)/started; {target}\n\t@:");
        sandbox.file("linux/Makefile", makefile.replacen("vmlinux:", &rule, 1));
        sandbox.file("kiln.toml", RECIPE);
        started().into_iter().for_each(|file| std::fs::remove_file(file).unwrap());
        let child = sandbox.start(&["build"]);
        wait_for("make", || started().is_some());
        end(child, signal);
        assert!(!sandbox.path().join("result").exists());
    }
}

/// Nobody reads the output, and the pipe is full.
#[test]
fn a_wait_for_a_reader_ends() {
    let sandbox = Sandbox::new();
    for signal in ["TERM", "INT"] {
        let mut command = Command::new("sh");
        // Fills the pipe's 64 KiB, which kiln's own output may not.
        command.args(["-c", "head -c 65536 /dev/zero; exec \"$0\" options", env!("CARGO_BIN_EXE_kiln")]);
        let mut child = command.current_dir(sandbox.path()).stdout(Stdio::piped()).spawn().unwrap();
        let _unread = child.stdout.take();
        std::thread::sleep(Duration::from_millis(700));
        end(child, signal);
    }
}
