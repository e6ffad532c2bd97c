//! The files that implement LLVM's programs: the program that a driver calls, and the shared libraries with the code.
//!
//! A distribution's `clang` and `ld.lld` are thin: the code is in `libclang-cpp` and `libLLVM`, which are in their own
//! package. Others link all of it into each program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kiln_exec::Exec;

/// The prefixes of the file names of LLVM's libraries. Other libraries that a program loads generate no code.
const LIBRARIES: [&str; 3] = ["libLLVM", "libclang", "liblld"];

/// Returns the program that `clang` runs to compile, as `clang` may be a script; `None` when it does not print one.
pub(crate) fn compiler(path: &OsStr, clang: &Path) -> Option<PathBuf> {
    let exec = Exec::new(clang).args(["-###", "-x", "c", "-c", "/dev/null"]);
    let said = exec.env("PATH", path).env("LC_ALL", "C").capture().ok()?.stderr;
    let said = String::from_utf8_lossy(&said);
    // Each word of a command line is in quotes.
    let command = said.lines().find(|line| line.contains("\"-cc1\""))?;
    let program = PathBuf::from(command.split('"').nth(1)?);
    program.is_file().then_some(program)
}

/// Returns LLVM's libraries that `program` loads, as the system's loader finds them.
///
/// # Source
/// `ld.so(8)`, `LD_TRACE_LOADED_OBJECTS`; a program that is linked statically runs instead, and prints its version.
pub(crate) fn libraries(path: &OsStr, program: &Path) -> Vec<PathBuf> {
    let exec = Exec::new(program).arg("--version").env("PATH", path).env("LC_ALL", "C");
    let Ok(said) = exec.env("LD_TRACE_LOADED_OBJECTS", "1").capture() else { return Vec::new() };
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    traced(&said).filter(|file| file.is_file()).collect()
}

/// Returns LLVM's libraries in the list that the loader prints.
fn traced(said: &str) -> impl Iterator<Item = PathBuf> {
    said.lines().filter_map(|line| {
        let (name, file) = line.trim().split_once(" => ")?;
        let file = file.rsplit_once(" (").map_or(file, |(file, _)| file);
        LIBRARIES.iter().any(|start| name.starts_with(start)).then(|| PathBuf::from(file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn the_compiler_is_what_the_driver_calls() {
        let dir = tempfile::tempdir().unwrap();
        let real = script(dir.path(), "real", "");
        let text = format!("echo 'clang version 14' >&2; echo ' \"{}\" \"-cc1\" \"-x\" \"c\"' >&2", real.display());
        let driver = script(dir.path(), "clang", &text);
        assert_eq!(compiler(OsStr::new("/usr/bin:/bin"), &driver), Some(real));
        let dumb = script(dir.path(), "dumb", "echo clang version 14");
        assert_eq!(compiler(OsStr::new("/usr/bin:/bin"), &dumb), None);
    }

    #[test]
    fn of_what_a_program_loads_only_llvms_libraries_count() {
        let said = "\tlinux-vdso.so.1 (0x00007fd869d3f000)\n\
                    \tlibclang-cpp.so.14 => /lib/x86_64-linux-gnu/libclang-cpp.so.14 (0x00007fd866400000)\n\
                    \tlibLLVM-14.so.1 => /opt/my llvm/libLLVM-14.so.1 (0x00007fd85fa00000)\n\
                    \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fd869c4d000)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007fd869d41000)\n";
        let files: Vec<PathBuf> = traced(said).collect();
        let expected = ["/lib/x86_64-linux-gnu/libclang-cpp.so.14", "/opt/my llvm/libLLVM-14.so.1"];
        assert_eq!(files, expected.map(PathBuf::from));
        assert_eq!(traced("Debian clang version 14.0.6\n").count(), 0);
    }
}
