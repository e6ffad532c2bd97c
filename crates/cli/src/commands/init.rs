//! `kiln init`: writes a recipe to start from.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use kiln_plan::Arch;

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;
use crate::recipe_files::host;
use crate::text_file;

mod template;

use template::{Machine, Template};

/// Write a recipe to start from
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory to write it into; created if necessary
    #[arg(value_name = "NAME", default_value = ".")]
    folder: PathBuf,
    /// The architecture: x86_64, aarch64, arm, mips, mipsel, riscv64 and others [default: that of FILE, or this machine's]
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// The kind of recipe
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Kind::Vm)]
    kind: Kind,
    /// Start from this .config or defconfig, which becomes the base config
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    from: Option<PathBuf>,
}

/// The purpose of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A virtual machine with a firewall, which `kiln boot` starts
    Vm,
    /// A board: the architecture's own default config, to change and to reduce
    Board,
}

/// Runs it; an existing recipe is left alone.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let folder = context.environment.current_dir.join(&args.folder);
    let base = args.from.as_ref().map(|file| Base::read(context, file, &folder)).transpose()?;
    let arch = match (&args.arch, &base) {
        (Some(name), _) => Arch::parse(name).ok_or_else(|| unknown(name))?,
        (None, Some(base)) => base.arch.ok_or_else(|| base.without_arch())?,
        (None, None) => host(),
    };
    let machine = Machine { arch };
    let template = match (&base, args.kind) {
        (Some(base), _) => Template::Base { file: &base.name, version: base.version.as_deref() },
        (None, Kind::Board) => Template::Board,
        (None, Kind::Vm) if machine.has_module() => Template::Vm,
        (None, Kind::Vm) => {
            let name = machine.name();
            let message = format!("no virtual machine of {name} is known: `--kind board` writes a recipe without one");
            return Err(Failure::Usage(message));
        }
    };
    write(context, &folder, base.as_ref(), &machine.recipe(&template))
}

/// Writes the recipe, and the base config beside it when it is elsewhere.
fn write(context: &Context<'_>, folder: &Path, base: Option<&Base>, recipe: &str) -> Result<u8, Failure> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the directory {}", folder.display()))
        .map_err(Failure::host)?;
    let path = folder.join("kiln.toml");
    create(&path, recipe.as_bytes())
        .map_err(|failure| failure.help("`kiln init NAME` writes into a directory of its own"))?;
    if let Some((name, text)) = base.and_then(|base| Some((&base.name, base.copy.as_ref()?))) {
        let copy = folder.join(name);
        if let Err(failure) = create(&copy, text.as_bytes()) {
            // A recipe without its base config is of no use.
            let _ = fs::remove_file(&path);
            return Err(failure);
        }
        context.ui.say(&format!("wrote {}", copy.display()));
    }
    context.ui.say(&format!("wrote {}", path.display()));
    Ok(exit::FINE)
}

/// Writes a file that does not exist yet.
fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    match fs::File::create_new(path).and_then(|mut file| file.write_all(bytes)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::fault(anyhow!("{} already exists", path.display())))
        }
        Err(error) => Err(Failure::host(anyhow::Error::new(error).context(format!("cannot write {}", path.display())))),
    }
}

fn unknown(name: &str) -> Failure {
    let help = match kiln_recipe::nearest(name, Arch::known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the usual ones are `x86_64`, `aarch64`, `arm`, `mips`, `mipsel` and `riscv64`".to_owned(),
    };
    Failure::Usage(format!("there is no architecture `{}`: {help}", name.escape_debug()))
}

/// A config to start from.
struct Base {
    /// Its name in the recipe's directory.
    name: String,
    /// Its contents, when it has to be copied there.
    copy: Option<String>,
    /// As given on the command line.
    shown: String,
    arch: Option<Arch>,
    /// The version in its heading.
    version: Option<String>,
}

impl Base {
    fn read(context: &Context<'_>, file: &Path, folder: &Path) -> Result<Base, Failure> {
        let path = context.environment.current_dir.join(file);
        let shown = file.display().to_string();
        let text = text_file::read(context, file)?;
        if !text.lines().any(|line| line.starts_with("CONFIG_") || line.starts_with("# CONFIG_")) {
            let failure = Failure::fault(anyhow!("{shown} sets no symbol"));
            return Err(failure.help("a line is `CONFIG_NAME=value` or `# CONFIG_NAME is not set`"));
        }
        let (arch, version) = (template::arch_of(&text), template::version_of(&text));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_inside = path.parent().and_then(|parent| parent.canonicalize().ok()) == folder.canonicalize().ok()
            && folder.is_dir();
        // A name that a recipe would take for a defconfig of the tree, or for none at all.
        let name = if name.ends_with(".config") { name } else { format!("{name}.config") };
        let is_there = is_inside && path.file_name().is_some_and(|own| own == name.as_str());
        Ok(Base { name, copy: (!is_there).then_some(text), shown, arch, version })
    }

    fn without_arch(&self) -> Failure {
        let failure = Failure::fault(anyhow!("{} does not tell its architecture", self.shown));
        failure.help("name it with `--arch`")
    }
}
