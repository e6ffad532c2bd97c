//! Compression for what a kernel or a boot loader unpacks, with the same bytes for the same input.
//!
//! | form | fixed here, because of the reader |
//! |---|---|
//! | xz | one stream, whose check is CRC32, the only one that the kernel's decoder knows; the dictionary is no larger than the data, as the kernel allocates it |
//! | zstd | one frame that contains its size: the kernel's firmware loader and boot loaders require it |
//! | lzma | the header contains the size: U-Boot on 32 bits refuses one that does not |
//! | lz4 | frames of independent blocks for boot loaders, the older format for the kernel, each the only one its reader knows |
//! | gzip, lzo | no name and no time |

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use flate2::GzBuilder;
use kiln_exec::{Exec, ExecError};
use kiln_file::Limited;
use kiln_plan::outputs::Compression;

use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use kiln_kbuild::toolchain::Host;

/// The highest level whose window fits into any reader's memory.
const ZSTD_LEVEL: i32 = 19;
/// The dictionary of xz's usual preset; a smaller one for data that is smaller.
const XZ_DICTIONARY: usize = 8 << 20;
const XZ_DICTIONARY_LEAST: usize = 4 << 10;
const XZ_PRESET: u32 = 9;
/// Bytes of the largest file that is decompressed; the largest firmware file that Linux's collection has is 80 MiB.
const UNPACKED_MAX: u64 = 512 << 20;
/// The limit on the memory of an xz stream: the dictionary of `xz -9` is 64 MiB.
const XZ_MEMORY: u64 = 128 << 20;

/// The program that unpacks the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The kernel, its initramfs.
    Kernel,
    /// A boot loader, the kernel.
    BootLoader,
}

/// Why something could not be compressed.
#[derive(Debug, thiserror::Error)]
pub enum CompressError {
    /// The program failed, or is missing.
    #[error("the compressor failed")]
    Program(#[from] ExecError),
    /// The library failed, or a file could not be written.
    #[error("the data cannot be written")]
    Io(#[from] io::Error),
}

/// Returns the host's program for this compression; `None` for those that kiln implements itself.
pub(crate) fn program(way: Compression) -> Option<&'static str> {
    match way {
        Compression::Bzip2 => Some("bzip2"),
        Compression::Lzo => Some("lzop"),
        Compression::Lz4 => Some("lz4"),
        _ => None,
    }
}

/// Compresses for `reader`.
pub(crate) fn compress(way: Compression, reader: Reader, bytes: &[u8], host: &Host) -> Result<Vec<u8>, CompressError> {
    Ok(match way {
        Compression::None => bytes.to_vec(),
        Compression::Gzip => gzip(bytes)?,
        Compression::Lzma => lzma(bytes)?,
        Compression::Xz => xz(bytes)?,
        Compression::Zstd => zstd(bytes)?,
        Compression::Bzip2 => piped(host, "bzip2", &["-9", "-c"], bytes)?,
        Compression::Lzo => lzo(host, bytes)?,
        Compression::Lz4 => {
            let format: &[&str] = if reader == Reader::Kernel { &["-l"] } else { &["--content-size"] };
            from_file(host, "lz4", &[format, &["-9", "-c"]].concat(), bytes)?
        }
    })
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // 255: made on an unknown system, so that no builder's system shows.
    let frame = GzBuilder::new().mtime(0).operating_system(255);
    let mut encoder = frame.write(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// ```text
/// 0 properties   1 size of the dictionary (4)   5 size of the data (8), all ones when it is unknown
/// ```
fn lzma(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let stream = Stream::new_lzma_encoder(&lzma_options(bytes.len())?).map_err(io::Error::from)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes)?;
    let mut packed = encoder.finish()?;
    packed[5..13].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    Ok(packed)
}

/// lzop records the mode and the time of its input.
fn lzo(host: &Host, bytes: &[u8]) -> Result<Vec<u8>, CompressError> {
    from_file(host, "lzop", &["-9", "-n", "-c"], bytes)
}

/// Runs a program on a file with the same metadata each time.
fn from_file(host: &Host, name: &str, args: &[&str], bytes: &[u8]) -> Result<Vec<u8>, CompressError> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("data");
    fs::write(&path, bytes)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    File::options().append(true).open(&path)?.set_modified(SystemTime::UNIX_EPOCH)?;
    let exec = Exec::new(name).env("PATH", &host.path).env("LC_ALL", "C").dir(dir.path()).args(args).arg("data");
    output(&exec)
}

fn piped(host: &Host, name: &str, args: &[&str], bytes: &[u8]) -> Result<Vec<u8>, CompressError> {
    output(&Exec::new(name).env("PATH", &host.path).env("LC_ALL", "C").dir(Path::new("/")).args(args).stdin(bytes))
}

fn output(exec: &Exec) -> Result<Vec<u8>, CompressError> {
    let output = exec.capture()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let tail = String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect();
    Err(ExecError::Failed { command: exec.command_line(), status: output.status, tail, log: None }.into())
}

/// Compresses as one xz stream.
pub(crate) fn xz(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut filters = Filters::new();
    filters.lzma2(&lzma_options(bytes.len())?);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32).map_err(io::Error::from)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Decompresses the output of [`xz`] and of other programs: several streams, any check.
///
/// More than [`UNPACKED_MAX`] bytes are an error.
pub(crate) fn unxz(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED).map_err(io::Error::from)?;
    unpacked(XzDecoder::new_stream(bytes, stream))
}

/// Compresses as one zstd frame that contains its size.
pub(crate) fn zstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    ::zstd::bulk::compress(bytes, ZSTD_LEVEL)
}

/// Decompresses the output of [`zstd()`] and of other programs.
///
/// More than [`UNPACKED_MAX`] bytes are an error.
pub(crate) fn unzstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    unpacked(::zstd::stream::read::Decoder::with_buffer(bytes)?)
}

fn unpacked(decoder: impl Read) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    Limited::new(decoder, UNPACKED_MAX).read_to_end(&mut raw)?;
    Ok(raw)
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

    /// Decompresses with the usual programs, and compares two runs.
    #[test]
    fn every_way_is_undone_and_repeats() {
        let host = Host::new("/usr/local/bin:/usr/bin:/bin");
        let raw = sample();
        for (way, undo) in [
            (Compression::None, &["cat"][..]),
            (Compression::Gzip, &["gzip", "-dc"]),
            (Compression::Bzip2, &["bzip2", "-dc"]),
            (Compression::Lzma, &["xz", "-dc", "--format=lzma"]),
            (Compression::Xz, &["xz", "-dc"]),
            (Compression::Lzo, &["lzop", "-dc"]),
            (Compression::Lz4, &["lz4", "-dc"]),
            (Compression::Zstd, &["zstd", "-dc"]),
        ] {
            let there = program(way).is_none_or(|name| kiln_exec::find_program(&host.path, Path::new(name)).is_some());
            if !there || kiln_exec::find_program(&host.path, Path::new(undo[0])).is_none() {
                continue;
            }
            for reader in [Reader::Kernel, Reader::BootLoader] {
                let packed = compress(way, reader, &raw, &host).unwrap();
                let again = compress(way, reader, &raw, &host).unwrap();
                assert_eq!(packed, again, "{way:?}");
                assert_eq!(piped(&host, undo[0], &undo[1..], &packed).unwrap(), raw, "{way:?}");
            }
        }
        assert_eq!(lzma(&raw).unwrap()[5..13], (raw.len() as u64).to_le_bytes());
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

    /// A few KiB of firmware must not become all memory.
    #[test]
    fn a_file_that_expands_without_end_is_an_error() {
        let bomb = vec![0; UNPACKED_MAX as usize + 1];
        let zstd = ::zstd::bulk::compress(&bomb, 1).unwrap();
        assert!(zstd.len() < 100 << 10, "{}", zstd.len());
        let error = unzstd(&zstd).unwrap_err();
        assert_eq!(error.to_string(), "larger than 512 MiB, the limit");
        assert_eq!(unzstd(&::zstd::bulk::compress(b"firmware", 1).unwrap()).unwrap(), b"firmware");
    }
}
