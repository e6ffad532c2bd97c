//! Modules that need each other in a circle, so that none can be loaded first.

use std::collections::BTreeMap;

use super::{Graph, ModuleId};

/// One circle of modules; each edge leads to the next one's module, the last to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The steps of the circle.
    pub edges: Vec<CycleEdge>,
}

/// One step of a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleEdge {
    /// The module that needs the next one.
    pub module: String,
    /// All symbols for which it needs it, in the order of use.
    pub symbols: Vec<String>,
}

impl Graph {
    /// The number of modules in cycles.
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

    /// Returns all modules that need themselves in the end, in module order, among those in `left`.
    ///
    /// Tarjan's strongly connected components, with a stack of its own instead of recursion.
    pub(super) fn find_cyclic(&self, left: &[ModuleId]) -> Vec<ModuleId> {
        let mut search = Components::new(self);
        for &start in left {
            if search.met[start.position()] == 0 {
                search.run(start);
            }
        }
        search.cyclic.sort_unstable();
        search.cyclic
    }

    /// Returns the shortest way from a module to itself.
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
            let wants = self.module(id).wants.iter().filter(|want| self.owner(want.name) == Some(next));
            CycleEdge {
                module: self.module(id).name.clone(),
                symbols: wants.map(|want| want.name.to_string()).collect(),
            }
        });
        Cycle { edges: edges.collect() }
    }
}

/// The state of a search for strongly connected components.
struct Components<'a> {
    graph: &'a Graph,
    /// When the module was first visited, counted from 1; 0: not yet.
    met: Vec<u32>,
    /// The earliest one that can be reached and is still open.
    low: Vec<u32>,
    open: Vec<bool>,
    stack: Vec<ModuleId>,
    count: u32,
    cyclic: Vec<ModuleId>,
}

impl<'a> Components<'a> {
    fn new(graph: &'a Graph) -> Components<'a> {
        let size = graph.modules.len();
        let (met, low, open) = (vec![0; size], vec![0; size], vec![false; size]);
        Components { graph, met, low, open, stack: Vec::new(), count: 0, cyclic: Vec::new() }
    }

    fn run(&mut self, start: ModuleId) {
        let mut path = vec![(start, 0)];
        self.enter(start);
        while let Some((id, next)) = path.pop() {
            let Some(edge) = self.graph.needs(id).get(next) else {
                self.leave(id);
                if let Some((above, _)) = path.last() {
                    self.low[above.position()] = self.low[above.position()].min(self.low[id.position()]);
                }
                continue;
            };
            path.push((id, next + 1));
            if self.met[edge.to.position()] == 0 {
                self.enter(edge.to);
                path.push((edge.to, 0));
            } else if self.open[edge.to.position()] {
                self.low[id.position()] = self.low[id.position()].min(self.met[edge.to.position()]);
            }
        }
    }

    fn enter(&mut self, id: ModuleId) {
        self.count += 1;
        self.met[id.position()] = self.count;
        self.low[id.position()] = self.count;
        self.open[id.position()] = true;
        self.stack.push(id);
    }

    /// Closes the component that started with this module, if one did.
    fn leave(&mut self, id: ModuleId) {
        if self.low[id.position()] != self.met[id.position()] {
            return;
        }
        let from = self.stack.iter().rposition(|&other| other == id).unwrap_or(0);
        let component = self.stack.split_off(from);
        for &member in &component {
            self.open[member.position()] = false;
        }
        if component.len() > 1 || self.graph.needs(id).iter().any(|edge| edge.to == id) {
            self.cyclic.extend(component);
        }
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
