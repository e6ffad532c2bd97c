//! What several targets need: recipes of one text, tar headers with a right checksum, and a look at what was unpacked.

pub mod archive;
pub mod recipe;
