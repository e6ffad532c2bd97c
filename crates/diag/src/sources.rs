//! Texts, their names, and positions in them.

/// Identifies one text in a [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A half-open byte range in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text that the range is in.
    pub file: FileId,
    /// Byte offset of the first byte.
    pub start: u32,
    /// Byte offset after the last byte; never below `start`.
    pub end: u32,
}

/// A position in the form that people read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The text's name as it was given to [`Sources::add`].
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters (not bytes), from 1.
    pub column: u32,
}

/// Every text that a message may point into.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: String,
    /// Byte offset of each line's first byte; the first is 0.
    line_starts: Vec<u32>,
}

impl Span {
    /// Makes the span of `range` in `file`.
    ///
    /// Offsets beyond 4 GiB are capped: no text that large is read.
    pub fn new(file: FileId, range: std::ops::Range<usize>) -> Span {
        let cap = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: cap(range.start), end: cap(range.end.max(range.start)) }
    }

    /// The range as indices into the text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Sources {
    /// Makes an empty set.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a text under the name that messages use.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i as u32 + 1));
        let id = FileId(u32::try_from(self.files.len()).expect("fewer than 2^32 files"));
        self.files.push(Source { name: name.into(), text, line_starts });
        id
    }

    /// Returns the first text that was added under `name`.
    pub fn find(&self, name: &str) -> Option<FileId> {
        self.files.iter().position(|source| source.name == name).map(|index| FileId(index as u32))
    }

    /// Returns the name that `file` was added under.
    pub fn name(&self, file: FileId) -> &str {
        &self.source(file).name
    }

    /// Returns the whole text of `file`.
    pub fn text(&self, file: FileId) -> &str {
        &self.source(file).text
    }

    /// Returns the text that `span` covers; empty when the span is outside the text.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or("")
    }

    /// Returns the span of line `line` (from 1) of `file`, without its newline.
    pub fn line_span(&self, file: FileId, line: u32) -> Span {
        let source = self.source(file);
        let index = (line.max(1) as usize - 1).min(source.line_starts.len() - 1);
        let start = source.line_starts[index] as usize;
        let end = source.line_starts.get(index + 1).map_or(source.text.len(), |&next| next as usize - 1);
        Span::new(file, start..end)
    }

    /// Returns the position of the start of `span`.
    pub fn location(&self, span: Span) -> Location {
        let source = self.source(span.file);
        let line = source.line_starts.partition_point(|&start| start <= span.start);
        let line_start = source.line_starts[line - 1] as usize;
        let before = source.text.as_bytes().get(line_start..span.start as usize).unwrap_or(b"");
        let column = String::from_utf8_lossy(before).chars().count() as u32 + 1;
        Location { file: source.name.clone(), line: line as u32, column }
    }

    fn source(&self, file: FileId) -> &Source {
        &self.files[file.0 as usize]
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_count_characters_from_one() {
        let mut sources = Sources::new();
        let file = sources.add("a.toml", "x = 1\né = \"ü\" # ok\n");
        let at = |start| sources.location(Span::new(file, start..start)).to_string();
        assert_eq!(at(0), "a.toml:1:1");
        assert_eq!(at(5), "a.toml:1:6");
        assert_eq!(at(6), "a.toml:2:1");
        assert_eq!(at(9), "a.toml:2:3");
        assert_eq!(sources.location(Span::new(file, 22..22)).line, 3);
    }

    #[test]
    fn a_line_span_leaves_the_newline_out() {
        let mut sources = Sources::new();
        let file = sources.add("f", "one\ntwo\n");
        assert_eq!(sources.snippet(sources.line_span(file, 2)), "two");
        assert_eq!(sources.snippet(sources.line_span(file, 9)), "");
    }
}
