//! A static busybox for a machine for which Debian has none: compiled from Debian's source package, with its
//! configuration and its patches.
//!
//! ```text
//! busybox       the program
//! ```

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, ExecError, Interrupt};
use kiln_fetch::patch::{self, PatchError};
use kiln_fetch::{SourceError, SourcePackage};
use kiln_kbuild::doctor::Missing;
use kiln_kbuild::toolchain::{Programs, Toolchain, ToolchainError};
use kiln_plan::Arch;
use kiln_plan::step::{BusyboxInputs, busybox_key};
use kiln_store::StoreError;

use crate::session::Session;

/// Why there is no busybox.
#[derive(Debug, thiserror::Error)]
pub enum BusyboxError {
    /// The source could not be fetched.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Debian's patches could not be applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The compiler cannot be used.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// There is no C library to link with.
    #[error("busybox cannot be compiled for {machine}: {missing}")]
    NoLibrary {
        /// The machine.
        machine: String,
        /// The library.
        missing: Box<Missing>,
    },
    /// The compiler could not be run, or the build failed.
    #[error("cannot compile busybox for {machine}\n  log: {}", log.display())]
    Build {
        /// The machine.
        machine: String,
        /// The log, with the whole output of the build.
        log: PathBuf,
        /// How it failed.
        source: Box<ExecError>,
    },
    /// A file could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked us to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupt),
}

/// Debian's configuration of its `busybox-static`, in parts: of two lines for one symbol, the first counts.
const CONFIG: [&str; 2] = ["config/os/linux", "config/pkg/static"];
/// More than there are questions: each gets its default as the answer.
const N_QUESTIONS: usize = 4096;

/// Returns the program for `arch`, from the store or compiled with Debian's compiler for it.
///
/// # Errors
/// Any [`BusyboxError`].
pub fn busybox(session: &Session<'_>, arch: Arch) -> Result<PathBuf, BusyboxError> {
    let fetch = session.fetch();
    let SourcePackage { upstream, debian, patches, .. } = kiln_fetch::source_package(&fetch, "busybox")?;
    let source = patch::apply(&fetch, &upstream, &patches, "")?;
    let prefix = if arch == session.host_arch { String::new() } else { arch.cross_prefix() };
    // Independent of the kernel's compiler: a program needs the machine's C library, which comes with this compiler.
    let toolchain = Toolchain::remembered(session.store, session.host, &Programs::Gnu { prefix })?;
    let read = |path: PathBuf| kiln_file::read_to_string(&path).map_err(|source| BusyboxError::Io { path, source });
    let parts = CONFIG.map(|part| read(debian.join(part)));
    let config = parts.into_iter().collect::<Result<String, _>>()?;
    let libc = library(&toolchain, arch)?;
    let inputs = BusyboxInputs { source: &source.key, toolchain: toolchain.identity(), libc: &libc, config: &config };
    let key = busybox_key(&inputs);
    let log = session.store.log(&format!("busybox-{arch}.log"))?;
    let built = session.store.realize(&key, "busybox", session.progress, |dir| {
        let out = dir.join("build");
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| BusyboxError::Io { path, source }
        };
        fs::create_dir(&out).map_err(io(&out))?;
        fs::write(out.join(".config"), &config).map_err(io(&out))?;
        let compiled = compile(session, &toolchain, &source.tree, &out, &log);
        compiled.map_err(|source| match source {
            ExecError::Interrupted(interrupt) => BusyboxError::Interrupted(interrupt),
            source => BusyboxError::Build { machine: arch.to_string(), log: log.clone(), source: Box::new(source) },
        })?;
        fs::rename(out.join("busybox"), dir.join("busybox")).map_err(io(&out))?;
        fs::remove_dir_all(&out).map_err(io(&out))
    })?;
    Ok(built.join("busybox"))
}

/// Returns a digest of the C library that a static program is linked with.
fn library(toolchain: &Toolchain, arch: Arch) -> Result<String, BusyboxError> {
    let asked = toolchain.exec(toolchain.cc()).arg("-print-file-name=libc.a").text();
    // For a file that it does not find, the compiler prints the name unchanged.
    let file = asked.map_err(ToolchainError::from)?.trim().to_owned();
    if !Path::new(&file).is_absolute() {
        let missing = Box::new(Missing::guest_library(arch));
        return Err(BusyboxError::NoLibrary { machine: arch.to_string(), missing });
    }
    let bytes = kiln_file::read(&file).map_err(|source| BusyboxError::Io { path: file.into(), source })?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

fn compile(session: &Session<'_>, toolchain: &Toolchain, tree: &Path, out: &Path, log: &Path) -> Result<(), ExecError> {
    let make = |goal: &str| -> Exec {
        toolchain
            .exec("make")
            .args([format!("-j{}", session.jobs.max(1)).as_str(), "-C"])
            .arg(tree)
            .arg(format!("O={}", out.display()))
            .arg(format!("CROSS_COMPILE={}", toolchain.programs().cross_compile()))
            .arg(goal)
            .dir(out)
            .confined(session.host.sandbox(), &[tree], &[out])
            .env("HOME", out)
            .env("TMPDIR", out)
            .env("SOURCE_DATE_EPOCH", "0")
            // Otherwise the banner contains the time.
            .env("KCONFIG_NOTIMESTAMP", "1")
            .log(log)
    };
    let mut n_lines = 0;
    session.progress.begin("compile busybox for the guest", None);
    let mut run = |exec: Exec| {
        exec.run(&mut |_, line| {
            n_lines += 1;
            session.progress.advance(n_lines, line.trim());
            ControlFlow::Continue(())
        })
    };
    let done = run(make("oldconfig").stdin("\n".repeat(N_QUESTIONS))).and_then(|()| run(make("busybox")));
    session.progress.end();
    done
}
