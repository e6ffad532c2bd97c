//! Time and memory of processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The cost of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Microseconds by the clock.
    pub(super) wall: u64,
    /// Microseconds of all processors, of the program and of those that it started.
    pub(super) cpu: u64,
    /// KiB of the largest process.
    pub(super) memory: u64,
}

/// Runs programs and measures them.
pub(super) struct Meter {
    program: PathBuf,
    work: PathBuf,
}

impl Meter {
    pub(super) fn new(work: &Path) -> Result<Meter> {
        let program = work.join("measure");
        let source = work.join("measure.c");
        fs::write(&source, include_str!("measure.c"))?;
        let done =
            Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(&source).output().context("cannot run cc")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "cannot compile {}: {said}", source.display());
        Ok(Meter { program, work: work.to_owned() })
    }

    /// Runs `command`, which must succeed; its standard output is dropped.
    pub(super) fn run(&self, command: &Command) -> Result<Cost> {
        let file = self.work.join("cost");
        let mut measured = Command::new(&self.program);
        measured.arg(&file).arg(command.get_program()).args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            measured.env(name, value.unwrap_or_default());
        }
        if let Some(folder) = command.get_current_dir() {
            measured.current_dir(folder);
        }
        let output = measured.stdin(Stdio::null()).stdout(Stdio::null()).output()?;
        ensure!(output.status.success(), "cannot measure {command:?}");
        let text = fs::read_to_string(&file)?;
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [wall, user, system, memory, status] = numbers[..] else { anyhow::bail!("no cost of {command:?}") };
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(status == 0, "{command:?} ended with status {status}: {said}");
        Ok(Cost { wall, cpu: user + system, memory })
    }
}

/// Returns the medians, each for itself.
pub(super) fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> u64| {
        let mut values: Vec<u64> = costs.iter().map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Cost { wall: middle(|cost| cost.wall), cpu: middle(|cost| cost.cpu), memory: middle(|cost| cost.memory) }
}
