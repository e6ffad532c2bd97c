//! Sharing and failing, case by case: each is played under every shell and must look the same.

use std::fs;

use expect_test::{Expect, expect};

use crate::device::{Device, Shell, shells, wait_until};

/// Plays `script` on a device made ready by `prepare`, with waits of `patience` seconds.
fn check_on(patience: u32, prepare: impl Fn(&Device), script: &str, want: Expect) {
    let play = |shell: &Shell| {
        let device = Device::new(shell, patience);
        prepare(&device);
        device.play(script)
    };
    let seen: Vec<(&str, String)> = shells().iter().map(|shell| (shell.name, play(shell))).collect();
    want.assert_eq(&seen[0].1);
    for (shell, other) in &seen[1..] {
        assert_eq!(*other, seen[0].1, "under {shell}");
    }
}

fn check(script: &str, want: Expect) {
    check_on(30, |_| (), script, want);
}

#[test]
fn start_twice_stop_twice() {
    check(
        "a start\na start\nshow\na stop\nshow\na stop",
        expect![[r#"
        $ a start
        = base left
        $ a start
        = base left
        $ show
        .started/a base/.owner base/a left/.owner left/a
        $ a stop
        = 
        $ show

        $ a stop
        = 
    "#]],
    );
}

#[test]
fn shared_modules_stay_until_the_last_stop() {
    check(
        "a start\nb start\nc start\nshow\na stop\nc stop\nb stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ c start
        = base left right top
        $ show
        .started/a .started/b .started/c base/.owner base/a base/b base/c left/.owner left/a left/c right/.owner right/b right/c top/.owner top/c
        $ a stop
        = base left right top
        $ c stop
        = base right
        $ b stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nb start\nb stop\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ b stop
        = base left
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn what_was_there_before_stays() {
    check(
        "insmod base\na start\nshow\na stop\nshow",
        expect![[r#"
        $ insmod base
        $ a start
        = base* left
        $ show
        .started/a base/a left/.owner left/a
        $ a stop
        = base*
        $ show

    "#]],
    );
}

#[test]
fn what_was_reloaded_by_hand_is_not_ours() {
    check(
        "a start\nrmmod left\ninsmod left\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ rmmod left
        $ insmod left
        $ a stop
        kmodloader-a: base stays loaded: used by left
        = base left*
        $ show
        base/.owner
    "#]],
    );
}

#[test]
fn what_was_unloaded_by_hand_is_loaded_again() {
    check(
        "a start\nb start\nrmmod left\na start\nshow\na stop\nb stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ rmmod left
        $ a start
        = base left right
        $ show
        .started/a .started/b base/.owner base/a base/b left/.owner left/a right/.owner right/b
        $ a stop
        = base right
        $ b stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nrmmod left\nrmmod base\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ rmmod left
        $ rmmod base
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn somebody_is_quicker() {
    check(
        "hook left before insmod\na start\nshow\na stop\nshow",
        expect![[r#"
        $ hook left before insmod
        $ a start
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
        "a start\nhook left unload rmmod\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ hook left unload rmmod
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn busy_at_stop() {
    check(
        "a start\nbusy left\na stop\nshow\nidle left\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ busy left
        $ a stop
        kmodloader-a: left stays loaded: rmmod: can't unload module 'left': Resource temporarily unavailable
        kmodloader-a: base stays loaded: used by left
        = base left
        $ show
        base/.owner left/.owner
        $ idle left
        $ a stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nbusy left\na stop\na start\nidle left\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ busy left
        $ a stop
        kmodloader-a: left stays loaded: rmmod: can't unload module 'left': Resource temporarily unavailable
        kmodloader-a: base stays loaded: used by left
        = base left
        $ a start
        = base left
        $ idle left
        $ a stop
        = 
        $ show

    "#]],
    );
    check(
        "a start\nb start\nbusy base\na stop\nb stop\nidle base\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ b start
        = base left right
        $ busy base
        $ a stop
        = base right
        $ b stop
        kmodloader-b: base stays loaded: rmmod: can't unload module 'base': Resource temporarily unavailable
        = base
        $ idle base
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn used_by_a_module_of_somebody_else() {
    check(
        "a start\ninsmod right\na stop\nshow\nrmmod right\na stop\nshow",
        expect![[r#"
        $ a start
        = base left
        $ insmod right
        $ a stop
        kmodloader-a: base stays loaded: used by right
        = base right*
        $ show
        base/.owner
        $ rmmod right
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn a_failing_load_undoes_what_it_did_and_no_more() {
    check(
        "corrupt top\nc start\nshow\nmend top\nc start\nc stop\nshow",
        expect![[r#"
        $ corrupt top
        $ c start
        kmodloader-c: top: insmod: can't insert '/lib/top.ko': invalid module format
        [1]
        = 
        $ show

        $ mend top
        $ c start
        = base left right top
        $ c stop
        = 
        $ show

    "#]],
    );
    check(
        "insmod base\na start\ncorrupt top\nc start\nshow\na stop\nshow",
        expect![[r#"
        $ insmod base
        $ a start
        = base* left
        $ corrupt top
        $ c start
        kmodloader-c: top: insmod: can't insert '/lib/top.ko': invalid module format
        [1]
        = base* left
        $ show
        .started/a base/a left/.owner left/a
        $ a stop
        = base*
        $ show

    "#]],
    );
    check(
        "remove lib/left.ko\na start\nshow",
        expect![[r#"
        $ remove lib/left.ko
        $ a start
        kmodloader-a: left: insmod: can't insert '/lib/left.ko': No such file or directory
        [1]
        = 
        $ show

    "#]],
    );
}

#[test]
fn a_failing_second_start_leaves_what_the_first_did() {
    check(
        "c start\nrmmod top\nrmmod right\ncorrupt top\nc start\nshow\nmend top\nc start\nc stop\nshow",
        expect![[r#"
        $ c start
        = base left right top
        $ rmmod top
        $ rmmod right
        $ corrupt top
        $ c start
        kmodloader-c: top: insmod: can't insert '/lib/top.ko': invalid module format
        [1]
        = base left right
        $ show
        .started/c base/.owner base/c left/.owner left/c right/.owner right/c top/c
        $ mend top
        $ c start
        = base left right top
        $ c stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn a_failing_load_with_a_busy_module() {
    check(
        "corrupt left\nbusy base\na start\nshow\nidle base\na stop\nshow",
        expect![[r#"
        $ corrupt left
        $ busy base
        $ a start
        kmodloader-a: left: insmod: can't insert '/lib/left.ko': invalid module format
        kmodloader-a: base stays loaded: rmmod: can't unload module 'base': Resource temporarily unavailable
        [1]
        = base
        $ show
        base/.owner
        $ idle base
        $ a stop
        = 
        $ show

    "#]],
    );
}

#[test]
fn optional_modules_may_fail() {
    check(
        "corrupt solo\nd start\nshow\nmend solo\nd start\nd stop\nshow\nd stop",
        expect![[r#"
        $ corrupt solo
        $ d start
        kmodloader-d: solo: not loaded, and not needed: insmod: can't insert '/lib/solo.ko': invalid module format
        = phy
        $ show
        .started/d phy/.owner phy/d
        $ mend solo
        $ d start
        = solo phy
        $ d stop
        kmodloader-d: phy stays loaded: it has no exit function
        = phy
        $ show
        phy/.owner
        $ d stop
        kmodloader-d: phy stays loaded: it has no exit function
        = phy
    "#]],
    );
}

#[test]
fn a_kernel_that_cannot_unload() {
    check(
        "write no-unload yes\na start\na stop\nshow\na start\na stop",
        expect![[r#"
        $ write no-unload yes
        $ a start
        = base left
        $ a stop
        kmodloader-a: modules stay loaded: this kernel cannot unload them (CONFIG_MODULE_UNLOAD)
        = base left
        $ show
        base/.owner left/.owner
        $ a start
        = base left
        $ a stop
        kmodloader-a: modules stay loaded: this kernel cannot unload them (CONFIG_MODULE_UNLOAD)
        = base left
    "#]],
    );
}

#[test]
fn nothing_to_load() {
    check(
        "none start\nnone stop\nbuiltin start\nbuiltin stop\nbuiltin status\nshow",
        expect![[r#"
            $ none start
            kmodloader-none: nothing to do: all it needs is built into the kernel
            = 
            $ none stop
            kmodloader-none: nothing to do: all it needs is built into the kernel
            = 
            $ builtin start
            kmodloader-builtin: nothing to do: all it needs is built into the kernel
            = 
            $ builtin stop
            kmodloader-builtin: nothing to do: all it needs is built into the kernel
            = 
            $ builtin status
            builtin: built into the kernel
            = 
            $ show

        "#]],
    );
}

#[test]
fn killed_in_the_middle() {
    // Whoever survives tells whose the module is.
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
    // Not loaded, so not ours when somebody loads it later.
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
    // Nobody is left to tell.
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
fn no_room_for_a_claim() {
    for shell in shells() {
        let device = Device::new(&shell, 30);
        device.write("run/kmodloader", "");
        let (status, said) = device.call("a", "start");
        assert_eq!((status, said.contains("kmodloader-a: cannot make /run/kmodloader: ")), (1, true), "{said}");
        assert_eq!(device.live(), "");

        let device = Device::new(&shell, 30);
        device.play("b start");
        device.write("run/kmodloader/left", "");
        let (status, said) = device.call("a", "start");
        assert_eq!((status, said.starts_with("kmodloader-a: left: mkdir: ")), (1, true), "{said}");
        assert_eq!(device.live(), "base right");
        fs::remove_file(device.path("run/kmodloader/left")).unwrap();
        assert_eq!(device.state(), ".started/b base/.owner base/b right/.owner right/b");
    }
}

#[test]
fn no_module_support() {
    check(
        "remove proc/modules\na start\na stop",
        expect![[r#"
        $ remove proc/modules
        $ a start
        kmodloader-a: there is no /proc/modules: this kernel cannot load modules (CONFIG_MODULES)
        [1]
        = 
        $ a stop
        = 
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
        // Neither claims nor marks count any more: what is loaded was loaded by somebody else as far as can be known.
        assert_eq!(
            device.play("b start\nb stop\nshow"),
            "$ b start\n= base left right\n$ b stop\n= base left\n$ show\n\n"
        );
    }
}

#[test]
fn a_module_in_transit() {
    let coming = |device: &Device| {
        device.play("a start\na stop");
        fs::create_dir_all(device.path("sys/module/left/holders")).unwrap();
        device.write("sys/module/left/initstate", "coming\n");
        device.write("sys/module/left/by", "outsider\n");
    };
    // Comes to no end.
    check_on(
        1,
        coming,
        "a start\nshow",
        expect![[r#"
        $ a start
        kmodloader-a: left: someone else has been loading or unloading it for 1 seconds
        [1]
        = left*
        $ show

    "#]],
    );
    for shell in shells() {
        for (end, live) in [("live", "base* left*"), ("absent", "base* left")] {
            let device = Device::new(&shell, 20);
            device.outsider("insmod", "base");
            coming(&device);
            let mut start = device.spawn("a", "start", "said");
            wait_until(|| device.path("run/kmodloader/left/a").exists());
            std::thread::sleep(std::time::Duration::from_millis(300));
            assert!(start.try_wait().unwrap().is_none());
            match end {
                "live" => device.write("sys/module/left/initstate", "live\n"),
                _ => fs::rename(device.path("sys/module/left"), device.path("graves/left")).unwrap(),
            }
            assert!(start.wait().unwrap().success());
            assert_eq!(device.live(), live);
            device.call("a", "stop");
            assert_eq!(device.live(), live.trim_end_matches(" left"));
        }
    }
}

#[test]
fn parameters_arrive_word_by_word() {
    for shell in shells() {
        let device = Device::new(&shell, 30);
        device.play("d start");
        let words = fs::read_to_string(device.path("sys/module/solo/words")).unwrap();
        assert_eq!(words, "a=1\nb=\"x  y\"\nc='$(d);*\n");
    }
}

#[test]
fn status_and_usage() {
    check(
        "a status\ninsmod base\na start\na status\nrmmod left\na status\na stop\na status",
        expect![[r#"
            $ a status
            a: stopped
              base: not loaded
              left: not loaded
            [3]
            = 
            $ insmod base
            $ a start
            = base* left
            $ a status
            a: started
              base: loaded by somebody else, claimed by a
              left: loaded by a loader, claimed by a
            = base* left
            $ rmmod left
            $ a status
            a: started, but a module is missing
              base: loaded by somebody else, claimed by a
              left: not loaded, claimed by a
            [1]
            = base*
            $ a stop
            = base*
            $ a status
            a: stopped
              base: loaded by somebody else
              left: not loaded
            [3]
            = base*
        "#]],
    );
    check(
        "a --help\na restart",
        expect![[r#"
        $ a --help
        usage: a start|stop|status

        Loads and unloads the kernel modules of the loader a.
          start   load what is not there yet, and claim all of it; a failure undoes what was done
          stop    drop the claims, and unload what a loader loaded and nobody claims any more
          status  show the modules; exit 0 when started, 3 when stopped, 1 when something is missing
        = 
        $ a restart
        usage: a start|stop|status

        Loads and unloads the kernel modules of the loader a.
          start   load what is not there yet, and claim all of it; a failure undoes what was done
          stop    drop the claims, and unload what a loader loaded and nobody claims any more
          status  show the modules; exit 0 when started, 3 when stopped, 1 when something is missing
        [2]
        = 
    "#]],
    );
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
        // The first process lives, but did not start at that time.
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

#[test]
fn without_sysfs() {
    let turn_off = |device: &Device| {
        for loader in ["a", "b"] {
            let path = format!("loaders/{loader}");
            let script = fs::read_to_string(device.path(&path)).unwrap();
            let without = script.replace("/sys/module\n", "/nothing\n");
            assert_ne!(without, script);
            device.write(&path, &without);
        }
    };
    check_on(
        30,
        turn_off,
        "insmod base\na start\nb start\na start\nbusy right\nb stop\na stop\nshow\nidle right\nb stop\nshow",
        expect![[r#"
            $ insmod base
            $ a start
            = base* left
            $ b start
            = base* left right
            $ a start
            = base* left right
            $ busy right
            $ b stop
            kmodloader-b: right stays loaded: rmmod: can't unload module 'right': Resource temporarily unavailable
            = base* left right
            $ a stop
            = base* right
            $ show
            right/.owner.none
            $ idle right
            $ b stop
            = base*
            $ show

        "#]],
    );
    check_on(
        1,
        |device| {
            turn_off(device);
            device.write("proc/modules", "left_1 1 0 - Live 0x0\nleft 1 0 - Loading 0x0\n");
        },
        "a start\nshow",
        expect![[r#"
            $ a start
            kmodloader-a: left: someone else has been loading or unloading it for 1 seconds
            [1]
            = 
            $ show

        "#]],
    );
}
