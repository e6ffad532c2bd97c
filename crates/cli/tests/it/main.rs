//! The command line as a user meets it: stdout, stderr and status.
//!
//! - `sandbox`: how a test runs kiln;
//! - `arches`: the modules of every architecture on real trees (slow);
//! - `recipe_faults`: recipes that cannot be read or merged;
//! - `resolve`: the resolved `.config`;
//! - `code_pages`: the examples on the pages of the codes, and the `small_tree` that they run in;
//! - `commands`: small commands that need no kernel;
//! - `doctor`: what a host lacks;
//! - `confinement`: what programs of recipes and trees can reach;
//! - `depmod`: the replacement for `depmod`;
//! - `modules`: what `kiln modules` shows of a result;
//! - `loaders`: what is found about loaders before and after a build, in the `small_tree`;
//! - `kconfig`: the replacement for `conf`;
//! - `fix`: the smallest set of further requests (the cases from the field are slow);
//! - `extra_modules`: modules from outside of the tree, and firmware (slow);
//! - `reasons`: what `kiln check` says about variables, texts and kiln's own modules, on a small tree;
//! - `impact`: what a change means for a deployed kernel, and new modules for it (slow);
//! - `integrity`: damage in the store, and what mends it, on a small tree;
//! - `special_files`: pipes, devices and the like where a file is expected;
//! - `interrupts`: what ends on a signal;
//! - `eval`: what `kiln eval` prints;
//! - `router`: the examples, built and booted (slow);
//! - `kernel_faults`: what can go wrong with a real kernel tree (slow);
//! - `distill`: the smallest recipe for a config;
//! - `unmet`: each kind of unmet request on a real tree (slow);
//! - `small_kernel`: firmware from end to end, and the same bytes anywhere (slow).

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test runs the program and its oracles, and says what it leaves out"
)]

mod arches;
mod boards;
mod code_pages;
mod commands;
mod confinement;
mod depmod;
mod distill;
mod doctor;
mod eval;
mod extra_modules;
mod fix;
mod impact;
mod integrity;
mod interrupts;
mod kconfig;
mod kernel_faults;
mod loaders;
mod modules;
mod outputs;
mod reasons;
mod recipe_faults;
mod resolve;
mod router;
mod sandbox;
mod small_kernel;
mod small_tree;
mod special_files;
mod unmet;
