//! Debian packages.
//!
//! ```text
//! "!<arch>\n"
//! then per member, from an even offset: name[16] mtime[12] uid[6] gid[6] mode[8] size[10] "`\n", text padded with blanks,
//!                                       and `size` bytes
//! members: "debian-binary", "control.tar[.xz|.gz|.zst]", "data.tar[.xz|.gz|.zst]"
//! ```
//!
//! Maintainer scripts are ignored. Source: deb(5), ar(5).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use kiln_store::Progress;

use super::{ArchiveError, Layout, Place, Watch, add, channel, each_entry, format, pump};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// The last bytes of a header.
const END: &[u8] = b"`\n";

/// Unpacks the tarball `usr/src/linux-source-*.tar.*` in the package `deb` into the empty directory `into`.
///
/// # Errors
/// Any [`ArchiveError`].
pub fn unpack_source(deb: &Path, into: &Path, progress: &dyn Progress) -> Result<(), ArchiveError> {
    let mut place = Place::new(into, Layout::Source);
    let (file, size) = open(deb)?;
    let watch = Watch::new(progress, deb, size);
    let unpacked = add_source(&mut place, deb, watch.count(file), &watch);
    progress.end();
    unpacked?;
    place.finish(deb)
}

/// Unpacks all files of packages into the empty folder `into`, one root with a merged `/usr`.
///
/// Errors and progress call the packages together `all`; `size` is their bytes.
/// # Errors
/// Any [`ArchiveError`], and what `debs` gives instead of a package; `into` is half-filled then.
pub fn unpack_packages<E: From<ArchiveError>>(
    debs: impl IntoIterator<Item = Result<PathBuf, E>>,
    all: &Path,
    size: u64,
    into: &Path,
    progress: &dyn Progress,
) -> Result<(), E> {
    let mut place = Place::new(into, Layout::Packages);
    let watch = Watch::new(progress, all, size);
    let unpacked = debs.into_iter().try_for_each(|deb| Ok::<(), E>(unpack_package(&deb?, &mut place, &watch)?));
    progress.end();
    unpacked?;
    Ok(place.finish(all)?)
}

fn unpack_package(deb: &Path, place: &mut Place, watch: &Watch<'_>) -> Result<(), ArchiveError> {
    let (file, _) = open(deb)?;
    let data = data_of(deb, watch.count(file))?;
    add(place, deb, data, watch)
}

/// Unpacks the kernel's tarball while the package around it is still being read.
fn add_source(place: &mut Place, deb: &Path, package: impl Read + Send, watch: &Watch<'_>) -> Result<(), ArchiveError> {
    std::thread::scope(|scope| {
        let (sender, chunks) = channel();
        let expansion = watch.expansion();
        let outer = scope.spawn(move || {
            let mut found = false;
            let data = format::decode(data_of(deb, package)?, deb)?;
            each_entry(deb, data, expansion, |name, entry| {
                if found || !is_source(name) {
                    return Ok(true);
                }
                found = true;
                let size = entry.size();
                match pump(entry, &sender) {
                    Some(sent) if sent < size => Err(cut_off(deb, Some(name))),
                    Some(_) => Ok(true),
                    // When the receiver is gone, unpacking has failed and returns the error.
                    None => Ok(false),
                }
            })?;
            let lacks =
                || ArchiveError::Lacks { archive: deb.to_owned(), what: "usr/src/linux-source-*.tar.*".to_owned() };
            found.then_some(()).ok_or_else(lacks)
        });
        let inner = add(place, deb, chunks, watch);
        match outer.join() {
            Ok(outer) => outer.and(inner),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn is_source(name: &str) -> bool {
    let name = name.trim_start_matches("./");
    name.strip_prefix("usr/src/linux-source-").is_some_and(|rest| rest.contains(".tar") && !rest.contains('/'))
}

fn open(deb: &Path) -> Result<(File, u64), ArchiveError> {
    let opened = kiln_file::open(deb).and_then(|file| file.metadata().map(|meta| (file, meta.len())));
    opened.map_err(|source| ArchiveError::Open { archive: deb.to_owned(), source })
}

/// Returns the stream of the member `data.tar*`.
fn data_of<R: Read>(deb: &Path, package: R) -> Result<impl Read + use<R>, ArchiveError> {
    let mut package = BufReader::with_capacity(128 << 10, package);
    let mut magic = [0; MAGIC.len()];
    package.read_exact(&mut magic).map_err(|_| cut_off(deb, None))?;
    if &magic != MAGIC {
        return Err(ArchiveError::Unknown { archive: deb.to_owned() });
    }
    loop {
        let mut header = [0; HEADER];
        match package.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(cut_off(deb, None)),
            Err(source) => return Err(ArchiveError::Open { archive: deb.to_owned(), source }),
        }
        let text = |from: usize, to: usize| String::from_utf8_lossy(&header[from..to]).trim_end().to_owned();
        let name = text(0, 16);
        let digits = text(48, 58);
        let is_header = &header[58..] == END && digits.bytes().all(|byte| byte.is_ascii_digit());
        let size: u64 = digits.parse().ok().filter(|_| is_header).ok_or_else(|| malformed(deb, &name))?;
        if name.trim_end_matches('/').starts_with("data.tar") {
            return Ok(package.take(size));
        }
        let padded = size.saturating_add(size % 2);
        let skipped = io::copy(&mut package.by_ref().take(padded), &mut io::sink());
        if skipped.map_err(|source| ArchiveError::Open { archive: deb.to_owned(), source })? < padded {
            return Err(cut_off(deb, Some(&name)));
        }
    }
}

fn malformed(deb: &Path, entry: &str) -> ArchiveError {
    let source = io::Error::new(io::ErrorKind::InvalidData, "the header of a member is malformed");
    ArchiveError::Broken { archive: deb.to_owned(), entry: Some(entry.to_owned()), source }
}

fn cut_off(deb: &Path, entry: Option<&str>) -> ArchiveError {
    let source = io::Error::new(io::ErrorKind::UnexpectedEof, "bytes are missing");
    ArchiveError::Broken { archive: deb.to_owned(), entry: entry.map(str::to_owned), source }
}
