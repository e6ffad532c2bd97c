//! Compression for what a kernel or a boot loader unpacks, with the same bytes for the same input.
//!
//! | form | fixed here, because of the reader |
//! |---|---|
//! | xz | one stream, whose check is CRC32, the only one that the kernel's decoder knows; the dictionary is no larger than the data, as the kernel allocates it |
//! | zstd | one frame that says its size: the kernel's firmware loader and boot loaders ask for it |

use std::io::{self, Read, Write};

use liblzma::read::XzDecoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

/// The best level whose window any reader has room for.
const ZSTD_LEVEL: i32 = 19;
/// The dictionary of xz's usual preset; a smaller one for data that is smaller.
const XZ_DICTIONARY: usize = 8 << 20;
const XZ_DICTIONARY_LEAST: usize = 4 << 10;
const XZ_PRESET: u32 = 9;

/// Compresses as one xz stream.
pub(crate) fn xz(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut filters = Filters::new();
    filters.lzma2(&lzma_options(bytes.len())?);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32).map_err(io::Error::from)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Undoes [`xz`], and what other programs made: several streams, any check.
pub(crate) fn unxz(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    XzDecoder::new_multi_decoder(bytes).read_to_end(&mut raw)?;
    Ok(raw)
}

/// Compresses as one zstd frame that says its size.
pub(crate) fn zstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    ::zstd::bulk::compress(bytes, ZSTD_LEVEL)
}

/// Undoes [`zstd`], and what other programs made.
pub(crate) fn unzstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    ::zstd::stream::decode_all(bytes)
}

fn lzma_options(n_bytes: usize) -> io::Result<LzmaOptions> {
    let mut options = LzmaOptions::new_preset(XZ_PRESET).map_err(io::Error::from)?;
    let dictionary = n_bytes.next_power_of_two().clamp(XZ_DICTIONARY_LEAST, XZ_DICTIONARY);
    options.dict_size(dictionary as u32);
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        (0..200_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect()
    }

    #[test]
    fn xz_has_the_check_that_the_kernel_knows() {
        for raw in [sample(), Vec::new(), b"one".to_vec()] {
            let packed = xz(&raw).unwrap();
            // The stream's flags follow the magic; 1 is CRC32 (xz-file-format.txt, 2.1.1.2).
            assert_eq!(packed[..8], *b"\xfd7zXZ\0\0\x01");
            assert_eq!(unxz(&packed).unwrap(), raw);
            assert_eq!(unxz(&[packed.clone(), packed].concat()).unwrap(), [raw.clone(), raw].concat());
        }
    }

    #[test]
    fn zstd_says_its_size() {
        for raw in [sample(), b"one".to_vec()] {
            let packed = zstd(&raw).unwrap();
            let size = ::zstd::zstd_safe::get_frame_content_size(&packed).unwrap();
            assert_eq!(size, Some(raw.len() as u64));
            assert_eq!(unzstd(&packed).unwrap(), raw);
        }
    }
}
