//! Where a kernel tree comes from, as a recipe says it.

use std::path::PathBuf;

/// The value of `kernel.src`, and of what else is built from source.
///
/// Nothing here is checked against the world: whether the path exists or the hash fits is found when it is fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceSpec {
    /// A folder with a kernel tree, or a tarball of one; relative paths have been joined to the recipe's folder.
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
        /// Anything `git fetch` takes, a local path too.
        url: String,
        /// What to check out: a commit's hash, a tag or a branch.
        rev: String,
    },
    /// A Debian package that carries a kernel tarball, for example `linux-source-6.12`.
    Apt {
        /// The package's name.
        package: String,
        /// The exact version wanted; apt's candidate when absent.
        version: Option<String>,
    },
}

/// In one line, for people.
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
