use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A store, and a compiler that prints `version` and notes in `runs` that it ran.
struct World {
    dir: tempfile::TempDir,
    store: Store,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        World { dir, store }
    }

    fn compiler(&self, version: &str) {
        let file = self.dir.path().join("bin/mycc");
        let runs = self.dir.path().join("runs");
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("#!/bin/sh\necho >> {}\necho {version}\n", runs.display())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn probes(&self, more: &[(&str, &str)]) -> Probes {
        let path = format!("{}:/usr/bin:/bin", self.dir.path().join("bin").display());
        let variables = [("PATH", path.as_str()), ("CC", "mycc")].into_iter().chain(more.iter().copied());
        let variables = variables.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
        let mut probes = Probes::new(self.dir.path(), &variables);
        probes.remember(&self.store);
        probes
    }

    /// Runs the compiler for its version as a new process of kiln would.
    fn version(&self, more: &[(&str, &str)]) -> String {
        let probes = self.probes(more);
        let answer = probes.ask(b"$CC --version").unwrap();
        probes.settled().unwrap();
        String::from_utf8(answer).unwrap()
    }

    fn n_runs(&self) -> usize {
        fs::read(self.dir.path().join("runs")).unwrap_or_default().len()
    }
}

#[test]
fn an_answer_is_remembered_until_a_tool_or_a_variable_changes() {
    let world = World::new();
    world.compiler("1");
    assert_eq!(world.version(&[]), "1\n");
    // The programs that the compiler calls are determined when the cache is written.
    let n_first = world.n_runs();
    assert_eq!(world.version(&[]), "1\n");
    assert_eq!(world.version(&[("KCONFIG_SEED", "3"), ("PWD", "/")]), "1\n");
    assert_eq!(world.n_runs(), n_first, "nothing is asked twice");
    assert_eq!(world.version(&[("CFLAGS", "-O2")]), "1\n");
    assert!(world.n_runs() > n_first, "another environment is another question");
    world.compiler("2");
    assert_eq!(world.version(&[]), "2\n");
}

#[test]
fn a_program_that_appears_is_noticed() {
    let world = World::new();
    world.compiler("1");
    let ask = || {
        let probes = world.probes(&[]);
        let answer = probes.ask(b"pahole-of-tests --version || echo none").unwrap();
        probes.settled().unwrap();
        String::from_utf8(answer).unwrap()
    };
    assert_eq!(ask(), "none\n");
    let file = world.dir.path().join("bin/pahole-of-tests");
    fs::write(&file, "#!/bin/sh\necho 1.24\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(ask(), "1.24\n");
}

#[test]
fn commands_run_ahead_give_what_they_give_alone() {
    let world = World::new();
    let probes = world.probes(&[]);
    let commands: Vec<Vec<u8>> = (0..40)
        .map(|n| match n % 5 {
            0 => format!("echo {n}; exit 3"),
            1 => format!("printf 'a\\nb {n}'"),
            2 => "printf 'x\\000y'".to_owned(),
            3 => "kill -9 $$".to_owned(),
            _ => format!("echo lost >&2; echo \"$CC\" {n}"),
        })
        .map(String::into_bytes)
        .collect();
    probes.ahead(&mut |answer| commands.iter().filter(|command| answer(command).is_none()).count()).unwrap();
    let alone = world.probes(&[]);
    for command in &commands {
        assert!(probes.lock().known.contains_key(command));
        assert_eq!(probes.ask(command), alone.ask(command), "{}", String::from_utf8_lossy(command));
    }
}

#[test]
fn a_slow_command_holds_up_none_that_does_not_wait_for_it() {
    let world = World::new();
    let probes = world.probes(&[]);
    let (first, waits) = (b"echo 1".as_slice(), b"touch there; echo 2".as_slice());
    // Ends after the command that becomes known only from the answer to another.
    let slow = b"n=0; while [ ! -e there ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done; echo $n".as_slice();
    probes
        .ahead(&mut |answer| {
            let n_open = [answer(slow), answer(first)].iter().filter(|answer| answer.is_none()).count();
            n_open + usize::from(probes.knows(first) && answer(waits).is_none())
        })
        .unwrap();
    let rounds: usize = String::from_utf8(probes.ask(slow).unwrap()).unwrap().trim().parse().unwrap();
    if thread::available_parallelism().map_or(1, usize::from) > 1 {
        assert!(rounds < 200, "it was waited for");
    }
}
