//! SHA-256 digests, which are what projects publish for their tarballs.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use kiln_exec::interrupted;
use sha2::Digest;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

/// The error for a text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256: that has 64 hexadecimal digits")]
pub struct NotSha256(String);

impl Sha256 {
    /// The digest of the bytes of a file.
    ///
    /// # Errors
    /// The system's error; [`io::ErrorKind::Interrupted`] when the user asked us to stop.
    pub fn of_file(path: &Path) -> io::Result<Sha256> {
        let mut file = kiln_file::open(path)?;
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            interrupted().map_err(|interrupt| io::Error::new(io::ErrorKind::Interrupted, interrupt))?;
            match file.read(&mut buffer)? {
                0 => return Ok(Sha256(hasher.finalize().into())),
                n_read => hasher.update(&buffer[..n_read]),
            }
        }
    }
}

impl FromStr for Sha256 {
    type Err = NotSha256;

    fn from_str(text: &str) -> Result<Sha256, NotSha256> {
        let wrong = || NotSha256(text.to_owned());
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Sha256(bytes))
    }
}

impl AsRef<[u8]> for Sha256 {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let empty: Sha256 = text.parse().unwrap();
        assert_eq!(empty.to_string(), text);
        assert_eq!(empty, text.to_uppercase().parse().unwrap());
        assert_eq!(empty, Sha256::of_file(tempfile::NamedTempFile::new().unwrap().path()).unwrap());
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "e3b0", &"g".repeat(64), &"é".repeat(32), &"a".repeat(65)] {
            assert_eq!(text.parse::<Sha256>(), Err(NotSha256(text.to_owned())));
        }
    }
}
