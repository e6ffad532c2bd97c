//! The toolchains that a recipe can name.

use std::fmt;

/// A toolchain, as `kernel.toolchain` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolchainName {
    /// GCC and binutils.
    Gcc,
    /// Clang, LLD and LLVM's tools.
    Llvm {
        /// The major version in the programs' names (`clang-14`); `None` for the plain names.
        version: Option<u32>,
    },
}

impl ToolchainName {
    /// Returns the toolchain that `name` means: `gcc`, `llvm`, `llvm-14`.
    pub fn parse(name: &str) -> Option<ToolchainName> {
        match name {
            "gcc" => Some(ToolchainName::Gcc),
            "llvm" => Some(ToolchainName::Llvm { version: None }),
            _ => {
                let version = name.strip_prefix("llvm-")?;
                let is_number = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
                let version = is_number.then(|| version.parse().ok()).flatten()?;
                Some(ToolchainName::Llvm { version: Some(version) })
            }
        }
    }
}

impl fmt::Display for ToolchainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToolchainName::Gcc => f.write_str("gcc"),
            ToolchainName::Llvm { version: None } => f.write_str("llvm"),
            ToolchainName::Llvm { version: Some(version) } => write!(f, "llvm-{version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_shown() {
        for name in ["gcc", "llvm", "llvm-14", "llvm-9"] {
            assert_eq!(ToolchainName::parse(name).expect(name).to_string(), name);
        }
        for name in ["", "clang", "GCC", "gcc-12", "llvm-", "llvm-+4", "llvm-014", "llvm-14.0", "llvm-99999999999"] {
            assert_eq!(ToolchainName::parse(name), None, "{name}");
        }
    }
}
