//! Boots a result in QEMU and returns a verdict.
//!
//! ```text
//! loaders, checks, aliases ─ Program::plan ─▶ Program ─ guest::tree ─▶ initramfs ─┐
//! machine, kernel, deadline ──────────────▶ BootSpec ─ command_line ─▶ QEMU ◀─────┘
//!                                           verdict::judge ◀─ Console ◀─ serial line
//! ```
//!
//! A [`Program`] is the list of steps that the guest will go through, known before it boots; the guest reports each
//! on its console in a line that contains a word nothing else knows, so that neither a kernel message nor a script's
//! output can pass for a report, and a step without a report is one that was not reached. Planning, the command line,
//! reading the console and judging are pure; only [`run()`], [`write_initramfs`] and [`host_tree`] perform I/O.
//! What to build, where results are kept and how a verdict is presented is not known here.

mod console;
mod guest;
pub mod host_tree;
mod loaders;
mod machine;
mod program;
mod qemu;
mod run;
mod verdict;

pub use console::{Console, Finding, FindingKind, Line, LineSource, RequestedModule};
pub use guest::{GuestError, GuestSpec, InitramfsError, tree, write_initramfs};
pub use host_tree::HostTreeError;
pub use loaders::{aliases, loaders};
pub use machine::Machine;
pub use program::{
    Alias, Check, Loader, LoaderModule, PlannedStep, Program, ProgramError, ProgramSpec, StepName, nonce,
};
pub use qemu::{BootSpec, command_line};
pub use run::{BootError, run};
pub use verdict::{Ended, ModuleRequest, Outcome, Reason, Step, VERDICT_VERSION, Verdict, judge};
