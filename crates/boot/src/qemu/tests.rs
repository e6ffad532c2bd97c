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
    check(
        "x86_64",
        expect![[
            r#"qemu-system-x86_64 -M q35 -accel tcg -cpu Nehalem -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "earlyprintk=serial,ttyS0,115200 console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "i686",
        expect![[
            r#"qemu-system-i386 -M q35 -accel tcg -cpu coreduo -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "earlyprintk=serial,ttyS0,115200 console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "aarch64",
        expect![[
            r#"qemu-system-aarch64 -M virt -accel tcg -cpu cortex-a57 -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "earlycon console=ttyAMA0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "arm",
        expect![[
            r#"qemu-system-arm -M virt,highmem=off -accel tcg -cpu cortex-a15 -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "earlycon console=ttyAMA0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "mips",
        expect![[
            r#"qemu-system-mips -M malta -accel tcg -cpu 24Kf -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "mipsel",
        expect![[
            r#"qemu-system-mipsel -M malta -accel tcg -cpu 24Kf -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "mips64el",
        expect![[
            r#"qemu-system-mips64el -M malta -accel tcg -cpu MIPS64R2-generic -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
    check(
        "riscv64",
        expect![[
            r#"qemu-system-riscv64 -M virt -accel tcg -m 512 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off -serial chardev:console -kernel /k -initrd /i -append "earlycon console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init""#
        ]],
    );
}

#[test]
fn what_the_user_adds_comes_last_and_a_comma_in_a_path_stays_one() {
    let line = line("riscv64", |spec| {
        spec.append = vec!["quiet".to_owned(), "x=1".to_owned()];
        spec.arguments = vec!["-smp".into(), "2".into()];
        spec.console_log = Some("/a,b/log".into());
        spec.memory_mib = 1024;
    });
    expect![[r#"qemu-system-riscv64 -M virt -accel tcg -m 1024 -nodefaults -no-user-config -display none -no-reboot -chardev stdio,id=console,mux=off,signal=off,logfile=/a,,b/log -serial chardev:console -kernel /k -initrd /i -append "earlycon console=ttyS0,115200 panic=-1 printk.time=1 loglevel=7 rdinit=/init quiet x=1" -smp 2"#]].assert_eq(&line);
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
