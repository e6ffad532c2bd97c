//! Public behaviour: against `depmod` and `modprobe`, on hostile input, and on Debian's kernels.
//!
//! | module | what |
//! | --- | --- |
//! | `oracle` | runs the real `depmod` and `modprobe` |
//! | `random_trees` | small random module trees, byte for byte against `depmod` |
//! | `hostile` | cut, mutated and bomb-like files |
//! | `corpus` | Debian's kernels (slow) |
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write files and run the original tools")]

mod corpus;
mod hostile;
mod oracle;
mod random_trees;
