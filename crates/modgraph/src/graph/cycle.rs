//! Modules that need each other in a circle, so that none can be loaded first.

use std::collections::BTreeMap;

use super::{Graph, ModuleId};

/// One circle of modules; each edge leads to the next one's module, the last to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The steps around.
    pub edges: Vec<CycleEdge>,
}

/// One step of a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleEdge {
    /// The module that needs the next one.
    pub module: String,
    /// All symbols for which it does, in the order of use.
    pub symbols: Vec<String>,
}

impl Graph {
    /// How many modules cannot be put in order because of a cycle: those in one, and those that one needs.
    pub fn cyclic_count(&self) -> usize {
        self.cyclic.len()
    }

    /// Finds cycles such that every module which is in any is in at least one that is listed.
    pub fn cycles(&self) -> Vec<Cycle> {
        let mut done = vec![false; self.modules.len()];
        let mut cycles = Vec::new();
        for &start in &self.cyclic {
            if !done[start.position()]
                && let Some(path) = self.way_back(start)
            {
                for id in &path {
                    done[id.position()] = true;
                }
                cycles.push(self.describe(&path));
            }
        }
        cycles
    }

    /// The shortest way from a module to itself.
    fn way_back(&self, start: ModuleId) -> Option<Vec<ModuleId>> {
        let mut came_from: BTreeMap<ModuleId, ModuleId> = BTreeMap::new();
        let mut open = std::collections::VecDeque::from([start]);
        while let Some(id) = open.pop_front() {
            for edge in self.needs(id) {
                if edge.to == start {
                    let mut path = vec![id];
                    while path[path.len() - 1] != start {
                        path.push(came_from[&path[path.len() - 1]]);
                    }
                    path.reverse();
                    return Some(path);
                }
                if let std::collections::btree_map::Entry::Vacant(free) = came_from.entry(edge.to) {
                    free.insert(id);
                    open.push_back(edge.to);
                }
            }
        }
        None
    }

    fn describe(&self, path: &[ModuleId]) -> Cycle {
        let edges = path.iter().enumerate().map(|(at, &id)| {
            let next = path[(at + 1) % path.len()];
            let wants = self.module(id).wants.iter().filter(|want| self.owner(&want.name) == Some(next));
            CycleEdge {
                module: self.module(id).name.clone(),
                symbols: wants.map(|want| want.name.to_string()).collect(),
            }
        });
        Cycle { edges: edges.collect() }
    }
}

impl std::fmt::Display for Cycle {
    /// `a -> b -> a`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for edge in &self.edges {
            write!(f, "{} -> ", edge.module)?;
        }
        f.write_str(self.edges.first().map_or("", |edge| &edge.module))
    }
}
