//! The command lines, machine by machine.

use expect_test::{Expect, expect};

use super::*;

fn line(machine: &str, change: impl FnOnce(&mut BootSpec)) -> String {
    let machine = *Machine::find(machine).unwrap();
    let mut spec = BootSpec {
        machine,
        kernel: "/k".into(),
        initramfs: "/i".into(),
        memory_mib: machine.memory_mib,
        deadline: Duration::from_secs(1),
        append: Vec::new(),
        arguments: Vec::new(),
        program: None,
        search_path: "/usr/bin".into(),
        console_log: None,
    };
    change(&mut spec);
    let words = command_line(&spec).into_iter().map(|word| word.into_string().unwrap());
    let quoted = words.map(|word| if word.contains(' ') { format!("\"{word}\"") } else { word });
    format!("{} {}", machine.program, quoted.collect::<Vec<_>>().join(" "))
}

fn check(machine: &str, expected: Expect) {
    expected.assert_eq(&line(machine, |_| {}));
}

#[test]
fn every_machine_has_its_line() {
    check("x86_64", expect![[""]]);
    check("i686", expect![[""]]);
    check("aarch64", expect![[""]]);
    check("arm", expect![[""]]);
    check("mips", expect![[""]]);
    check("mipsel", expect![[""]]);
    check("mips64el", expect![[""]]);
    check("riscv64", expect![[""]]);
}

#[test]
fn what_the_user_adds_comes_last_and_a_comma_in_a_path_stays_one() {
    let line = line("riscv64", |spec| {
        spec.append = vec!["quiet".to_owned(), "x=1".to_owned()];
        spec.arguments = vec!["-smp".into(), "2".into()];
        spec.console_log = Some("/a,b/log".into());
        spec.memory_mib = 1024;
    });
    expect![[""]].assert_eq(&line);
}

#[test]
fn machines_are_found_by_any_of_their_names() {
    let found = |name| Machine::find(name).map(|machine| machine.name);
    for (name, machine) in [
        ("x86_64", "x86_64"),
        ("amd64", "x86_64"),
        ("arm64", "aarch64"),
        ("aarch64", "aarch64"),
        ("armv7", "arm"),
        ("mips", "mips"),
        ("mipsel", "mipsel"),
        ("riscv", "riscv64"),
        ("riscv64", "riscv64"),
    ] {
        assert_eq!(found(name), Some(machine), "{name}");
    }
    assert_eq!(found("sparc"), None);
}
