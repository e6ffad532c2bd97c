//! The files that a build made.

use std::path::{Path, PathBuf};

use kiln_kconfig::Config;

use super::environment::Make;
use super::error::{BuildError, io_error};

/// A kernel that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The output of `uname -r` on this kernel.
    pub release: String,
    /// The kernel as an ELF file.
    pub vmlinux: PathBuf,
    /// The files that each target made, in the order of the targets.
    pub images: Vec<Image>,
    /// Modules as built (neither signed nor stripped), in the order of `modules.order`.
    pub modules: Vec<Module>,
    /// `modules.order` in `depmod`'s format: paths of installed modules; empty without modules.
    pub modules_order: String,
    /// `modules.builtin`; `None` when the kernel has no modules.
    pub modules_builtin: Option<PathBuf>,
    /// `modules.builtin.modinfo`; `None` when the kernel has no modules.
    pub modules_builtin_modinfo: Option<PathBuf>,
    /// `Module.symvers`; `None` when the kernel has no modules.
    pub module_symvers: Option<PathBuf>,
    /// `System.map`.
    pub system_map: PathBuf,
    /// The `.config`.
    pub config: PathBuf,
    /// The kernel's `sign-file`, when the configuration signs modules.
    pub sign_file: Option<PathBuf>,
}

/// The files that a target made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The target as requested.
    pub target: String,
    /// The files, sorted; none for a target that makes no image (`scripts`).
    pub files: Vec<PathBuf>,
}

/// A module that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The file in the output directory.
    pub file: PathBuf,
    /// Its path below `lib/modules/<release>/`, `kernel/` included.
    pub installed: String,
}

/// Targets that make no image.
const WITHOUT_IMAGE: &[&str] =
    &["modules", "modules_prepare", "prepare", "scripts", "headers", "dtbs_check", "dt_binding_check", "archprepare"];

/// Finds the files that the build made in the output directory.
///
/// # Errors
/// [`BuildError::NoOutput`] when a target made nothing; [`BuildError::Io`] when a file of every build is missing.
pub(super) fn collect(make: &Make, config: &Config, targets: &[String]) -> Result<Built, BuildError> {
    let out = make.out;
    let there = |name: &str| -> Result<PathBuf, BuildError> {
        let path = out.join(name);
        if path.is_file() { Ok(path) } else { Err(no_output(name, out)) }
    };
    let release = read(&out.join("include/config/kernel.release"))?.trim().to_owned();
    let modular = config.get("MODULES") == Some("y");
    let if_modular = |name: &str| Some(out.join(name)).filter(|path| modular && path.is_file());
    let modules = if modular { modules(out)? } else { Vec::new() };
    let images = targets.iter().map(|target| image(make, target)).collect::<Result<_, _>>()?;
    Ok(Built {
        release,
        vmlinux: there("vmlinux")?,
        images,
        modules_order: modules.iter().map(|module| format!("{}\n", module.installed)).collect(),
        modules,
        modules_builtin: if_modular("modules.builtin"),
        modules_builtin_modinfo: if_modular("modules.builtin.modinfo"),
        module_symvers: if_modular("Module.symvers"),
        system_map: there("System.map")?,
        config: there(".config")?,
        sign_file: Some(out.join("scripts/sign-file"))
            .filter(|path| config.get("MODULE_SIG") == Some("y") && path.is_file()),
    })
}

/// Reads `modules.order`, whose lines have been `kernel/a/b.ko` (before 5.3), `a/b.ko` and `a/b.o` (from 6.2).
fn modules(out: &Path) -> Result<Vec<Module>, BuildError> {
    let order = read(&out.join("modules.order"))?;
    let mut modules = Vec::new();
    for line in order.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let line = line.strip_prefix("kernel/").filter(|_| !stands_for_file(out, line)).unwrap_or(line);
        let stem = line.strip_suffix(".o").or_else(|| line.strip_suffix(".ko")).unwrap_or(line);
        let name = format!("{stem}.ko");
        let file = out.join(&name);
        if !file.is_file() {
            return Err(no_output(&name, out));
        }
        modules.push(Module { file, installed: format!("kernel/{name}") });
    }
    Ok(modules)
}

/// Whether the line is a path as it stands: the tree also has a directory `kernel/` with modules.
fn stands_for_file(out: &Path, line: &str) -> bool {
    out.join(line).with_extension("ko").is_file()
}

/// Finds the files of one target.
///
/// A target is a path in the output directory, the name of a file in the architecture's boot directory, a device tree,
/// or a name (`all`, `uImage` on some boards) whose file the tree's own `image_name` prints.
fn image(make: &Make, target: &str) -> Result<Image, BuildError> {
    let found = |files| Ok(Image { target: target.to_owned(), files });
    let boot = make.out.join("arch").join(&make.target.srcarch).join("boot");
    if WITHOUT_IMAGE.contains(&target) {
        return found(Vec::new());
    }
    if target == "dtbs" {
        return found(device_trees(&boot.join("dts"))?);
    }
    let direct = [make.out.join(target), boot.join(target), boot.join("dts").join(target)];
    if let Some(file) = direct.into_iter().find(|path| path.is_file()) {
        return found(vec![file]);
    }
    let mut below = Vec::new();
    walk(&boot, &mut |path| below.extend((path.file_name() == Some(target.as_ref())).then(|| path.to_owned())))?;
    below.sort();
    if !below.is_empty() {
        return found(below);
    }
    match image_name(make) {
        Some(file) if file.is_file() => found(vec![file]),
        _ => Err(no_output(target, make.out)),
    }
}

/// Runs the tree's `image_name` for the file that its architecture's `all` makes.
fn image_name(make: &Make) -> Option<PathBuf> {
    let text = make.exec().args(["-s", "image_name"]).text().ok()?;
    let name = text.lines().rfind(|line| !line.trim().is_empty())?.trim();
    Some(make.out.join(name))
}

/// Returns the device trees and overlays of this configuration: those in Kbuild's list, or all where there is none
/// (before 6.8).
fn device_trees(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    let list = folder.join("dtbs-list");
    if list.is_file() {
        // Its lines begin at the output directory, four above this one's contents (arch, the architecture, boot, dts).
        let out = folder.ancestors().nth(4).unwrap_or(folder);
        files.extend(read(&list)?.lines().map(|line| out.join(line.trim())).filter(|path| path.is_file()));
    } else {
        walk(folder, &mut |path| {
            let is_tree = path.extension().is_some_and(|extension| extension == "dtb" || extension == "dtbo");
            files.extend(is_tree.then(|| path.to_owned()));
        })?;
    }
    files.sort();
    Ok(files)
}

/// Calls `visit` for every file below `folder`; a missing directory has none.
pub(super) fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) -> Result<(), BuildError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error(folder)(source)),
    };
    for entry in entries {
        let entry = entry.map_err(io_error(folder))?;
        let kind = entry.file_type().map_err(io_error(folder))?;
        if kind.is_dir() {
            walk(&entry.path(), visit)?;
        } else if kind.is_file() {
            visit(&entry.path());
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, BuildError> {
    kiln_file::read_to_string(path).map_err(io_error(path))
}

fn no_output(target: &str, out: &Path) -> BuildError {
    BuildError::NoOutput { target: target.to_owned(), out: out.to_owned() }
}
