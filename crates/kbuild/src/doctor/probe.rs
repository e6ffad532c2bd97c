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
        Probe::CrossLibrary { compiler, library } => match find(compiler) {
            None => Ok(false),
            Some(gcc) => finds(&gcc, library, host),
        },
    }
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
