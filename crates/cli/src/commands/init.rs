//! `kiln init`: writes a recipe to start from.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Write a recipe to start from
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory to write it into; created if necessary
    #[arg(value_name = "NAME", default_value = ".")]
    folder: PathBuf,
}

const RECIPE: &str = include_str!("init/kiln.toml");

/// Runs it; an existing recipe is left alone.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let folder = context.environment.current_dir.join(&args.folder);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the directory {}", folder.display()))
        .map_err(Failure::host)?;
    let path = folder.join("kiln.toml");
    let written = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(RECIPE.as_bytes()));
    match written {
        Ok(()) => {
            context.ui.say(&format!("wrote {}", path.display()));
            Ok(exit::FINE)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::fault(anyhow::anyhow!("{} already exists", path.display()))
                .help("`kiln init NAME` writes into a directory of its own"))
        }
        Err(error) => Err(Failure::host(anyhow::Error::new(error).context(format!("cannot write {}", path.display())))),
    }
}
