//! The name of a result: a hash of every input that can change it.
//!
//! The encoding is kiln's own and versioned: every field is `name length, name, value length, value`, lengths as 64-bit
//! little endian, hashed with BLAKE3. The first field is the kind of step with its version, so that two kinds never
//! share a key and a change of a step's work makes a new one.

use std::fmt;

/// The name of one result in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

/// Collects the fields of a key.
#[derive(Debug, Clone)]
pub struct KeyWriter {
    hasher: blake3::Hasher,
    /// The step, for the log.
    kind: String,
}

impl KeyWriter {
    /// Starts the key of a step of `kind`, for example `source/1`.
    pub fn new(kind: &str) -> KeyWriter {
        let mut writer = KeyWriter { hasher: blake3::Hasher::new(), kind: kind.to_owned() };
        writer.raw(b"kiln key 1");
        writer.raw(kind.as_bytes());
        writer
    }

    /// Adds a field; the order of fields is part of the key.
    pub fn field(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut KeyWriter {
        self.raw(name.as_bytes());
        self.raw(value.as_ref());
        self.log(name, |digest| {
            digest.update(value.as_ref());
        });
        self
    }

    /// Adds a field that is a list; the order of items is part of the key.
    pub fn list<I: IntoIterator<Item = T>, T: AsRef<[u8]>>(&mut self, name: &str, items: I) -> &mut KeyWriter {
        let items: Vec<T> = items.into_iter().collect();
        self.raw(name.as_bytes());
        self.raw(&(items.len() as u64).to_le_bytes());
        for item in &items {
            self.raw(item.as_ref());
        }
        self.log(name, |digest| {
            for item in &items {
                digest.update(item.as_ref()).update(&[0]);
            }
        });
        self
    }

    /// Returns the key of all fields so far.
    pub fn finish(&self) -> Key {
        let key = Key(*self.hasher.finalize().as_bytes());
        tracing::debug!(step = self.kind, %key, "key");
        key
    }

    /// Logs a digest of a field: of two runs with different keys, the log shows the field that differs.
    fn log(&self, name: &str, content: impl FnOnce(&mut blake3::Hasher)) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let mut digest = blake3::Hasher::new();
            content(&mut digest);
            let digest = Key(*digest.finalize().as_bytes());
            tracing::debug!(step = self.kind, field = name, %digest, "input");
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Key {
    /// Displays 32 hexadecimal digits: 128 bits are enough to name a result, and keep paths short.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..16].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_cannot_be_confused() {
        let one = KeyWriter::new("k/1").field("a", "bc").finish();
        let two = KeyWriter::new("k/1").field("ab", "c").finish();
        let list = KeyWriter::new("k/1").list("a", ["b", "c"]).finish();
        let other = KeyWriter::new("k/1").list("a", ["bc"]).finish();
        assert!(one != two && list != other && one != list);
        assert_eq!(one.to_string().len(), 32);
    }
}
