//! Everything that is compared for one architecture.
//!
//! Each config of a mode or a defconfig is a base: read again, and made minimal. Some bases go on to `syncconfig`,
//! to what is new in a part of them, to the rewriting of tristates and to random requests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kiln_kconfig::Mode;

use super::Args;
use super::comparison::{Bench, Job, Made};
use super::over_base;
use super::requests::{Chance, lines};

/// Defconfigs of an architecture that go through all jobs, besides `allmodconfig` and `alldefconfig`.
const N_THOROUGH: usize = 1;

/// Runs them; `arch` is the architecture's directory.
pub(crate) fn all(bench: &mut Bench<'_>, arch: &Path, args: &Args, n_requests: u32) -> Result<()> {
    let mut bases = Vec::new();
    let mut autos: Vec<Vec<u8>> = Vec::new();
    for (name, mode) in ALL {
        // The first run of all is without `auto.conf`, so that both write it.
        let Made { config, auto } = bench.check(&Job { auto: None, ..job(name, mode.clone()) })?;
        autos.extend(auto);
        if let Some(config) = config {
            base(bench, name, &config)?;
            if matches!(mode, Mode::AllModConfig | Mode::AllDefConfig) {
                thorough(bench, name, &config, &autos)?;
            }
            bases.push(config);
        }
    }
    for (index, path) in defconfigs(arch)?.into_iter().take(args.defconfigs).enumerate() {
        let name = path.display().to_string();
        let text = std::fs::read(&path)?;
        let given = Job { argument: format!("--defconfig={name}"), ..job(&name, Mode::DefConfig(name.clone())) };
        let config = bench.check(&given)?.config;
        if let Some(config) = config {
            base(bench, &name, &config)?;
            if index < N_THOROUGH {
                let list = format!("listnewconfig of {name}");
                bench.check(&Job { config: Some(text), ..named(&list, "listnewconfig", Mode::ListNewConfig) })?;
                thorough(bench, &name, &config, &autos)?;
            }
            bases.push(config);
        }
    }
    for seed in 1..=args.seeds {
        let mut variables = vec![("KCONFIG_SEED", format!("{:#x}", seed.wrapping_mul(0x9e37_79b1)))];
        let probability =
            ["", "10", "30:40", "90:5:5", "0", "100"].get(seed as usize % 12).copied().unwrap_or_default();
        if !probability.is_empty() {
            variables.push(("KCONFIG_PROBABILITY", probability.to_owned()));
        }
        let name = format!("randconfig {seed}");
        let config = bench.check(&Job { variables, ..named(&name, "randconfig", Mode::RandConfig) })?.config;
        if let Some(config) = config.filter(|_| seed % 5 == 1) {
            base(bench, &name, &config)?;
        }
    }
    for set in 0..n_requests {
        requests(bench, set, &bases)?;
        over_base::check(bench, set, named)?;
    }
    Ok(())
}

const ALL: [(&str, Mode); 4] = [
    ("allnoconfig", Mode::AllNoConfig),
    ("allyesconfig", Mode::AllYesConfig),
    ("allmodconfig", Mode::AllModConfig),
    ("alldefconfig", Mode::AllDefConfig),
];

/// Reads a config again, and makes it minimal.
fn base(bench: &mut Bench<'_>, name: &str, config: &[u8]) -> Result<()> {
    let given = Some(config.to_vec());
    let again = format!("olddefconfig of {name}");
    bench.check(&Job { config: given.clone(), ..named(&again, "olddefconfig", Mode::OldDefConfig) })?;
    let saving = Job {
        argument: "--savedefconfig=defconfig".to_owned(),
        config: given,
        ..job(&format!("savedefconfig of {name}"), Mode::SaveDefConfig("defconfig".to_owned()))
    };
    bench.check(&saving)?;
    Ok(())
}

/// The other modes that read a `.config`.
fn thorough(bench: &mut Bench<'_>, name: &str, config: &[u8], autos: &[Vec<u8>]) -> Result<()> {
    for (argument, mode) in [
        ("yes2modconfig", Mode::Yes2ModConfig),
        ("mod2yesconfig", Mode::Mod2YesConfig),
        ("mod2noconfig", Mode::Mod2NoConfig),
        ("listnewconfig", Mode::ListNewConfig),
    ] {
        let shown = format!("{argument} of {name}");
        bench.check(&Job { config: Some(config.to_vec()), ..named(&shown, argument, mode) })?;
    }
    // Without some lines there is something new.
    let half: Vec<u8> = config.split_inclusive(|byte| *byte == b'\n').step_by(2).flatten().copied().collect();
    for (argument, mode) in [
        ("listnewconfig", Mode::ListNewConfig),
        ("helpnewconfig", Mode::HelpNewConfig),
        ("olddefconfig", Mode::OldDefConfig),
    ] {
        let shown = format!("{argument} of half of {name}");
        bench.check(&Job { config: Some(half.clone()), ..named(&shown, argument, mode) })?;
    }
    for auto in [None, autos.first()] {
        let shown = format!("syncconfig of {name}");
        let job = named(&shown, "syncconfig", Mode::SyncConfig);
        bench.check(&Job { config: Some(config.to_vec()), auto: auto.cloned(), ..job })?;
    }
    let job = named(&format!("strict olddefconfig of {name}"), "olddefconfig", Mode::OldDefConfig);
    let variables = vec![("KCONFIG_WERROR", "1".to_owned()), ("KCONFIG_WARN_UNKNOWN_SYMBOLS", "1".to_owned())];
    let more = [config, b"CONFIG_NOBODY_KNOWS=y\n# CONFIG_NOR_THIS is not set\n"].concat();
    bench.check(&Job { config: Some(more), variables, ..job })?;
    Ok(())
}

/// Sets random values on top of a base: once as a `.config`, once as a seed.
fn requests(bench: &mut Bench<'_>, set: u32, bases: &[Vec<u8>]) -> Result<()> {
    let mut chance = Chance::new(u64::from(set) + 1);
    let one_in = [10, 40, 200, 2000][set as usize % 4];
    let lines = lines(bench.model, &mut chance, one_in);
    if !bases.is_empty() {
        let base = &bases[chance.draw(bases.len() as u64) as usize];
        let config = Some([base.as_slice(), lines.as_bytes()].concat());
        let shown = format!("requests {set}");
        let job = named(&shown, "olddefconfig", Mode::OldDefConfig);
        let mut variables = Vec::new();
        if set % 8 == 3 {
            variables.push(("KCONFIG_WARN_UNKNOWN_SYMBOLS", "1".to_owned()));
        }
        bench.check(&Job { config, variables, ..job })?;
    }
    let seed = bench.folder().join("requests");
    std::fs::write(&seed, lines)?;
    let (argument, mode) = match set % 5 {
        4 => ("randconfig", &Mode::RandConfig),
        other => (ALL[other as usize].0, &ALL[other as usize].1),
    };
    let mut variables = vec![("KCONFIG_ALLCONFIG", seed.display().to_string())];
    if set % 5 == 4 {
        variables.push(("KCONFIG_SEED", set.to_string()));
    }
    let shown = format!("{argument} with requests {set}");
    bench.check(&Job { variables, ..named(&shown, argument, mode.clone()) })?;
    Ok(())
}

fn job(name: &str, mode: Mode) -> Job {
    named(name, name, mode)
}

/// Returns a job in a directory that has an `auto.conf`, so that it is left alone.
fn named(name: &str, argument: &str, mode: Mode) -> Job {
    Job {
        name: name.to_owned(),
        mode,
        argument: format!("--{argument}"),
        variables: Vec::new(),
        config: None,
        auto: Some(Vec::new()),
    }
}

/// Returns every file below `folder` whose name ends in `defconfig`.
fn defconfigs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with("defconfig") && folder.ends_with("configs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
