//! The records of a pax header.
//!
//! ```text
//! record  LENGTH " " KEY "=" VALUE "\n"      LENGTH in decimal, of all of it
//! ```
//!
//! Source: POSIX `pax`; `decode_record` and the decoders of GNU tar's `src/xheader.c`.

use super::headers::MAX_NAME;
use super::number::MAX_SIZE;
use super::place::Refusal;

/// The facts in a pax header that decide where an entry and its bytes are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Its path.
    pub(super) path: Option<Vec<u8>>,
    /// The number of its bytes in the archive.
    pub(super) size: Option<u64>,
}

/// Checks all records of a header; `is_global` is one for all entries after it.
pub(super) fn check(content: &[u8], is_global: bool) -> Result<Facts, Refusal> {
    let mut facts = Facts::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (record, after) = record(rest).ok_or(Refusal::Record)?;
        rest = after;
        let at = record.iter().position(|&byte| byte == b'=').filter(|&at| at > 0).ok_or(Refusal::Record)?;
        let (key, value) = (&record[..at], &record[at + 1..]);
        if key.contains(&0) {
            return Err(Refusal::Record);
        }
        check_value(key, value)?;
        if !decides(key) {
            continue;
        }
        // The library ignores such a header, GNU tar follows it; of two records, one takes the first, one the last.
        if is_global || seen.contains(&key) {
            return Err(Refusal::Record);
        }
        seen.push(key);
        match key {
            b"path" => facts.path = Some(value.to_vec()),
            b"size" => facts.size = decimal(value, MAX_SIZE),
            _ => {}
        }
    }
    Ok(facts)
}

/// Returns the first record without its length and line end, and what follows it.
fn record(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let n_digits = content.iter().position(|&byte| byte == b' ')?;
    let length = usize::try_from(decimal(&content[..n_digits], MAX_SIZE)?).ok()?;
    let (record, rest) = content.split_at_checked(length)?;
    let record = record.get(n_digits + 1..)?.strip_suffix(b"\n")?;
    // The library looks for the end of the line instead of the length.
    (!record.contains(&b'\n')).then_some((record, rest))
}

fn check_value(key: &[u8], value: &[u8]) -> Result<(), Refusal> {
    let number = |max| decimal(value, max).map(drop);
    match key {
        b"size" => number(MAX_SIZE).ok_or(Refusal::Number("size"))?,
        b"uid" => number(u32::MAX.into()).ok_or(Refusal::Number("user"))?,
        b"gid" => number(u32::MAX.into()).ok_or(Refusal::Number("group"))?,
        b"mtime" | b"atime" | b"ctime" => time(value).ok_or(Refusal::Number("time"))?,
        b"path" | b"linkpath" if value.len() > MAX_NAME => return Err(Refusal::LongName(MAX_NAME)),
        // The bytes of such a file are a map and what is between the holes; unpacked as they are, they are no file.
        _ if key.starts_with(b"GNU.sparse.") => return Err(Refusal::PaxSparse),
        _ => {}
    }
    Ok(())
}

/// Whether a record says where an entry or its bytes are.
fn decides(key: &[u8]) -> bool {
    matches!(key, b"path" | b"linkpath" | b"size")
}

/// Returns a number of decimal digits, at most `max`.
fn decimal(text: &[u8], max: u64) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|&number| number <= max)
}

/// `[-]SECONDS[.FRACTION]`.
fn time(text: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = seconds.strip_prefix('-').unwrap_or(seconds);
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    seconds.parse::<i64>().ok().filter(|_| all_digits(digits) && all_digits(fraction)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_of(key: &str, value: &str) -> String {
        let rest = format!(" {key}={value}\n");
        let length = (rest.len()..).find(|n| n.to_string().len() + rest.len() == *n).unwrap();
        format!("{length}{rest}")
    }

    #[test]
    fn reads_records() {
        let text = [("mtime", "-1.5"), ("path", "a=b"), ("size", "12"), ("SCHILY.xattr.user.x", "")];
        let text: String = text.iter().map(|(key, value)| record_of(key, value)).collect();
        assert_eq!(check(text.as_bytes(), false), Ok(Facts { path: Some(b"a=b".to_vec()), size: Some(12) }));
        assert_eq!(check(record_of("comment", "0123").as_bytes(), true), Ok(Facts::default()));
    }

    #[test]
    fn refuses_what_gnu_tar_refuses_or_reads_otherwise() {
        for (key, value, refusal) in [
            ("size", "99999999999999999999", Refusal::Number("size")),
            ("size", "9223372036854775808", Refusal::Number("size")),
            ("size", "-1", Refusal::Number("size")),
            ("size", "+1", Refusal::Number("size")),
            ("size", "", Refusal::Number("size")),
            ("mtime", "x", Refusal::Number("time")),
            ("mtime", "99999999999999999999", Refusal::Number("time")),
            ("uid", "4294967296", Refusal::Number("user")),
            ("path", &"x".repeat(4097), Refusal::LongName(4096)),
            ("GNU.sparse.major", "1", Refusal::PaxSparse),
            ("comment", "two\nlines", Refusal::Record),
        ] {
            assert_eq!(check(record_of(key, value).as_bytes(), false), Err(refusal), "{key}={value}");
        }
        let twice = record_of("path", "a") + &record_of("path", "b");
        assert_eq!(check(twice.as_bytes(), false), Err(Refusal::Record));
        assert_eq!(check(record_of("path", "a").as_bytes(), true), Err(Refusal::Record));
        for text in [
            "x",
            "8 path=a\n",
            "11 path=a\n",
            "10 path=a ",
            "9 path a\n",
            "99999999999999999999 a=b\n",
            "4 =\n",
            "8 a\0b=c\n",
        ] {
            assert_eq!(check(text.as_bytes(), false), Err(Refusal::Record), "{text:?}");
        }
    }
}
