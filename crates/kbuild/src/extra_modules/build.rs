//! Runs `make` for each source.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, ExecError, Interrupt};
use kiln_kconfig::Config;
use kiln_plan::KeyWriter;
use kiln_store::directory::{self, Kind, Listing};
use kiln_store::{Progress, Store, WorkDir, remove};

use super::{ExtraModulesError, ExtraSource, Where};
use crate::finish::Finish;
use crate::kernel::{Kernel, KernelSpec};
use crate::make::Make;
use crate::make::failure::{self, Failure, FailureKind};
use crate::signing::Signing;

/// The inputs of a build of extra modules.
pub(super) struct Build<'a> {
    pub(super) store: &'a Store,
    pub(super) spec: &'a KernelSpec<'a>,
    pub(super) kernel: &'a Kernel,
    pub(super) config: &'a Config,
    pub(super) signing: Option<&'a Signing>,
    pub(super) progress: &'a dyn Progress,
}

/// Exists once the area's headers and host programs are complete.
const PREPARED: &str = ".kiln-prepared";
/// The area's build directory of the kernel.
const BUILD: &str = "build";
/// The name of the copies' directory in debug information.
const SOURCE_NAME: &str = "/usr/src/modules";

/// A source's copy.
struct Copied<'a> {
    source: &'a ExtraSource,
    folder: PathBuf,
}

impl Build<'_> {
    /// Builds all of `sources` and leaves the modules in `out`; the prepared headers and host programs are kept.
    pub(super) fn all(&self, sources: &[ExtraSource], out: &Path) -> Result<(), ExtraModulesError> {
        let mut area = self.area("modules")?;
        // Once complete, the prepared files are not written again; the copies are made again each time.
        if area.was_cut_off() && !area.path().join(BUILD).join(PREPARED).is_file() {
            area.clear()?;
        }
        self.all_in(area.path(), sources, out)?;
        Ok(area.finish()?)
    }

    /// Does the same in an empty area, and keeps nothing.
    pub(super) fn all_again(&self, sources: &[ExtraSource], out: &Path) -> Result<(), ExtraModulesError> {
        let mut area = self.area("verify-modules")?;
        area.clear()?;
        self.all_in(area.path(), sources, out)?;
        area.clear()?;
        Ok(area.finish()?)
    }

    fn area(&self, kind: &str) -> Result<WorkDir, ExtraModulesError> {
        let key = KeyWriter::new("modules-work/1").field("kernel", self.kernel.key).finish();
        Ok(self.store.work_dir(&key, kind, self.progress)?)
    }

    fn all_in(&self, area: &Path, sources: &[ExtraSource], out: &Path) -> Result<(), ExtraModulesError> {
        let (top, build) = (area.join("src"), area.join(BUILD));
        fs::create_dir_all(&build).map_err(io_error(&build))?;
        let make = Make { tree: self.spec.tree, out: &build, target: self.spec.target, toolchain: self.spec.toolchain };
        make.prepare().map_err(io_error(&build))?;
        self.prepare(&make)?;
        remove(&top).map_err(io_error(&top))?;
        let copies = copy_all(sources, &top)?;
        for source in sources {
            let mut now = source.clone();
            now.look_again(self.store)?;
            if now.key != source.key {
                return Err(ExtraModulesError::Changed { name: source.name.clone() });
            }
        }
        self.progress.begin("compile extra modules", None);
        let made = self.make_all(&make, &top, &copies);
        self.progress.end();
        made?;
        self.install(&make, &copies, out)
    }

    /// Makes the files that modules are compiled with: headers, host programs, and the kernel's symbols.
    fn prepare(&self, make: &Make<'_>) -> Result<(), ExtraModulesError> {
        let mark = make.out.join(PREPARED);
        if mark.is_file() {
            return Ok(());
        }
        let config = make.out.join(".config");
        fs::write(&config, self.spec.config_text).map_err(io_error(&config))?;
        self.progress.begin("prepare the kernel for extra modules", None);
        let jobs = format!("-j{}", self.spec.jobs.max(1));
        let log = self.log("prepare")?;
        let result = run(make.exec().args([jobs.as_str(), "modules_prepare"]).log(&log));
        self.progress.end();
        result.map_err(|stop| match stop {
            Stop::Failed(failure) => match failure.missing(make.target) {
                Some(missing) => {
                    ExtraModulesError::Missing { name: "(any)".to_owned(), missing: vec![missing], log: log.clone() }
                }
                None => ExtraModulesError::Prepare { failure: Box::new(failure), log: log.clone() },
            },
            Stop::Interrupted(interrupt) => interrupt.into(),
            Stop::Exec(source) => ExtraModulesError::Exec { name: "(any)".to_owned(), source },
        })?;
        let (from, to) = (self.kernel.dir.join("Module.symvers"), make.out.join("Module.symvers"));
        kiln_file::copy(&from, &to).map_err(io_error(&from))?;
        fs::write(&mark, "").map_err(io_error(&mark))
    }

    /// Builds one source after the other, each with the symbols of those before it. One that lacks symbols is tried
    /// again after another has been built, which may define them.
    fn make_all(&self, make: &Make<'_>, top: &Path, copies: &[Copied<'_>]) -> Result<(), ExtraModulesError> {
        let mut symbols: Vec<PathBuf> = Vec::new();
        let mut pending: Vec<&Copied<'_>> = copies.iter().collect();
        while !pending.is_empty() {
            let mut lacking = Vec::new();
            let mut first = None;
            let before = pending.len();
            for copied in pending {
                match self.make_one(make, top, copied, &symbols) {
                    Ok(()) => symbols.extend(Some(copied.folder.join("Module.symvers")).filter(|path| path.is_file())),
                    Err(error @ ExtraModulesError::Failed { .. }) if lacks_symbols(&error) => {
                        first.get_or_insert(error);
                        lacking.push(copied);
                    }
                    Err(error) => return Err(error),
                }
            }
            if let Some(error) = first.filter(|_| lacking.len() == before) {
                return Err(error);
            }
            pending = lacking;
        }
        Ok(())
    }

    fn make_one(
        &self,
        make: &Make<'_>,
        top: &Path,
        copied: &Copied<'_>,
        symbols: &[PathBuf],
    ) -> Result<(), ExtraModulesError> {
        let name = &copied.source.name;
        let log = self.log(&copied.folder.strip_prefix(top).unwrap_or(Path::new("module")).to_string_lossy())?;
        let mut module = OsString::from("M=");
        module.push(&copied.folder);
        let mut flags = make.compiler_flags();
        flags.push(format!(" -fmacro-prefix-map={0}/= -fdebug-prefix-map={0}={SOURCE_NAME}", top.display()));
        let listed: Vec<String> = symbols.iter().map(|path| path.display().to_string()).collect();
        let exec = make
            .exec()
            .arg(format!("-j{}", self.spec.jobs.max(1)))
            .arg(module)
            .args(&copied.source.variables)
            .arg(format!("KBUILD_EXTRA_SYMBOLS={}", listed.join(" ")))
            .arg("modules")
            .writing(top)
            .env("KCFLAGS", &flags)
            .env("KAFLAGS", &flags)
            .log(&log);
        run(exec).map_err(|stop| match stop {
            Stop::Failed(failure) => match failure.missing(make.target) {
                Some(missing) => ExtraModulesError::Missing { name: name.clone(), missing: vec![missing], log },
                None => {
                    let failure = Box::new(shown(failure, &copied.folder, &copied.source.folder()));
                    ExtraModulesError::Failed { name: name.clone(), failure, log }
                }
            },
            Stop::Interrupted(interrupt) => interrupt.into(),
            Stop::Exec(source) => ExtraModulesError::Exec { name: name.clone(), source },
        })
    }

    /// Copies the built modules to where `modules_install` would, and finishes them like all other modules.
    fn install(&self, make: &Make<'_>, copies: &[Copied<'_>], out: &Path) -> Result<(), ExtraModulesError> {
        let updates = out.join("lib/modules").join(&self.kernel.release).join("updates");
        let mut made: BTreeMap<String, &str> = BTreeMap::new();
        let sign_file = Some(make.out.join("scripts/sign-file")).filter(|path| path.is_file());
        let certificate = self.signing.map(|signing| signing.path().to_owned()).unwrap_or_default();
        let finish = Finish {
            toolchain: self.spec.toolchain,
            config: self.config,
            signing: self.signing,
            sign_file: sign_file.as_deref(),
            certificate: &certificate,
            dir: make.out,
        };
        for copied in copies {
            let name = &copied.source.name;
            let modules = built_modules(&copied.folder)?;
            if modules.is_empty() {
                return Err(ExtraModulesError::Nothing { name: name.clone() });
            }
            for module in modules {
                if let Some(one) = made.insert(module.clone(), name).filter(|one| *one != name) {
                    let (one, two) = (one.to_owned(), name.clone());
                    return Err(ExtraModulesError::SameFile { one, two, file: module });
                }
                let (from, to) = (copied.folder.join(&module), updates.join(&module));
                to.parent().map_or(Ok(()), fs::create_dir_all).map_err(io_error(&to))?;
                kiln_file::copy(&from, &to).map_err(io_error(&from))?;
                finish.module(&to).map_err(|source| ExtraModulesError::Finish { module, source })?;
            }
        }
        Ok(())
    }

    fn log(&self, name: &str) -> Result<PathBuf, ExtraModulesError> {
        Ok(self.store.log(&format!("module-{}-{}.log", self.kernel.key, name.replace('/', "-")))?)
    }
}

/// Copies every source, without files that an earlier build by hand may have left in it.
///
/// The user's directories keep their relative paths: one module's makefile may refer to another's headers.
fn copy_all<'a>(sources: &'a [ExtraSource], top: &Path) -> Result<Vec<Copied<'a>>, ExtraModulesError> {
    let parents =
        sources.iter().filter(|source| source.place == Where::Folder).filter_map(|source| source.tree.parent());
    let shared = parents.map(Path::to_owned).reduce(|one, two| shared_folder(&one, &two)).unwrap_or_default();
    let mut places: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    let mut copies = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let at = match source.place {
            Where::Folder => top.join("own").join(source.tree.strip_prefix(&shared).unwrap_or(&source.tree)),
            Where::Store => top.join(format!("fetched/{index}")),
        };
        copies
            .push(Copied { source, folder: if source.below.is_empty() { at.clone() } else { at.join(&source.below) } });
        places.insert(at, &source.tree);
    }
    let mut last: Option<PathBuf> = None;
    for (to, from) in places {
        // Sorted, a directory inside another one comes after it, and was copied with it.
        if last.as_ref().is_some_and(|outer| to.starts_with(outer)) {
            continue;
        }
        fs::create_dir_all(&to).map_err(io_error(&to))?;
        let listing = directory::list(from)?;
        directory::copy(&listing, &to)?;
        clean(&listing, &to)?;
        last = Some(to);
    }
    Ok(copies)
}

fn shared_folder(one: &Path, two: &Path) -> PathBuf {
    one.components().zip(two.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
}

/// Removes the files that Kbuild's own `clean` removes.
///
/// # Source
/// The kernel's top `Makefile`, the rule `clean`.
fn clean(listing: &Listing, copy: &Path) -> Result<(), ExtraModulesError> {
    const ENDINGS: [&str; 8] = [".o", ".ko", ".a", ".mod", ".mod.c", ".cmd", ".symversions", ".symtypes"];
    const NAMES: [&str; 3] = ["modules.order", "Module.symvers", "modules.nsdeps"];
    for file in listing.files().iter().filter(|file| file.kind == Kind::File) {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        if NAMES.contains(&name.as_ref()) || ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            let path = copy.join(&file.path);
            fs::remove_file(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}

/// Returns modules by their paths in the source's directory, from its `modules.order`: lines have been `/M/a.ko`
/// (before 6.2), `/M/a.o` and `a.o` (from 6.13).
fn built_modules(folder: &Path) -> Result<Vec<String>, ExtraModulesError> {
    let path = folder.join("modules.order");
    let order = match kiln_file::read_to_string(&path) {
        Ok(order) => order,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ExtraModulesError::Io { path, source }),
    };
    let top = format!("{}/", folder.display());
    let modules = order.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let line = line.strip_prefix(&top).unwrap_or(line);
        let stem = line.strip_suffix(".o").or_else(|| line.strip_suffix(".ko")).unwrap_or(line);
        format!("{stem}.ko")
    });
    Ok(modules.collect())
}

/// Returns the failure with the user's directory in place of its copy.
fn shown(mut failure: Failure, copy: &Path, own: &Path) -> Failure {
    let (copy, own) = (copy.display().to_string(), own.display().to_string());
    let named = |text: &str| text.replace(&copy, &own);
    failure.headline = named(&failure.headline);
    failure.context = failure.context.iter().map(|line| named(line)).collect();
    failure.target = failure.target.as_deref().map(named);
    failure
}

fn lacks_symbols(error: &ExtraModulesError) -> bool {
    matches!(error, ExtraModulesError::Failed { failure, .. } if failure.kind == FailureKind::Modpost)
}

/// Why a run of `make` stopped.
enum Stop {
    Failed(Failure),
    Interrupted(Interrupt),
    Exec(ExecError),
}

fn run(exec: Exec) -> Result<(), Stop> {
    let mut lines: Vec<String> = Vec::new();
    let result = exec.run(&mut |_, line| {
        lines.push(line.to_owned());
        ControlFlow::Continue(())
    });
    match result {
        Ok(()) => Ok(()),
        Err(ExecError::Failed { .. }) => Err(Stop::Failed(failure::find(&lines))),
        Err(ExecError::Interrupted(interrupt)) => Err(Stop::Interrupted(interrupt)),
        Err(error) => Err(Stop::Exec(error)),
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ExtraModulesError {
    let path = path.to_owned();
    move |source| ExtraModulesError::Io { path, source }
}
