//! Fixtures, fakes and oracles for tests.
//!
//! [`Ko`] writes kernel modules, so that no binary lies in git; [`Random`] is the one source of chance, the same in
//! every run; [`Codec`] packs what Kbuild would pack.

mod codec;
mod ko;
mod random;

pub use codec::Codec;
pub use ko::{Architecture, Crcs, Endianness, Ko};
pub use random::Random;
