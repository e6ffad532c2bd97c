//! Selection among several files with one module name.

use std::collections::BTreeMap;
use std::path::Path;

use kiln_modgraph::module_name;

use super::config::{Config, Place};
use crate::modules_dir::FoundModule;

/// Keeps one file per module name; also returns a line for each choice that only the path decided.
pub(super) fn one_of_each(
    found: Vec<FoundModule>,
    dir: &Path,
    version: &str,
    config: &Config,
) -> (Vec<FoundModule>, Vec<String>) {
    let mut groups: BTreeMap<String, Vec<FoundModule>> = BTreeMap::new();
    for module in found {
        groups.entry(module_name(&module.path)).or_default().push(module);
    }
    let (mut kept, mut ties) = (Vec::new(), Vec::new());
    for (name, mut group) in groups {
        if group.len() > 1 {
            group.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
            group.sort_by_key(|module| std::cmp::Reverse(rank(module, dir, version, config)));
            if rank(&group[0], dir, version, config) == rank(&group[1], dir, version, config) {
                let (winner, loser) = (&group[0].path, &group[1].path);
                ties.push(format!("two files are the module {name}: {winner} is used, {loser} is not"));
            }
        }
        kept.extend(group.into_iter().next());
    }
    // Files of one directory are next to each other, as they are read.
    kept.sort_unstable_by(|a, b| a.file.as_os_str().cmp(b.file.as_os_str()));
    (kept, ties)
}

/// Returns the rank, higher is better: the position of the override that names the file, then its place's priority.
fn rank(module: &FoundModule, dir: &Path, version: &str, config: &Config) -> (Option<usize>, Option<usize>) {
    let plain = module.path.rsplit_once('/').map_or(("", &*module.path), |(folder, file)| (folder, file));
    let plain = format!("{}/{}", plain.0, plain.1.split('.').next().unwrap_or_default());
    let overridden = config.overrides.iter().rposition(|line| line.kernel.matches(version) && line.path == plain);
    (overridden, priority(module, dir, version, config))
}

fn priority(module: &FoundModule, dir: &Path, version: &str, config: &Config) -> Option<usize> {
    let usual = [Place::Below("updates".to_owned())];
    let search = if config.search.is_empty() { &usual[..] } else { &config.search };
    let inside = module.file.starts_with(dir);
    let holds = |place: &Place| match place {
        Place::BuiltIn => false,
        Place::External => !inside && config.external(version).iter().any(|dir| module.file.starts_with(dir)),
        // Quirk: a word with a `/` at its end names no directory.
        Place::Below(start) => {
            inside && module.path.strip_prefix(start.as_str()).is_some_and(|rest| rest.starts_with('/'))
        }
    };
    // Words to the left count more.
    let position = search.iter().position(holds).or_else(|| search.iter().position(|place| *place == Place::BuiltIn));
    position.map(|position| search.len() - position)
}
