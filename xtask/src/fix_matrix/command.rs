//! The same draws as whole commands: a recipe is written, and `kiln check`, `kiln fix` and `kiln why` are run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::draw::Draw;
use super::report::{End, shares};
use super::{Ground, processor_seconds_of_children};

/// Commands of a kiln, in a directory with a recipe.
pub(super) struct Commands {
    kiln: PathBuf,
    tree: PathBuf,
    dir: PathBuf,
    /// Seconds of `check`, `fix` and `why`: by the clock, from start to end of the process.
    wall: [Vec<f64>; 3],
    /// Of all processors, with the processes that it runs itself.
    cpu: [Vec<f64>; 3],
}

impl Commands {
    pub(super) fn new(kiln: &Path, tree: &Path, work: &Path) -> Result<Commands> {
        let kiln = kiln.canonicalize().with_context(|| format!("no kiln {}", kiln.display()))?;
        let dir = work.join("recipe");
        fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(Commands { kiln, tree: tree.to_owned(), dir, wall: Default::default(), cpu: Default::default() })
    }

    /// Runs them on one draw; returns whether `kiln fix` has the same result as the library.
    ///
    /// Options of the compiler may make them differ: the library uses the host's, the command finds the
    /// architecture's own.
    pub(super) fn run(&mut self, ground: &Ground, arch: &str, draw: &Draw, end: End) -> Result<bool> {
        let Some(first) = draw.requests.first() else { return Ok(true) };
        // A recipe names the kind of x86.
        let arch = if arch == "x86" { "x86_64" } else { arch };
        self.write(ground, arch, draw)?;
        let (check, _) = self.one(0, &["check", "--json"])?;
        let (fix, said) = self.one(1, &["fix", "--json", "--deadline", "60"])?;
        let (why, _) = self.one(2, &["why", &first.symbol, "--json"])?;
        let of = |status: i32, known: &[i32]| known.contains(&status);
        let shown = || format!("{arch} {} {}: {}", ground.name, draw.number, draw.text());
        ensure!(of(check, &[0, 1]) && of(fix, &[0, 1, 6]) && of(why, &[0, 1]), "{}: {check} {fix} {why}", shown());
        let expected: &[&str] = match end {
            End::Holds => &["holds"],
            End::Smallest | End::Fixed => &["fixed"],
            End::Late | End::Unsolved => &["outOfTime", "fixed"],
            End::Contradiction | End::Wrong => &["contradiction", "fixed"],
        };
        Ok(said["outcome"].as_str().is_some_and(|outcome| expected.contains(&outcome)))
    }

    fn write(&self, ground: &Ground, arch: &str, draw: &Draw) -> Result<()> {
        let base = match (ground.mode, ground.written.is_empty()) {
            ("allnoconfig", _) => "allnoconfig",
            (_, true) => "alldefconfig",
            (_, false) => {
                fs::write(self.dir.join("base.config"), &ground.written)?;
                "./base.config"
            }
        };
        let mut recipe = format!("[kernel]\nsrc = {:?}\narch = {arch:?}\nbaseConfig = {base:?}\n\n", self.tree);
        recipe += "[kernel.config]\n";
        for request in &draw.requests {
            recipe += &format!("{} = {}\n", request.symbol, Value::from(request.value.as_str()));
        }
        Ok(fs::write(self.dir.join("kiln.toml"), recipe)?)
    }

    /// Returns the exit status, and the JSON that was printed.
    fn one(&mut self, which: usize, words: &[&str]) -> Result<(i32, Value)> {
        let (started, spent) = (Instant::now(), processor_seconds_of_children());
        let output = Command::new(&self.kiln).args(words).arg("--quiet").current_dir(&self.dir).output();
        let output = output.with_context(|| format!("cannot run {}", self.kiln.display()))?;
        self.wall[which].push(started.elapsed().as_secs_f64());
        self.cpu[which].push(processor_seconds_of_children() - spent);
        let said = || format!("kiln {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr));
        let status = output.status.code().with_context(said)?;
        let value = serde_json::from_slice(&output.stdout).with_context(said)?;
        Ok((status, value))
    }

    /// Returns lines of a table: for each command median, 95 % and longest, by the clock and of the processor.
    pub(super) fn lines(&self) -> String {
        let names = ["check", "fix", "why"];
        let line = |(name, (wall, cpu)): (&str, (&Vec<f64>, &Vec<f64>))| {
            let shown = |seconds: &[f64]| shares(seconds).map(|share| format!("{share:.2} s")).join(", ");
            format!("| `kiln {name}` | {} | {} | {} |\n", wall.len(), shown(wall), shown(cpu))
        };
        let rows: String = names.into_iter().zip(self.wall.iter().zip(&self.cpu)).map(line).collect();
        format!(
            "| median, 95 %, longest | runs | by the clock | of the processor |\n| --- | ---: | ---: | ---: |\n{rows}"
        )
    }
}
