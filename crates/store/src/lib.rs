//! The store of results by key, and related files: directories listed, digested and copied, caches, progress.
//!
//! The meaning of an entry is not known here.

pub mod cache;
pub mod digest;
mod digest_cache;
pub mod directory;
mod error;
mod files;
mod progress;
mod report;
mod sealed;
mod store;

pub use digest_cache::tree_key;
pub use error::{StoreError, is_out_of_space};
pub use files::{LinkError, NotPlain, link, make_way, names, remove, remove_all_in, replace_link, write_whole};
pub use progress::{Progress, Silent};
pub use report::Fault;
pub use sealed::{SealError, Sealed};
pub use store::{Damage, Lock, Store, WorkDir, entry_bytes, entry_last_use};
