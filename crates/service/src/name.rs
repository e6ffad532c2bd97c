//! Names that are safe as a file name, as a word of a shell script, and as a service of each manager.

use std::fmt;

/// The prefix of every loader's service name.
const PREFIX: &str = "kmodloader-";
/// The maximum length of a loader's service name, in bytes.
const LOADER_SERVICE_BYTES: usize = 64;
/// The maximum length of a foreign service's name, in bytes: a file name less the suffix of a unit.
const SERVICE_BYTES: usize = 240;
/// The suffixes of systemd's units; a service name with one of these is used as a unit's full name.
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

/// The name of a service that is defined elsewhere, as its manager knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

/// The reason why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The name is too long.
    #[error("the name is {bytes} bytes long; at most {most} are possible")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The maximum length.
        most: usize,
    },
    /// The name begins with a character that is special to a file system, a shell or a manager.
    #[error("a name cannot begin with {first:?}; it begins with a letter or a digit")]
    BadStart {
        /// The first character.
        first: char,
    },
    /// The name has a character that is special to a file system, a shell or a manager.
    #[error("a name cannot contain {bad:?}; it may contain {allowed}")]
    BadCharacter {
        /// The first such character.
        bad: char,
        /// The allowed characters, for people.
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

    /// Returns the name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of this loader's service, at most 64 bytes: `kmodloader-NAME`.
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

    /// Returns the name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of systemd's unit.
    pub fn unit(&self) -> String {
        match UNIT_SUFFIXES.iter().any(|suffix| self.0.ends_with(suffix)) {
            true => self.0.clone(),
            false => format!("{}.service", self.0),
        }
    }

    /// Returns the name for managers other than systemd.
    pub fn plain(&self) -> &str {
        self.0.strip_suffix(".service").filter(|name| !name.is_empty()).unwrap_or(&self.0)
    }

    /// Returns the loader whose service has this name.
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
        check_loader("a/b", expect!["a name cannot contain '/'; it may contain letters, digits, `-` and `_`"]);
        check_loader("..", expect!["a name cannot contain '.'; it may contain letters, digits, `-` and `_`"]);
        check_loader("a b", expect!["a name cannot contain ' '; it may contain letters, digits, `-` and `_`"]);
        check_loader("a\nb", expect![[r"a name cannot contain '\n'; it may contain letters, digits, `-` and `_`"]]);
        check_loader("a@b", expect!["a name cannot contain '@'; it may contain letters, digits, `-` and `_`"]);
        check_loader("über", expect!["a name cannot contain 'ü'; it may contain letters, digits, `-` and `_`"]);
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
