//! The specification of a loader.

use kiln_diag::Span;

use crate::{LoaderName, ServiceName};

/// One requirement: modules in load order, and the services that must be up first.
#[derive(Debug, Clone)]
pub struct LoaderSpec {
    /// Its name.
    pub name: LoaderName,
    /// A one-line description for people; may be empty.
    pub description: String,
    /// The services that must be up before it starts.
    pub dependencies: Vec<Dependency>,
    /// The closure, dependencies first; empty when all of it is built in.
    pub modules: Vec<LoadStep>,
    /// Whether the kernel supports modules; if not, start and stop only print that.
    pub modular: bool,
    /// Modules that hotplug must not load by alias.
    pub blacklist: Vec<String>,
    /// The declaration of the loader, for diagnostics.
    pub origin: Option<Span>,
}

/// A service that must be up first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// Another loader of the same graph.
    Loader(LoaderName),
    /// A service that is defined elsewhere.
    Service(ServiceName),
}

/// One module of a closure.
#[derive(Debug, Clone)]
pub struct LoadStep {
    /// The name in `/proc/modules`; `-` is read as `_`.
    pub module: String,
    /// The file on the device, absolute: `/lib/modules/RELEASE/kernel/….ko`.
    pub path: String,
    /// Parameters as the kernel takes them: words separated by blanks, with `"` around a value that has blanks.
    pub parameters: String,
    /// Whether the module has no exit function, so that it can be loaded but not unloaded.
    pub stays_loaded: bool,
    /// Whether only soft dependencies require it: failing to load it is then reported, but is not an error.
    pub soft: bool,
}
