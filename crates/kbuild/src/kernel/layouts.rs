//! The structures in an object under each of two configs.
//!
//! The command that Kbuild recorded next to the object is run twice more, each time with another `autoconf.h` that is
//! found before all other headers, and with debug information; the output is read and deleted. Nothing is written
//! outside of a scratch directory for that, so Kbuild's own directory is unchanged.
//!
//! | depends on the config | taken from the recorded command and Kbuild's directory |
//! |---|---|
//! | `generated/autoconf.h` | flags of the compiler, including those that makefiles choose by a symbol |
//! | `generated/bounds.h`, `rq-offsets.h`, `asm-offsets.h`, as far as they can be compiled | other generated headers: `timeconst.h`, `utsrelease.h`, tables of system calls |

mod command;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_exec::{ExecError, Output};
use kiln_kconfig::Config;
use kiln_makefile::Note;
use kiln_makefile::normal;
use kiln_modgraph::read::{Structure, StructuresError, structures};

use self::command::{Command, CompilerOutput};
use crate::make::{OUTPUT_NAME, SOURCE_NAME};
use crate::toolchain::{Target, Toolchain};

/// The time limit for one compiler.
const DEADLINE: Duration = Duration::from_secs(180);
/// Headers that Kbuild makes from a compiler's output, in the order in which it makes them.
const OFFSETS: [(&str, &str); 3] = [
    ("kernel/bounds.s", "bounds.h"),
    ("kernel/sched/rq-offsets.s", "rq-offsets.h"),
    ("arch/SRCARCH/kernel/asm-offsets.s", "asm-offsets.h"),
];

/// Two configs over one output directory of Kbuild's.
#[derive(Debug)]
pub struct TwoConfigs<'a> {
    tree: &'a Path,
    out: &'a Path,
    toolchain: &'a Toolchain,
    scratch: &'a Path,
    overlays: [PathBuf; 2],
}

/// Why an object's structures cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Kbuild has no record of it.
    #[error("Kbuild's build directory has no `.cmd` file for it")]
    NoNote,
    /// Its record has no compiler's command.
    #[error("its `.cmd` file has no command of a C compiler")]
    NoCompiler,
    /// The compiler failed.
    #[error("it cannot be compiled with the {} config: {said}", if *is_old { "deployed" } else { "changed" })]
    Compiler {
        /// Whether it was the deployed kernel's config.
        is_old: bool,
        /// Its first error.
        said: String,
    },
    /// The compiler could not be run to its end.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The compiler's output cannot be read.
    #[error(transparent)]
    Structures(#[from] StructuresError),
    /// A file cannot be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl<'a> TwoConfigs<'a> {
    /// Prepares in `scratch`, an empty directory, for objects of `out`.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn new(
        (tree, out, scratch): (&'a Path, &'a Path, &'a Path),
        target: &Target,
        toolchain: &'a Toolchain,
        configs: [&Config; 2],
    ) -> Result<TwoConfigs<'a>, Unreadable> {
        let overlays = ["old", "new"].map(|side| scratch.join(side));
        let two = TwoConfigs { tree, out, toolchain, scratch, overlays };
        for (side, config) in configs.into_iter().enumerate() {
            let generated = two.overlays[side].join("generated");
            fs::create_dir_all(&generated).map_err(io_error(&generated))?;
            write(&generated.join("autoconf.h"), &autoconf(config))?;
            for (product, header) in OFFSETS {
                // A tree without it, or one that makes the `.s` differently, keeps the existing header.
                let product = product.replace("SRCARCH", &target.srcarch);
                match two.run(&product, side, CompilerOutput::Assembly) {
                    Ok(text) => write(&generated.join(header), &offsets(&String::from_utf8_lossy(&text)))?,
                    Err(Unreadable::Exec(error)) => return Err(error.into()),
                    Err(_) => {}
                }
            }
        }
        Ok(two)
    }

    /// Returns the structures of an object under the first and the second config; files are paths inside the tree, or
    /// inside the output directory.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn structures(&self, object: &str) -> Result<[Vec<Structure>; 2], Unreadable> {
        let read = |side| -> Result<Vec<Structure>, Unreadable> {
            let mut found = structures(&self.run(object, side, CompilerOutput::Object)?)?;
            found.iter_mut().for_each(|structure| structure.file = self.inside(&structure.file));
            Ok(found)
        };
        Ok([read(0)?, read(1)?])
    }

    /// Runs an object's command once more, and returns what it made.
    fn run(&self, product: &str, side: usize, output: CompilerOutput) -> Result<Vec<u8>, Unreadable> {
        let (folder, name) = product.rsplit_once('/').unwrap_or(("", product));
        let note = self.out.join(folder).join(format!(".{name}.cmd"));
        let text = kiln_file::read(&note).map_err(|_| Unreadable::NoNote)?;
        let text = String::from_utf8_lossy(&text);
        let note = Note::parse(&text).ok_or(Unreadable::NoNote)?;
        let command = Command::parse(note.command).ok_or(Unreadable::NoCompiler)?;
        let to = self.scratch.join(format!("{side}-{}", product.replace('/', "-")));
        let [program, arguments @ ..] = &command.again(&self.overlays[side], &to, output)[..] else {
            return Err(Unreadable::NoCompiler);
        };
        let exec = self.toolchain.exec(program).args(arguments).dir(self.out).env("TMPDIR", self.scratch);
        let output = exec.deadline(DEADLINE).capture()?;
        if !output.status.success() {
            return Err(Unreadable::Compiler { is_old: side == 0, said: self.complaint(&output) });
        }
        let made = kiln_file::read(&to).map_err(io_error(&to))?;
        kiln_store::remove(&to).map_err(io_error(&to))?;
        Ok(made)
    }

    /// Returns the first error that a compiler printed.
    fn complaint(&self, output: &Output) -> String {
        let said = String::from_utf8_lossy(&output.stderr);
        let found = said.lines().find(|line| line.contains("error")).or_else(|| said.lines().next());
        let tree = format!("{}/", self.tree.display());
        found.map_or_else(|| output.status.to_string(), |line| line.replace(&tree, ""))
    }

    /// Returns a path of the debug information without the directory before it.
    fn inside(&self, path: &str) -> String {
        let folders = [SOURCE_NAME.as_ref(), OUTPUT_NAME.as_ref(), self.tree, self.out];
        let inside = folders.iter().find_map(|folder| Path::new(path).strip_prefix(folder).ok());
        inside.map_or_else(|| path.to_owned(), |inside| normal("", &inside.to_string_lossy()))
    }
}

/// Returns the header with which C code sees a config.
///
/// # Source
/// `scripts/kconfig/confdata.c`, `print_symbol_for_c`. A hexadecimal number in a `.config` may lack its `0x`, and is
/// recognized here by its letters.
fn autoconf(config: &Config) -> String {
    let line = |(name, value): (&str, &str)| {
        let is_hex = || value.bytes().all(|byte| byte.is_ascii_hexdigit()) && value.parse::<i128>().is_err();
        match value {
            "y" => format!("#define CONFIG_{name} 1\n"),
            "m" => format!("#define CONFIG_{name}_MODULE 1\n"),
            "n" => String::new(),
            _ if !value.starts_with('"') && is_hex() => format!("#define CONFIG_{name} 0x{value}\n"),
            _ => format!("#define CONFIG_{name} {value}\n"),
        }
    };
    config.iter().map(line).collect()
}

/// Returns the header of numbers that a compiler left as strings `->NAME NUMBER TEXT` in its assembly.
///
/// # Source
/// `scripts/Makefile.lib` (`scripts/Makefile.host` and `Kbuild` in other versions), `sed-offsets`; `include/linux/kbuild.h`.
fn offsets(assembly: &str) -> String {
    let strings = assembly.lines().filter_map(|line| line.trim_start().strip_prefix(".ascii")?.split('"').nth(1));
    let line = |text: &str| {
        let mut words = text.strip_prefix("->")?.splitn(3, ' ');
        let (name, number) = (words.next().filter(|name| !name.starts_with('#'))?, words.next()?);
        Some(format!("#define {name} {}\n", number.trim_start_matches(['$', '#'])))
    };
    strings.filter_map(line).collect()
}

fn write(path: &Path, text: &str) -> Result<(), Unreadable> {
    fs::write(path, text).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Unreadable {
    let path = path.to_owned();
    move |source| Unreadable::Io { path, source }
}

#[cfg(test)]
mod tests;
