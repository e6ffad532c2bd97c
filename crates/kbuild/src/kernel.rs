//! The kernel step: builds images and all modules from a patched tree and a resolved config, into the store.
//!
//! ```text
//! kernel/{vmlinux,bzImage,dtbs/…}   config   System.map   Module.symvers
//! lib/modules/<release>/{kernel/…,modules.order,modules.builtin,modules.builtin.modinfo}
//! kernel.json                       release and images
//! record.zst                        the inputs and contents of each object: `record`
//! ```
//!
//! Modules are stripped of debug information, and then signed where the config signs all modules: they can be loaded
//! as they are. Which of them a device gets is decided later, so that a change of loaders compiles nothing.

pub mod layouts;
pub(crate) mod named_files;
mod record;
mod verify;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kiln_assembly::manifest::FileEntry;
use kiln_diag::ErrorKind;
use kiln_exec::{ExecError, Interrupt};
use kiln_kconfig::Config;
use kiln_plan::step::{KernelInputs, kernel_key};
use kiln_plan::{Key, KeyWriter};
use kiln_store::directory::{DirectoryError, Kind, list};
use kiln_store::{Damage, Progress, Store, StoreError, WorkDir, tree_key};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::finish::Finish;
use crate::make::{self, BuildError, BuildSpec, Built};
use crate::signing::{Signing, SigningError};
use crate::toolchain::{Target, Toolchain};

pub use record::{FILE as RECORD_FILE, read_record};
pub use verify::{Again, again};

/// The inputs of a kernel's build.
#[derive(Debug, Clone, Copy)]
pub struct KernelSpec<'a> {
    /// The patched tree.
    pub tree: &'a Path,
    /// Its key.
    pub tree_key: &'a Key,
    /// The target of the build.
    pub target: &'a Target,
    /// The toolchain of the build.
    pub toolchain: &'a Toolchain,
    /// The resolved `.config`.
    pub config_text: &'a str,
    /// Make's targets, in order.
    pub targets: &'a [String],
    /// A PEM file with key and certificate to sign modules with, where the config signs them with a key that the build
    /// generates; kiln has a key for when none is named.
    pub signing_key: Option<&'a Path>,
    /// The maximum number of parallel compilers.
    pub jobs: usize,
}

/// A built kernel in the store.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Its directory.
    pub dir: PathBuf,
    /// Its key.
    pub key: Key,
    /// The key of Kbuild's build directory.
    pub work: Key,
    /// The output of `uname -r` on it.
    pub release: String,
    /// Images and device trees, by their path in `dir`.
    pub images: Vec<FileEntry>,
}

/// Why the kernel could not be built.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// An error of Kbuild.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An error of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing key.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The tree was changed while it was built: the result matches neither version.
    #[error("{} changed while it was built; build again", tree.display())]
    TreeChanged {
        /// The tree.
        tree: PathBuf,
    },
    /// Files of a tree in the store differ from those that were unpacked. The tree was removed from the store, to be
    /// made again.
    #[error("the kernel tree {} in the store is damaged ({source}), and is made again", tree.display())]
    TreeDamaged {
        /// The tree.
        tree: PathBuf,
        /// The damage.
        source: Damage,
    },
    /// The tree could not be read again.
    #[error(transparent)]
    Tree(#[from] DirectoryError),
    /// A module could not be stripped or signed.
    #[error("cannot finish the module {module}")]
    Finish {
        /// Its installed path.
        module: String,
        /// The tool's error.
        source: ExecError,
    },
    /// Two targets made files of one name.
    #[error("the targets make two files named `{name}`: {} and {}", one.display(), two.display())]
    SameName {
        /// The name.
        name: String,
        /// One of them.
        one: PathBuf,
        /// The other.
        two: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Interrupted by the user.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

impl KernelError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            KernelError::Build(error) => error.kind(),
            KernelError::SameName { .. } | KernelError::TreeChanged { .. } => ErrorKind::Input,
            KernelError::Finish { .. } => ErrorKind::Build,
            KernelError::Store(_)
            | KernelError::Signing(_)
            | KernelError::TreeDamaged { .. }
            | KernelError::Tree(_)
            | KernelError::Io { .. }
            | KernelError::Interrupted(_) => ErrorKind::Host,
        }
    }
}

/// `kernel.json`.
#[derive(Serialize, Deserialize)]
struct Facts {
    version: u32,
    release: String,
    images: Vec<FileEntry>,
}

const FACTS: &str = "kernel.json";

/// Returns the kernel, built when the store has none with its key.
///
/// # Errors
/// See [`KernelError`]; what was compiled so far is kept for the next attempt.
pub fn kernel(store: &Store, spec: &KernelSpec<'_>, progress: &dyn Progress) -> Result<Kernel, KernelError> {
    let config = Config::parse(spec.config_text);
    let signing = signing(store, spec, &config, progress)?;
    let key = kernel_key(&KernelInputs {
        tree: spec.tree_key,
        arch: &spec.target.arch,
        toolchain: spec.toolchain.identity(),
        config: spec.config_text,
        targets: spec.targets,
        signing_key: signing.as_ref().map(Signing::digest),
        files: &named_files::digests(&config),
    });
    let dir =
        store.realize(&key, "kernel", progress, |out| build(store, spec, &config, signing.as_ref(), out, progress))?;
    let facts = read_facts(&dir)?;
    Ok(Kernel {
        dir,
        key,
        work: work_key(spec.tree_key, spec.target, spec.toolchain),
        release: facts.release,
        images: facts.images,
    })
}

/// Returns the key of Kbuild's build directory: a build with a changed config continues from the last one.
pub fn work_key(tree: &Key, target: &Target, toolchain: &Toolchain) -> Key {
    let mut key = KeyWriter::new("kbuild-work/1");
    key.field("tree", tree).field("arch", &target.arch).field("toolchain", toolchain.identity());
    key.finish()
}

/// Creates a kernel from the images in `deployed` (a kernel's directory in the store) and the modules of `kernel`, with
/// the key `key`.
///
/// # Errors
/// See [`KernelError`].
pub fn with_images_of(
    store: &Store,
    key: &Key,
    deployed: &Path,
    kernel: &Kernel,
    progress: &dyn Progress,
) -> Result<Kernel, KernelError> {
    let facts = read_facts(deployed)?;
    let dir = store.realize(key, "kernel", progress, |out| {
        let copies = |from: &Path, wanted: &dyn Fn(&Path) -> bool| -> Result<(), KernelError> {
            let files = list(from)?;
            let mut files = files.files().iter().filter(|file| file.kind == Kind::File && wanted(&file.path));
            files.try_for_each(|file| copy(&from.join(&file.path), &out.join(&file.path)))
        };
        let is_image = |path: &Path| {
            path.starts_with("kernel") || ["config", "System.map", FACTS].iter().any(|name| path == Path::new(name))
        };
        copies(deployed, &is_image)?;
        copies(&kernel.dir, &|path| !is_image(path))
    })?;
    Ok(Kernel { dir, key: *key, work: kernel.work, release: facts.release, images: facts.images })
}

fn build(
    store: &Store,
    spec: &KernelSpec<'_>,
    config: &Config,
    signing: Option<&Signing>,
    out: &Path,
    progress: &dyn Progress,
) -> Result<(), KernelError> {
    if let Some(source) = store.damaged(spec.tree) {
        store.forget(spec.tree)?;
        return Err(KernelError::TreeDamaged { tree: spec.tree.to_owned(), source });
    }
    if spec.signing_key.is_none()
        && let Some(signing) = signing
    {
        let key = signing.path().display();
        progress.note(&format!(
            "modules are signed with the key that kiln keeps, {key}; `kernel.signingKey` names another"
        ));
    }
    let mut work = store.work_dir(&work_key(spec.tree_key, spec.target, spec.toolchain), "kbuild", progress)?;
    let mut built = build_in(store, spec, config, signing, &mut work, out, progress);
    if work.was_cut_off()
        && let Err(error) = &built
        && may_be_damage(error)
    {
        // The state of a directory whose run was killed is not known: whatever is wrong with it must not stay.
        progress.note(&format!(
            "the build went wrong in {}, where an earlier one was killed ({error}); it is emptied, \
                                and the build starts again",
            work.path().display()
        ));
        work.clear()?;
        built = kiln_store::remove_all_in(out)
            .map_err(|source| KernelError::Io { path: out.to_owned(), source })
            .and_then(|()| build_in(store, spec, config, signing, &mut work, out, progress));
    }
    // After an error of make itself, the next build continues with what was made. One that was killed is not complete.
    if built.as_ref().err().is_none_or(|error| matches!(error, KernelError::Build(BuildError::Failed { .. }))) {
        work.finish()?;
    }
    built
}

/// Whether a damaged build directory may be the cause of an error.
fn may_be_damage(error: &KernelError) -> bool {
    let is_of_files = match error {
        KernelError::Build(error) => matches!(
            error,
            BuildError::Failed { .. }
                | BuildError::NoOutput { .. }
                | BuildError::ConfigDiffers { .. }
                | BuildError::Io { .. }
                | BuildError::Exec(_)
        ),
        KernelError::Io { .. } | KernelError::Finish { .. } => true,
        _ => false,
    };
    is_of_files && !kiln_store::is_out_of_space(error)
}

/// Returns the key to sign modules with, when the config requires one.
pub(crate) fn signing(
    store: &Store,
    spec: &KernelSpec<'_>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Option<Signing>, SigningError> {
    if !Signing::wanted(config) {
        return Ok(None);
    }
    let signing = match spec.signing_key {
        Some(file) => Signing::named(store, file),
        None => Signing::key(store, spec.toolchain, progress),
    };
    signing.map(Some)
}

/// Builds in a directory, and copies the results out of it.
fn build_in(
    store: &Store,
    spec: &KernelSpec<'_>,
    config: &Config,
    signing: Option<&Signing>,
    work: &mut WorkDir,
    out: &Path,
    progress: &dyn Progress,
) -> Result<(), KernelError> {
    let log = store.log(&format!("kbuild-{}.log", work_key(spec.tree_key, spec.target, spec.toolchain)))?;
    let built = make::build(
        &BuildSpec {
            tree: spec.tree,
            out: work.path(),
            target: spec.target,
            toolchain: spec.toolchain,
            config_text: spec.config_text,
            targets: spec.targets,
            jobs: spec.jobs,
            signing_key: signing.map(Signing::path),
            log: &log,
        },
        progress,
    )?;
    // Only a tree of the user's own can change.
    if !spec.tree.starts_with(store.dir()) && tree_key(store, spec.tree)? != *spec.tree_key {
        work.clear()?;
        return Err(KernelError::TreeChanged { tree: spec.tree.to_owned() });
    }
    take(spec, config, signing, &built, work.path(), out, progress)
}

/// Copies the results out of Kbuild's directory.
fn take(
    spec: &KernelSpec<'_>,
    config: &Config,
    signing: Option<&Signing>,
    built: &Built,
    work: &Path,
    out: &Path,
    progress: &dyn Progress,
) -> Result<(), KernelError> {
    let mut files = image_files(built)?;
    files.insert("config".to_owned(), built.config.clone());
    files.insert("System.map".to_owned(), built.system_map.clone());
    let modules = format!("lib/modules/{}", built.release);
    let optional = [
        ("Module.symvers".to_owned(), &built.module_symvers),
        (format!("{modules}/modules.builtin"), &built.modules_builtin),
        (format!("{modules}/modules.builtin.modinfo"), &built.modules_builtin_modinfo),
    ];
    files.extend(optional.into_iter().filter_map(|(name, path)| Some((name, path.clone()?))));
    for (name, from) in &files {
        copy(from, &out.join(name))?;
    }
    if !built.modules.is_empty() || built.modules_builtin.is_some() {
        write(&out.join(&modules).join("modules.order"), built.modules_order.as_bytes())?;
    }
    progress.begin("finishing modules", Some(built.modules.len() as u64));
    let finished = built.modules.par_iter().try_for_each(|module| {
        kiln_exec::interrupted()?;
        let to = out.join(&modules).join(&module.installed);
        copy(&module.file, &to)?;
        let certificate = work.join("certs/signing_key.x509");
        let sign_file = built.sign_file.as_deref();
        let toolchain = spec.toolchain;
        let finish = Finish { toolchain, config, signing, sign_file, certificate: &certificate, dir: work };
        finish.module(&to).map_err(|source| KernelError::Finish { module: module.installed.clone(), source })
    });
    progress.end();
    finished?;
    let modules =
        built.modules.iter().filter_map(|module| module.installed.strip_prefix("kernel/")?.strip_suffix(".ko"));
    let modules = modules.map(str::to_owned).collect();
    let (target, release) = (spec.target, &built.release);
    let ground = record::Ground { tree: spec.tree, out: work, target, config, release, modules: &modules };
    let refused = |(path, source)| KernelError::Io { path, source };
    record::take(&ground).and_then(|record| record::write(&record, out)).map_err(refused)?;
    let images = image_files(built)?;
    let images = images.keys().map(|path| Ok(FileEntry { path: path.clone(), size: size(&out.join(path))? }));
    let facts =
        Facts { version: 1, release: built.release.clone(), images: images.collect::<Result<_, KernelError>>()? };
    let text = serde_json::to_vec_pretty(&facts).expect("facts have string keys only");
    write(&out.join(FACTS), &text)
}

/// Returns paths in the result, with the current path of each file. Device trees keep their directories: their names
/// repeat.
fn image_files(built: &Built) -> Result<BTreeMap<String, PathBuf>, KernelError> {
    let mut files = BTreeMap::from([("kernel/vmlinux".to_owned(), built.vmlinux.clone())]);
    for file in built.images.iter().flat_map(|image| &image.files) {
        let text = file.to_string_lossy();
        let name = match text.split_once("/boot/dts/") {
            Some((_, below)) => format!("kernel/dtbs/{below}"),
            None => format!("kernel/{}", file.file_name().unwrap_or_default().to_string_lossy()),
        };
        match files.insert(name.clone(), file.clone()) {
            Some(other) if other != *file => {
                return Err(KernelError::SameName { name, one: other, two: file.clone() });
            }
            _ => {}
        }
    }
    Ok(files)
}

fn read_facts(dir: &Path) -> Result<Facts, KernelError> {
    let path = dir.join(FACTS);
    let refused = |source| KernelError::Io { path: path.clone(), source };
    let text = kiln_file::read(&path).map_err(refused)?;
    serde_json::from_slice(&text).map_err(|error| KernelError::Io { path, source: io::Error::other(error) })
}

fn size(path: &Path) -> Result<u64, KernelError> {
    let found = fs::metadata(path).map_err(|source| KernelError::Io { path: path.to_owned(), source })?;
    Ok(found.len())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), KernelError> {
    make_parent(path)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|source| KernelError::Io { path: path.to_owned(), source })
}

fn copy(from: &Path, to: &Path) -> Result<(), KernelError> {
    make_parent(to)
        .and_then(|()| kiln_file::copy(from, to))
        .map_err(|source| KernelError::Io { path: to.to_owned(), source })?;
    Ok(())
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
