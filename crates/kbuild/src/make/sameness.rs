//! Makes reproducible what Kbuild would leave to chance.
//!
//! | source of chance | when | fixed by |
//! |---|---|---|
//! | the seed of structure layouts, `RANDSTRUCT` | the tree makes it with `scripts/gen-randstruct-seed.sh` (from 6.0) | another script, whose seed is derived from the tree's top makefile |
//! | the seed of `GCC_PLUGIN_LATENT_ENTROPY` | it is on | `-frandom-seed` |
//! | the directories in debug information of assembly, which Clang maps in DWARF 4 only | LLVM compiles, `DEBUG_INFO` is on and not as DWARF 4 | `-gdwarf-4` for assembly |
//! | the order in which `pahole -j` writes BTF | `DEBUG_INFO_BTF` is on, the tree uses `-j` | a `pahole` without it |
//!
//! The key of module signatures is fixed in `crate::signing`, names, times and paths in [`super::environment`].

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kiln_kconfig::Config;

use super::environment::Make;
use super::error::{BuildError, io_error};

/// Runs the real program with all arguments except those that make it work in parallel.
const PAHOLE: &str = "#!/bin/sh\nfor argument do\n\tshift\n\tcase $argument in\n\t-j | -j[0-9]*) ;;\n\t\
                      *) set -- \"$@\" \"$argument\" ;;\n\tesac\ndone\nexec pahole \"$@\"\n";

/// Returns the arguments of `make` for this, and writes the files that they name.
///
/// # Errors
/// [`BuildError::Io`], [`BuildError::NoSpace`].
pub(super) fn arguments(make: &Make, config: &Config) -> Result<Vec<String>, BuildError> {
    let is_on = |symbol: &str| config.get(symbol) == Some("y");
    let mut arguments = Vec::new();
    if is_on("RANDSTRUCT") {
        let script = write(make.private("randstruct-seed"), &seed_script(&make.tree.join("Makefile"))?)?;
        arguments.push(format!("gen-randstruct-seed={}", script.display()));
    }
    if is_on("GCC_PLUGIN_LATENT_ENTROPY") {
        arguments.push(format!("KCFLAGS={} -frandom-seed=kiln", make.compiler_flags().to_string_lossy()));
    }
    if make.toolchain.programs().llvm().is_some() && is_on("DEBUG_INFO") && !is_on("DEBUG_INFO_DWARF4") {
        // Each object records its own version, so the others keep the requested one.
        arguments.push(format!("KAFLAGS={} -gdwarf-4", make.compiler_flags().to_string_lossy()));
    }
    if is_on("DEBUG_INFO_BTF") {
        let script = write(make.private("pahole"), PAHOLE)?;
        arguments.push(format!("PAHOLE={}", script.display()));
    }
    Ok(arguments)
}

/// Writes seed and digest as the tree's own script does.
///
/// # Source
/// `scripts/gen-randstruct-seed.sh`.
fn seed_script(makefile: &Path) -> Result<String, BuildError> {
    let text = kiln_file::read(makefile).map_err(io_error(makefile))?;
    let seed = blake3::hash(&text).to_hex();
    Ok(format!(
        "#!/bin/sh\necho {seed} > \"$1\"\nHASH=$(printf %s {seed} | sha256sum | cut -d' ' -f1)\n\
         echo \"#define RANDSTRUCT_HASHED_SEED \\\"$HASH\\\"\" > \"$2\"\n"
    ))
}

/// Writes an executable script, unless the file has this text already: a new file time would have files made again.
fn write(path: PathBuf, text: &str) -> Result<PathBuf, BuildError> {
    let written = || -> io::Result<()> {
        if kiln_file::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    };
    written().map_err(io_error(&path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::{Host, Programs, Target, Toolchain};
    use kiln_exec::Exec;

    #[test]
    fn pahole_loses_just_its_parallelism() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path().join("pahole"), "#!/bin/sh\nprintf '<%s>' \"$@\"\n").unwrap();
        let script = write(dir.path().join("script"), PAHOLE).unwrap();
        let path = format!("{}:/usr/bin:/bin", dir.path().display());
        let said = Exec::new(script).env("PATH", path).args(["-J", "-j", "-j4", "--jobs x", "", "vmlinux"]).text();
        assert_eq!(said.unwrap(), "<-J><--jobs x><><vmlinux>");
    }

    #[test]
    fn assembly_of_clangs_gets_debug_information_in_which_folders_are_mapped() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "gcc",
            "as",
            "ld",
            "objcopy",
            "clang",
            "ld.lld",
            "llvm-ar",
            "llvm-nm",
            "llvm-objcopy",
            "llvm-strip",
            "make",
        ] {
            write(dir.path().join(name), "#!/bin/sh\necho 1\n").unwrap();
        }
        let host = Host::new(format!("{}:/usr/bin:/bin", dir.path().display()));
        let arguments = |programs: Programs, config: &str| {
            let toolchain = Toolchain::discover(&host, &programs).unwrap();
            let target = Target { arch: "x86_64".into(), srcarch: "x86".into(), programs };
            let make = Make { tree: dir.path(), out: dir.path(), target: &target, toolchain: &toolchain };
            arguments(&make, &Config::parse(config)).unwrap()
        };
        let llvm = || Programs::Llvm { value: "1".to_owned() };
        let dwarf5 = "CONFIG_DEBUG_INFO=y\nCONFIG_DEBUG_INFO_DWARF5=y\n";
        let given = arguments(llvm(), dwarf5);
        // It replaces the variable in the environment, so it must contain all of that.
        let [flags] = &given[..] else { panic!("{given:?}") };
        assert!(flags.starts_with("KAFLAGS=-fdebug-prefix-map=") && flags.ends_with("/= -gdwarf-4"), "{flags}");
        assert!(arguments(llvm(), "CONFIG_DEBUG_INFO=y\nCONFIG_DEBUG_INFO_DWARF4=y\n").is_empty());
        assert!(arguments(llvm(), "CONFIG_DEBUG_INFO_NONE=y\n").is_empty(), "it would turn debug information on");
        assert!(arguments(Programs::gnu(""), dwarf5).is_empty());
    }

    #[test]
    fn the_seed_is_written_as_the_tree_reads_it_and_is_always_the_same() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("Makefile"), "VERSION = 6\n").unwrap();
        let text = seed_script(&dir.path().join("Makefile")).unwrap();
        let script = write(dir.path().join("script"), &text).unwrap();
        let run = |seed: &str, header: &str| {
            let path = |name: &str| dir.path().join(name);
            Exec::new(&script).env("PATH", "/usr/bin:/bin").arg(path(seed)).arg(path(header)).text().unwrap();
            [seed, header].map(|name| fs::read_to_string(path(name)).unwrap())
        };
        let [seed, header] = run("seed", "header");
        assert!(seed.len() == 65 && seed.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()), "{seed}");
        let hash = header.strip_prefix("#define RANDSTRUCT_HASHED_SEED \"").and_then(|rest| rest.strip_suffix("\"\n"));
        assert!(hash.is_some_and(|hash| hash.len() == 64), "{header}");
        assert_eq!(run("again", "header2"), [seed, header]);
    }
}
