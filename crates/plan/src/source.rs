//! The origin of a kernel tree, as a recipe states it.

use std::path::PathBuf;

/// The value of `kernel.src`, and of other things that are built from source.
///
/// Nothing is checked here: whether the path exists or the hash matches is found during the fetch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceSpec {
    /// A directory with a kernel tree, or a tarball of one; relative paths have been joined to the recipe's directory.
    Path(PathBuf),
    /// A tarball on a server.
    Url {
        /// `http`, `https` or `file`.
        url: String,
        /// The tarball's SHA-256, 64 hexadecimal digits.
        sha256: String,
    },
    /// One commit of a git repository.
    Git {
        /// Anything that `git fetch` accepts, local paths included.
        url: String,
        /// The revision to check out: a commit's hash, a tag or a branch.
        rev: String,
    },
    /// A Debian package that carries a kernel tarball, for example `linux-source-6.12`.
    Apt {
        /// The package's name.
        package: String,
        /// The exact version; apt's candidate when absent.
        version: Option<String>,
    },
}

/// Displays it on one line, for people.
impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SourceSpec::Path(path) => write!(f, "{}", path.display()),
            SourceSpec::Url { url, .. } => f.write_str(url),
            SourceSpec::Git { url, rev } => write!(f, "{url} at {rev}"),
            SourceSpec::Apt { package, .. } => write!(f, "Debian package {package}"),
        }
    }
}
