//! A project's own `conf`, built from its sources.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::project::Project;

/// The program.
pub(super) struct Program {
    path: PathBuf,
    /// Whether it writes the time into a `.config`, and has no random values from a seed (2.6.16).
    pub(super) is_oldest: bool,
    /// Whether single letters name the modes.
    takes_letters: bool,
    _directory: tempfile::TempDir,
}

/// Sources that every version compiles or includes, as far as it has them.
const SOURCES: [&str; 8] =
    ["conf.c", "confdata.c", "expr.c", "menu.c", "preprocess.c", "symbol.c", "util.c", "regex.c"];

impl Program {
    /// Compiles the sources in a copy.
    pub(super) fn build(tree: &Path, project: &Project) -> Result<Program> {
        let directory = tempfile::tempdir()?;
        let sources = tree.join(project.program);
        let here = directory.path();
        for entry in std::fs::read_dir(&sources).with_context(|| sources.display().to_string())? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                std::fs::copy(&path, here.join(name))?;
            }
        }
        let has = |name: &str| here.join(name).is_file();
        let is_new = has("parser.y");
        let mut units = Vec::new();
        if has("zconf.tab.c_shipped") {
            for name in ["zconf.tab.c", "zconf.lex.c", "lex.zconf.c", "zconf.hash.c"] {
                if has(&format!("{name}_shipped")) {
                    std::fs::copy(here.join(format!("{name}_shipped")), here.join(name))?;
                }
            }
        } else if is_new {
            tool(here, "bison", &["-o", "parser.tab.c", "--defines=parser.tab.h", "-t", "-l", "parser.y"])?;
            tool(here, "flex", &["-o", "lexer.lex.c", "-L", "lexer.l"])?;
        } else {
            tool(here, "bison", &["-o", "zconf.tab.c", "--defines=zconf.tab.h", "-t", "-l", "zconf.y"])?;
            tool(here, "flex", &["-o", "zconf.lex.c", "-L", "zconf.l"])?;
        }
        let grammar = std::fs::read_to_string(here.join(if is_new { "parser.y" } else { "zconf.y" }))?;
        units.extend(if is_new { vec!["parser.tab.c", "lexer.lex.c"] } else { vec!["zconf.tab.c"] });
        let is_unit = |name: &&str| has(name) && !grammar.contains(&format!("#include \"{name}\""));
        units.extend(SOURCES.into_iter().filter(is_unit).filter(|name| *name != "regex.c"));
        let mut arguments = vec!["-w", "-std=gnu11", "-D_GNU_SOURCE", "-DKBUILD_NO_NLS", "-I.", "-o", "conf"];
        if !project.prefix.is_empty() {
            arguments.push(project.prefix);
        }
        // Headers that newer versions share with other programs of the project.
        let shared = format!("-I{}", tree.join("scripts/include").display());
        arguments.push(&shared);
        arguments.extend(units);
        tool(here, "gcc", &arguments)?;
        let conf = std::fs::read_to_string(here.join("conf.c"))?;
        let is_oldest = !conf.contains("\"randconfig\"");
        let takes_letters = is_oldest || conf.contains("getopt(ac, av");
        Ok(Program { path: here.join("conf"), is_oldest, takes_letters, _directory: directory })
    }

    /// Runs a mode.
    pub(super) fn run(
        &self,
        mode: &str,
        entry: &str,
        current: &Path,
        variables: &BTreeMap<String, Vec<u8>>,
        scratch: &Path,
    ) -> Result<()> {
        let mut command = Command::new(&self.path);
        command.current_dir(current).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.envs(variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
        let file = match mode {
            "defconfig" => Some(scratch.join("sample")),
            "savedefconfig" => Some(scratch.join("minimal")),
            _ => None,
        };
        if self.takes_letters {
            command.arg(letter(mode)).args(file);
        } else {
            command.arg(file.map_or_else(|| format!("--{mode}"), |file| format!("--{mode}={}", file.display())));
        }
        command.arg(entry).status().with_context(|| self.path.display().to_string())?;
        Ok(())
    }
}

/// The option for a mode in programs without long ones.
fn letter(mode: &str) -> &'static str {
    match mode {
        "allnoconfig" => "-n",
        "allyesconfig" => "-y",
        "allmodconfig" => "-m",
        "alldefconfig" => "-A",
        "randconfig" => "-r",
        "defconfig" => "-D",
        "savedefconfig" => "-S",
        _ => "-d",
    }
}

fn tool(directory: &Path, name: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(name).args(arguments).current_dir(directory).output();
    let output = output.with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(())
}
