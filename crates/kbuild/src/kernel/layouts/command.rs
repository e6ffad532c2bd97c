//! A compiler's command as Kbuild records it, and the same command for another purpose.

use std::ffi::OsString;
use std::path::Path;

/// The words of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    words: Vec<String>,
}

/// The output that a command shall make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompilerOutput {
    /// An object with debug information, of all types that its headers define.
    Object,
    /// Assembly.
    Assembly,
}

/// Options whose argument is the next word.
const DROPPED_PAIRS: [&str; 5] = ["-o", "-MF", "-MT", "-MQ", "-aux-info"];
/// Prefixes of options that write other files, choose other debug information, or change the kind of output.
const DROPPED: [&str; 15] = [
    "-Wp,-MD",
    "-Wp,-MMD",
    "-Wp,-MT",
    "-MD",
    "-MMD",
    "-MP",
    "-gdwarf",
    "-gz",
    "-gsplit",
    "-ggdb",
    "-gbtf",
    "-femit-struct-debug",
    "-flto",
    "-save-temps",
    "-fstack-usage",
];

impl Command {
    /// Parses the first command of a record's line; `None` when that is no run of a C compiler.
    pub(super) fn parse(line: &str) -> Option<Command> {
        let words = words(&line.replace("$(pound)", "#").replace("$$", "$"))?;
        let compiles = |word: &String| word == "-c" || word == "-S";
        let program = words.first()?.rsplit('/').next()?;
        let is_compiler = ["gcc", "clang", "cc"].iter().any(|name| {
            let ends = |version: &str| version.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
            program.rsplit_once(name).is_some_and(|(_, version)| ends(version))
        });
        (is_compiler && words.iter().any(compiles)).then_some(Command { words })
    }

    /// Returns the words of the command that makes `output` as `to`, with `overlay` searched for headers first.
    pub(super) fn again(&self, overlay: &Path, to: &Path, output: CompilerOutput) -> Vec<OsString> {
        let [program, rest @ ..] = &self.words[..] else { return Vec::new() };
        let mut words: Vec<OsString> = vec![program.into(), "-I".into(), overlay.into()];
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            if DROPPED_PAIRS.contains(&word.as_str()) {
                rest.next();
            } else if !["-c", "-S", "-g", "-g0", "-g1", "-g2", "-g3"].contains(&word.as_str())
                && !DROPPED.iter().any(|dropped| word.starts_with(dropped))
            {
                words.push(word.into());
            }
        }
        match output {
            CompilerOutput::Assembly => words.push("-S".into()),
            CompilerOutput::Object => {
                words.extend(["-c", "-gdwarf-4", "-gz=none", "-fno-eliminate-unused-debug-types"].map(Into::into));
                if program.contains("clang") {
                    words.push("-fstandalone-debug".into());
                }
            }
        }
        words.extend(["-w".into(), "-o".into(), to.into()]);
        words
    }
}

/// Returns the words of a shell's first simple command; `None` when a quote is left open.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' | '&' | '|' | '\n' => break,
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => quoted.push(c),
                    }
                }
            }
            '"' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\' | '$' | '`') => quoted.push(c),
                            c => quoted.extend(['\\', c]),
                        },
                        c => quoted.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(line: &str, output: CompilerOutput) -> Option<String> {
        let words = Command::parse(line)?.again(Path::new("/o"), Path::new("/s/a.o"), output);
        Some(words.iter().map(|word| format!("{} ", word.display())).collect())
    }

    #[test]
    fn the_command_of_an_object() {
        let line = "x86_64-linux-gnu-gcc-12 -Wp,-MMD,net/.a.o.d -nostdinc -I./include -O2 -g -gdwarf-5 -gz=zlib \
                    -femit-struct-debug-baseonly -DNAME='\"a b\"' -DD=\\\"x\\\" -DP=$$1$(pound) -c -o net/a.o /t/net/a.c \
                    ; ./tools/objtool/objtool net/a.o";
        let expected = "x86_64-linux-gnu-gcc-12 -I /o -nostdinc -I./include -O2 -DNAME=\"a b\" -DD=\"x\" -DP=$1# /t/net/a.c \
                        -c -gdwarf-4 -gz=none -fno-eliminate-unused-debug-types -w -o /s/a.o ";
        assert_eq!(again(line, CompilerOutput::Object).as_deref(), Some(expected));
        let line = "clang --target=arm-linux-gnueabi -flto=thin -S -o kernel/bounds.s /t/kernel/bounds.c";
        let expected = "clang -I /o --target=arm-linux-gnueabi /t/kernel/bounds.c -S -w -o /s/a.o ";
        assert_eq!(again(line, CompilerOutput::Assembly).as_deref(), Some(expected));
        assert!(again(line, CompilerOutput::Object).unwrap().contains(" -fstandalone-debug "));
    }

    #[test]
    fn other_commands() {
        for line in ["ld -r -o a.o b.o", "gcc -o host host.c", "rustc -c a.rs", "gcc -c 'a", "", "touch -c a"] {
            assert_eq!(Command::parse(line), None, "{line}");
        }
    }
}
