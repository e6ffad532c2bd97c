//! What a loader is asked to be.

use kiln_diag::Span;

use crate::{LoaderName, ServiceName};

/// One requirement: modules in load order, and the services that must be up first.
#[derive(Debug, Clone)]
pub struct LoaderSpec {
    /// Its name.
    pub name: LoaderName,
    /// One line for people; may be empty.
    pub description: String,
    /// What must be up before it starts.
    pub dependencies: Vec<Dependency>,
    /// The closure, dependencies first; empty when all of it is built in.
    pub modules: Vec<LoadStep>,
    /// Whether the kernel has modules at all; when not, start and stop do nothing but say so.
    pub modular: bool,
    /// Modules that hotplug shall not load by alias.
    pub blacklist: Vec<String>,
    /// Where the loader was declared, for diagnostics.
    pub origin: Option<Span>,
}

/// A service that must be up first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// Another loader of the same graph.
    Loader(LoaderName),
    /// A service that somebody else defines.
    Service(ServiceName),
}

/// One module of a closure.
#[derive(Debug, Clone)]
pub struct LoadStep {
    /// The name that `/proc/modules` shows; `-` is read as `_`.
    pub module: String,
    /// The file on the device, absolute: `/lib/modules/RELEASE/kernel/….ko`.
    pub path: String,
    /// Parameters as the kernel takes them: words apart by blanks, with `"` around a value that has blanks.
    pub parameters: String,
    /// Whether the module has no exit function, so that it can be loaded but not unloaded.
    pub stays_loaded: bool,
    /// Whether only soft dependencies ask for it: that it cannot be loaded is then reported, and no failure.
    pub soft: bool,
}
