//! Writes lines into a fragment and leaves the rest as it is.

use super::value::{is_number, is_tristate};

/// A line to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Name without the `CONFIG_` prefix.
    pub symbol: &'a str,
    /// `y`, `m`, `n`, a number, or a string with or without its quotes.
    pub value: &'a str,
    /// An explanation for the reader; may be empty.
    pub comment: &'a str,
    /// Byte offset in the line of a definition: the new line goes after it, or replaces it.
    pub beside: Option<usize>,
    /// Whether it replaces that line.
    pub replaces: bool,
}

/// Returns the text with these lines; those without an offset go to the end.
pub fn amend(text: &str, lines: &[Line<'_>]) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::new();
    let mut start = 0;
    for old in text.split_inclusive('\n') {
        let range = start..start + old.len();
        start = range.end;
        let here = |line: &&Line<'_>| line.beside.is_some_and(|offset| range.contains(&offset));
        if !lines.iter().filter(here).any(|line| line.replaces) {
            out.push_str(old);
        }
        lines.iter().filter(here).for_each(|line| write(&mut out, line, newline));
    }
    lines.iter().filter(|line| line.beside.is_none()).for_each(|line| write(&mut out, line, newline));
    out
}

fn write(out: &mut String, line: &Line<'_>, newline: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str(newline);
    }
    if !line.comment.is_empty() {
        out.push_str(&format!("# {}{newline}", line.comment));
    }
    let Line { symbol, value, .. } = line;
    let is_plain = is_tristate(value) || value.starts_with('"') || is_number(value);
    out.push_str(&match *value {
        "n" => format!("# CONFIG_{symbol} is not set{newline}"),
        value if is_plain => format!("CONFIG_{symbol}={value}{newline}"),
        value => format!("CONFIG_{symbol}=\"{}\"{newline}", value.replace('\\', "\\\\").replace('"', "\\\"")),
    });
}

#[cfg(test)]
mod tests {
    use super::{Line, amend};

    #[test]
    fn lines_go_behind_what_needs_them() {
        let text = "# ours\nCONFIG_A=y\nCONFIG_B=m";
        let line = |symbol, value, beside, replaces| Line { symbol, value, comment: "for A", beside, replaces };
        let new = amend(
            text,
            &[line("NET", "y", Some(7), false), line("B", "y", Some(18), true), line("C", "n", None, false)],
        );
        assert_eq!(
            new,
            "# ours\nCONFIG_A=y\n# for A\nCONFIG_NET=y\n# for A\nCONFIG_B=y\n# for A\n# CONFIG_C is not set\n"
        );
        let plain = |symbol, value| Line { symbol, value, comment: "", beside: None, replaces: false };
        let new = amend("", &[plain("S", "a \"b\""), plain("T", "\" \""), plain("N", "0x1f"), plain("I", "-3")]);
        assert_eq!(new, "CONFIG_S=\"a \\\"b\\\"\"\nCONFIG_T=\" \"\nCONFIG_N=0x1f\nCONFIG_I=-3\n");
    }

    #[test]
    fn every_number_that_can_be_read_is_written_bare() {
        for value in ["0", "-3", "0x1f", "0X1F", "ff00"] {
            let line = Line { symbol: "N", value, comment: "", beside: None, replaces: false };
            assert_eq!(amend("", &[line]), format!("CONFIG_N={value}\n"));
        }
    }
}
