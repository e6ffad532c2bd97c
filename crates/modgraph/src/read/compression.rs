//! Decompresses a module, with a limit on the output.

use std::io::{self, Read};

use super::Fault;
use crate::depmod::Layout;

/// The largest ratio of a module's size to its compressed size; real ones stay below 20.
pub const MAX_RATIO: u64 = 100;

/// The largest size of a module in bytes, decompressed.
pub const MAX_DECOMPRESSED: u64 = 1 << 30;

/// The size that is allowed for any module, however small its compressed size.
const ALWAYS_ALLOWED: u64 = 8 << 20;

/// The limit on the memory of an xz stream: the dictionary of `xz -9` is 64 MiB.
const XZ_MEMORY: u64 = 128 << 20;

/// The compression of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Xz,
    Zstd,
}

/// Recognises the codec from the first bytes of the file.
pub(super) fn codec(head: &[u8]) -> Option<Codec> {
    match head {
        [0x1f, 0x8b, ..] => Some(Codec::Gzip),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Codec::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Codec::Zstd),
        _ => None,
    }
}

impl Codec {
    fn name(self) -> &'static str {
        match self {
            Codec::Gzip => "gzip",
            Codec::Xz => "xz",
            Codec::Zstd => "zstd",
        }
    }

    /// Decompresses a file as kmod of this layout does.
    pub(super) fn decompress_as(self, packed: &[u8], layout: Layout) -> Result<Vec<u8>, Fault> {
        let unpacked = self.decompress(packed)?;
        // Quirk: kmod 34 allocates what the first frame of a zstd file claims, so that a file from a pipe (whose frame
        // claims nothing) and one of several frames cannot be read.
        if self == Codec::Zstd && layout == Layout::V34 {
            let claimed = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
            if claimed != Some(unpacked.len() as u64) {
                return Err(Fault::FrameSize);
            }
        }
        Ok(unpacked)
    }

    fn decompress(self, packed: &[u8]) -> Result<Vec<u8>, Fault> {
        let limit = (packed.len() as u64).saturating_mul(MAX_RATIO).clamp(ALWAYS_ALLOWED, MAX_DECOMPRESSED);
        let broken = |source| Fault::Compression { codec: self.name(), source };
        let mut unpacked = Vec::with_capacity(packed.len().saturating_mul(4).min(32 << 20));
        let mut decoder = self.decoder(packed).map_err(broken)?.take(limit + 1);
        decoder.read_to_end(&mut unpacked).map_err(broken)?;
        if unpacked.len() as u64 > limit {
            return Err(Fault::Bomb { codec: self.name(), limit });
        }
        Ok(unpacked)
    }

    fn decoder(self, packed: &[u8]) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Codec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Codec::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream))
            }
            Codec::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
        })
    }
}
