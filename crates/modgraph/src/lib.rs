//! Facts of `.ko` files, depmod's indexes, dependency closures.
//!
//! Data flows one way: [`read::module`] turns the bytes of one file into a [`ModuleInfo`], [`Graph::build`] joins
//! them over their symbols, and from the graph come the files that `depmod` writes ([`depmod()`]) and the modules that
//! a set of targets needs ([`closure()`]).
//! The formats of those files have their readers next to their writers in [`index`].
//!
//! What holds: the same inputs give the same bytes, whatever the order in which the modules came; no input makes it
//! panic or hold much more memory than the input's own size; names are compared with `-` folded to `_`.
//! What it does not do: walk directories, read files, load modules, or decide which modules are wanted.

mod closure;
mod depmod;
mod fnmatch;
mod graph;
mod hash;
pub mod index;
mod kernel_symbols;
mod module;
mod name;
pub mod read;
mod softdep;

pub use closure::{
    Because, BuiltinUse, Closure, ClosureError, ClosureErrors, ClosureOptions, Entry, FirmwareUse, UnknownSoftdep,
    closure, symbol_faults,
};
pub use depmod::{
    DepmodError, Layout, bad_aliases, bad_devnames, depmod, read_aliases, read_devnames, read_modules_dep,
    read_softdeps,
};
pub use fnmatch::fnmatch;
pub use graph::{Cycle, CycleEdge, Edge, Graph, Inputs, ModuleId, Resolution, Source};
pub use kernel_symbols::{KernelSymbol, KernelSymbols};
pub use module::{Export, Machine, Modinfo, ModuleInfo, Want, Wants};
pub use name::{UnmatchedBracket, fold, is_module_file, module_name, normalise, uncompressed};
pub use softdep::Softdep;
