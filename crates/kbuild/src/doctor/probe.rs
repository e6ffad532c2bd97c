//! Looks for one thing on the host.

use std::path::Path;
use std::time::Duration;

use kiln_exec::{Exec, ExecError, find_program};

use super::Probe;
use crate::toolchain::Host;

/// The time limit for a compiler; one that takes longer for one line is not going to build a kernel.
const DEADLINE: Duration = Duration::from_secs(60);

/// Whether the host has it.
///
/// Without a compiler every header is missing; the compiler is then missing too, and the header's package is needed in
/// any case.
pub(super) fn is_there(probe: &Probe, host: &Host) -> Result<bool, ExecError> {
    let find = |name: &str| find_program(&host.path, Path::new(name));
    match probe {
        Probe::Program(name) => Ok(find(name).is_some()),
        Probe::Library { compiler, header, library } => match find(compiler) {
            None => Ok(false),
            Some(cc) => compiles(&cc, header, library.as_deref(), host),
        },
        Probe::GccPlugins { compiler } => match find(compiler) {
            None => Ok(false),
            Some(gcc) => {
                let said = ask(&gcc, "-print-file-name=plugin", host)?;
                Ok(Path::new(said.trim()).join("include/plugin-version.h").is_file())
            }
        },
        Probe::RustSource => match find("rustc") {
            None => Ok(false),
            Some(rustc) => {
                // A proxy without a toolchain has no sysroot, and so no source.
                let exec = host.exec(&rustc).args(["--print", "sysroot"]).deadline(DEADLINE);
                let sysroot = exec.text().unwrap_or_default();
                Ok(Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file())
            }
        },
        Probe::CrossLibrary { compiler, library } => match find(compiler) {
            None => Ok(false),
            Some(gcc) => finds(&gcc, library, host),
        },
    }
}

/// Returns the package of what is missing, where its name depends on the host's programs.
pub(super) fn package(probe: &Probe, host: &Host) -> Option<String> {
    let Probe::GccPlugins { compiler } = probe else { return None };
    let gcc = find_program(&host.path, Path::new(compiler))?;
    let version = ask(&gcc, "-dumpfullversion", host).ok()?;
    Some(super::package::gcc_plugin(compiler, version.trim()))
}

/// Returns what a compiler prints for one argument.
fn ask(gcc: &Path, argument: &str, host: &Host) -> Result<String, ExecError> {
    Exec::new(gcc).arg(argument).env("PATH", &host.path).env("LC_ALL", "C").deadline(DEADLINE).text()
}

/// Whether `gcc` finds `library`: it prints a library that it does not find as it was passed.
fn finds(gcc: &Path, library: &str, host: &Host) -> Result<bool, ExecError> {
    let exec = Exec::new(gcc).arg(format!("-print-file-name={library}"));
    let said = exec.env("PATH", &host.path).env("LC_ALL", "C").deadline(DEADLINE).text()?;
    Ok(Path::new(said.trim()).is_absolute())
}

/// Whether a program that includes `header` compiles, and links with `library`.
fn compiles(cc: &Path, header: &str, library: Option<&str>, host: &Host) -> Result<bool, ExecError> {
    let exec = Exec::new(cc)
        .args(["-x", "c", "-", "-o", "/dev/null"])
        .args(library.map(|name| format!("-l{name}")))
        .env("PATH", &host.path)
        .env("LC_ALL", "C")
        .deadline(DEADLINE)
        .stdin(format!("#include <stdio.h>\n#include <{header}>\nint main(void) {{ return 0; }}\n"));
    Ok(exec.capture()?.status.success())
}
