//! The archive in gzip format.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};

use crate::newc::{WriteError, write};
use crate::tree::FileTree;

/// Writes `tree` as an archive, compressed for a kernel with `RD_GZIP`.
///
/// The header has no name and no time, so equal trees produce equal bytes.
/// # Errors
/// As [`write()`].
pub fn write_gzip(tree: &FileTree, out: &mut impl Write) -> Result<(), WriteError> {
    // 255: an unknown system, so that the build machine's system does not show.
    let mut frame = GzBuilder::new().mtime(0).operating_system(255).write(io::BufWriter::new(out), Compression::new(9));
    write(tree, &mut frame)?;
    frame.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::Contents;

    #[test]
    fn the_frame_is_fixed_and_holds_the_archive() {
        let mut tree = FileTree::new();
        tree.file("init", 0o755, Contents::bytes(b"#!/bin/sh\n".repeat(1000))).unwrap();
        let (mut plain, mut packed) = (Vec::new(), Vec::new());
        write(&tree, &mut plain).unwrap();
        write_gzip(&tree, &mut packed).unwrap();
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
        assert!(packed.len() < plain.len() / 10);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, plain);
    }
}
