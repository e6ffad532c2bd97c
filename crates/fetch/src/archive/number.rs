//! The numbers in a tar's headers, read as GNU tar reads them, and refused where it refuses them.
//!
//! ```text
//! octal     blanks, then digits 0-7, then NUL or a blank, or the end of the field
//! base 256  first byte 0x80 (positive) or 0xff (negative), the others big-endian
//! empty     a NUL first: 0
//! ```
//!
//! Source: `from_header` in GNU tar's `src/list.c`.

/// The error of a field that has no number, or one that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The sizes of files that Linux and GNU tar know.
pub(super) const MAX_SIZE: u64 = i64::MAX as u64;

/// Returns the number in `field`, at most `max`.
pub(super) fn unsigned(field: &[u8], max: u64) -> Result<u64, Malformed> {
    u64::try_from(signed(field)?).ok().filter(|&number| number <= max).ok_or(Malformed)
}

/// Returns the number in `field`, which may be negative.
pub(super) fn signed(field: &[u8]) -> Result<i128, Malformed> {
    match field.first() {
        Some(0x80 | 0xff) => base_256(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Result<i128, Malformed> {
    let start = field.iter().position(|byte| !is_blank(*byte)).ok_or(Malformed)?;
    let field = &field[start..];
    let n_digits = field.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    // Without a digit, only an empty field is a number.
    if field.get(n_digits).is_some_and(|&end| end != 0 && (n_digits == 0 || !is_blank(end))) {
        return Err(Malformed);
    }
    // A field has at most 12 digits.
    field[..n_digits].iter().try_fold(0i128, |number, digit| {
        number.checked_mul(8).and_then(|number| number.checked_add(i128::from(digit - b'0'))).ok_or(Malformed)
    })
}

fn base_256(field: &[u8]) -> Result<i128, Malformed> {
    // Two bits of the first byte mark the form and the sign.
    let first: i128 = if field[0] == 0xff { -1 } else { 0 };
    field[1..].iter().try_fold(first, |number, byte| {
        let number = number.checked_mul(256).ok_or(Malformed)? + i128::from(*byte);
        // As wide as GNU tar's `uintmax_t`, with a sign.
        let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number);
        fits.then_some(number).ok_or(Malformed)
    })
}

/// `isspace` of the C locale.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_gnu_tar_reads() {
        for (field, number) in [
            (&b"00000000012\0"[..], 10),
            (b"   12 \0", 10),
            (b"777777777777", 0o777_777_777_777),
            (b"12 34\0", 10),
            (b"\0\0\0\0", 0),
            (b"  \x0012", 0),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\x02", 258),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
        ] {
            assert_eq!(signed(field), Ok(number), "{field:?}");
        }
    }

    #[test]
    fn refuses_what_gnu_tar_refuses() {
        let two_to_80 = b"\x80\x01\0\0\0\0\0\0\0\0\0\0";
        let two_to_63 = b"\x80\0\0\0\x80\0\0\0\0\0\0\0";
        for field in [&b"            "[..], b"12a\0", b"9\0", b"-1\0", b"\x81\0\0\0", b"", two_to_80, two_to_63] {
            assert_eq!(unsigned(field, MAX_SIZE), Err(Malformed), "{field:?}");
        }
        assert_eq!(unsigned(b"\xff\xff\xff\xfe", MAX_SIZE), Err(Malformed));
        assert_eq!(unsigned(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", MAX_SIZE), Ok(MAX_SIZE));
    }
}
