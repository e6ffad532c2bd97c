//! Kernel versions and ranges of them.
//!
//! A version is compared by its numbers: `6.13-rc1` ranks as `6.13`, because a recipe that requires 6.13's features
//! also fits its release candidates. Missing numbers count as zero in a kernel's own version, and as unknown in a
//! recipe's: `6.12` may be any 6.12.

use std::fmt;

/// A kernel's version, or as much of one as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelVersion {
    /// As written.
    text: String,
    /// One to three numbers, most significant first.
    numbers: Vec<u32>,
}

/// A range of versions: `>=6.6`, `6.12`, `>=5.15, <6.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    /// All must hold.
    comparators: Vec<(Comparator, Vec<u32>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Why a text is not a version or a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not `N`, `N.N` or `N.N.N` with an optional suffix.
    #[error("`{0}` is not a kernel version such as `6.12` or `6.12.3`")]
    Version(String),
    /// Not a comparator with a version.
    #[error("`{0}` is not a range of versions such as `>=6.6` or `>=5.15, <6.1`")]
    Range(String),
}

impl KernelVersion {
    /// Reads `6`, `6.12`, `6.12.117`, each with an optional suffix that begins with `-` or `+` (`-rc1`, `-1-amd64`).
    ///
    /// # Errors
    /// [`VersionError::Version`] when it is anything else.
    pub fn parse(text: &str) -> Result<KernelVersion, VersionError> {
        let digits = text.split(['-', '+']).next().unwrap_or("");
        match numbers(digits) {
            Some(numbers) => Ok(KernelVersion { text: text.to_owned(), numbers }),
            None => Err(VersionError::Version(text.to_owned())),
        }
    }

    /// Whether a recipe's version `self` means the kernel version `real`.
    ///
    /// The numbers written must be `real`'s first ones, and a suffix must be `real`'s: `6.12` means 6.12.117 too, while
    /// `6.13-rc1` means only itself.
    pub fn agrees(&self, real: &KernelVersion) -> bool {
        let suffix = |version: &KernelVersion| version.text.find(['-', '+']).map(|at| version.text[at..].to_owned());
        let numbers = self.numbers.iter().enumerate().all(|(index, &number)| number == real.number(index));
        numbers && (suffix(self).is_none() || suffix(self) == suffix(real))
    }

    fn number(&self, index: usize) -> u32 {
        self.numbers.get(index).copied().unwrap_or(0)
    }
}

impl VersionRange {
    /// Reads comparators with commas between them.
    ///
    /// `6.12` and `=6.12` hold for all of 6.12, `!=6.12` for none of it, `>6.12` from 6.13 on, `<=6.12` up to the last
    /// 6.12; `>=` and `<` have their usual meaning. `6.12.*` is `6.12`.
    ///
    /// # Errors
    /// [`VersionError::Range`] when it is anything else.
    pub fn parse(text: &str) -> Result<VersionRange, VersionError> {
        let comparators = text.split(',').map(|part| comparator(part.trim())).collect::<Option<Vec<_>>>();
        comparators.map(|comparators| VersionRange { comparators }).ok_or_else(|| VersionError::Range(text.to_owned()))
    }

    /// Whether a kernel of exactly `version` is in the range.
    pub fn contains(&self, version: &KernelVersion) -> bool {
        let numbers = [version.number(0), version.number(1), version.number(2)];
        self.comparators.iter().all(|(comparator, bound)| holds(*comparator, &numbers, bound) == Some(true))
    }

    /// Whether every kernel that `version` may mean is in the range; `None` when only some of them are.
    pub fn contains_all(&self, version: &KernelVersion) -> Option<bool> {
        let mut all = Some(true);
        for (comparator, bound) in &self.comparators {
            match holds(*comparator, &version.numbers, bound) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => all = None,
            }
        }
        all
    }
}

/// Compares as many numbers as the bound has; `None` when the version has fewer and the result depends on the rest.
fn holds(comparator: Comparator, version: &[u32], bound: &[u32]) -> Option<bool> {
    let known = version.len().min(bound.len());
    let order = version[..known].cmp(&bound[..known]);
    if order.is_eq() && known < bound.len() {
        return None;
    }
    Some(match comparator {
        Comparator::Equal => order.is_eq(),
        Comparator::NotEqual => order.is_ne(),
        Comparator::Less => order.is_lt(),
        Comparator::AtMost => order.is_le(),
        Comparator::Greater => order.is_gt(),
        Comparator::AtLeast => order.is_ge(),
    })
}

fn comparator(text: &str) -> Option<(Comparator, Vec<u32>)> {
    let table = [
        (">=", Comparator::AtLeast),
        ("<=", Comparator::AtMost),
        ("!=", Comparator::NotEqual),
        (">", Comparator::Greater),
        ("<", Comparator::Less),
        ("=", Comparator::Equal),
        ("", Comparator::Equal),
    ];
    let (comparator, rest) =
        table.into_iter().find_map(|(prefix, comparator)| Some((comparator, text.strip_prefix(prefix)?)))?;
    let rest = rest.trim();
    Some((comparator, numbers(rest.strip_suffix(".*").unwrap_or(rest.split('-').next().unwrap_or(rest)))?))
}

/// Parses one to three numbers with dots between them.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let numbers: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    (numbers.len() <= 3).then_some(numbers)
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let check = |range, version, want: Option<bool>| {
            let version = KernelVersion::parse(version).expect("a version");
            let got = VersionRange::parse(range).expect("a range").contains_all(&version);
            assert_eq!(got, want, "{version} in {range}");
        };
        check("6.12", "6.12.117", Some(true));
        check("6.12", "6.13", Some(false));
        check("=6.12.*", "6.12.1", Some(true));
        check(">=6.6", "6.6.0", Some(true));
        check(">=6.6", "6.5.9", Some(false));
        check(">6.6", "6.6.9", Some(false));
        check(">6.6", "6.7", Some(true));
        check("<=6.6", "6.6.9", Some(true));
        check("<6.6", "6.6-rc1", Some(false));
        check("<6.6", "5.15.1", Some(true));
        check(">=6.13", "6.13-rc1", Some(true));
        check(">=5.15, <6.1", "6.0.3", Some(true));
        check(">=5.15, <6.1", "6.1", Some(false));
        check("!=6.12", "6.12.4", Some(false));
        check(">=6.12.50", "6.12", None);
        check(">=6.11.50", "6.12", Some(true));
        check("<6.12.50, >=7", "6.12", Some(false));
    }

    #[test]
    fn a_whole_version_leaves_nothing_open() {
        let range = VersionRange::parse("<6.12.50").expect("a range");
        assert!(range.contains(&KernelVersion::parse("6.12").expect("a version")));
    }

    #[test]
    fn refused() {
        for text in ["", "six", "6.", ".6", "6..1", "6.1.2.3", "6.x", "99999999999", "v6.1", "6 .1", "+6"] {
            assert!(KernelVersion::parse(text).is_err(), "{text}");
        }
        for text in ["", ">", ">=", "=>6", "6,,7", "~6.1", "6.1 7", ">= x"] {
            assert!(VersionRange::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_recipe_says_agrees_with_the_source() {
        let check = |said, real, want| {
            let [said, real] = [said, real].map(|text| KernelVersion::parse(text).expect("a version"));
            assert_eq!(said.agrees(&real), want, "{said} for {real}");
        };
        check("6.12", "6.12.117", true);
        check("6.12.117", "6.12.117", true);
        check("6.12.0", "6.12", true);
        check("6.12.1", "6.12", false);
        check("6.1", "6.12", false);
        check("6.13", "6.13-rc1", true);
        check("6.13-rc1", "6.13.0-rc1", true);
        check("6.13-rc2", "6.13-rc1", false);
    }
}
