//! The paths that the answers of shell commands depend on.
//!
//! | path | why |
//! |---|---|
//! | each folder of `PATH` | a program appears or goes |
//! | the programs that commands and variables name | one is replaced |
//! | what a compiler calls (`cc1`, `as`, `ld`, `collect2`), the libraries behind LLVM's programs | the same |
//! | files that commands name, with all files beside them | a script, and what it reads |
//! | folders of headers, the loader's cache, Debian's list of packages | a header or a library comes or goes |

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, find_program};

use crate::llvm;

/// Paths that libraries and headers come and go by.
const LIBRARIES: [&str; 4] = ["/etc/ld.so.cache", "/usr/include", "/usr/local/include", "/var/lib/dpkg/status"];
/// What compilers are called, behind a prefix and before a version.
const COMPILERS: [&str; 3] = ["gcc", "clang", "cc"];
/// What a compiler calls.
const PARTS: [&str; 4] = ["cc1", "as", "ld", "collect2"];

/// Everything that the answers of `commands`, which run in `dir` and see `variables`, depend on.
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
                paths.insert(program);
            }
            continue;
        }
        let named = dir.join(word);
        match fs::metadata(&named) {
            Ok(meta) if meta.is_file() => {
                paths.extend(parts(&named, path));
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

/// The programs that a compiler calls, and the libraries that LLVM's programs are made of; none of any other program.
fn parts(program: &Path, path: &OsStr) -> Vec<PathBuf> {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    if name.split('-').any(|part| COMPILERS.contains(&part)) {
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
