//! Files that the command line names: a config, a defconfig, a list of requests.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::commands::Context;
use crate::failure::Failure;

/// A larger file is not a config.
const MAX_BYTES: u64 = 64 << 20;

/// Reads `file`, which is relative to the working directory.
///
/// # Errors
/// It cannot be read, is larger than 64 MiB, or is not UTF-8.
pub(crate) fn read(context: &Context<'_>, file: &Path) -> Result<String, Failure> {
    let path = context.environment.current_dir.join(file);
    let shown = file.display();
    let mut bytes = Vec::new();
    kiln_file::open(&path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {shown}"))
        .map_err(Failure::fault)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::fault(anyhow!("{shown} is larger than {} MiB", MAX_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let failure = Failure::fault(anyhow!("{shown}:{line}: byte {at} is not UTF-8"));
        failure.help("a .config, a defconfig or JSON is text; is it compressed?")
    })
}
