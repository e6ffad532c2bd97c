//! The compression of a stream, detected by its first bytes, and its decoder.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::MtStreamBuilder;

use super::ArchiveError;

const XZ: &[u8] = b"\xfd7zXZ\0";
const BZIP2: &[u8] = b"BZh";
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// The first header of a plain tar: the offset of its magic, and the magic.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");
/// Memory that parallel decoding of an xz's blocks may take; above it, they are decoded one by one.
const XZ_MEMORY: u64 = 1 << 30;
/// Memory that decoding of one block may take: `xz -9` takes 65 MiB, and the largest dictionary of all 1.5 GiB.
const XZ_MEMORY_STOP: u64 = 2 << 30;
/// Windows up to 2 GiB, which `zstd --long=31` makes.
const ZSTD_WINDOW_LOG: u32 = 31;
const BUFFER: usize = 128 << 10;

/// Returns the tar stream within `stream`.
///
/// # Errors
/// [`ArchiveError::Unknown`] when it is none, [`ArchiveError::Broken`] when it cannot be read.
pub(super) fn decode<'a, R: Read + Send + 'a>(
    mut stream: R,
    archive: &Path,
) -> Result<Box<dyn Read + Send + 'a>, ArchiveError> {
    let broken = |source| ArchiveError::Broken { archive: archive.to_owned(), entry: None, source };
    let mut head = Vec::new();
    stream.by_ref().take(512).read_to_end(&mut head).map_err(broken)?;
    // An empty archive is nothing but its end mark.
    let is_tar = head.get(TAR_MAGIC.0..).is_some_and(|rest| rest.starts_with(TAR_MAGIC.1)) || head == [0; 512];
    let kind = head.clone();
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(stream));
    Ok(if kind.starts_with(XZ) {
        Box::new(XzStreams { decoder: Some(xz_decoder(whole).map_err(broken)?) })
    } else if kind.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(whole))
    } else if kind.starts_with(BZIP2) {
        Box::new(MultiBzDecoder::new(whole))
    } else if kind.starts_with(ZSTD) {
        let mut decoder = zstd::Decoder::with_buffer(whole).map_err(broken)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
        Box::new(decoder)
    } else if is_tar {
        Box::new(whole)
    } else {
        return Err(ArchiveError::Unknown { archive: archive.to_owned() });
    })
}

/// Decodes one xz stream after another, with the padding in between: a `.xz` file may have several.
struct XzStreams<R: BufRead> {
    decoder: Option<XzDecoder<R>>,
}

impl<R: BufRead> Read for XzStreams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let n_read = decoder.read(buffer)?;
            if n_read > 0 || buffer.is_empty() {
                return Ok(n_read);
            }
            let Some(decoder) = self.decoder.take() else { return Ok(0) };
            let mut rest = decoder.into_inner();
            if skip_padding(&mut rest)? {
                self.decoder = Some(xz_decoder(rest)?);
            }
        }
    }
}

/// Skips zeros; returns whether anything comes after them.
fn skip_padding(rest: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let n_zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let found = n_zeros < bytes.len();
        rest.consume(n_zeros);
        if found {
            return Ok(true);
        }
    }
}

fn xz_decoder<R: BufRead>(stream: R) -> io::Result<XzDecoder<R>> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()) as u32;
    let decoder = MtStreamBuilder::new()
        .threads(threads)
        .memlimit_threading(XZ_MEMORY)
        .memlimit_stop(XZ_MEMORY_STOP)
        .decoder()
        .map_err(io::Error::from)?;
    Ok(XzDecoder::new_stream(stream, decoder))
}
