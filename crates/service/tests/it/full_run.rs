//! A /run that is full or read-only: a small file system of its own; mounting it requires root.

use std::path::Path;
use std::process::Command;

use crate::device::{Device, names, shells};

/// A mounted file system; unmounted when the value is dropped.
struct Mount<'a>(&'a Path);

impl Mount<'_> {
    /// Mounts an empty tmpfs at `place`; `None` when this process is not allowed to.
    fn tmpfs<'a>(place: &'a Path, options: &str) -> Option<Mount<'a>> {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place).status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Mount(place));
        }
        _ = std::io::Write::write_all(&mut std::io::stderr(), b"left out: this process may not mount\n");
        None
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0).status().unwrap().success());
    }

    fn fill(&self) -> usize {
        (0..).find(|index| std::fs::write(self.0.join(format!("fill{index}")), "").is_err()).unwrap()
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_start_fails_cleanly_wherever_the_room_ends() {
    for shell in shells().iter().take(2) {
        let mut inodes = 2;
        loop {
            let device = Device::new(shell, 1);
            let run = device.path("run");
            let Some(_mount) = Mount::tmpfs(&run, &format!("nr_inodes={inodes}")) else { return };
            let (status, said) = device.call("c", "start");
            if status == 0 {
                assert_eq!(device.live(), "base left right top");
                break;
            }
            assert_eq!((status, device.live().as_str()), (1, ""), "{said}");
            assert!(
                said.contains("cannot write") || said.contains("mkdir: ") || said.contains("cannot make"),
                "{said}"
            );
            assert!(names(&run.join("kmodloader/base")).is_empty());
            let stop = device.call("c", "stop");
            assert_eq!(stop, (0, String::new()), "with {inodes} inodes");
            inodes += 1;
        }
        assert!((10..40).contains(&inodes), "{inodes}");
    }
}

#[test]
fn a_stop_needs_no_room() {
    for shell in shells() {
        let device = Device::new(&shell, 1);
        let run = device.path("run");
        let Some(mount) = Mount::tmpfs(&run, "nr_inodes=60") else { return };
        device.play("a start\nb start\na stop\na start");
        assert!(mount.fill() > 0);
        let seen = device.play("c start\nshow\na stop\nb stop\nshow");
        let (failed, rest) = seen.split_once("[1]\n").unwrap();
        assert!(failed.contains("kmodloader-c: "), "{seen}");
        assert_eq!(
            rest,
            "= base left right\n$ show\n.started/a .started/b base/.owner base/a base/b left/.owner left/a right/.owner right/b\n\
             $ a stop\n= base right\n$ b stop\n= \n$ show\n\n"
        );
    }
}

#[test]
fn nothing_is_done_where_nothing_can_be_written_down() {
    for shell in shells() {
        let device = Device::new(&shell, 1);
        let run = device.path("run");
        let Some(mount) = Mount::tmpfs(&run, "ro") else { return };
        let (status, said) = device.call("a", "start");
        assert_eq!((status, device.live().as_str()), (1, ""));
        assert!(said.contains("Read-only file system"), "{said}");
        assert_eq!(device.call("a", "stop"), (0, String::new()));
        mount.remount("rw");
        device.play("a start");
        mount.remount("ro");
        for (loader, verb) in [("b", "start"), ("a", "stop")] {
            let (status, said) = device.call(loader, verb);
            assert_eq!((status, device.live().as_str()), (1, "base left"));
            assert!(said.contains("Read-only file system"), "{said}");
        }
        assert_eq!(device.state(), ".started/a base/.owner base/a left/.owner left/a");
    }
}
