//! The files of a recipe, read for `recipe`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use kiln_diag::Sources;
use kiln_plan::evaluate::{self, Evaluation, Setting};
use kiln_plan::{Arch, KernelVersion};
use kiln_recipe::{Fault, Found, Reader};

use crate::commands::Context;

/// A recipe is written by hand, and a `.config` has a few hundred KiB: a larger text is something else.
const MAX_BYTES: u64 = 64 << 20;

/// The name in messages of a recipe that the command line itself makes.
const COMMAND_LINE: &str = "command line";

/// Reads and evaluates the recipe that the command line names, or `text` instead of it.
///
/// `version` is the kernel's, when its source has been read. Paths in the result are absolute.
pub(crate) fn evaluate(
    context: &Context<'_>,
    text: Option<&str>,
    version: Option<KernelVersion>,
) -> (Sources, Evaluation) {
    evaluate_with(context, text, version, &BTreeMap::new())
}

/// The same, with other texts for some files, by their real paths.
pub(crate) fn evaluate_with(
    context: &Context<'_>,
    text: Option<&str>,
    version: Option<KernelVersion>,
    texts: &BTreeMap<PathBuf, String>,
) -> (Sources, Evaluation) {
    let files = RecipeFiles { current_dir: &context.environment.current_dir, text, texts };
    let setting = Setting { host: host(), version };
    let mut sources = Sources::new();
    let root = context.global.recipe.to_string_lossy();
    let root = if text.is_some() { COMMAND_LINE } else { &root };
    let evaluation = evaluate::evaluate(root, &files, &setting, &mut sources);
    (sources, evaluation)
}

/// Returns the name that the recipe's main file has in messages.
pub(crate) fn main_name(context: &Context<'_>) -> Option<String> {
    let files = RecipeFiles { current_dir: &context.environment.current_dir, text: None, texts: &BTreeMap::new() };
    files.find("", &context.global.recipe.to_string_lossy()).ok().map(|found| found.name)
}

/// Reads from the file system.
struct RecipeFiles<'a> {
    current_dir: &'a Path,
    /// The recipe that the command line makes.
    text: Option<&'a str>,
    /// The new contents of files, by their real paths.
    texts: &'a BTreeMap<PathBuf, String>,
}

impl Reader for RecipeFiles<'_> {
    fn find(&self, dir: &str, name: &str) -> Result<Found, Fault> {
        if dir.is_empty() && name == COMMAND_LINE && self.text.is_some() {
            let dir = self.current_dir.to_string_lossy().into_owned();
            return Ok(Found { identity: COMMAND_LINE.to_owned(), name: COMMAND_LINE.to_owned(), dir });
        }
        let path = self.current_dir.join(dir).join(name.strip_prefix("./").unwrap_or(name));
        let shown = path.strip_prefix(self.current_dir).unwrap_or(&path).to_path_buf();
        let identity = fs::canonicalize(&path).map_err(|error| {
            let fault = Fault::new(format!("cannot find `{}`: {}", shown.display(), reason(&error)));
            match error.kind() {
                ErrorKind::NotFound if dir.is_empty() => {
                    fault.help("`kiln init` writes a recipe to start from; `--recipe FILE` names one elsewhere")
                }
                _ => fault,
            }
        })?;
        if identity.is_dir() {
            let fault = Fault::new(format!("`{}` is a directory", shown.display()));
            let inner = shown.join("kiln.toml");
            return Err(if path.join("kiln.toml").exists() {
                fault.help(format!("its recipe is `{}`", inner.display()))
            } else {
                fault
            });
        }
        let parent = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        Ok(Found {
            identity: identity.to_string_lossy().into_owned(),
            name: shown.to_string_lossy().into_owned(),
            dir: parent.to_string_lossy().into_owned(),
        })
    }

    fn read(&self, found: &Found) -> Result<Vec<u8>, Fault> {
        if let Some(text) = self.text.filter(|_| found.identity == COMMAND_LINE) {
            return Ok(text.as_bytes().to_vec());
        }
        if let Some(text) = self.texts.get(Path::new(&found.identity)) {
            return Ok(text.clone().into_bytes());
        }
        let mut bytes = Vec::new();
        kiln_file::open(&found.identity)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|error| Fault::new(format!("cannot read `{}`: {}", found.name, reason(&error))))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Fault::new(format!("`{}` is larger than {} MiB", found.name, MAX_BYTES >> 20)));
        }
        Ok(bytes)
    }
}

/// Returns the system's error text without its number, in lower case as messages are.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// Returns the machine that kiln runs on.
pub(crate) fn host() -> Arch {
    let little = cfg!(target_endian = "little");
    let name = match std::env::consts::ARCH {
        "x86" => "i386",
        "powerpc64" if little => "ppc64le",
        "mips" if little => "mipsel",
        "mips64" if little => "mips64el",
        name => name,
    };
    Arch::parse(name).or_else(|| Arch::parse("x86_64")).expect("x86_64 is known")
}
