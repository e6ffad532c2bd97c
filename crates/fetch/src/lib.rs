//! Sources: directories, archives, Debian packages, addresses, git commits; and patches.
//!
//! The kind of a source's content is not known here.

pub mod apt;
pub mod archive;
mod context;
pub mod patch;
mod source;
mod source_package;

pub use context::Fetch;
pub use source::{DownloadError, GitError, Origin, Source, SourceError, fetch};
pub use source_package::{SourcePackage, source_package};
