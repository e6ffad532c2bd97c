//! The constants of the format.

pub(super) const MAGIC: u32 = 0xB007_F457;
pub(super) const VERSION: u32 = 0x0002_0001;

/// Magic, version, root.
pub(super) const HEADER: usize = 12;

pub(super) const PREFIX: u32 = 0x8000_0000;
pub(super) const VALUES: u32 = 0x4000_0000;
pub(super) const CHILDREN: u32 = 0x2000_0000;

/// The bits of an offset word that are the offset.
pub(super) const OFFSET: u32 = 0x0FFF_FFFF;
