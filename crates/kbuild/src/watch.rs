//! The paths that the answers of shell commands depend on.
//!
//! | path | why |
//! |---|---|
//! | each directory of `PATH` | a program is installed or removed |
//! | the programs that commands and variables name | a program is replaced |
//! | the programs that a compiler calls (`cc1`, `as`, `ld`, `collect2`), the libraries of LLVM's programs | likewise |
//! | the settings by which a proxy (rustup's `rustc`) chooses its program | another version is chosen |
//! | files that commands name, with all files in the same directory | a script changes, or a file that it reads |
//! | directories of headers, the loader's cache, Debian's list of packages | a header or library is added or removed |

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, find_program};

use crate::llvm;
use crate::toolchain::choices;

/// Paths that change when libraries and headers are installed or removed.
const LIBRARIES: [&str; 4] = ["/etc/ld.so.cache", "/usr/include", "/usr/local/include", "/var/lib/dpkg/status"];
/// The names of compilers, after a prefix and before a version.
const COMPILERS: [&str; 3] = ["gcc", "clang", "cc"];
/// The programs that a compiler calls.
const PARTS: [&str; 4] = ["cc1", "as", "ld", "collect2"];

/// Returns all paths that the answers of `commands`, which run in `dir` and see `variables`, depend on.
pub(crate) fn of_commands<'a>(
    commands: impl Iterator<Item = &'a [u8]>,
    variables: &'a [(OsString, OsString)],
    dir: &Path,
) -> BTreeSet<PathBuf> {
    let value = |wanted: &str| variables.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_os_str());
    let path = value("PATH").unwrap_or_default();
    let mut words: BTreeSet<&[u8]> = BTreeSet::new();
    for text in commands.chain(variables.iter().map(|(_, value)| value.as_bytes())) {
        words.extend(text.split(|byte| !is_of_word(*byte)).filter(|word| !word.is_empty()));
    }
    let mut paths: BTreeSet<PathBuf> = std::env::split_paths(path).chain(LIBRARIES.map(PathBuf::from)).collect();
    let mut folders = BTreeSet::new();
    for word in words {
        let word = Path::new(OsStr::from_bytes(word));
        if !word.as_os_str().as_bytes().contains(&b'/') {
            if let Some(program) = find_program(path, word) {
                paths.extend(parts(&program, path));
                paths.extend(choices(&program, variables));
                paths.insert(program);
            }
            continue;
        }
        let named = dir.join(word);
        match fs::metadata(&named) {
            Ok(meta) if meta.is_file() => {
                paths.extend(parts(&named, path));
                paths.extend(choices(&named, variables));
                folders.extend(named.parent().map(Path::to_owned));
            }
            Ok(_) => drop(paths.insert(named)),
            Err(_) => {}
        }
    }
    for folder in folders {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        paths.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
        paths.insert(folder);
    }
    paths
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte)
}

/// Whether a program of this name is a compiler: after `gcc` or the like comes at most a version. A tree's own script
/// `gcc-x86_64-has-stack-protector.sh` is none, and is not run to be asked.
fn is_compiler(name: &str) -> bool {
    let is_version = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let named = name.rsplit('-').find(|part| !is_version(part));
    named.is_some_and(|part| COMPILERS.contains(&part))
}

/// Returns the programs that a compiler calls, and the libraries of LLVM's programs; empty for any other program.
fn parts(program: &Path, path: &OsStr) -> Vec<PathBuf> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    if is_compiler(&name) {
        found.extend(PARTS.iter().filter_map(|part| {
            let exec = Exec::new(program).arg(format!("-print-prog-name={part}")).env("PATH", path).env("LC_ALL", "C");
            find_program(path, Path::new(exec.text().ok()?.trim()))
        }));
    }
    if name.split('-').any(|part| part == "clang") {
        found.extend(llvm::compiler(path, program));
    }
    if ["clang", "llvm-", "ld.lld"].iter().any(|start| name.starts_with(start)) {
        let programs = [program.to_owned()].into_iter().chain(found.clone());
        found.extend(programs.flat_map(|program| llvm::libraries(path, &program)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::is_compiler;

    #[test]
    fn a_compiler_is_told_from_a_script_about_one() {
        for name in ["gcc", "cc", "clang-14", "aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc-12.2"] {
            assert!(is_compiler(name), "{name}");
        }
        for name in ["gcc-x86_64-has-stack-protector.sh", "gcc-plugin.sh", "clang-format", "ld", "12"] {
            assert!(!is_compiler(name), "{name}");
        }
    }
}
