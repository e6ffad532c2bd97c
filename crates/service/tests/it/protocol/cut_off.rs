//! Loaders that are killed half-way, the state that they leave, and locks.

use std::fs;

use expect_test::expect;

use super::check;
use crate::device::{Device, shells, wait_until};

#[test]
fn killed_in_the_middle() {
    // A surviving process records the owner of the module.
    check(
        "hook left before kill-shell\na start\na start\nshow\na stop\nshow",
        expect![[r#"
            $ hook left before kill-shell
            $ a start
            [-9]
            $ a start
            = base left
            $ show
            .started/a base/.owner base/a left/.owner left/a
            $ a stop
            = 
            $ show

        "#]],
    );
    check(
        "hook left after kill-shell\na start\na start\na stop\nshow",
        expect![[r#"
            $ hook left after kill-shell
            $ a start
            [-9]
            $ a start
            = base left
            $ a stop
            = 
            $ show

        "#]],
    );
    check(
        "hook left before kill-teller\na start\nshow\na stop\nshow",
        expect![[r#"
            $ hook left before kill-teller
            $ a start
            = base left
            $ show
            .started/a base/.owner base/a left/.owner left/a
            $ a stop
            = 
            $ show

        "#]],
    );
    check(
        "hook left after kill-teller\na start\nshow\na stop\nshow",
        expect![[r#"
        $ hook left after kill-teller
        $ a start
        = base left
        $ show
        .started/a base/.owner base/a left/.owner left/a
        $ a stop
        = 
        $ show

    "#]],
    );
    // It was not loaded, so it is not ours when another program loads it later.
    check(
        "hook left before kill-all\na start\ninsmod left\na start\nshow\na stop\nshow",
        expect![[r#"
        $ hook left before kill-all
        $ a start
        [-9]
        $ insmod left
        $ a start
        kmodloader-a: left: a start was killed while it loaded this; someone else may have loaded it since, so it will stay
        = base left*
        $ show
        .started/a base/.owner base/a left/a
        $ a stop
        kmodloader-a: base stays loaded: used by left
        = base left*
        $ show
        base/.owner
    "#]],
    );
    check(
        "hook left before kill-all\na start\na start\nshow\na stop\nshow",
        expect![[r#"
        $ hook left before kill-all
        $ a start
        [-9]
        $ a start
        = base left
        $ show
        .started/a base/.owner base/a left/.owner left/a
        $ a stop
        = 
        $ show

    "#]],
    );
    // No process survives to record the owner.
    check(
        "hook left after kill-all\na start\na start\nshow\na stop\nshow",
        expect![[r#"
        $ hook left after kill-all
        $ a start
        [-9]
        $ a start
        kmodloader-a: left: a start was killed while it loaded this; someone else may have loaded it since, so it will stay
        = base left
        $ show
        .started/a base/.owner base/a left/a
        $ a stop
        kmodloader-a: base stays loaded: used by left
        = base left
        $ show
        base/.owner
    "#]],
    );
}

#[test]
fn killed_and_mended_by_another_loader() {
    check(
        "hook left after kill-shell\na start\nb start\nb stop\nshow\na stop\nshow",
        expect![[r#"
            $ hook left after kill-shell
            $ a start
            [-9]
            $ b start
            = base left right
            $ b stop
            = base left
            $ show
            base/.owner base/a left/.owner left/a
            $ a stop
            = 
            $ show

        "#]],
    );
    check(
        "hook left before kill-all\na start\ncorrupt left\na start\nshow",
        expect![[r#"
            $ hook left before kill-all
            $ a start
            [-9]
            $ corrupt left
            $ a start
            kmodloader-a: left: insmod: can't insert '/lib/left.ko': invalid module format
            [1]
            = 
            $ show

        "#]],
    );
}

#[test]
fn terminated_in_the_middle() {
    check(
        "hook left before term-shell\na start\nshow",
        expect![[r#"
        $ hook left before term-shell
        $ a start
        kmodloader-a: interrupted
        [143]
        = 
        $ show

    "#]],
    );
    check(
        "hook base after term-shell\nb start\nshow",
        expect![[r#"
        $ hook base after term-shell
        $ b start
        kmodloader-b: interrupted
        [143]
        = 
        $ show

    "#]],
    );
}

#[test]
fn another_boot() {
    check(
        "a start\nremove sys/module/left\nremove sys/module/base\nb start\nshow",
        expect![[r#"
        $ a start
        = base left
        $ remove sys/module/left
        $ remove sys/module/base
        $ b start
        = base right
        $ show
        .started/a .started/b base/.owner base/a base/b left/.owner left/a right/.owner right/b
    "#]],
    );
    for shell in shells() {
        let device = Device::new(&shell, 30);
        device.play("a start");
        let run = device.path("run/kmodloader");
        let boot = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let boot = boot.into_iter().find(|name| name.starts_with(".boot.")).unwrap();
        fs::rename(run.join(boot), run.join(".boot.other")).unwrap();
        // Claims and marks no longer count: as far as can be known, another program loaded the loaded modules.
        assert_eq!(
            device.play("b start\nb stop\nshow"),
            "$ b start\n= base left right\n$ b stop\n= base left\n$ show\n\n"
        );
    }
}

#[test]
fn the_lock_of_a_living_process_is_waited_for_and_no_longer_than_asked() {
    for shell in shells() {
        let device = Device::new(&shell, 1);
        device.play("b start\nhook left before sleep");
        let mut slow = device.spawn("a", "start", "slow");
        wait_until(|| device.path("inside").exists());
        let (status, said) = device.call("b", "stop");
        assert_eq!((status, said.contains("has held the lock for 1 seconds")), (1, true), "{said}");
        assert!(slow.wait().unwrap().success());
        assert_eq!(device.live(), "base left right");
    }
}

#[test]
fn many_at_once() {
    for shell in shells().iter().take(2) {
        let device = Device::new(shell, 600);
        device.write("strict", "");
        std::thread::scope(|scope| {
            for (index, loader) in ["a", "b", "c", "a", "b", "d"].into_iter().enumerate() {
                let device = &device;
                scope.spawn(move || {
                    for turn in 0..4 {
                        let verb = if turn % 2 == 0 { "start" } else { "stop" };
                        let status = device.spawn(loader, verb, &format!("said{index}")).wait().unwrap();
                        let said = fs::read_to_string(device.path(&format!("said{index}"))).unwrap();
                        assert!(status.success(), "{loader} {verb}: {said}");
                    }
                });
            }
        });
        assert_eq!(device.violations(), "");
        assert_eq!((device.live().as_str(), device.state().as_str()), ("phy", "phy/.owner"), "under {}", shell.name);
    }
}

#[test]
fn a_number_that_was_given_out_again_does_not_hold_the_lock() {
    for shell in shells() {
        let device = Device::new(&shell, 30);
        device.play("b start");
        // The first process is alive, but did not start at that time.
        fs::rename(device.path("run/kmodloader/.lock/free"), device.path("run/kmodloader/.lock/1.4294967295")).unwrap();
        assert_eq!(device.play("a start\nshow").lines().nth(1), Some("= base left right"));
    }
}

#[test]
fn a_dead_process_that_nobody_buried_does_not_hold_the_lock() {
    for shell in shells() {
        let device = Device::new(&shell, 30);
        device.play("hook base after kill-shell");
        let mut killed = device.spawn("a", "start", "killed");
        let stat = format!("/proc/{}/stat", killed.id());
        wait_until(|| fs::read_to_string(&stat).unwrap().contains(") Z "));
        assert_eq!(device.call("b", "start"), (0, String::new()));
        killed.wait().unwrap();
        assert_eq!(device.play("a stop\nb stop\nshow"), "$ a stop\n= base right\n$ b stop\n= \n$ show\n\n");
    }
}
