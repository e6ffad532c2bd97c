//! Fixtures, fakes and oracles for tests.
//!
//! [`Ko`] writes kernel modules, so that no binary is in git; [`Random`] is the only source of random numbers, equal in
//! every run; [`Codec`] compresses as Kbuild would; [`assert_has`] names the programs that a slow test lacks;
//! [`Tmpfs`] is a disk that is full or read-only.

mod codec;
mod error;
mod host;
mod ko;
mod random;
mod store;
mod tmpfs;

pub use codec::Codec;
pub use error::chain;
pub use host::assert_has;
pub use ko::{Architecture, Crcs, Endianness, Ko};
pub use random::Random;
pub use store::is_clean;
pub use tmpfs::Tmpfs;
