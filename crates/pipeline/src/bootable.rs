//! A result with everything that booting it needs: machine, kernel image, guest files and program.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use kiln_assembly::Providers;
use kiln_assembly::manifest::{Manifest, ManifestError};
use kiln_boot::{
    Check, GuestError, GuestSpec, HostTreeError, Machine, Program, ProgramError, ProgramSpec, aliases, host_tree,
    loaders, nonce, tree,
};
use kiln_diag::ErrorKind;
use kiln_fetch::apt::{self, AptError};
use kiln_image::FileTree;
use kiln_plan::Arch;
use kiln_plan::evaluate::Boot;

use crate::busybox::{BusyboxError, busybox};
use crate::session::Session;

/// The number of aliases that the guest tries.
const ALIASES: usize = 8;

/// A result that can be booted.
#[derive(Debug)]
pub struct Bootable {
    /// The manifest of the result.
    pub manifest: Manifest,
    /// The virtual machine.
    pub machine: Machine,
    /// The image that QEMU starts.
    pub kernel: PathBuf,
    /// The content of the initramfs.
    pub files: FileTree,
    /// The steps that the guest runs.
    pub program: Program,
}

/// A reason why a result cannot be booted.
#[derive(Debug, thiserror::Error)]
pub enum BootableError {
    /// The result's manifest could not be read.
    #[error("cannot read {}", path.display())]
    NoManifest {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The manifest is not one of this kiln's.
    #[error("{} cannot be used", path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// The fault in it.
        source: ManifestError,
    },
    /// There is no virtual machine for the architecture.
    #[error("no virtual machine for `{name}`; there are {}", known.join(", "))]
    NoMachine {
        /// The architecture.
        name: String,
        /// The ones with a virtual machine.
        known: Vec<&'static str>,
    },
    /// The result has no image that QEMU can start.
    #[error("QEMU's {machine} starts {}, and the result has none", wanted.join(" or "))]
    NoImage {
        /// The virtual machine.
        machine: &'static str,
        /// The images that it can start, the best first.
        wanted: &'static [&'static str],
    },
    /// The recipe names Debian packages for an architecture that Debian does not have.
    #[error("Debian has no packages for `{machine}`")]
    NoPackages {
        /// The architecture.
        machine: String,
    },
    /// A package could not be fetched.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// There is no busybox for the guest.
    #[error(transparent)]
    Busybox(#[from] BusyboxError),
    /// A file of the recipe cannot be part of the guest.
    #[error(transparent)]
    File(HostTreeError),
    /// A file of the result or of a package cannot be part of the guest.
    #[error(transparent)]
    Tree(HostTreeError),
    /// The guest's files contradict each other.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// The guest cannot run the recipe's checks.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The image could not be read.
    #[error("cannot read {}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl BootableError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BootableError::NoManifest { .. }
            | BootableError::BadManifest { .. }
            | BootableError::NoMachine { .. }
            | BootableError::NoImage { .. }
            | BootableError::NoPackages { .. }
            | BootableError::File(_)
            | BootableError::Guest(_)
            | BootableError::Program(_) => ErrorKind::Input,
            BootableError::Apt(_)
            | BootableError::Busybox(_)
            | BootableError::Tree(_)
            | BootableError::Image { .. } => ErrorKind::Host,
        }
    }

    /// Returns the remedy, where there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            BootableError::NoManifest { .. } => {
                Some("`kiln build` makes a result; `--result DIR` names another".to_owned())
            }
            BootableError::NoImage { wanted, .. } => {
                let first = wanted.first()?;
                Some(format!("add it to the recipe: `kernel.makeTargets = [\"{first}\"]`"))
            }
            BootableError::NoPackages { .. } => {
                Some("remove them from `boot.packages`; a check's own `packages` may be missing".to_owned())
            }
            BootableError::Busybox(_) => Some("`kiln doctor` shows what is missing to compile busybox".to_owned()),
            BootableError::BadManifest { .. }
            | BootableError::NoMachine { .. }
            | BootableError::Apt(_)
            | BootableError::File(_)
            | BootableError::Tree(_)
            | BootableError::Guest(_)
            | BootableError::Program(_)
            | BootableError::Image { .. } => None,
        }
    }
}

/// Reads the manifest of a result.
pub fn read_manifest(result: &Path) -> Result<Manifest, BootableError> {
    let path = result.join("manifest.json");
    let text = match kiln_file::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(BootableError::NoManifest { path, source }),
    };
    Manifest::from_json(&text).map_err(|source| BootableError::BadManifest { path, source })
}

impl Session<'_> {
    /// Prepares a result for booting, with the guest that the recipe describes.
    pub fn bootable(&self, result: &Path, boot: &Boot) -> Result<Bootable, BootableError> {
        let manifest = read_manifest(result)?;
        let name = &manifest.kernel.machine;
        let machine = *Machine::find(name).ok_or_else(|| no_machine(name))?;
        let kernel = kernel_image(result, &manifest, &machine)?;
        let arch = Arch::parse(name).ok_or_else(|| no_machine(name))?;
        let (guest, skipped) = self.guest(result, arch, boot)?;
        let program = program(result, &manifest, boot, guest.has_kmod(), &skipped)?;
        let files = tree(&guest, &program)?;
        Ok(Bootable { manifest, machine, kernel, files, program })
    }

    /// Returns the guest's files, and the reason for each check that cannot be made.
    fn guest(
        &self,
        result: &Path,
        arch: Arch,
        boot: &Boot,
    ) -> Result<(GuestSpec, BTreeMap<String, String>), BootableError> {
        let mut names: Vec<&str> = boot.packages.iter().map(|name| name.value.as_str()).collect();
        let mut skipped = BTreeMap::new();
        for check in boot.checks.values() {
            let wanted: Vec<&str> = check.packages.iter().map(|name| name.value.as_str()).collect();
            let missing = if wanted.is_empty() { Vec::new() } else { self.absent(arch, &wanted)? };
            if missing.is_empty() {
                names.extend(wanted);
            } else {
                let reason = format!("Debian has no {} for {arch}", missing.join(", "));
                skipped.insert(check.name.clone(), reason);
            }
        }
        let mut packages = FileTree::new();
        if !names.is_empty() {
            let debian = arch.debian.ok_or_else(|| BootableError::NoPackages { machine: arch.to_string() })?;
            let unpacked = apt::packages(&self.fetch(), &names, debian)?;
            packages = host_tree::read(&unpacked, "").map_err(BootableError::Tree)?;
        }
        let mut files = FileTree::new();
        for (at, file) in &boot.files {
            host_tree::read_file(&mut files, &file.value, at.trim_start_matches('/')).map_err(BootableError::File)?;
        }
        let busybox = self.busybox(arch)?;
        let guest = GuestSpec {
            busybox: host_tree::lazy_contents(&busybox).map_err(BootableError::Tree)?,
            result: host_tree::read_result(result).map_err(BootableError::Tree)?,
            packages,
            files,
        };
        Ok((guest, skipped))
    }

    /// Returns those of `names` that Debian does not have for an architecture.
    fn absent(&self, arch: Arch, names: &[&str]) -> Result<Vec<String>, AptError> {
        match arch.debian {
            Some(debian) => apt::absent(&self.fetch(), names, debian),
            None => Ok(names.iter().map(|&name| name.to_owned()).collect()),
        }
    }

    /// Returns a static busybox: Debian's own, or one that is compiled from Debian's source.
    fn busybox(&self, arch: Arch) -> Result<PathBuf, BootableError> {
        let is_packaged = self.absent(arch, &["busybox-static"])?.is_empty();
        let Some(debian) = arch.debian.filter(|_| is_packaged) else { return Ok(busybox(self, arch)?) };
        let packages = apt::packages(&self.fetch(), &["busybox-static"], debian)?;
        let places = ["usr/bin/busybox", "bin/busybox"].map(|path| packages.join(path));
        Ok(places.iter().find(|path| path.is_file()).unwrap_or(&places[0]).clone())
    }
}

fn no_machine(name: &str) -> BootableError {
    let known = Machine::all().iter().map(|machine| machine.name).collect();
    BootableError::NoMachine { name: name.to_owned(), known }
}

/// Returns the first image of the result that QEMU can start.
fn kernel_image(result: &Path, manifest: &Manifest, machine: &Machine) -> Result<PathBuf, BootableError> {
    let images: Vec<String> = machine.images.iter().map(|name| format!("kernel/{name}")).collect();
    let found = images.into_iter().find(|path| manifest.kernel.images.iter().any(|image| image.path == *path));
    let found = found.ok_or(BootableError::NoImage { machine: machine.name, wanted: machine.images })?;
    let path = result.join(found);
    path.canonicalize().map_err(|source| BootableError::Image { path, source })
}

fn program(
    result: &Path,
    manifest: &Manifest,
    boot: &Boot,
    has_kmod: bool,
    skipped: &BTreeMap<String, String>,
) -> Result<Program, ProgramError> {
    let loaders = loaders(manifest);
    // A result without modules has none.
    let modules_alias =
        kiln_file::read_to_string(result.join("lib/modules").join(&manifest.kernel.release).join("modules.alias"))
            .unwrap_or_default();
    let aliases = aliases(&modules_alias, &loaders, ALIASES);
    let checks = boot.checks.values().map(|check| Check {
        name: check.name.clone(),
        script: check.script.clone(),
        cleanup: Some(check.cleanup.clone()).filter(|text| !text.is_empty()),
        skipped: skipped.get(&check.name).cloned(),
    });
    let spec = ProgramSpec {
        release: manifest.kernel.release.clone(),
        loaders,
        checks: checks.collect(),
        aliases: if manifest.kernel.modular { aliases } else { Vec::new() },
        kmod: has_kmod,
        providers: Providers::new(manifest, &modules_alias),
    };
    Program::plan(&spec, &nonce())
}
