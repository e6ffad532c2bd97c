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
mod store;

pub use digest_cache::tree_key;
pub use error::StoreError;
pub use files::{LinkError, link, names, remove, write_whole};
pub use progress::{Progress, Silent};
pub use store::{Damage, Lock, Store, WorkDir, entry_bytes, entry_last_use};
