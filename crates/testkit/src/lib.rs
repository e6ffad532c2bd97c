//! Fixtures, fakes and oracles for tests.
//!
//! [`Ko`] writes kernel modules, so that no binary lies in git; [`Random`] is the one source of chance, the same in
//! every run; [`Codec`] packs what Kbuild would pack;
//! [`Tmpfs`] is a disk that is full or read-only.

mod codec;
mod error;
mod ko;
mod random;
mod store;
mod tmpfs;

pub use codec::Codec;
pub use error::chain;
pub use ko::{Architecture, Crcs, Endianness, Ko};
pub use random::Random;
pub use store::is_clean;
pub use tmpfs::Tmpfs;
