//! Outputs made from a built kernel for boot loaders and devices, each a step of its own.
//!
//! | output | made by |
//! |---|---|
//! | kernel | the kernel's makefiles; a device tree is appended, and it is compressed, here |
//! | uImage, FIT | `mkimage` |
//! | device tree | the toolchain's preprocessor and the `dtc` of the kernel's own tree |
//! | initramfs | `kiln_image` |
//! | squashfs | `mksquashfs` |
//!
//! All of them are given no clock, no user and no host: equal inputs result in equal bytes. The programs of the host
//! are part of the keys by their content. The order of outputs, and the dependencies between them, are in
//! `kiln_plan::outputs`.

mod boot_image;
mod dtb;
mod dtc;
mod files;
mod includes;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_assembly::Assembly;
use kiln_assembly::manifest::OutputEntry;
use kiln_assembly::outputs::{best, readable};
use kiln_diag::{Diagnostic, Diagnostics, ErrorKind};
use kiln_exec::{ExecError, Interrupt};
use kiln_image::{TreeError as FileTreeError, WriteError};
use kiln_kbuild::doctor::Missing;
use kiln_kbuild::kernel::Kernel;
use kiln_kbuild::toolchain::{Host, Target, Toolchain};
use kiln_kconfig::Config;
use kiln_plan::outputs::{Compression, Output, OutputKind, order};
use kiln_plan::step::{OutputInputs, output_key};
use kiln_plan::{Arch, Key};
use kiln_store::{Progress, Store, StoreError};

pub use self::dtc::DtcError;
use crate::compress::{self, CompressError};

/// The inputs of outputs.
#[derive(Clone, Copy)]
pub struct OutputContext<'a> {
    /// The store that they are kept in.
    pub store: &'a Store,
    /// The machine that builds.
    pub host: &'a Host,
    /// The receiver of progress.
    pub progress: &'a dyn Progress,
    /// The patched tree.
    pub tree: &'a Path,
    /// Its key.
    pub tree_key: &'a Key,
    /// The machine that is built for, in the kernel's terms.
    pub target: &'a Target,
    /// The same, in the recipe's terms.
    pub arch: Arch,
    /// The toolchain that builds it.
    pub toolchain: &'a Toolchain,
    /// The resolved `.config`.
    pub config_text: &'a str,
    /// The built kernel.
    pub kernel: &'a Kernel,
    /// The result's files, without outputs.
    pub assembly: &'a Assembly,
}

/// An output in the store.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its file.
    pub path: PathBuf,
    /// Its name in the result.
    pub file: String,
    /// Its entry in the manifest.
    pub entry: OutputEntry,
    /// Its key.
    pub key: Key,
}

/// Why an output could not be made.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The recipe is at fault, in a way that only the built kernel or the host's files show.
    #[error("{}", .0.message)]
    Recipe(Box<Diagnostic>),
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A program is missing.
    #[error(
        "the host lacks what the output `{name}` needs: {}",
        kiln_kbuild::doctor::names(std::slice::from_ref(missing))
    )]
    Missing {
        /// The output.
        name: String,
        /// The missing program.
        missing: Missing,
    },
    /// A program failed.
    #[error("cannot make the output `{name}`")]
    Program {
        /// The output.
        name: String,
        /// Its error, with its output.
        source: ExecError,
    },
    /// The tree's compiler of device trees could not be built.
    #[error("cannot make the output `{name}`")]
    Dtc {
        /// The output.
        name: String,
        /// The reason.
        source: DtcError,
    },
    /// A device tree's source has errors.
    #[error("the device tree `{name}` does not compile{}", lines.iter().map(|line| format!("\n  | {line}")).collect::<String>())]
    Source {
        /// The output.
        name: String,
        /// The messages of the compiler.
        lines: Vec<String>,
    },
    /// It could not be compressed.
    #[error("cannot compress the output `{name}`")]
    Compress {
        /// The output.
        name: String,
        /// The reason.
        source: CompressError,
    },
    /// A file cannot be placed in an image.
    #[error("cannot make the output `{name}`")]
    Tree {
        /// The output.
        name: String,
        /// The reason.
        source: FileTreeError,
    },
    /// The archive could not be written.
    #[error("cannot make the output `{name}`")]
    Archive {
        /// The output.
        name: String,
        /// The reason.
        source: WriteError,
    },
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl OutputError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            OutputError::Recipe(_)
            | OutputError::Source { .. }
            | OutputError::Tree { .. }
            | OutputError::Archive { .. } => ErrorKind::Input,
            OutputError::Program { .. } | OutputError::Dtc { .. } | OutputError::Compress { .. } => ErrorKind::Build,
            OutputError::Store(_)
            | OutputError::Missing { .. }
            | OutputError::Io { .. }
            | OutputError::Interrupted(_) => ErrorKind::Host,
        }
    }
}

/// Returns the findings about outputs that this kernel could not read, known once the config is resolved.
pub fn unreadable(outputs: &BTreeMap<String, Output>, config: &Config) -> Diagnostics {
    outputs.values().filter_map(|output| readable(output, config)).collect()
}

/// Returns the programs of the host that `outputs` are made with, as far as the recipe determines them.
pub fn programs(outputs: &BTreeMap<String, Output>) -> BTreeSet<&'static str> {
    let mut programs = BTreeSet::new();
    for output in outputs.values() {
        let (compression, made_with): (Compression, &[&str]) = match &output.kind {
            OutputKind::Kernel { compression, .. } => (*compression, &[]),
            OutputKind::UImage(image) => (image.compression, &["mkimage"]),
            OutputKind::Fit(fit) => (fit.compression, &["mkimage", "dtc"]),
            OutputKind::Dtb(_) => (Compression::None, &[]),
            OutputKind::Initramfs(files) => {
                (files.compression.as_ref().map_or(Compression::None, |way| way.value), &[])
            }
            // It compresses by itself.
            OutputKind::Squashfs { .. } => (Compression::None, &["mksquashfs"]),
        };
        programs.extend(made_with);
        programs.extend(compress::program(compression));
    }
    programs
}

/// Makes every output that the store does not have, in an order in which each comes after those that it needs.
///
/// # Errors
/// See [`OutputError`].
pub fn make(
    context: &OutputContext<'_>,
    outputs: &BTreeMap<String, Output>,
) -> Result<BTreeMap<String, Made>, OutputError> {
    let order = order(outputs).expect("a recipe whose outputs form a circle is not evaluated");
    let config = Config::parse(context.config_text);
    let mut made: BTreeMap<String, Made> = BTreeMap::new();
    for name in order {
        kiln_exec::interrupted()?;
        let output = &outputs[&name];
        let work = Work { context, output, config: &config, made: &made };
        let one = match &output.kind {
            OutputKind::Kernel { payload, compression } => boot_image::kernel(&work, payload, *compression),
            OutputKind::UImage(image) => boot_image::uimage(&work, image),
            OutputKind::Fit(fit) => boot_image::fit(&work, fit),
            OutputKind::Dtb(dtb) => dtb::dtb(&work, dtb),
            OutputKind::Initramfs(contents) => files::initramfs(&work, contents),
            OutputKind::Squashfs { contents, block_size } => files::squashfs(&work, contents, *block_size),
        }?;
        made.insert(name, one);
    }
    Ok(made)
}

/// One output being made.
struct Work<'a> {
    context: &'a OutputContext<'a>,
    output: &'a Output,
    config: &'a Config,
    /// Those that are already made.
    made: &'a BTreeMap<String, Made>,
}

impl Work<'_> {
    /// Returns the output of `inputs`, made by `make` into the file that it is given.
    fn step(
        &self,
        compression: Compression,
        mut inputs: OutputInputs,
        make: impl FnOnce(&Path) -> Result<(), OutputError>,
    ) -> Result<Made, OutputError> {
        let output = self.output;
        inputs.kind = output.kind.word();
        let key = output_key(&inputs);
        let context = self.context;
        let dir = context.store.realize(&key, "output", context.progress, |out| {
            context.progress.begin(&format!("make {}", output.name), None);
            let done = make(&out.join("file"));
            context.progress.end();
            done
        })?;
        let path = dir.join("file");
        let size = fs::metadata(&path).map_err(io_error(&path))?.len();
        let entry = OutputEntry {
            kind: output.kind.word().to_owned(),
            path: format!("outputs/{}", output.file),
            size,
            compression: compression.word().to_owned(),
            key: key.to_string(),
        };
        Ok(Made { path, file: output.file.clone(), entry, key })
    }

    /// Returns the compression of the files in it.
    fn best(&self) -> Compression {
        best(&self.output.kind, self.config)
    }

    /// Returns another output; the recipe's check has verified that it exists.
    fn needed(&self, name: &str) -> &Made {
        self.made.get(name).expect("outputs are made in order")
    }

    fn name(&self) -> String {
        self.output.name.clone()
    }

    /// Returns an error of the recipe's in one field.
    fn fault(&self, field: &str, message: String, origin: Option<kiln_diag::Span>, help: &str) -> OutputError {
        let finding = Diagnostic::error(kiln_diag::Code::BadOutput, message)
            .option(format!("outputs.{}.{field}", self.output.name))
            .label(origin.or(self.output.origin), if origin.is_some() { "written here" } else { "its type" });
        OutputError::Recipe(Box::new(finding.help(help)))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, OutputError> {
    kiln_file::read(path).map_err(io_error(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    fs::write(path, bytes).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::Io { path, source }
}
