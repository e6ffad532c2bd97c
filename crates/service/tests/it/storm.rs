//! Random sequences of calls, kills and outsiders over loaders that share modules, checked against invariants.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::device::{Device, Shell, shells};

/// The loaders of [`Device`] with the modules that must be loaded while one is up.
const LOADERS: [(&str, &[&str]); 4] =
    [("a", &["base", "left"]), ("b", &["base", "right"]), ("c", &["base", "left", "right", "top"]), ("d", &["phy"])];
const MODULES: [&str; 6] = ["base", "left", "right", "top", "solo", "phy"];
/// Ways to kill a loader during a load. When all are killed after the load, the owner of the module is unknown.
const KILLS: [&str; 7] = [
    "before kill-shell",
    "after kill-shell",
    "before kill-teller",
    "after kill-teller",
    "before kill-all",
    "before term-shell",
    "after term-shell",
];

/// A small generator of random numbers (xorshift), so that a seed produces the same storm everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The history of a storm, as far as the checks need it.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    /// The loaders that are up, each with those of its modules that an outsider has unloaded since.
    up: BTreeMap<&'static str, Vec<&'static str>>,
}

#[test]
fn storms() {
    play(1..=2);
}

#[test]
#[ignore = "slow: plays more storms"]
fn more_storms() {
    play(3..=6);
}

/// Runs a storm of each seed in the shells that devices have; the other shells run only the single cases.
fn play(seeds: RangeInclusive<u64>) {
    for shell in shells().iter().take(2) {
        seeds.clone().for_each(|seed| storm(shell, seed));
    }
}

fn storm(shell: &Shell, seed: u64) {
    let device = Device::new(shell, 600);
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut log = Log::default();
    for _ in 0..30 {
        turn(&device, &mut dice, &mut log);
        check(&device, &log, shell, seed);
    }
    calm(&device, &log, shell, seed);
}

fn turn(device: &Device, dice: &mut Dice, log: &mut Log) {
    let (loader, modules) = dice.pick(&LOADERS);
    let module = dice.pick(&MODULES);
    match dice.below(12) {
        0..=3 => start(device, log, loader),
        4..=5 => stop(device, log, loader),
        6 => {
            let kill = dice.pick(&KILLS);
            let module = dice.pick(modules);
            log.lines.push(format!("hook {module} {kill}"));
            let (when, action) = kill.split_once(' ').unwrap();
            device.write(&format!("hooks/{module}.{when}"), &format!("{action}\n"));
            start(device, log, loader);
            _ = std::fs::remove_file(device.path(&format!("hooks/{module}.{when}")));
        }
        7 => outsider(device, log, "insmod", module),
        8 => outsider(device, log, "rmmod", module),
        9 => toggle(device, log, "busy", module),
        10 => {
            let corrupt =
                std::fs::read_to_string(device.path(&format!("lib/{module}.ko"))).unwrap().starts_with("garbage");
            device.play(&format!("{} {module}", if corrupt { "mend" } else { "corrupt" }));
            log.lines.push(format!("{} {module}", if corrupt { "mend" } else { "corrupt" }));
        }
        _ => {
            let (other, _) = dice.pick(&LOADERS);
            together(device, log, loader, other);
        }
    }
}

fn start(device: &Device, log: &mut Log, loader: &'static str) {
    let (status, said) = device.call(loader, "start");
    log.lines.push(format!("{loader} start -> {status} {}", said.trim()));
    started(log, loader, status);
}

fn started(log: &mut Log, loader: &'static str, status: i32) {
    match status {
        0 => _ = log.up.insert(loader, Vec::new()),
        // A second start that fails leaves a loader up, without the modules that an outsider removed.
        _ => {
            if let Some(missing) = log.up.get_mut(loader) {
                missing.extend(MODULES);
            }
        }
    }
}

fn stop(device: &Device, log: &mut Log, loader: &'static str) {
    let (status, said) = device.call(loader, "stop");
    log.lines.push(format!("{loader} stop -> {status} {}", said.trim()));
    log.up.remove(loader);
    assert_eq!(status, 0, "{:#?}", log.lines);
}

/// One start and one stop at the same time.
fn together(device: &Device, log: &mut Log, one: &'static str, other: &'static str) {
    let mut children = [device.spawn(one, "start", "said1"), device.spawn(other, "stop", "said2")];
    let statuses = children.each_mut().map(|child| child.wait().unwrap().code());
    let said = ["said1", "said2"].map(|said| std::fs::read_to_string(device.path(said)).unwrap());
    log.lines.push(format!("{one} start & {other} stop -> {statuses:?} {said:?}"));
    if one == other {
        // Either may have been the last to run.
        log.up.remove(one);
    } else {
        log.up.remove(other);
        started(log, one, statuses[0].unwrap());
    }
    assert_eq!(statuses[1], Some(0), "{:#?}", log.lines);
}

fn outsider(device: &Device, log: &mut Log, verb: &str, module: &'static str) {
    if device.outsider(verb, module) {
        log.lines.push(format!("{verb} {module}"));
        if verb == "rmmod" {
            log.up.values_mut().for_each(|missing| missing.push(module));
        }
    }
}

fn toggle(device: &Device, log: &mut Log, folder: &str, module: &str) {
    let path = device.path(folder).join(module);
    log.lines.push(format!("toggle {folder} {module}"));
    if std::fs::remove_file(&path).is_err() {
        std::fs::write(&path, "").unwrap();
    }
}

/// Checks the invariants after every turn: no module of an outsider was removed, and those of a loader that is up are
/// loaded.
fn check(device: &Device, log: &Log, shell: &Shell, seed: u64) {
    let story = || format!("under {} with seed {seed}: {:#?}", shell.name, log.lines);
    assert_eq!(device.violations(), "", "{}", story());
    for (loader, missing) in &log.up {
        let needs = LOADERS.iter().find(|(name, _)| name == loader).unwrap().1;
        for module in needs.iter().filter(|module| !missing.contains(module)) {
            assert!(device.is_live(module), "{loader} is up without {module} {}", story());
        }
    }
}

/// Checks that no trace is left once every fault is repaired, nothing is in use, outsiders have left and all loaders
/// are stopped.
fn calm(device: &Device, log: &Log, shell: &Shell, seed: u64) {
    for module in MODULES {
        device.mend(module);
        _ = std::fs::remove_file(device.path("busy").join(module));
    }
    LOADERS.iter().for_each(|(loader, _)| _ = device.call(loader, "stop"));
    for module in MODULES.iter().rev().filter(|module| device.loaded_by(module) == "outsider") {
        assert!(device.outsider("rmmod", module));
    }
    LOADERS.iter().for_each(|(loader, _)| assert_eq!(device.call(loader, "stop").0, 0));
    let story = || format!("under {} with seed {seed}: {:#?}", shell.name, log.lines);
    assert_eq!(device.violations(), "", "{}", story());
    let permanent = if device.is_live("phy") { ("phy", "phy/.owner") } else { ("", "") };
    assert_eq!((device.live().as_str(), device.state().as_str()), permanent, "{}", story());
}
