//! Help texts: their ends and their contents.
//!
//! A model keeps only the start of a help text; the text is extracted on demand.

/// The position of a help text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HelpText {
    /// Index of the file.
    pub(crate) file: u32,
    /// Offset of the line after the keyword.
    pub(crate) start: u32,
    /// Whether it holds nothing but blanks.
    pub(crate) blank: bool,
}

/// The extent of a help text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Offset after it.
    pub(crate) end: usize,
    /// Newlines in it.
    pub(crate) lines: u32,
    /// Offset of the start of the line that `end` is in.
    pub(crate) line_start: usize,
    /// Whether it holds nothing but blanks.
    pub(crate) blank: bool,
}

/// Finds the end of the help text at `start`, and writes its content to `out` if requested.
///
/// Quirk: text in the first column right after the keyword still counts as help (the scanner looks at a line's first
/// column only across a newline), and a line that is indented less than the first one ends the help in mid-line.
pub(crate) fn scan(source: &[u8], start: usize, mut out: Option<&mut Vec<u8>>) -> Scanned {
    let mut scanned = Scanned { end: start, lines: 0, line_start: start, blank: true };
    let (mut indent, mut width) = (0_usize, 0);
    loop {
        let rest = &source[scanned.end..];
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match rest.get(blanks) {
            Some(b'\n') => {
                scanned.end += blanks + 1;
                scanned.lines += 1;
                scanned.line_start = scanned.end;
                if source.get(scanned.end).is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\n')) {
                    return scanned;
                }
                if let Some(out) = out.as_deref_mut() {
                    out.push(b'\n');
                }
                continue;
            }
            Some(_) if blanks > 0 => {
                scanned.end += blanks;
                width = rest[..blanks].iter().fold(0, |w, byte| if *byte == b'\t' { (w & !7) + 8 } else { w + 1 });
                if indent > 0 {
                    if width < indent {
                        return scanned;
                    }
                    if let Some(out) = out.as_deref_mut() {
                        out.resize(out.len() + width - indent, b' ');
                    }
                }
            }
            Some(_) => {}
            None => {
                scanned.end = source.len();
                return scanned;
            }
        }
        let line = &source[scanned.end..];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        scanned.end += line.len();
        let text = line.trim_ascii_end();
        scanned.blank &= text.is_empty();
        if let Some(out) = out.as_deref_mut() {
            let trailing = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            out.extend_from_slice(&line[..line.len() - trailing]);
        }
        if indent == 0 {
            indent = width;
        }
    }
}
