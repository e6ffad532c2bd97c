//! The key that modules are signed with.
//!
//! By default, Kbuild generates a new key for every build directory, and its certificate becomes part of the kernel: no
//! two builds would be the same, and an earlier kernel would not trust a module that is built later. So kiln makes one
//! key per store, once, and uses it for every kernel.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use kiln_exec::{Exec, ExecError};
use kiln_kconfig::Config;
use kiln_store::{Progress, Store, StoreError};

use crate::toolchain::Toolchain;

/// A key with its certificate, in one PEM file.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    path: PathBuf,
    digest: String,
}

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// An error of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key could not be made.
    #[error("cannot make a key to sign modules with (Debian's package `openssl` has the program)")]
    Make(#[source] ExecError),
    /// The file of `kernel.signingKey` lacks a required part.
    #[error(
        "the signing key {} has no {lacks} in PEM: `openssl req -new -nodes -x509 -newkey rsa:4096 -days 36500 \
         -subj /CN=modules -keyout KEY -out KEY` makes a file with both",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The missing part.
        lacks: &'static str,
    },
    /// The key could not be read or stored.
    #[error("cannot access the signing key {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The place of the key in Kconfig's default; the user manages a key in another place.
const DEFAULT_PLACE: &str = "\"certs/signing_key.pem\"";

impl Signing {
    /// Whether the build of this config would generate a key.
    pub(crate) fn wanted(config: &Config) -> bool {
        config.get("MODULE_SIG_KEY") == Some(DEFAULT_PLACE)
            && ["MODULE_SIG", "IMA_APPRAISE_MODSIG"].iter().any(|symbol| config.get(symbol) == Some("y"))
    }

    /// Returns the store's key, made when there is none.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub(crate) fn key(store: &Store, toolchain: &Toolchain, progress: &dyn Progress) -> Result<Signing, SigningError> {
        let dir = store.cache("signing")?;
        let path = dir.join("signing_key.pem");
        let _lock = store.lock("signing-key", "the signing key", progress)?;
        if !path.is_file() {
            make(&dir, &path, toolchain)?;
            progress.note(&format!("made a key to sign modules with: {}", path.display()));
        }
        let bytes = kiln_file::read(&path).map_err(|source| SigningError::Io { path: path.clone(), source })?;
        Ok(Signing { path, digest: blake3::hash(&bytes).to_hex().to_string() })
    }

    /// Returns the key in a file of the user's.
    ///
    /// Kbuild checks the path and the time of the file; so it gets a link whose name is derived from the content, and
    /// no other key is mistaken for this one.
    /// # Errors
    /// [`SigningError::Io`], [`SigningError::NoKey`].
    pub(crate) fn named(store: &Store, file: &Path) -> Result<Signing, SigningError> {
        let refused = |path: &Path, source| SigningError::Io { path: path.to_owned(), source };
        let bytes = kiln_file::read(file).map_err(|source| refused(file, source))?;
        let text = String::from_utf8_lossy(&bytes);
        let lacks = ["PRIVATE KEY-----", "BEGIN CERTIFICATE-----"].into_iter().find(|part| !text.contains(part));
        if let Some(lacks) = lacks {
            let lacks = if lacks.starts_with("PRIVATE") { "private key" } else { "certificate" };
            return Err(SigningError::NoKey { path: file.to_owned(), lacks });
        }
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let path = store.cache("signing")?.join(format!("named-{}.pem", &digest[..32]));
        kiln_store::link(file, &path).map_err(|error| refused(&path, io::Error::other(error)))?;
        Ok(Signing { path, digest })
    }

    /// Returns the PEM file with key and certificate.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a digest of the file.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }
}

/// Makes the key as the kernel's own rules do: RSA, self-signed, valid for a century.
///
/// # Source
/// `certs/Makefile` and `certs/default_x509.genkey`.
fn make(dir: &Path, path: &Path, toolchain: &Toolchain) -> Result<(), SigningError> {
    let refused = |source| SigningError::Io { path: path.to_owned(), source };
    let request = dir.join("x509.genkey");
    let text = "[ req ]\ndefault_bits = 4096\ndistinguished_name = name\nprompt = no\nstring_mask = utf8only\n\
                x509_extensions = extensions\n[ name ]\nCN = kiln module signing key\n[ extensions ]\n\
                basicConstraints = critical,CA:FALSE\nkeyUsage = digitalSignature\n\
                subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n";
    fs::write(&request, text).map_err(refused)?;
    let unfinished = dir.join("signing_key.part");
    // Whatever the umask is: openssl keeps the rights of a file that is there.
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600)))
        .map_err(refused)?;
    Exec::new("openssl")
        .env("PATH", toolchain.path())
        .args(["req", "-new", "-nodes", "-utf8", "-sha512", "-days", "36500", "-batch", "-x509", "-outform", "PEM"])
        .arg("-config")
        .arg(&request)
        .arg("-out")
        .arg(&unfinished)
        .arg("-keyout")
        .arg(&unfinished)
        .text()
        .map_err(SigningError::Make)?;
    fs::rename(&unfinished, path).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_key_goes_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let file = dir.path().join("key.pem");
        let key = |name: &str| {
            let text = format!(
                "-----BEGIN PRIVATE KEY-----\n{name}\n-----END PRIVATE KEY-----\n\
                 -----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n"
            );
            fs::write(&file, text).unwrap();
            Signing::named(&store, &file).unwrap()
        };
        let (first, second, again) = (key("one"), key("two"), key("one"));
        assert!(first.path() != second.path() && first.digest() != second.digest());
        assert_eq!((first.path(), first.digest()), (again.path(), again.digest()));
        assert_eq!(fs::read(again.path()).unwrap(), fs::read(&file).unwrap());
        fs::write(&file, "-----BEGIN PRIVATE KEY-----\n").unwrap();
        let error = Signing::named(&store, &file).unwrap_err().to_string();
        assert!(error.contains("has no certificate in PEM"), "{error}");
    }
}
