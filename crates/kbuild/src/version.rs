//! The version of a kernel tree.

use std::io;
use std::path::{Path, PathBuf};

/// Why the version cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The top `Makefile` cannot be read.
    #[error("{} is not a kernel tree: cannot read its Makefile", tree.display())]
    Unreadable {
        /// The tree.
        tree: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file that every kernel tree has is missing, or lacks an expected entry.
    #[error("{} is not a kernel tree: {lacks}", tree.display())]
    NotAKernel {
        /// The tree.
        tree: PathBuf,
        /// The missing file or entry, as a clause.
        lacks: String,
    },
}

/// Reads the version of the kernel in `tree`, for example `6.12.117` or `6.13.0-rc1`.
///
/// It is what `make kernelversion` prints: without the local version that a config adds.
/// # Errors
/// Any [`VersionError`].
/// # Source
/// The first lines of the kernel's top `Makefile`.
pub fn kernel_version(tree: &Path) -> Result<String, VersionError> {
    let text = kiln_file::read(tree.join("Makefile"))
        .map_err(|source| VersionError::Unreadable { tree: tree.to_owned(), source })?;
    let lacks = |lacks: &str| VersionError::NotAKernel { tree: tree.to_owned(), lacks: lacks.to_owned() };
    if !tree.join("Kconfig").is_file() {
        return Err(lacks("it has no Kconfig"));
    }
    version_of(&String::from_utf8_lossy(&text)).ok_or_else(|| lacks("its Makefile gives no VERSION and PATCHLEVEL"))
}

fn version_of(makefile: &str) -> Option<String> {
    let value = |name: &str| {
        let after = makefile.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?;
        Some(after.split('#').next().unwrap_or_default().trim())
    };
    let number =
        |name: &str| value(name).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let mut version = format!("{}.{}", number("VERSION")?, number("PATCHLEVEL")?);
    if let Some(sublevel) = number("SUBLEVEL") {
        version = format!("{version}.{sublevel}");
    }
    Some(version + value("EXTRAVERSION").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(makefile: &str, version: Option<&str>) {
        assert_eq!(version_of(makefile).as_deref(), version);
    }

    #[test]
    fn reads_what_kbuild_would() {
        check("# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\nNAME = Baby\n", Some("6.12.117"));
        check("VERSION = 6\nPATCHLEVEL = 13\nSUBLEVEL = 0\nEXTRAVERSION = -rc1\n", Some("6.13.0-rc1"));
        check("VERSION=7\nPATCHLEVEL=0\n", Some("7.0"));
    }

    #[test]
    fn knows_what_is_no_kernel() {
        check("all:\n\tcc x.c\n", None);
        check("VERSION = 6\n", None);
        check("VERSION = $(shell date)\nPATCHLEVEL = 1\n", None);
        check("VERSION := 1\nVERSIONS = 3\n", None);
    }

    #[test]
    fn what_is_no_kernel_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("t")).unwrap();
        fs::write(dir.path().join("t/Makefile"), "all:\n").unwrap();
        let error = kernel_version(&dir.path().join("t")).unwrap_err().to_string();
        assert!(error.ends_with("t is not a kernel tree: it has no Kconfig"), "{error}");
        let error = kernel_version(&dir.path().join("none")).unwrap_err().to_string();
        assert!(error.ends_with("none is not a kernel tree: cannot read its Makefile"), "{error}");
    }
}
