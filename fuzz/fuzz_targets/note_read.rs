//! Kbuild's `.cmd` notes: what is read can be written as Kbuild does, and read again.

#![no_main]

use kiln_makefile::Note;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(note) = Note::parse(text) else { return };
    // A blank after a word keeps its backslashes from joining lines.
    let mut written = format!("savedcmd_a.o := {} \n\n", note.command);
    if let Some(source) = note.source {
        written += &format!("source_a.o := {source} \n\n");
    }
    written += "deps_a.o := \\\n";
    for file in &note.files {
        // Kbuild writes no `wildcard` within another.
        if file.starts_with("$(wildcard ") {
            return;
        }
        written += &format!("  {file} \\\n");
    }
    for symbol in &note.symbols {
        written += &format!("  include/config/{symbol}.h \\\n");
    }
    written += "\na.o: $(deps_a.o)\n\n$(deps_a.o):\n";
    let again = Note::parse(&written).unwrap_or_else(|| panic!("{written} is no note"));
    assert_eq!(again, note, "{written}");
});
