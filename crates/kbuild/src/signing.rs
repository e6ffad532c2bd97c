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
use kiln_store::{Progress, Sealed, Store, StoreError, write_whole};

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
        let path = dir.join(KEY);
        let refused = |source| SigningError::Io { path: path.clone(), source };
        let _lock = store.lock("signing-key", "the signing key", progress)?;
        if let Some(why) = damage(store)? {
            progress.note(&format!(
                "{} in the store is damaged: {why}; another key is made, and kernels with the earlier one load no module \
                 that is built from now on",
                path.display()
            ));
            kiln_store::remove(&path).map_err(refused)?;
        }
        if !path.exists() {
            make(&dir, &path, toolchain)?;
            progress.note(&format!("made a key to sign modules with: {}", path.display()));
        }
        let digest = blake3::hash(&kiln_file::read(&path).map_err(refused)?).to_hex().to_string();
        let noted = noted(store)?;
        if noted.read().as_deref() != Some(digest.as_bytes()) {
            noted.write(digest.as_bytes()).map_err(refused)?;
        }
        Ok(Signing { path, digest })
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
        kiln_store::replace_link(file, &path).map_err(|source| refused(&path, source))?;
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

/// Returns what is wrong with the store's key, compared with the digest from when it was made; `None` when there is no
/// key, and for one of an earlier kiln, which kept no digest.
///
/// # Errors
/// [`StoreError`].
pub fn damage(store: &Store) -> Result<Option<String>, StoreError> {
    let path = store.cache("signing")?.join(KEY);
    let Ok(meta) = fs::symlink_metadata(&path) else { return Ok(None) };
    if !meta.is_file() {
        return Ok(Some("it is not a file".to_owned()));
    }
    // A damaged digest says nothing about the key.
    let Ok(Some(noted)) = noted(store)?.check() else { return Ok(None) };
    Ok(match fs::read(&path) {
        Ok(bytes) if blake3::hash(&bytes).to_hex().as_bytes() == noted => None,
        Ok(_) => Some("its bytes are not those that were written".to_owned()),
        Err(error) => Some(error.to_string()),
    })
}

/// The path of the key in the store.
pub const KEY_PATH: &str = "cache/signing/signing_key.pem";
const KEY: &str = "signing_key.pem";

/// Returns the file with the digest of the store's key.
fn noted(store: &Store) -> Result<Sealed, StoreError> {
    store.cached("signing-digests", KEY)
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
    write_whole(&request, text.as_bytes()).map_err(refused)?;
    let unfinished = dir.join("signing_key.part");
    kiln_store::remove(&unfinished).map_err(refused)?;
    // Whatever the umask is: openssl keeps the rights of a file that is there.
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
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
