//! Loads and unloads that fail, and devices with missing features.

use std::fs;

use expect_test::expect;

use super::{check, check_on};
use crate::device::{Device, shells, wait_until};

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
fn a_module_in_transit() {
    let coming = |device: &Device| {
        device.play("a start\na stop");
        fs::create_dir_all(device.path("sys/module/left/holders")).unwrap();
        device.write("sys/module/left/initstate", "coming\n");
        device.write("sys/module/left/by", "outsider\n");
    };
    // This never ends.
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
