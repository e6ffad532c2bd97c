//! kiln's closure of every module of a kernel against `modprobe --show-depends`.
//!
//! modprobe reads one softdep line of a module and drops the others; a config whose first softdep line is for all
//! modules and names none leaves it with hard dependencies only. The soft side is put together here from
//! `modules.softdep`, every line of it, with modprobe's own answers for what each word means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use kiln_moddir::read_modules_dir;
use kiln_modgraph::{ClosureOptions, Graph, closure, module_name, read_softdeps};

/// The result.
pub(super) struct Closures {
    /// Compared modules.
    modules: usize,
    /// Of them, those that have soft dependencies somewhere in their closure.
    with_softdeps: usize,
    /// One line for each module whose closure is not the expected one.
    pub(super) wrong: Vec<String>,
}

impl fmt::Display for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "closures of {} modules, {} with softdeps, wrong: {:?}", self.modules, self.with_softdeps, self.wrong)
    }
}

/// Compares the closures of all modules; the indexes have to be there.
pub(super) fn compare(base: &Path, release: &str) -> Result<Closures> {
    let root = base.join("lib/modules").join(release);
    let graph = read_modules_dir(&root, None)?.graph;
    let mut config = tempfile::NamedTempFile::new()?;
    writeln!(config, "softdep * pre:")?;
    let modprobe = Modprobe { base, release, config: config.path() };
    let mut hard: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, info) in graph.modules() {
        let listed = modprobe.list(&info.name)?.with_context(|| format!("modprobe does not know {}", info.name))?;
        hard.insert(info.name.clone(), listed);
    }
    let soft = soft_wishes(&root, &modprobe)?;
    let mut result = Closures { modules: hard.len(), with_softdeps: 0, wrong: Vec::new() };
    for name in hard.keys() {
        let expected = union(name, &hard, &soft);
        result.with_softdeps += usize::from(expected.len() > hard[name].len());
        if let Err(wrong) = check(&graph, name, &hard[name], &expected) {
            result.wrong.push(format!("{name}: {wrong}"));
        }
    }
    Ok(result)
}

struct Modprobe<'a> {
    base: &'a Path,
    release: &'a str,
    config: &'a Path,
}

impl Modprobe<'_> {
    /// Returns the modules that a word stands for with all they need, in load order; `None` when nothing matches it.
    fn list(&self, word: &str) -> Result<Option<Vec<String>>> {
        let mut command = Command::new("modprobe");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg("-C").arg(self.config);
        command.args(["-S", self.release, "--show-depends", "-d"]).arg(self.base).arg(word);
        let output = command.output().context("cannot run modprobe")?;
        if !output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8(output.stdout)?;
        let paths = text.lines().filter_map(|line| line.strip_prefix("insmod "));
        Ok(Some(paths.map(|path| module_name(path.trim_end())).collect()))
    }
}

/// Returns the modules of the softdep lines of each module: all lines, not the first only.
fn soft_wishes(root: &Path, modprobe: &Modprobe<'_>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let text = fs::read_to_string(root.join("modules.softdep"))?;
    let mut wishes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, line) in read_softdeps(&text) {
        let mut counts = false;
        for word in line.split_ascii_whitespace() {
            match word {
                "pre:" | "post:" => counts = true,
                _ if counts => {
                    wishes.entry(module.to_owned()).or_default().extend(modprobe.list(word)?.unwrap_or_default())
                }
                _ => {}
            }
        }
    }
    ensure!(!wishes.is_empty(), "the kernel has no softdep line: the comparison would say little");
    Ok(wishes)
}

/// Returns hard and soft dependencies of a module, until there are no new ones.
fn union<'a>(
    name: &'a str,
    hard: &'a BTreeMap<String, Vec<String>>,
    soft: &'a BTreeMap<String, BTreeSet<String>>,
) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    let mut open = vec![name];
    while let Some(next) = open.pop() {
        if all.insert(next) {
            open.extend(hard.get(next).into_iter().flatten().map(String::as_str));
            open.extend(soft.get(next).into_iter().flatten().map(String::as_str));
        }
    }
    all
}

fn check(graph: &Graph, name: &str, hard: &[String], expected: &BTreeSet<&str>) -> Result<(), String> {
    let id = graph.find(name).ok_or("not in the graph")?;
    let mut needed: BTreeSet<&str> = graph.needs_all(id).into_iter().map(|id| graph.module(id).name.as_str()).collect();
    needed.insert(name);
    let listed: BTreeSet<&str> = hard.iter().map(String::as_str).collect();
    if needed != listed {
        return Err(format!("hard {needed:?}, modprobe {listed:?}"));
    }
    let options = ClosureOptions { vermagic: None, missing_namespaces_load: false, without: &[] };
    let closure = closure(graph, &[name], &options).map_err(|errors| format!("{:?}", errors.errors))?;
    let mut before: BTreeSet<&str> = BTreeSet::new();
    for entry in closure.load_order() {
        if entry.because.is_empty() {
            return Err(format!("{} is there for no reason", entry.module));
        }
        if let Some(edge) = graph.needs(entry.id).iter().find(|edge| !before.contains(&*graph.module(edge.to).name)) {
            return Err(format!("{} comes before {}", entry.module, graph.module(edge.to).name));
        }
        if !before.insert(&entry.module) {
            return Err(format!("{} comes twice", entry.module));
        }
    }
    if before != *expected { Err(format!("soft {before:?}, expected {expected:?}")) } else { Ok(()) }
}
