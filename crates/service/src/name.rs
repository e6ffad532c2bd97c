//! Names that are safe as a file, as a word of a shell script, and as a service of each manager.

use std::fmt;

/// What every loader's service is called, before its own name.
const PREFIX: &str = "kmodloader-";
/// The longest name of a service that is made here, in bytes.
const LOADER_SERVICE_BYTES: usize = 64;
/// The longest name of a foreign service, in bytes: a file name less the suffix of a unit.
const SERVICE_BYTES: usize = 240;
/// What systemd's units end in; a service's name with one of these is taken for a unit's name as it stands.
const UNIT_SUFFIXES: [&str; 11] = [
    ".service",
    ".socket",
    ".device",
    ".mount",
    ".automount",
    ".swap",
    ".target",
    ".path",
    ".timer",
    ".slice",
    ".scope",
];

/// The name of a loader: ASCII letters, digits, `-` and `_`, beginning with a letter or digit, at most 53 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoaderName(String);

/// The name of a service that somebody else defines, as its manager knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no name.
    #[error("a name cannot be empty")]
    Empty,
    /// The name does not fit.
    #[error("the name is {bytes} bytes long; at most {most} are possible")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// The name begins with something that a file system, a shell or a manager gives a meaning.
    #[error("a name cannot begin with {first:?}; it begins with a letter or a digit")]
    BadStart {
        /// The first character.
        first: char,
    },
    /// The name has a character that a file system, a shell or a manager gives a meaning.
    #[error("a name cannot hold {bad:?}; it may hold {allowed}")]
    BadCharacter {
        /// The first character at fault.
        bad: char,
        /// Which are fine, for people.
        allowed: &'static str,
    },
}

impl LoaderName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`NameError`] when the name is empty, too long, or unsafe for a file system or a service manager.
    pub fn new(name: impl Into<String>) -> Result<LoaderName, NameError> {
        let name = name.into();
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        check(&name, LOADER_SERVICE_BYTES - PREFIX.len(), fine, "letters, digits, `-` and `_`")?;
        Ok(LoaderName(name))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of this loader's service, at most 64 bytes: `kmodloader-NAME`.
    pub fn service(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }
}

impl ServiceName {
    /// Checks a name; `NAME`, or a unit's full name such as `NAME.service` or `NAME.target`.
    ///
    /// # Errors
    /// [`NameError`] when the name is empty, too long, or unsafe for a file system or a service manager.
    pub fn new(name: impl Into<String>) -> Result<ServiceName, NameError> {
        let name = name.into();
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.:@+".contains(c);
        check(&name, SERVICE_BYTES, fine, "letters, digits, and `-_.:@+`")?;
        Ok(ServiceName(name))
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of systemd's unit.
    pub fn unit(&self) -> String {
        match UNIT_SUFFIXES.iter().any(|suffix| self.0.ends_with(suffix)) {
            true => self.0.clone(),
            false => format!("{}.service", self.0),
        }
    }

    /// The name that managers other than systemd know.
    pub fn plain(&self) -> &str {
        self.0.strip_suffix(".service").filter(|name| !name.is_empty()).unwrap_or(&self.0)
    }

    /// The loader that this name would be the service of.
    pub(crate) fn loader(&self) -> Option<LoaderName> {
        LoaderName::new(self.plain().strip_prefix(PREFIX)?).ok()
    }
}

impl fmt::Display for LoaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(name: &str, most: usize, fine: impl Fn(char) -> bool, allowed: &'static str) -> Result<(), NameError> {
    let first = name.chars().next().ok_or(NameError::Empty)?;
    if let Some(bad) = name.chars().find(|&c| !fine(c)) {
        return Err(NameError::BadCharacter { bad, allowed });
    }
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::BadStart { first });
    }
    match name.len() {
        bytes if bytes > most => Err(NameError::TooLong { bytes, most }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check_loader(name: &str, want: Expect) {
        want.assert_eq(&match LoaderName::new(name) {
            Ok(name) => name.service(),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn loader_names() {
        check_loader("firewall", expect!["kmodloader-firewall"]);
        check_loader("8021q_x-2", expect!["kmodloader-8021q_x-2"]);
        check_loader("", expect!["a name cannot be empty"]);
        check_loader("a/b", expect!["a name cannot hold '/'; it may hold letters, digits, `-` and `_`"]);
        check_loader("..", expect!["a name cannot hold '.'; it may hold letters, digits, `-` and `_`"]);
        check_loader("a b", expect!["a name cannot hold ' '; it may hold letters, digits, `-` and `_`"]);
        check_loader("a\nb", expect![[r"a name cannot hold '\n'; it may hold letters, digits, `-` and `_`"]]);
        check_loader("a@b", expect!["a name cannot hold '@'; it may hold letters, digits, `-` and `_`"]);
        check_loader("über", expect!["a name cannot hold 'ü'; it may hold letters, digits, `-` and `_`"]);
        check_loader("-x", expect!["a name cannot begin with '-'; it begins with a letter or a digit"]);
        check_loader(&"x".repeat(54), expect!["the name is 54 bytes long; at most 53 are possible"]);
        assert_eq!(LoaderName::new("x".repeat(53)).map(|name| name.service().len()), Ok(64));
    }

    #[test]
    fn service_names() {
        let names = |name: &str| ServiceName::new(name).map(|name| (name.unit(), name.plain().to_owned()));
        let pair = |unit: &str, plain: &str| Ok((unit.to_owned(), plain.to_owned()));
        assert_eq!(names("wlan-calibration"), pair("wlan-calibration.service", "wlan-calibration"));
        assert_eq!(names("net.eth0"), pair("net.eth0.service", "net.eth0"));
        assert_eq!(names("getty@tty1.service"), pair("getty@tty1.service", "getty@tty1"));
        assert_eq!(names("network.target"), pair("network.target", "network.target"));
        assert!(names("a b").is_err() && names("a/../b").is_err() && names("a%n").is_err() && names("$a").is_err());
    }
}
