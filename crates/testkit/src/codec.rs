//! Compresses modules as `CONFIG_MODULE_COMPRESS_*` does.

use std::io::{self, Write};

/// A way to compress a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Uncompressed.
    Plain,
    /// gzip.
    Gzip,
    /// xz with CRC32 checks, as the kernel requires.
    Xz,
    /// zstd, with the size in the frame as the program writes it for a file.
    Zstd,
}

impl Codec {
    /// All of them.
    pub const ALL: [Codec; 4] = [Codec::Plain, Codec::Gzip, Codec::Xz, Codec::Zstd];

    /// Returns the suffix that is added to a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Codec::Plain => "",
            Codec::Gzip => ".gz",
            Codec::Xz => ".xz",
            Codec::Zstd => ".zst",
        }
    }

    /// Compresses.
    ///
    /// # Errors
    /// An error of the codec's library.
    pub fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Codec::Plain => Ok(bytes.to_vec()),
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Codec::Xz => {
                let stream = liblzma::stream::Stream::new_easy_encoder(1, liblzma::stream::Check::Crc32)?;
                let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Codec::Zstd => zstd::bulk::compress(bytes, 1),
        }
    }
}
